package document

import (
	"fmt"
	"strings"
	"time"

	"sunsetwatch/rules/access"
)

// ParseInstant reads an RFC 3339 instant, which has a zone:
// 2015-07-01T00:00:00Z, 2015-07-01T02:00:00+02:00, with up to nine digits of a
// second. The error quotes text and says what to write.
func ParseInstant(text string) (access.Instant, error) {
	i, complaint := parseInstant(text)
	if complaint != "" {
		return 0, fmt.Errorf("%q %s", text, complaint)
	}
	return i, nil
}

// parseInstant is stricter than time.Parse, which takes a comma in a second's
// fraction, hours of one digit and more. complaint is empty where text is good.
func parseInstant(text string) (_ access.Instant, complaint string) {
	const example = "is not an RFC 3339 instant: write it like 2015-07-01T00:00:00Z"
	if len(text) > 64 {
		return 0, example
	}
	s := []byte(text)
	if len(s) > 10 && s[10] == 't' {
		s[10] = 'T'
	}
	if !wellFormed(s) {
		if advice := complete(string(s)); advice != "" {
			return 0, advice
		}
		return 0, example
	}
	if s[len(s)-1] == 'z' {
		s[len(s)-1] = 'Z'
	}
	t, err := time.Parse(time.RFC3339Nano, string(s))
	if err != nil {
		return 0, "does not exist in the calendar: check day, hour and zone"
	}
	i := access.At(t)
	if i == access.Beginning || i == access.End || i.Time().Year() != t.UTC().Year() {
		return 0, "lies outside the years 1678 to 2261"
	}
	return i, ""
}

// complete says how to write what is nearly an instant; empty where text is
// nothing of the kind.
func complete(text string) (advice string) {
	for _, z := range [...]struct{ layout, rest string }{
		{"2006-01-02", "T00:00:00Z"},
		{"2006-01-02T15:04", ":00Z"},
		{"2006-01-02 15:04", ":00Z"},
		{"2006-01-02T15:04:05.999999999", "Z"},
		{"2006-01-02 15:04:05.999999999", "Z"},
	} {
		if _, err := time.Parse(z.layout, text); err == nil {
			return "has no zone: write " + strings.Replace(text, " ", "T", 1) + z.rest
		}
	}
	if len(text) > 10 && text[10] == ' ' && wellFormed([]byte(text[:10]+"T"+text[11:])) {
		return "has a space between day and time: write " + text[:10] + "T" + text[11:]
	}
	return ""
}

// wellFormed reports whether s has the shape dddd-dd-ddTdd:dd:dd[.d+](Z|±dd:dd).
func wellFormed(s []byte) bool {
	const shape = "dddd-dd-ddTdd:dd:dd"
	if len(s) <= len(shape) || !matches(s[:len(shape)], shape) {
		return false
	}
	s = s[len(shape):]
	if s[0] == '.' {
		n := 1
		for n < len(s) && digit(s[n]) {
			n++
		}
		if n == 1 || n > 10 {
			return false
		}
		s = s[n:]
	}
	switch {
	case len(s) == 1:
		return s[0] == 'Z' || s[0] == 'z'
	case len(s) == 6:
		return (s[0] == '+' || s[0] == '-') && matches(s[1:], "dd:dd")
	}
	return false
}

func matches(s []byte, shape string) bool {
	for i := range s {
		if shape[i] == 'd' && !digit(s[i]) || shape[i] != 'd' && shape[i] != s[i] {
			return false
		}
	}
	return true
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
