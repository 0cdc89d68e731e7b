package codec

import (
	"sunsetwatch/rules/access"
)

// maxDepth is how deep objects and arrays may be nested in a value.
const maxDepth = 64

// kind is the type of a value that was found.
type kind uint8

const (
	kindAbsent kind = iota
	kindNull
	kindString
	kindEscaped // a string with escapes in it
	kindNumber
	kindTrue
	kindFalse
	kindArray
	kindObject
	kindEnd // ends the elements of an array
)

// span is a value that was found: of strings, what is between the quotes.
type span struct {
	start, end int32 // in the buffer
	first      int32 // kindArray of a list: index of its first element in scanner.items
	kind       kind
}

// The faults that several places report.
const (
	whyEnd       = "it ends in the middle"
	whyTwice     = "given twice"
	whyNameTwice = "a name is given twice in one object"
)

// scanner reads one JSON text strictly and leaves what it finds at the nodes of
// a mapping in the slots. Its methods take the place to read from and give the
// place behind, or -1 when they have called fail.
type scanner struct {
	buf   []byte
	slots []span
	items []span // the elements of lists, each list ended by kindEnd
	arena []byte // text without its escapes
	names names

	layouts []layout // by node; nil: nothing is learned
	lax     bool     // do not look for duplicate names

	reason access.Reason // of the first fault
	why    string
	field  string // native name of the field meant, or empty
	at     int
}

func (s *scanner) fail(reason access.Reason, at int, why string) int {
	s.reason, s.at, s.why, s.field = reason, at, why, ""
	return -1
}

// scan reads the whole of s.buf as one object of node n.
func (s *scanner) scan(n *node) bool {
	b := s.buf
	p := space(b, 0)
	if p >= len(b) || b[p] != '{' {
		s.fail(access.Syntax, p, "a JSON object is expected")
		return false
	}
	if p = s.object(b, p+1, n, 1); p < 0 {
		return false
	}
	if p = space(b, p); p < len(b) {
		s.fail(access.Syntax, p, "something follows the object")
		return false
	}
	return true
}

// value reads any value; n is nil where nothing of it is wanted. depth is that
// of the object or array around it.
func (s *scanner) value(b []byte, p int, n *node, depth int) int {
	if p >= len(b) {
		return s.fail(access.Syntax, p, whyEnd)
	}
	start := p
	var k kind
	switch c := b[p]; c {
	case '"':
		start++
		var end int
		if end, k = s.text(b, start); end < 0 {
			return -1
		}
		s.found(n, start, end, k)
		return end + 1
	case '{', '[':
		if depth >= maxDepth {
			return s.fail(access.TooDeep, p, "objects and arrays are nested more than 64 deep")
		}
		if c == '[' {
			return s.array(b, p+1, n, depth+1)
		}
		if k = kindObject; n != nil && len(n.kids) > 0 {
			p = s.object(b, p+1, n, depth+1)
		} else {
			p = s.skipObject(b, p+1, depth+1)
		}
	case 't':
		p, k = s.word(b, p, "true"), kindTrue
	case 'f':
		p, k = s.word(b, p, "false"), kindFalse
	case 'n':
		p, k = s.word(b, p, "null"), kindNull
	default:
		if c != '-' && c-'0' > 9 {
			return s.fail(access.Syntax, p, "a value is expected")
		}
		p, k = s.number(b, p), kindNumber
	}
	if p >= 0 {
		s.found(n, start, p, k)
	}
	return p
}

func (s *scanner) found(n *node, start, end int, k kind) {
	if n != nil && n.slot >= 0 {
		s.slots[n.slot] = span{start: int32(start), end: int32(end), kind: k}
	}
}

func (s *scanner) word(b []byte, p int, w string) int {
	if len(b)-p < len(w) || string(b[p:p+len(w)]) != w {
		return s.fail(access.Syntax, p, "a value is expected")
	}
	return p + len(w)
}

// space is the first place from p on that is not white space.
func space(b []byte, p int) int {
	for p < len(b) && b[p] <= ' ' && (b[p] == ' ' || b[p] == '\n' || b[p] == '\t' || b[p] == '\r') {
		p++
	}
	return p
}

