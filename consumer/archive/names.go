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

	lists  []item   // lists of texts by their codes
	steps  []uint32 // code of a list, by hash of what it is made of
	digits []byte
}

// item makes a list of another one and one more text.
type item struct {
	before uint32 // code of a list
	text   uint32
}

func newNames() *names {
	return &names{codes: map[string]uint32{}, lists: make([]item, emptyList), steps: make([]uint32, 64)}
}

func (n *names) full(most *limits) bool {
	return len(n.texts) > most.names || len(n.lists) > most.names || n.bytes > most.bytes
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

// Codes of lists that are not made of others.
const (
	noList    = 0
	emptyList = 1
)

// then is the code of a list with one more text.
func (n *names) then(list, text uint32) uint32 {
	want := item{list, text}
	for at := want.hash(); ; at++ {
		step := &n.steps[at&uint32(len(n.steps)-1)]
		if *step == 0 {
			n.lists = append(n.lists, want)
			code := uint32(len(n.lists))
			if *step = code; 2*len(n.lists) > len(n.steps) {
				n.growSteps()
			}
			return code
		}
		if n.lists[*step-1] == want {
			return *step
		}
	}
}

func (i item) hash() uint32 {
	h := (uint64(i.before)<<32 | uint64(i.text)) * 0x9e3779b97f4a7c15
	return uint32(h >> 32)
}

func (n *names) growSteps() {
	n.steps = make([]uint32, 4*len(n.steps))
	for i := emptyList; i < len(n.lists); i++ {
		at := n.lists[i].hash()
		for n.steps[at&uint32(len(n.steps)-1)] != 0 {
			at++
		}
		n.steps[at&uint32(len(n.steps)-1)] = uint32(i + 1)
	}
}

// members appends the codes of the texts of a list, the last first.
func (n *names) members(to []uint32, list uint32) []uint32 {
	for ; list > emptyList; list = n.lists[list-1].before {
		to = append(to, n.lists[list-1].text)
	}
	return to
}
