package archive

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go/format"
)

// plainDictionary is what old writers call the encodings of dictionaries and of
// indexes into them.
const plainDictionary format.Encoding = 2

// column reads one column of a row group, page by page. What it gives of the
// current page is row by row.
type column struct {
	pages
	leaf *leaf
	kind placeKind

	rows, row int // of the page; row is the next one
	decoded   bool

	dictionary pageHeader
	dictAt     int64
	dict       dictionary

	present  []byte   // by row, 0: there is nothing; nil: there is something in each
	ids      []uint32 // in the dictionary, by row; nil: the page has none of its values there
	base     []byte   // of texts
	stride   int      // of texts that are as long as each other, one behind the other; 0: see pos
	pos      []uint32 // of a text in base, by row
	length   []uint32
	ints     []int64
	words    []byte // instead of ints: eight bytes a row, as they lie in the page
	negative bool   // one of the numbers is, of those with a sign

	codes   []uint32 // of a column of a shape, see code
	front   []byte
	marks   []byte // what present is made in
	scratch []int64
	levels  []uint32
}

// dictionary holds the values that the pages of a column chunk share.
type dictionary struct {
	there  bool
	base   []byte
	pos    []uint32
	length []uint32
	ints   []int64
	codes  []uint32 // of the values; nil: not asked for yet
}

func (d *dictionary) size(text bool) int {
	if text {
		return len(d.pos)
	}
	return len(d.ints)
}

// start begins with the column chunk of a row group.
func (c *column) start(r io.ReaderAt, l *leaf, kind placeKind, k chunk) {
	c.pages.begin(r, k)
	c.leaf, c.kind = l, kind
	c.rows, c.row, c.decoded, c.dictAt = 0, 0, false, 0
	c.dict.there, c.dict.codes = false, nil
}

func (c *column) fail(err error) error {
	return fmt.Errorf("column %s: %w", c.leaf.name(), err)
}

// page moves on to the next page, if the current one has no rows left.
func (c *column) page() error {
	for c.row == c.rows {
		ok, err := c.next()
		if err == nil && !ok {
			err = fmt.Errorf("%w: the column has fewer rows than the file says", errPage)
		}
		if err != nil {
			return c.fail(err)
		}
		if c.header.kind == dictionaryPage {
			c.dictionary, c.dictAt = c.header, c.body
			continue
		}
		c.rows, c.row, c.decoded = int(c.header.values), 0, false
	}
	return nil
}

// isText reports whether the values are texts, and not numbers or booleans.
func (c *column) isText() bool { return c.leaf.physical == format.ByteArray }

// decode decodes the current page, if that was not done.
func (c *column) decode() error {
	if c.decoded {
		return nil
	}
	if err := c.decodePage(); err != nil {
		return c.fail(err)
	}
	c.decoded = true
	return nil
}

func (c *column) decodePage() error {
	header := c.header
	l, err := c.pages.read(0, c.leaf.maxDef)
	if err != nil {
		return err
	}
	n := c.rows
	if c.present, err = c.presence(l.def, n); err != nil {
		return err
	}
	there := n
	if c.present != nil {
		there = 0
		for _, p := range c.present {
			there += int(p)
		}
	}
	if err := c.decodeValues(header.encoding, l.values, there); err != nil {
		return err
	}
	if !c.isText() {
		all := int64(anyWord(c.words))
		for _, v := range c.ints {
			all |= v
		}
		c.negative = all < 0
	}
	if c.present == nil {
		return nil
	}
	switch {
	case c.ids != nil:
		c.ids = spread(c.ids, c.present)
	case c.isText():
		c.pos, c.length = spread(c.pos, c.present), spread(c.length, c.present)
	default:
		if c.words != nil {
			c.ints, _ = plainInts(c.ints, c.words, there, 8, false)
			c.words = nil
		}
		c.ints = spread(c.ints, c.present)
	}
	return nil
}

// int is the number of a row of the current page, 0 where there is none.
func (c *column) int(row int) int64 {
	if c.words != nil {
		return int64(binary.LittleEndian.Uint64(c.words[8*row:]))
	}
	return c.ints[row]
}

