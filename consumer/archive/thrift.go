package archive

import (
	"errors"
	"fmt"
)

var errThrift = errors.New("its description of itself is damaged")

// Types of Thrift's compact protocol.
const (
	thriftStop   = 0
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

// thriftDepth is how deep structures of Parquet may be nested.
const thriftDepth = 16

// compact reads Thrift's compact protocol. It trusts no length. After a fault all
// that it reads is zero.
type compact struct {
	b   []byte
	p   int
	bad bool
}

func (c *compact) fail() { c.bad, c.p = true, len(c.b) }

func (c *compact) byte() byte {
	if c.p >= len(c.b) {
		c.fail()
		return 0
	}
	c.p++
	return c.b[c.p-1]
}

func (c *compact) uvarint() uint64 {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		b := c.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	c.fail()
	return 0
}

func (c *compact) varint() int64 {
	v := c.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// field is the next field of a structure after the one with id last.
func (c *compact) field(last int16) (typ byte, id int16) {
	b := c.byte()
	if typ = b & 15; typ == thriftStop {
		return thriftStop, 0
	}
	if delta := int16(b >> 4); delta != 0 {
		return typ, last + delta
	}
	return typ, int16(c.varint())
}

// list is the type and the number of the elements of a list, each of which takes
// at least so many bytes.
func (c *compact) list(least int) (typ byte, n int) {
	b := c.byte()
	size := uint64(b >> 4)
	if size == 15 {
		size = c.uvarint()
	}
	if size > uint64(len(c.b)-c.p)/uint64(least) {
		c.fail()
		return 0, 0
	}
	return b & 15, int(size)
}

// skip passes over a value.
func (c *compact) skip(typ byte, depth int) {
	if depth > thriftDepth {
		c.fail()
		return
	}
	switch typ {
	case thriftTrue, thriftFalse: // of a field: the type is the value
	case thriftByte:
		c.byte()
	case 4, 5, 6:
		c.uvarint()
	case thriftDouble:
		c.pass(8)
	case thriftBinary:
		c.pass(c.uvarint())
	case thriftList, thriftSet:
		of, n := c.list(1)
		for i := 0; i < n && !c.bad; i++ {
			c.element(of, depth+1)
		}
	case thriftMap:
		n := c.uvarint()
		if n == 0 {
			return
		}
		if n > uint64(len(c.b)-c.p) {
			c.fail()
			return
		}
		kinds := c.byte()
		for i := uint64(0); i < n && !c.bad; i++ {
			c.element(kinds>>4, depth+1)
			c.element(kinds&15, depth+1)
		}
	case thriftStruct:
		for typ, id := c.field(0); typ != thriftStop && !c.bad; typ, id = c.field(id) {
			c.skip(typ, depth+1)
		}
	default:
		c.fail()
	}
}

func (c *compact) element(typ byte, depth int) {
	if typ == thriftTrue || typ == thriftFalse {
		c.byte()
		return
	}
	c.skip(typ, depth)
}

func (c *compact) pass(n uint64) {
	if n > uint64(len(c.b)-c.p) {
		c.fail()
		return
	}
	c.p += int(n)
}

// checkFooter looks at the description of a Parquet file before a library, which
// allocates what lengths say, reads it. It gives its length.
//
// Row groups, columns and elements of the schema take so many bytes at least, as
// their required fields do, so that what is allocated for them is bounded by what
// is there.
func checkFooter(b []byte) (int, error) {
	c := &compact{b: b}
	for typ, id := c.field(0); typ != thriftStop && !c.bad; typ, id = c.field(id) {
		switch {
		case typ == thriftList && id == 2: // schema
			c.structs(4, c.skipStruct)
		case typ == thriftList && id == 4: // row groups
			c.structs(8, func() {
				for typ, id := c.field(0); typ != thriftStop && !c.bad; typ, id = c.field(id) {
					if typ == thriftList && id == 1 { // columns
						c.structs(16, c.skipStruct)
					} else {
						c.skip(typ, 3)
					}
				}
			})
		default:
			c.skip(typ, 1)
		}
	}
	if c.bad {
		return 0, fmt.Errorf("%w", errThrift)
	}
	return c.p, nil
}

func (c *compact) skipStruct() { c.skip(thriftStruct, 4) }

// structs passes over a list of structures.
func (c *compact) structs(least int, one func()) {
	typ, n := c.list(least)
	if n > 0 && typ != thriftStruct {
		c.fail()
	}
	for i := 0; i < n && !c.bad; i++ {
		at := c.p
		if one(); c.p-at < least && !c.bad {
			c.fail()
		}
	}
}

// pageHeader is what stands before a page.
type pageHeader struct {
	kind         int64 // a pageKind
	inflated     int64
	stored       int64
	values       int64
	encoding     int64
	nulls        int64 // of v2
	rows         int64 // of v2; -1: not said
	defBytes     int64 // of v2
	repBytes     int64 // of v2
	uncompressed bool  // of v2
	crc          int64
	hasCRC       bool
	bytes        int // of the header itself
}

// Kinds of pages.
const (
	dataPage       = 0
	indexPage      = 1
	dictionaryPage = 2
	dataPageV2     = 3
)

// readPageHeader reads the header at the beginning of b; short says that b ends
// within it.
func readPageHeader(b []byte) (h pageHeader, ok bool) {
	c := &compact{b: b}
	h.rows, h.kind = -1, -1
	for typ, id := c.field(0); typ != thriftStop && !c.bad; typ, id = c.field(id) {
		number := typ == 5
		switch {
		case id == 1 && number:
			h.kind = c.varint()
		case id == 2 && number:
			h.inflated = c.varint()
		case id == 3 && number:
			h.stored = c.varint()
		case id == 4 && number:
			h.crc, h.hasCRC = c.varint(), true
		case (id == 5 || id == 7 || id == 8) && typ == thriftStruct:
			h.readDetails(c, id == 8)
		default:
			c.skip(typ, 1)
		}
	}
	h.bytes = c.p
	return h, !c.bad
}

// readDetails reads what pages of a kind have: the fields of dictionary pages and
// of data pages begin alike.
func (h *pageHeader) readDetails(c *compact, v2 bool) {
	for typ, id := c.field(0); typ != thriftStop && !c.bad; typ, id = c.field(id) {
		number := typ == 5
		switch {
		case id == 1 && number:
			h.values = c.varint()
		case id == 2 && number && !v2:
			h.encoding = c.varint()
		case id == 2 && number:
			h.nulls = c.varint()
		case id == 3 && number && v2:
			h.rows = c.varint()
		case id == 4 && number && v2:
			h.encoding = c.varint()
		case id == 5 && number && v2:
			h.defBytes = c.varint()
		case id == 6 && number && v2:
			h.repBytes = c.varint()
		case id == 7 && v2 && (typ == thriftTrue || typ == thriftFalse):
			h.uncompressed = typ == thriftFalse
		default:
			c.skip(typ, 2)
		}
	}
}
