package codec

import (
	"encoding/binary"
	"math/bits"
)

// maxNumbers is how many names of one node have a number: the kids first, then
// the names that the layout learns. Others are still read, and still held
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
	number uint8     // of the name
	length uint8     // 0: there is no such edge
	quote  uint8     // where the name begins
	used   uint8     // how often the second choice was right, up to promoted
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
		places := min(l.kids, maxNumbers)
		l.first, l.second = make([]edge, placeNames+places), make([]edge, placeNames+places)
		l.rests = make([]string, places)
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

func (e *edge) goesOn(b []byte, p int) bool {
	return e.length <= inWords || p+int(e.length) <= len(b) && string(b[p+inWords:p+int(e.length)]) == e.rest
}

// follow reads members of an object for as long as each is the first that is
// expected and its value is a plain string, a whole number, or a list of plain
// strings; it gives the place where to go on. It never fails: what it does not
// understand is left.
func (s *scanner) follow(b []byte, p int, m *members) int {
	edges, slots := m.layout.first, s.slots
	place, seen, count := m.place, m.seen, m.count
follow:
	for p >= 0 && p <= len(b)-inWords && uint(place) < uint(len(edges)) {
		e := &edges[place]
		if !e.is((*[inWords]byte)(b[p : p+inWords : p+inWords])) {
			break
		}
		bit := uint64(1) << (e.number & 63)
		start := p + int(e.length)
		if e.length > inWords || seen&bit != 0 || start > len(b)-8 {
			break
		}
		k, end := kindString, start
		switch c := b[start]; {
		case c == '"':
			start++
			for end = start; ; end += 8 {
				if end > len(b)-8 {
					if end = plainTail(b, end); end < 0 {
						break follow
					}
					break
				}
				w := binary.LittleEndian.Uint64(b[end : end+8 : end+8])
				if m := special(w); m != 0 {
					n := bits.TrailingZeros64(m) &^ 7
					if byte(w>>n) != '"' {
						break follow
					}
					end += n >> 3
					break
				}
			}
			p = end + 1
		case c-'0' <= 9:
			if end = plainNumber(b, start); end < 0 {
				break follow
			}
			k, p = kindNumber, end
		case c == '[' && e.list:
			if end = s.plainList(b, start, int(e.slot)); end < 0 {
				break follow
			}
			k, p = kindArray, end
		default:
			break follow
		}
		if slot := int(e.slot); k != kindArray && uint(slot) < uint(len(slots)) {
			slots[slot] = span{start: int32(start), end: int32(end), kind: k}
		}
		seen |= bit
		place = placeNames + int(e.number)
		count++
	}
	m.place, m.seen, m.count = place, seen, count
	return p
}

// plainText is the place of the quote that ends a string, or -1 where it is not
// plain ASCII without escapes, or near the end.
func plainText(b []byte, p int) int {
	for ; p >= 0 && p <= len(b)-8; p += 8 {
		w := binary.LittleEndian.Uint64(b[p : p+8 : p+8])
		if m := special(w); m != 0 {
			n := bits.TrailingZeros64(m) &^ 7
			if byte(w>>n) == '"' {
				return p + n>>3
			}
			break
		}
	}
	return -1
}

// plainTail is plainText for the last bytes.
func plainTail(b []byte, p int) int {
	for ; p >= 0 && p < len(b); p++ {
		if c := b[p]; c == '"' {
			return p
		} else if c < 0x20 || c >= 0x80 || c == '\\' {
			break
		}
	}
	return -1
}

// plainList reads the list at b[p] into a slot where all its elements are plain
// strings without white space around them; it gives the place behind it, or -1.
func (s *scanner) plainList(b []byte, p, slot int) int {
	start, first := p, len(s.items)
	p = s.plainItems(b, p+1)
	if p >= 0 && p < len(b)-1 && b[p] == '"' {
		if end := plainText(b, p+1); end > 0 && end < len(b)-1 && b[end+1] == ']' {
			s.items = append(s.items, span{start: int32(p + 1), end: int32(end), kind: kindString}, span{kind: kindEnd})
			s.slots[slot] = span{start: int32(start), end: int32(end + 2), first: int32(first), kind: kindArray}
			return end + 2
		}
	}
	s.items = s.items[:first]
	return -1
}

// plainNumber is the place behind a whole number without sign, or -1 where
// there is none.
func plainNumber(b []byte, p int) int {
	end := p
	for end < len(b) && b[end]-'0' <= 9 {
		end++
	}
	if end == p || end == len(b) || b[p] == '0' && end > p+1 || b[end] == '.' || b[end]|0x20 == 'e' {
		return -1
	}
	return end
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
	*e = edge{kid: kid, slot: -1, number: uint8(number), length: uint8(len(words)), quote: uint8(quote)}
	if kid != nil {
		e.slot, e.list = int16(kid.slot), kid.list && len(kid.kids) == 0
	}
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