// spread moves values to the rows where there are some.
func spread[T uint32 | int64](dense []T, present []byte) []T {
	from := len(dense)
	if cap(dense) < len(present) {
		dense = append(make([]T, 0, len(present)), dense...)
	}
	dense = dense[:len(present)]
	for i := len(present) - 1; i >= 0; i-- {
		if present[i] == 0 {
			dense[i] = 0
			continue
		}
		from--
		dense[i] = dense[from]
	}
	return dense
}

// presence tells the rows with a value by their definition levels.
func (c *column) presence(def []byte, n int) ([]byte, error) {
	if c.leaf.maxDef == 0 {
		return nil, nil
	}
	width := levelWidth(c.leaf.maxDef)
	if head, k := binary.Uvarint(def); k > 0 && head&1 == 0 && head>>1 >= uint64(n) && len(def) > k && int(def[k]) == c.leaf.maxDef {
		return nil, nil // one run
	}
	var err error
	if c.levels, err = hybrid(c.levels, def, n, width); err != nil {
		return nil, err
	}
	present := resize(c.marks, n)
	c.marks = present
	for i, level := range c.levels {
		present[i] = 0
		if int(level) == c.leaf.maxDef {
			present[i] = 1
		} else if int(level) > c.leaf.maxDef {
			return nil, errValues
		}
	}
	return present, nil
}

// decodeValues decodes the n values of a page.
func (c *column) decodeValues(encoding int64, src []byte, n int) (err error) {
	ids := c.ids
	c.ids, c.words, c.ints, c.stride = nil, nil, c.ints[:0], 0
	e := format.Encoding(encoding)
	switch {
	case e == plainDictionary || e == format.RLEDictionary:
		if err := c.needDictionary(); err != nil {
			return err
		}
		width := 0
		if len(src) > 0 {
			width, src = int(src[0]), src[1:]
		}
		if ids, err = hybrid(ids, src, n, width); err != nil {
			return err
		}
		if size := c.dict.size(c.isText()); n > 0 && !allBelow(ids, size) {
			return errValues
		}
		if ids == nil {
			ids = []uint32{}
		}
		c.ids = ids
		if !c.isText() {
			c.ints = resize(c.ints, n)
			for i, id := range ids {
				c.ints[i] = c.dict.ints[id]
			}
			c.ids = nil
		}
		return nil
	case e == format.Plain:
		return c.plain(src, n)
	case e == format.RLE && c.leaf.physical == format.Boolean:
		if len(src) < 4 {
			return errValues
		}
		if c.levels, err = hybrid(c.levels, src[4:], n, 1); err != nil {
			return err
		}
		c.ints = resize(c.ints, n)
		for i, b := range c.levels {
			c.ints[i] = int64(b)
		}
		return nil
	case e == format.DeltaBinaryPacked && (c.leaf.physical == format.Int32 || c.leaf.physical == format.Int64):
		if c.ints, _, err = deltas(c.ints, src, n, n); err != nil {
			return err
		}
		if c.leaf.physical == format.Int32 {
			for i, v := range c.ints { // sums wrap around as the type does
				if c.ints[i] = int64(int32(v)); c.leaf.unsigned {
					c.ints[i] = int64(uint32(v))
				}
			}
		}
		return nil
	case e == format.DeltaLengthByteArray && c.isText():
		c.base = src
		if size, at, same := sameDeltas(src, n); same && c.present == nil && size > 0 && size <= int64(len(src)-at)/int64(n) {
			c.base, c.stride = src[at:], int(size)
			return nil
		}
		c.pos, c.length, c.scratch, err = deltaTexts(c.pos, c.length, c.scratch, src, n, 0)
		return err
	case e == format.DeltaByteArray && c.isText():
		c.front, c.pos, c.length, err = frontCoded(c.front[:0], c.pos, c.length, src, n, pageMost)
		c.base = c.front
		return err
	}
	return fmt.Errorf("its values are encoded as %s, which is not read: write it plain or with a dictionary", e)
}

// allBelow reports whether all numbers are less than most.
func allBelow(numbers []uint32, most int) bool {
	return int(anyOf(numbers)) < most || int(slices.Max(numbers)) < most
}

