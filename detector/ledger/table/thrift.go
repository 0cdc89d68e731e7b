package table

import (
	"encoding/binary"
	"errors"
)

// errStruct is what is wrong with a structure in Thrift's compact protocol that
// does not end, or names more than there is.
var errStruct = errors.New("a structure of the file does not hold together")

// maxNesting is far above the depth of anything in a Parquet file.
const maxNesting = 16

// structLength is the length of the structure that b begins with, in Thrift's
// compact protocol. It walks all of it, so that a decoder that asks for memory by
// the lengths that it reads asks for no more than in proportion to b.
func structLength(b []byte) (int, error) {
	w := walker{b: b}
	w.structure(0)
	if w.bad {
		return 0, errStruct
	}
	return len(b) - len(w.b), nil
}

// walker passes over values; after the first failure bad is set, and b is empty.
type walker struct {
	b   []byte
	bad bool
}

func (w *walker) fail() { w.b, w.bad = nil, true }

func (w *walker) skip(n uint64) {
	if n > uint64(len(w.b)) {
		w.fail()
		return
	}
	w.b = w.b[n:]
}

func (w *walker) byte() byte {
	if len(w.b) == 0 {
		w.fail()
		return 0
	}
	v := w.b[0]
	w.b = w.b[1:]
	return v
}

func (w *walker) number() uint64 {
	v, n := binary.Uvarint(w.b)
	if n <= 0 {
		w.fail()
		return 0
	}
	w.b = w.b[n:]
	return v
}

func (w *walker) structure(depth int) {
	if depth > maxNesting {
		w.fail()
	}
	for !w.bad {
		head := w.byte()
		if head == 0 {
			return
		}
		if head>>4 == 0 {
			w.number() // the field's number
		}
		if kind := head & 15; kind > 2 { // a truth is in its kind
			w.value(kind, depth)
		}
	}
}

func (w *walker) value(kind byte, depth int) {
	switch kind {
	case 1, 2, 3: // truths in a list, bytes
		w.skip(1)
	case 4, 5, 6: // integers
		w.number()
	case 7: // a floating-point number
		w.skip(8)
	case 8: // bytes
		w.skip(w.number())
	case 9, 10: // a list, a set
		head := w.byte()
		n := uint64(head >> 4)
		if n == 15 {
			n = w.number()
		}
		w.values(n, depth, head&15)
	case 11: // a map
		if n := w.number(); n > 0 {
			kinds := w.byte()
			w.values(n, depth, kinds>>4, kinds&15)
		}
	case 12:
		w.structure(depth + 1)
	default:
		w.fail()
	}
}

// values passes over n times one value of each kind, every one of which takes a
// byte at least.
func (w *walker) values(n uint64, depth int, kinds ...byte) {
	if n > uint64(len(w.b)) || depth > maxNesting {
		w.fail()
	}
	for range n {
		for _, kind := range kinds {
			if w.bad {
				return
			}
			w.value(kind, depth+1)
		}
	}
}
