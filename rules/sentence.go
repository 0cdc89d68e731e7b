package rules

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
)

// Limits of a sentence: names come from events, and so from whoever calls.
const (
	maxNamed = 3  // names listed before "and N more"
	maxName  = 64 // bytes of one name
)

// plain is a name as it stands in a sentence. One that holds anything but
// letters, digits and the usual joints of identifiers is quoted, with control
// and invisible characters escaped, so that it cannot pass for a part of the
// sentence or disturb a terminal; a long one is cut short.
func plain(name string) string {
	cut := len(name) > maxName
	if cut {
		n := maxName
		for n > 0 && !utf8.RuneStart(name[n]) {
			n--
		}
		name = name[:n]
	}
	safe := name != ""
	for i := 0; i < len(name) && safe; i++ {
		c := name[i]
		safe = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("._-:/@+*", c) >= 0
	}
	if !safe {
		name = strconv.Quote(name)
	}
	if cut {
		name += "…"
	}
	return name
}

// names lists a few names and says how many more there are.
func names(all []string) string {
	parts := make([]string, 0, maxNamed+1)
	for i, name := range all {
		if i == maxNamed && len(all) > maxNamed {
			parts = append(parts, number(uint64(len(all)-maxNamed))+" more")
			break
		}
		parts = append(parts, plain(name))
	}
	return list(parts)
}

// list is "a", "a and b", "a, b and c".
func list(parts []string) string {
	if n := len(parts); n > 1 {
		return strings.Join(parts[:n-1], ", ") + " and " + parts[n-1]
	}
	return strings.Join(parts, "")
}

// number has thousands separated by commas.
func number(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, d := range []byte(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(d)
	}
	return b.String()
}

// moment is a date, with the time of day where it is not midnight UTC.
func moment(t access.Instant) string {
	if t == access.Beginning || t == access.End {
		return "an unknown date"
	}
	if t == t.Day().Start() {
		return date(t)
	}
	return t.Time().Format("2006-01-02 at 15:04 UTC")
}

func date(t access.Instant) string { return t.Time().Format("2006-01-02") }

// deed is what was done: "read and listed messages.read for msg.recommend".
func deed(f *Finding) string {
	var verbs []string
	for _, v := range [...]struct {
		operation access.Operation
		past      string
	}{
		{access.Read, "read"}, {access.List, "listed"}, {access.Write, "wrote"}, {access.Delete, "deleted"}, {access.Other, "used"},
	} {
		if f.Operations[v.operation.String()] > 0 {
			verbs = append(verbs, v.past)
		}
	}
	if len(verbs) == 0 {
		verbs = append(verbs, "used")
	}
	return list(verbs) + " " + matter(f)
}

// matter is what it was done to: "messages.read for msg.recommend".
func matter(f *Finding) string {
	scopes := slices.SortedFunc(maps.Keys(f.Scopes), func(a, b string) int {
		return cmp.Or(cmp.Compare(f.Scopes[b], f.Scopes[a]), cmp.Compare(a, b))
	})
	what := "data"
	if len(scopes) > 0 {
		what = names(scopes)
	}
	return what + " for " + plain(f.Feature)
}

// extent is how often, and about how many people.
func extent(f *Finding) string {
	s := atLeast(f) + times(f.Events)
	switch {
	case f.People == 0:
	case f.People == 1:
		s += " about 1 person"
	case f.PeopleExact:
		s += " about " + number(f.People) + " people"
	default:
		s += " about an estimated " + number(f.People) + " people"
	}
	return s
}

// atLeast goes before a number of f that is the low one of its bounds.
func atLeast(f *Finding) string {
	if f.Bounds != nil {
		return "at least "
	}
	return ""
}

func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return number(n) + " times"
}

// lastTime is when the last access was.
func lastTime(f *Finding) string {
	if f.Events == 1 {
		return ", on " + date(f.LastEvent.Time)
	}
	return ", the last time on " + date(f.LastEvent.Time)
}

// firstAndLast is when the first and the last access were.
func firstAndLast(f *Finding) string {
	first, last := date(f.FirstEvent.Time), date(f.LastEvent.Time)
	if first == last {
		return ", on " + first
	}
	return ", from " + first + " to " + last
}

// who is the principals.
func who(f *Finding) string {
	if len(f.Principals) == 0 {
		return plain(f.Partner)
	}
	return names(f.Principals)
}

// verb is the form that goes with who.
func verb(f *Finding, one, many string) string {
	if len(f.Principals) > 1 {
		return many
	}
	return one
}

// credentials of the principals.
func credentials(f *Finding) string {
	return "the " + verb(f, "credential", "credentials") + " of " + who(f)
}

// order addresses what is to be done to who must do it.
func order(f *Finding, what string) string {
	switch {
	case f.Team != "":
		return "Team " + plain(f.Team) + ": " + what + "."
	case f.Owner != "":
		return plain(f.Owner) + ": " + what + "."
	}
	return strings.ToUpper(what[:1]) + what[1:] + "."
}

// Length is a duration as a person says it: "30 days".
func Length(d time.Duration) string {
	switch {
	case d == day:
		return "1 day"
	case d%day == 0:
		return number(uint64(d/day)) + " days"
	}
	return document.FormatDuration(d)
}
