package codec

import (
	"encoding/binary"
	"time"

	"sunsetwatch/rules/access"
)

// The event times that are accepted: [firstSecond, endSecond) since 1970, which
// are the UTC years 1678 to 2261, all of whose instants an Instant can hold.
const (
	firstSecond = -9214560000
	endSecond   = 9214646400
)

// days reads RFC 3339. It remembers the last date, which most events share.
type days struct {
	head  uint64 // the first eight bytes of the date
	tail  uint16 // the other two
	start int64  // seconds since 1970 at which it begins
}

// rfc3339 is the instant of an RFC 3339 time with a zone and at most nine
// digits of a second. As time.Time.UnmarshalText has it, T and Z are upper
// case, and there are no leap seconds.
func (d *days) rfc3339(b []byte) (access.Instant, bool) {
	if len(b) < len("2006-01-02T15:04:05Z") || b[10] != 'T' {
		return 0, false
	}
	head, tail := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint16(b[8:])
	if head != d.head || tail != d.tail {
		start, ok := date(b)
		if !ok {
			return 0, false
		}
		d.head, d.tail, d.start = head, tail, start
	}

	// The bytes of hh:mm:ss as numbers; the colons become zero.
	const clock = 0x30303a30303a3030
	x := binary.LittleEndian.Uint64(b[11:]) ^ clock
	// Adding 0x76 raises the high bit of a digit above 9, 0x7f that of a colon above 0.
	const limits = 0x76767f76767f7676
	if (x+limits|x)&highs != 0 {
		return 0, false
	}
	hour := x&15*10 + x>>8&15
	minute := x>>24&15*10 + x>>32&15
	second := x>>48&15*10 + x>>56
	if hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	seconds := d.start + int64(hour*3600+minute*60+second)

	p, nanos := 19, int64(0)
	if b[p] == '.' {
		if nanos, p = fraction(b, p+1); p < 0 {
			return 0, false
		}
	}

	switch {
	case p+1 == len(b) && b[p] == 'Z':
	case p+6 == len(b) && (b[p] == '+' || b[p] == '-') && b[p+3] == ':':
		h, ok1 := two(b[p+1:], 23)
		m, ok2 := two(b[p+4:], 59)
		if !ok1 || !ok2 {
			return 0, false
		}
		offset := int64(h*3600 + m*60)
		if b[p] == '+' {
			offset = -offset
		}
		seconds += offset
	default:
		return 0, false
	}
	if seconds < firstSecond || seconds >= endSecond {
		return 0, false
	}
	return access.Instant(seconds*1e9 + nanos), true
}

// fraction is the fraction of a second whose digits begin at b[p], one to nine
// of them, in nanoseconds, and the place behind it; or -1.
func fraction(b []byte, p int) (nanos int64, end int) {
	// The last bytes are moved down; behind them come zeros, which are no digits.
	last := len(b) - 8 // not negative: b has a date
	w := binary.LittleEndian.Uint64(b[min(p, last):]) >> (8 * uint(max(p-last, 0)))
	n := leadingDigits(w)
	nanos, end = int64(numberOf(w, n)), p+n
	if n == 8 && end < len(b) && b[end]-'0' <= 9 {
		nanos, n, end = 10*nanos+int64(b[end]-'0'), 9, end+1
		if end < len(b) && b[end]-'0' <= 9 {
			return 0, -1
		}
	}
	if n == 0 {
		return 0, -1
	}
	return nanos * tens[9-n], end
}

// tens are the powers of ten.
var tens = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// date is the second at which the date YYYY-MM-DD begins.
func date(b []byte) (int64, bool) {
	century, ok1 := two(b, 99)
	year, ok2 := two(b[2:], 99)
	month, ok3 := two(b[5:], 12)
	day, ok4 := two(b[8:], 31)
	if !ok1 || !ok2 || !ok3 || !ok4 || b[4] != '-' || b[7] != '-' || month == 0 || day == 0 {
		return 0, false
	}
	t := time.Date(100*century+year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t.Unix(), t.Day() == day // a day that the month does not have runs over into the next
}

func two(b []byte, most int) (int, bool) {
	tens, units := b[0]-'0', b[1]-'0'
	n := int(tens)*10 + int(units)
	return n, tens <= 9 && units <= 9 && n <= most
}

// sinceEpoch is the instant of a number of units since 1970, written as JSON writes
// numbers but without exponent, and with no more digits behind the point than
// come to nanoseconds; digits is 0 for seconds, 3 for milliseconds, and so on.
func sinceEpoch(b []byte, digits int) (access.Instant, bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	var whole, fraction int64 // fraction in nanoseconds
	p := 0
	for ; p < len(b) && b[p]-'0' <= 9; p++ {
		if whole > 1e18 {
			return 0, false
		}
		whole = 10*whole + int64(b[p]-'0')
	}
	if p == 0 || p > 1 && b[0] == '0' {
		return 0, false
	}
	places := 9 - digits
	if p < len(b) {
		if b[p] != '.' || p+1 == len(b) || len(b)-p-1 > places {
			return 0, false
		}
		for i, c := range b[p+1:] {
			if c -= '0'; c > 9 {
				return 0, false
			}
			fraction += int64(c) * tens[places-1-i]
		}
	}
	perSecond := tens[digits]
	seconds := whole / perSecond
	nanos := whole%perSecond*tens[places] + fraction
	if negative {
		seconds, nanos = -seconds, -nanos
		if nanos < 0 {
			seconds, nanos = seconds-1, nanos+1e9
		}
	}
	if seconds < firstSecond || seconds >= endSecond {
		return 0, false
	}
	return access.Instant(seconds*1e9 + nanos), true
}