// members is what is known of an object that is being read.
type members struct {
	node   *node
	layout *layout // nil: read without
	seen   uint64  // the numbers of the names met
	bag    bag     // the names met that have no number
	met    int     // where the last of these begins that plainMembers met, perhaps without its value
	place  int     // in the layout
	count  int
	missed int // how many names the layout did not expect
}

// object reads an object of a node, from behind its opening brace.
func (s *scanner) object(b []byte, p int, n *node, depth int) int {
	m := members{node: n, bag: bag{base: len(s.names.stack)}}
	if s.layouts != nil {
		m.layout = s.layouts[n.id].begin(n)
	}
	for {
		if p = s.plainMembers(b, p, &m); p < len(b) && b[p] == '}' && m.count > 0 {
			p++
			break
		}
		var kid *node
		if e := m.expected(b, p); e != nil {
			if bit := uint64(1) << (e.number & 63); m.seen&bit == 0 {
				m.seen |= bit
			} else {
				return s.failTwice(e.kid, p+int(e.quote))
			}
			m.place = placeNames + int(e.number)
			p += int(e.length)
			kid = e.kid
		} else {
			var more bool
			if p, kid, more = s.member(b, p, &m); !more {
				break
			}
		}
		m.count++
		if p < len(b) && b[p] == '"' {
			end, k := s.text(b, p+1)
			if end < 0 {
				return -1
			}
			s.found(kid, p+1, end, k)
			p = end + 1
		} else if p = s.value(b, space(b, p), kid, depth); p < 0 {
			return -1
		}
	}
	s.leave(&m.bag)
	if m.layout != nil && p >= 0 {
		m.layout.end(m.count, m.missed)
	}
	return p
}

func (m *members) expected(b []byte, p int) *edge {
	if m.layout == nil {
		return nil
	}
	return m.layout.expected(m.place, b, p)
}

// member reads what comes before the next value of an object: comma, name and
// colon. At the closing brace, and after a fault, there are no more.
func (s *scanner) member(b []byte, p int, m *members) (next int, kid *node, more bool) {
	before, from := p, b
	p, start, end, escaped := s.memberName(b, p, m.count == 0)
	if end == 0 {
		return p, nil, false
	}
	quote := start - 1
	if escaped {
		start, end = s.unescape(b[start:end])
		from = s.arena
	}
	k := keyOf(from, start, end)
	hash, number := k.hash(), maxNumbers
	if e := m.node.find(from, start, k, hash); e != nil {
		kid, number = e.kid, int(e.number)
	} else if m.layout != nil {
		number = m.layout.number(from[start:end], hash)
	}
	if number < maxNumbers {
		bit := uint64(1) << uint(number)
		if m.seen&bit != 0 {
			return s.failTwice(kid, quote), nil, false
		}
		m.seen |= bit
	} else if quote+1 != m.met && s.meet(&m.bag, name{start: int32(start), end: int32(end), hash: hash, unescaped: escaped}) {
		return s.failTwice(kid, quote), nil, false
	}
	if m.layout != nil {
		m.missed++
		m.place = m.layout.learn(m.place, number, kid, b[before:p], quote-before, !escaped)
	}
	return p, kid, true
}

// memberName reads comma, name and colon. It gives the place of the value and
// the name; at the closing brace the end of the name is 0, after a fault next
// is -1 too.
func (s *scanner) memberName(b []byte, p int, first bool) (next, start, end int, escaped bool) {
	// The way most members are written.
	if !first && p >= 0 && p < len(b)-1 && b[p] == ',' && b[p+1] == '"' {
		if end = plainText(b, p+2); end > 0 && end < len(b)-2 && b[end+1] == ':' && b[end+2] > ' ' {
			return end + 2, p + 2, end, false
		}
	}
	p = space(b, p)
	if p < len(b) && b[p] == '}' {
		return p + 1, 0, 0, false
	}
	if !first {
		if p >= len(b) || b[p] != ',' {
			return s.fail(access.Syntax, p, "a comma or a closing brace is expected"), 0, 0, false
		}
		p = space(b, p+1)
	}
	if p >= len(b) || b[p] != '"' {
		return s.fail(access.Syntax, p, "a name is expected"), 0, 0, false
	}
	start = p + 1
	end, k := s.text(b, start)
	if end < 0 {
		return -1, 0, 0, false
	}
	p = space(b, end+1)
	if p >= len(b) || b[p] != ':' {
		return s.fail(access.Syntax, p, "a colon is expected"), 0, 0, false
	}
	return space(b, p+1), start, end, k == kindEscaped
}

