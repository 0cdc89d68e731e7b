package archive

import "bytes"

// limits of what is remembered of a file. Beyond them all is forgotten, and
// learned again.
type limits struct {
	names  int // of one place
	bytes  int // of their texts
	shapes int
}

func usualLimits() limits { return limits{names: 1 << 16, bytes: 8 << 20, shapes: 1 << 17} }

// names numbers the texts of one place, from 1; 0 is no text.
type names struct {
	codes map[string]uint32
	texts [][]byte
	bytes int

	lists  product // lists of texts: one with one text less, and that text
	digits []byte
}

func newNames() *names { return &names{codes: map[string]uint32{}} }

func (n *names) full(most *limits) bool {
	return len(n.texts) > most.names || len(n.lists.all) > most.names || n.bytes > most.bytes
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
		if c.int(row) == 0 {
			return n.code([]byte("false"))
		}
		return n.code([]byte("true"))
	}
	n.digits = c.number(n.digits[:0], row)
	return n.code(n.digits)
}

// Codes of lists that are not made of others; the number of one that is comes
// behind them.
const (
	noList = iota
	emptyList
	longerLists
)

// then is the code of a list with one more text.
func (n *names) then(list, text uint32) uint32 {
	if met := n.lists.met(list, text); met != 0 {
		return longerLists + met - 1
	}
	return longerLists + n.lists.of(pair{list, text})
}

// members appends the codes of the texts of a list, the last first.
func (n *names) members(to []uint32, list uint32) []uint32 {
	for list >= longerLists {
		step := n.lists.all[list-longerLists]
		to, list = append(to, step.y), step.x
	}
	return to
}
