package codec

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"sunsetwatch/rules/access"
)

// Eight bytes are looked at as one word.
const (
	ones    = 0x0101010101010101
	highs   = 0x80 * ones
	slashes = '\\' * ones
)

// special marks, in the high bit of each byte of w, what ends a run of plain
// text: a quote, a backslash, a control character, a byte that is not ASCII.
// Only the lowest mark is exact: borrows may set marks above a true one.
// Flipping bit 1 makes 0x20 of a quote and moves what is below 0x20 to what is
// below 0x20, so that one comparison with 0x21 finds both.
func special(w uint64) uint64 {
	return (((w ^ 0x02*ones) - 0x21*ones) | ((w ^ slashes) - ones) | w) & highs
}

// text reads a string from behind its opening quote. It gives the place of the
// closing quote and kindString, or kindEscaped where there are escapes; or -1.
func (s *scanner) text(b []byte, p int) (int, kind) {
	if p >= 0 { // always: it spares the bounds checks below
		for ; p <= len(b)-8; p += 8 {
			w := binary.LittleEndian.Uint64(b[p : p+8 : p+8])
			if m := special(w); m != 0 {
				n := bits.TrailingZeros64(m) &^ 7
				p += n >> 3
				if byte(w>>n) == '"' {
					return p, kindString
				}
				break
			}
		}
	}
	return s.roughText(b, p)
}

// roughText goes on with a string that is not plain, or near the end.
func (s *scanner) roughText(b []byte, p int) (int, kind) {
	k := kindString
	for p < len(b) {
		switch c := b[p]; {
		case c == '"':
			return p, k
		case c == '\\':
			k = kindEscaped
			if p = s.escape(b, p); p < 0 {
				return -1, k
			}
		case c < 0x20:
			return s.fail(access.Syntax, p, "a raw control character in a string"), k
		case c >= utf8.RuneSelf:
			if p = s.runes(b, p); p < 0 {
				return -1, k
			}
		case p+8 <= len(b):
			m := special(binary.LittleEndian.Uint64(b[p:]))
			p += bits.TrailingZeros64(m) >> 3 // eight where there is none
		default:
			p++
		}
	}
	return s.fail(access.Syntax, len(b), whyEnd), k
}

// runes checks the UTF-8 of a run of characters beyond ASCII.
func (s *scanner) runes(b []byte, p int) int {
	for p < len(b) && b[p] >= utf8.RuneSelf {
		r, size := utf8.DecodeRune(b[p:])
		if r == utf8.RuneError && size == 1 {
			return s.fail(access.InvalidUTF8, p, "invalid UTF-8 in a string")
		}
		p += size
	}
	return p
}

// escape checks the escape at b[p] and gives the place behind it. A surrogate
// needs its other half.
func (s *scanner) escape(b []byte, p int) int {
	if p+1 >= len(b) {
		return s.fail(access.Syntax, len(b), whyEnd)
	}
	switch b[p+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return p + 2
	case 'u':
	default:
		return s.fail(access.Syntax, p, "an escape that JSON does not have")
	}
	r := hex4(b, p+2)
	switch {
	case r < 0:
		return s.fail(access.Syntax, p, "an escape without four hexadecimal digits")
	case r < 0xd800 || r > 0xdfff:
		return p + 6
	case r < 0xdc00 && p+7 < len(b) && b[p+6] == '\\' && b[p+7] == 'u':
		low := hex4(b, p+8)
		if low < 0 {
			return s.fail(access.Syntax, p+6, "an escape without four hexadecimal digits")
		}
		if low >= 0xdc00 && low <= 0xdfff {
			return p + 12
		}
	}
	return s.fail(access.InvalidUTF8, p, "half a surrogate pair in a string")
}

// hex4 is the value of the four hexadecimal digits at b[p:], or -1.
func hex4(b []byte, p int) rune {
	if p+4 > len(b) {
		return -1
	}
	var r rune
	for _, c := range b[p : p+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// unescape appends to the arena the text of a string that was read, and gives
// its place there.
func (s *scanner) unescape(raw []byte) (start, end int) {
	start = len(s.arena)
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c != '\\' {
			s.arena = append(s.arena, c)
			continue
		}
		i++
		switch c = raw[i]; c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r := hex4(raw, i+1)
			i += 4
			if r >= 0xd800 && r < 0xdc00 {
				r = 0x10000 + (r-0xd800)<<10 + hex4(raw, i+3) - 0xdc00
				i += 6
			}
			s.arena = utf8.AppendRune(s.arena, r)
			continue
		}
		s.arena = append(s.arena, c)
	}
	return start, len(s.arena)
}
