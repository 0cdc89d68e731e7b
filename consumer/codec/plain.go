package codec

import (
	"encoding/binary"
	"math/bits"
)

// This file holds the short ways through what most events are made of: names
// and strings of plain ASCII without escapes, whole numbers, no white space.
// What is not so plain they leave to the scanner, which reads it again.

// plainMembers reads members of an object for as long as each has a plain name
// (with a layout: the first name that is expected) and its value is a plain
// string, a whole number, or a list of plain strings. It gives the place where
// to go on, and never fails.
func (s *scanner) plainMembers(b []byte, p int, m *members) int {
	var edges []edge
	if m.layout != nil {
		edges = m.layout.first
	}
	slots := s.slots
	seen, place, count := m.seen, m.place, m.count // here, they stay in registers
members:
	for p >= 0 && p <= len(b)-inWords {
		var e *edge
		start := 0
		switch {
		case uint(place) < uint(len(edges)):
			e = &edges[place]
			if !e.leads(b[p : p+inWords : p+inWords]) {
				break members
			}
			start = p + int(e.length)
		case edges != nil || count == 0:
			break members
		default:
			if e, start = s.plainEdge(b, p, m); e == nil {
				break members
			}
		}
		number := e.number
		if seen>>(number&63)&1 != 0 && number < maxNumbers || start > len(b)-8 {
			break
		}

		k, end := kindString, start
		switch c := b[start]; {
		case c == '"':
			start++
			for end = start; ; end += 8 {
				if end > len(b)-8 {
					if end = plainTail(b, end); end < 0 {
						break members
					}
					break
				}
				w := binary.LittleEndian.Uint64(b[end : end+8 : end+8])
				if m := special(w); m != 0 {
					n := bits.TrailingZeros64(m) &^ 7
					if byte(w>>n) != '"' {
						break members
					}
					end += n >> 3
					break
				}
			}
			p = end + 1
		case c-'0' <= 9:
			if end = plainNumber(b, start); end < 0 {
				break members
			}
			k, p = kindNumber, end
		case c == '[' && e.list:
			if end = s.plainList(b, start, int(e.slot)); end < 0 {
				break members
			}
			k, p = kindArray, end
		default:
			break members
		}
		if slot := int(e.slot); k != kindArray && uint(slot) < uint(len(slots)) {
			slots[slot] = span{start: int32(start), end: int32(end), kind: k}
		}
		if number < maxNumbers {
			seen |= 1 << (number & 63)
		}
		place = placeNames + int(number)
		count++
	}
	m.seen, m.place, m.count = seen, place, count
	return p
}

// plainEdge reads a comma, a plain name and a colon without white space. It gives
// the edge of the name and the place of its value; nil where something else is
// there, near the end, and where the name was met before.
func (s *scanner) plainEdge(b []byte, p int, m *members) (e *edge, value int) {
	if p < 0 || p > len(b)-18 || b[p] != ',' || b[p+1] != '"' {
		return nil, 0
	}
	start, end := p+2, 0
	words := b[start : start+keyBytes : start+keyBytes]
	k := key{first: binary.LittleEndian.Uint64(words)}
	if m := special(k.first); m != 0 {
		n := bits.TrailingZeros64(m) &^ 7
		k.first &= 1<<n - 1
		end = start + n>>3
	} else {
		k.second = binary.LittleEndian.Uint64(words[8:])
		m := special(k.second)
		n := bits.TrailingZeros64(m) &^ 7 // 64 where there is none
		k.second &= 1<<n - 1
		end = start + 8 + n>>3
	}
	if end > len(b)-3 || b[end] != '"' || b[end+1] != ':' || b[end+2] <= ' ' {
		return s.longEdge(b, start, m)
	}
	k.length = end - start
	if table := m.node.table; len(table) > 0 {
		for hash := k.hash(); ; hash++ {
			at := &table[hash&uint32(len(table)-1)]
			if at.key == k {
				return at.edge, end + 2
			}
			if at.edge == nil {
				break
			}
		}
	}
	return s.unknownEdge(start, end, k.hash(), m), end + 2
}

// longEdge is plainEdge for a name of more bytes than a key has.
func (s *scanner) longEdge(b []byte, start int, m *members) (e *edge, value int) {
	end := plainText(b, start)
	if end < start+keyBytes || end > len(b)-3 || b[end+1] != ':' || b[end+2] <= ' ' {
		return nil, 0
	}
	k := keyOf(b, start, end)
	hash := k.hash()
	if e = m.node.find(b, start, k, hash); e == nil {
		e = s.unknownEdge(start, end, hash, m)
	}
	return e, end + 2
}

// unknownEdge is the edge of a name that the node does not know, or nil when it
// was met before.
func (s *scanner) unknownEdge(start, end int, hash uint32, m *members) *edge {
	if s.meet(&m.bag, name{start: int32(start), end: int32(end), hash: hash}) {
		return nil
	}
	m.met = start
	return &m.node.unknown
}

// plainItems reads elements of a list for as long as each is a plain string and
// another string follows; it gives the place of the next one. It never fails.
func (s *scanner) plainItems(b []byte, p int) int {
	for p >= 0 && p < len(b) && b[p] == '"' {
		end := plainText(b, p+1)
		if end < 0 || end >= len(b)-2 || b[end+1] != ',' || b[end+2] != '"' {
			break
		}
		s.items = append(s.items, span{start: int32(p + 1), end: int32(end), kind: kindString})
		p = end + 2
	}
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
// there is none. There are eight bytes at b[p].
func plainNumber(b []byte, p int) int {
	n := leadingDigits(binary.LittleEndian.Uint64(b[p : p+8 : p+8]))
	end := p + n
	for n == 8 && end < len(b) && b[end]-'0' <= 9 {
		end++
	}
	if end == p || end == len(b) || b[p] == '0' && end > p+1 || b[end] == '.' || b[end]|0x20 == 'e' {
		return -1
	}
	return end
}

// leadingDigits is how many bytes of w, from the lowest on, are digits.
func leadingDigits(w uint64) int {
	// A byte below the first that is none carries nothing into it.
	x := w ^ '0'*ones
	return bits.TrailingZeros64((x+0x76*ones|x)&highs) >> 3
}

// numberOf is the number that the lowest n bytes of w are the digits of, of at
// most eight.
func numberOf(w uint64, n int) uint64 {
	x := (w ^ '0'*ones) << (64 - 8*uint(n))
	// Neighbours are joined to numbers of two, four and eight digits.
	x = x*10 + x>>8
	x = (x&0x00ff00ff00ff00ff)*100 + x>>16&0x00ff00ff00ff00ff
	x = (x&0x0000ffff0000ffff)*10000 + x>>32&0x0000ffff0000ffff
	return x & 0xffffffff
}
