package codec

import "encoding/binary"

// maxNumbers is how many names of one node have a number: the kids, all of them,
// then the names that the layout learns. Others are still read, and still held
// against each other.
const maxNumbers = 64

// maxEdge is how many bytes an edge has at most; longer ones are not learned.
const maxEdge = 64

// A layout is watched for some objects; when it missed more than so many of a
// hundred names, it forgets all and rests for some objects.
const (
	watched   = 64
	tolerated = 30
	rested    = 4096
)

// promoted is after how many times a second choice becomes the first.
const promoted = 16

// edge says what was seen to follow a name in an object: white space, comma,
// name and colon up to the next value, byte for byte.
//
// An edge is taken only where its bytes are there again. It then leads to the
// kid, the number and the place that reading the same bytes strictly led to
// when they were learned, and these follow from the bytes and the node alone.
// That is why a layout changes no answer.
type edge struct {
	words  [3]uint64 // the first bytes
	masks  [3]uint64 // which of them count
	rest   string    // the bytes beyond the words
	kid    *node     // nil: the value is not wanted
	slot   int16     // of the kid; -1: none
	list   bool      // the kid is a list, and nothing else is wanted of it
	number uint8     // of the name; maxNumbers: it has none
	length uint8     // 0: there is no such edge
	quote  uint8     // where the name begins
	used   uint8     // how often the second choice was right, up to promoted
}

// newEdge is an edge to a kid, nil for a name that the node does not know.
func newEdge(kid *node, number int) *edge {
	e := &edge{kid: kid, slot: -1, number: uint8(number)}
	if kid != nil {
		e.slot, e.list = int16(kid.slot), kid.list && len(kid.kids) == 0
	}
	return e
}

// inWords is how many bytes the words of an edge hold.
const inWords = 24

// Places in a layout: behind the opening brace, behind a name without a number,
// and behind the name of number i at placeNames + i.
const (
	placeStart = iota
	placeUnknown
	placeNames
)

// layout remembers in which order the names of one node's objects come: for
// each place the two edges that were seen last. It is empty to begin with.
type layout struct {
	first  []edge   // by place
	second []edge   // by place
	rests  []string // by number: the rest of an edge, to be used again
	names  []string // that the node does not know, by number less its kids
	hashes []uint32 // of the names
	kids   int

	objects, count, missed int // since the watch began
	resting                int // how many objects are still to be read without
}

// begin is the layout to read the next object of its node with, or nil.
func (l *layout) begin(n *node) *layout {
	if l.resting > 0 {
		l.resting--
		return nil
	}
	if l.first == nil {
		l.kids = len(n.kids)
		l.first, l.second = make([]edge, placeNames+l.kids), make([]edge, placeNames+l.kids)
		l.rests = make([]string, l.kids)
	}
	return l
}

// expected is the edge from a place that is there at b[p:], or nil.
func (l *layout) expected(place int, b []byte, p int) *edge {
	var words [inWords]byte
	copy(words[:], b[p:]) // no name has a zero byte in it: what lies behind the end is never taken for one
	if e := &l.first[place]; e.is(&words) && e.goesOn(b, p) {
		return e
	}
	e := &l.second[place]
	if !e.is(&words) || !e.goesOn(b, p) {
		return nil
	}
	if e.used++; e.used < promoted {
		return e
	}
	e.used = 0
	l.first[place], l.second[place] = l.second[place], l.first[place]
	return &l.first[place]
}

func (e *edge) is(words *[inWords]byte) bool {
	return (binary.LittleEndian.Uint64(words[0:])^e.words[0])&e.masks[0]|
		(binary.LittleEndian.Uint64(words[8:])^e.words[1])&e.masks[1]|
		(binary.LittleEndian.Uint64(words[16:])^e.words[2])&e.masks[2] == 0 && e.length > 0
}

// leads is is and goesOn for an edge of no more bytes than words has, which are
// of a text.
func (e *edge) leads(words []byte) bool {
	w := (*[inWords]byte)(words)
	if e.length-1 >= inWords || (binary.LittleEndian.Uint64(w[0:])^e.words[0])&e.masks[0] != 0 {
		return false
	}
	return e.length <= 8 || (binary.LittleEndian.Uint64(w[8:])^e.words[1])&e.masks[1]|
		(binary.LittleEndian.Uint64(w[16:])^e.words[2])&e.masks[2] == 0
}

func (e *edge) goesOn(b []byte, p int) bool {
	return e.length <= inWords || p+int(e.length) <= len(b) && string(b[p+inWords:p+int(e.length)]) == e.rest
}

// number is the number of a name that the node does not know; maxNumbers when
// it has none and there is none left.
func (l *layout) number(text []byte, h uint32) int {
	for i, known := range l.hashes {
		if known == h && l.names[i] == string(text) {
			return l.kids + i
		}
	}
	number := l.kids + len(l.names)
	if number >= maxNumbers {
		return maxNumbers
	}
	l.names = append(l.names, string(text))
	l.hashes = append(l.hashes, h)
	if len(l.rests) <= number {
		l.rests = append(l.rests, "")
		l.first, l.second = append(l.first, edge{}), append(l.second, edge{})
	}
	return number
}

// learn remembers that the name of a number follows a place in these words,
// and gives the place behind it. Words that are no plain spelling of the name
// (escaped) are not remembered.
func (l *layout) learn(place, number int, kid *node, words []byte, quote int, plain bool) int {
	if number >= maxNumbers {
		return placeUnknown
	}
	if !plain || place == placeUnknown || len(words) > maxEdge {
		return placeNames + number
	}
	e := &l.first[place]
	if e.length > 0 {
		e = &l.second[place]
	}
	*e = *newEdge(kid, number)
	e.length, e.quote = uint8(len(words)), uint8(quote)
	for i, c := range words[:min(len(words), inWords)] {
		e.words[i/8] |= uint64(c) << (i % 8 * 8)
		e.masks[i/8] |= 0xff << (i % 8 * 8)
	}
	if len(words) > inWords {
		if rest := words[inWords:]; l.rests[number] != string(rest) {
			l.rests[number] = string(rest)
		}
		e.rest = l.rests[number]
	}
	return placeNames + number
}

// end takes what became of one object that was read with the layout.
func (l *layout) end(count, missed int) {
	l.objects++
	l.count += count
	l.missed += missed
	if l.objects < watched {
		return
	}
	if l.missed*100 > l.count*tolerated {
		clear(l.first)
		clear(l.second)
		l.names, l.hashes = l.names[:0], l.hashes[:0]
		l.resting = rested
	}
	l.objects, l.count, l.missed = 0, 0, 0
}
