package codec

import (
	"math"

	"sunsetwatch/rules/access"
)

// number reads a JSON number and gives the place behind it, or -1.
func (s *scanner) number(b []byte, p int) int {
	if b[p] == '-' {
		p++
	}
	switch {
	case p < len(b) && b[p] == '0':
		p++
	default:
		q := digits(b, p)
		if q == p {
			return s.fail(access.Syntax, p, "a digit is expected")
		}
		p = q
	}
	if p < len(b) && b[p] == '.' {
		q := digits(b, p+1)
		if q == p+1 {
			return s.fail(access.Syntax, q, "a digit is expected after the point")
		}
		p = q
	}
	if p < len(b) && b[p]|0x20 == 'e' {
		p++
		if p < len(b) && (b[p] == '+' || b[p] == '-') {
			p++
		}
		q := digits(b, p)
		if q == p {
			return s.fail(access.Syntax, q, "a digit is expected in the exponent")
		}
		p = q
	}
	return p
}

func digits(b []byte, p int) int {
	for p < len(b) && b[p]-'0' <= 9 {
		p++
	}
	return p
}

// parseCount is the value of a whole number >= 0, written as JSON writes it and
// without point, exponent and sign. It fits int64, so that every store and
// every sum of few of them can hold it.
func parseCount(text []byte) (uint64, bool) {
	if len(text) == 0 || len(text) > 19 || text[0] == '0' && len(text) > 1 {
		return 0, false
	}
	var n uint64
	for _, c := range text {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		n = 10*n + uint64(c)
	}
	return n, n <= math.MaxInt64
}