func (c *column) plain(src []byte, n int) (err error) {
	switch c.leaf.physical {
	case format.ByteArray:
		c.base = src
		c.pos, c.length, err = plainTexts(c.pos, c.length, src, n, 0)
	case format.Int64:
		if len(src)/8 < n {
			return errValues
		}
		c.words = src[: 8*n : 8*n]
	case format.Int32:
		c.ints, err = plainInts(c.ints, src, n, 4, c.leaf.unsigned)
	case format.Boolean:
		if len(src)*8 < n {
			return errValues
		}
		c.ints = resize(c.ints, n)
		for i := range c.ints {
			c.ints[i] = int64(src[i>>3] >> (i & 7) & 1)
		}
	}
	return err
}

// needDictionary reads the dictionary of the column chunk. It leaves the page that
// is being decoded alone.
func (c *column) needDictionary() error {
	if c.dict.there {
		return nil
	}
	if c.dictAt == 0 {
		return fmt.Errorf("%w: it has no dictionary", errPage)
	}
	side := pages{r: c.r, chunk: c.chunk, header: c.dictionary, body: c.dictAt, inflater: c.inflater}
	l, err := side.read(0, 0)
	if err != nil {
		return err
	}
	d := &c.dict
	n := int(c.dictionary.values)
	if e := format.Encoding(c.dictionary.encoding); e != format.Plain && e != plainDictionary {
		return errPage
	}
	d.base = l.values
	switch c.leaf.physical {
	case format.ByteArray:
		d.pos, d.length, err = plainTexts(d.pos, d.length, l.values, n, 0)
	case format.Int64:
		d.ints, err = plainInts(d.ints, l.values, n, 8, false)
	case format.Int32:
		d.ints, err = plainInts(d.ints, l.values, n, 4, c.leaf.unsigned)
	default:
		err = errPage
	}
	d.there = err == nil
	return err
}

// text is the text of a row of the current page, nil where there is none.
func (c *column) text(row int) []byte {
	if c.present != nil && c.present[row] == 0 {
		return nil
	}
	if c.ids != nil {
		id := c.ids[row]
		at := c.dict.pos[id]
		return c.dict.base[at : at+c.dict.length[id]]
	}
	if c.stride > 0 {
		return c.base[row*c.stride : (row+1)*c.stride]
	}
	at := c.pos[row]
	return c.base[at : at+c.length[row]]
}

// number appends the number of a row as text.
func (c *column) number(to []byte, row int) []byte {
	if c.leaf.unsigned {
		return strconv.AppendUint(to, uint64(c.int(row)), 10)
	}
	return strconv.AppendInt(to, c.int(row), 10)
}

// here reports whether there is something in a row of the current page.
func (c *column) here(row int) bool { return c.present == nil || c.present[row] != 0 }

// code gives n rows from one on the codes of their values among names, valid until
// the next call.
func (c *column) code(names *names, from, n int) []uint32 {
	c.codes = resize(c.codes, n)
	codes := c.codes
	if c.ids == nil {
		for i := range codes {
			row := from + i
			switch {
			case !c.here(row):
				codes[i] = 0
			case c.isText():
				codes[i] = names.code(c.text(row))
			default:
				codes[i] = names.number(c, row)
			}
		}
		return codes
	}
	c.codeDictionary(names)
	dict := c.dict.codes
	for i, id := range c.ids[from : from+n] {
		if int(id) < len(dict) { // an empty dictionary has no value for rows without one
			codes[i] = dict[id]
		}
	}
	if c.present != nil {
		for i, p := range c.present[from : from+n] {
			if p == 0 {
				codes[i] = 0
			}
		}
	}
	return codes
}

// codeDictionary gives every text of the dictionary its code.
func (c *column) codeDictionary(names *names) {
	if c.dict.codes != nil {
		return
	}
	c.dict.codes = make([]uint32, len(c.dict.pos))
	for i, at := range c.dict.pos {
		c.dict.codes[i] = names.code(c.dict.base[at : at+c.dict.length[i]])
	}
}

// forget makes the column ask for codes again.
func (c *column) forget() { c.dict.codes = nil }
