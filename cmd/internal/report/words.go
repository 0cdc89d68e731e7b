package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// number has commas between its thousands.
func number(v any) string {
	s := fmt.Sprint(v)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural is a number of things.
func plural(v any, one, many string) string {
	if fmt.Sprint(v) == "1" {
		return "1 " + one
	}
	return number(v) + " " + many
}

// moment is a date, with the time of day where it is not midnight UTC; "–" for an
// open end.
func moment(t access.Instant) string {
	switch {
	case t == access.Beginning || t == access.End:
		return "–"
	case t == t.Day().Start():
		return t.Time().Format("2006-01-02")
	case t == t.Minute():
		return t.Time().Format("2006-01-02 15:04")
	}
	return t.Time().Truncate(time.Second).Format("2006-01-02 15:04:05")
}

// always is a moment, where Beginning has a meaning of its own.
func always(t access.Instant) string {
	if t == access.Beginning {
		return "since always"
	}
	return moment(t)
}

// exact is all that is known of an instant.
func exact(t access.Instant) string { return t.String() }

// text is words as they are, with what would not show, or would change how the
// words around it show, escaped.
func text(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func hidden(r rune) bool { return !unicode.IsPrint(r) && r != ' ' }

// span is a number of seconds as people say it.
func span(seconds int64) string {
	switch {
	case seconds < 120:
		return plural(seconds, "second", "seconds")
	case seconds < 2*3600:
		return plural(seconds/60, "minute", "minutes")
	case seconds < 2*86400:
		return plural(seconds/3600, "hour", "hours")
	}
	return plural(seconds/86400, "day", "days")
}

// list is "a", "a and b", "a, b and c".
func list(parts []string) string {
	if n := len(parts); n > 1 {
		return strings.Join(parts[:n-1], ", ") + " and " + parts[n-1]
	}
	return strings.Join(parts, "")
}

// who is the partner of a finding, or the principal where there is none.
func who(f *rules.Finding) string {
	if f.Partner == rules.Unregistered && len(f.Principals) > 0 {
		return f.Principals[0]
	}
	return f.Partner
}

// phrase is a word of the schema as it stands in a sentence.
func phrase(word string) string { return strings.ReplaceAll(word, "_", " ") }
