package archive

import "bytes"

// Limits of what is remembered of a file. Beyond them all is forgotten, and
// learned again.
const (
	namesMost  = 1 << 16
	nameBytes  = 8 << 20
	shapesMost = 1 << 17
)

// names numbers the texts of one place, from 1; 0 is no text.
type names struct {
	codes map[string]uint32
	texts [][]byte
	bytes int

	sets    map[string]uint32 // of codes, each four bytes
	members [][]uint32
	key     []byte
	digits  []byte
}

func newNames() *names {
	return &names{codes: map[string]uint32{}, sets: map[string]uint32{}}
}

func (n *names) full() bool {
	return len(n.texts) > namesMost || len(n.members) > namesMost || n.bytes > nameBytes
}

// code is the number of a text. An empty text is none.
func (n *names) code(text []byte) uint32 {
	if len(text) == 0 {
		return 0
	}
	if c, ok := n.codes[string(text)]; ok {
		return c
	}
	own := bytes.Clone(text)
	n.texts = append(n.texts, own)
	n.bytes += len(own) + 64
	c := uint32(len(n.texts))
	n.codes[string(own)] = c
	return c
}

func (n *names) text(code uint32) []byte {
	if code == 0 {
		return nil
	}
	return n.texts[code-1]
}

// number is the number of the text of a number or boolean.
func (n *names) number(c *column, row int) uint32 {
	if c.kind == booleans {
		if c.ints[row] == 0 {
			return n.code([]byte("false"))
		}
		return n.code([]byte("true"))
	}
	n.digits = c.number(n.digits[:0], row)
	return n.code(n.digits)
}

// set is the number of a list of texts, given their codes; an empty one is 0.
func (n *names) set(codes []uint32) uint32 {
	if len(codes) == 0 {
		return 0
	}
	n.key = n.key[:0]
	for _, c := range codes {
		n.key = append(n.key, byte(c), byte(c>>8), byte(c>>16), byte(c>>24))
	}
	if s, ok := n.sets[string(n.key)]; ok {
		return s
	}
	n.members = append(n.members, append([]uint32(nil), codes...))
	n.bytes += 8*len(codes) + 96
	s := uint32(len(n.members))
	n.sets[string(n.key)] = s
	return s
}