func (s *scanner) failTwice(kid *node, at int) int {
	if kid == nil || kid.field == "" {
		return s.fail(access.DuplicateField, at, whyNameTwice)
	}
	s.fail(access.DuplicateField, at, whyTwice)
	s.field = kid.field
	return -1
}

// skipObject reads an object of which nothing is wanted.
func (s *scanner) skipObject(b []byte, p int, depth int) int {
	o := bag{base: len(s.names.stack)}
	for first := true; ; first = false {
		var (
			start, end int
			escaped    bool
		)
		if p, start, end, escaped = s.memberName(b, p, first); end == 0 {
			break
		}
		quote, from := start-1, b
		if escaped {
			start, end = s.unescape(b[start:end])
			from = s.arena
		}
		k := keyOf(from, start, end)
		if !s.lax && s.meet(&o, name{start: int32(start), end: int32(end), hash: k.hash(), unescaped: escaped}) {
			return s.fail(access.DuplicateField, quote, whyNameTwice)
		}
		if p = s.value(b, p, nil, depth); p < 0 {
			return -1
		}
	}
	s.leave(&o)
	return p
}

// array reads an array from behind its opening bracket.
func (s *scanner) array(b []byte, p int, n *node, depth int) int {
	if n == nil {
		return s.elements(b, p, nil, depth)
	}
	start, first := p-1, len(s.items)
	s.lax = s.lax || n.whole
	if n.list && len(n.kids) == 0 {
		p = s.plainItems(b, p)
	}
	if p = s.elements(b, p, n, depth); p < 0 {
		return -1
	}
	if n.whole {
		s.lax = false
	}
	if n.list {
		s.items = append(s.items, span{kind: kindEnd})
	}
	if n.slot >= 0 {
		s.slots[n.slot] = span{start: int32(start), end: int32(p), first: int32(first), kind: kindArray}
	}
	return p
}

func (s *scanner) elements(b []byte, p int, n *node, depth int) int {
	p = space(b, p)
	if p < len(b) && b[p] == ']' {
		return p + 1
	}
	for i := 0; ; i++ {
		switch {
		case n == nil:
			p = s.value(b, p, nil, depth)
		case n.list:
			p = s.item(b, p, n.element(i), depth)
		default:
			p = s.value(b, p, n.element(i), depth)
		}
		if p < 0 {
			return -1
		}
		p = space(b, p)
		if p >= len(b) || b[p] != ',' && b[p] != ']' {
			return s.fail(access.Syntax, p, "a comma or a closing bracket is expected")
		}
		if b[p] == ']' {
			return p + 1
		}
		p = space(b, p+1)
	}
}

// item reads one element of a list.
func (s *scanner) item(b []byte, p int, n *node, depth int) int {
	if p < len(b) && b[p] == '"' {
		end, k := s.text(b, p+1)
		if end < 0 {
			return -1
		}
		s.found(n, p+1, end, k)
		s.items = append(s.items, span{start: int32(p + 1), end: int32(end), kind: k})
		return end + 1
	}
	end := s.value(b, p, n, depth)
	if end < 0 {
		return -1
	}
	s.items = append(s.items, span{start: int32(p), end: int32(end), kind: kindOf(b[p])})
	return end
}

// kindOf is the kind of a value other than a string, by its first byte.
func kindOf(c byte) kind {
	switch c {
	case '{':
		return kindObject
	case '[':
		return kindArray
	case 't':
		return kindTrue
	case 'f':
		return kindFalse
	case 'n':
		return kindNull
	}
	return kindNumber
}
