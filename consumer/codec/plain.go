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
members:
	for p >= 0 && p <= len(b)-inWords {
		var e *edge
		start := 0
		switch {
		case uint(m.place) < uint(len(edges)):
			e = &edges[m.place]
			if !e.is((*[inWords]byte)(b[p:p+inWords:p+inWords])) || e.length > inWords {
				break members
			}
			start = p + int(e.length)
		case edges != nil || m.count == 0:
			break members
		default:
			if e, start = s.plainEdge(b, p, m); e == nil {
				break members
			}
		}
		if m.seen>>e.number&1 != 0 || start > len(b)-8 {
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
		if slot := int(e.slot); k != kindArray && uint(slot) < uint(len(s.slots)) {
			s.slots[slot] = span{start: int32(start), end: int32(end), kind: k}
		}
		m.seen |= 1 << e.number
		m.place = placeNames + int(e.number)
		m.count++
	}
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
