package termsheet

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
	"sunsetwatch/rules/registry"
)

// none stands in a cell that has nothing to say.
const none = "-"

// Moment is i for reading: a date where it is 00:00 UTC, else in RFC 3339; "-"
// for an open end.
func Moment(i access.Instant) string {
	switch {
	case i == access.Beginning || i == access.End:
		return none
	case i == i.Day().Start():
		return i.Time().Format("2006-01-02")
	case i == i.Minute():
		return i.Time().Format("2006-01-02T15:04Z")
	}
	return i.String()
}

// always is i for reading, where Beginning has a meaning of its own.
func always(i access.Instant) string {
	if i == access.Beginning {
		return "always"
	}
	return Moment(i)
}

// Name is a name as it stands in a table or a sentence: quoted where it holds
// blanks, or anything that a terminal would not show as it is.
func Name(name string) string {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return odd(r) || unicode.IsSpace(r) || r == '"' }) {
		return strconv.Quote(name)
	}
	return name
}

// Text is words of a person, blanks included; "-" where there are none.
func Text(text string) string {
	switch {
	case text == "":
		return none
	case strings.ContainsFunc(text, odd):
		return strconv.Quote(text)
	}
	return text
}

func odd(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// Value is what t says of f: "-" where an end is open or nothing is required,
// "any" where a grant is not restricted, "none" where it grants nothing.
func Value(t *registry.Terms, f registry.Field) string {
	switch f {
	case registry.From:
		return Moment(t.From)
	case registry.Sunset:
		return Moment(t.Sunset)
	case registry.Deprecation:
		return Moment(t.Deprecation)
	case registry.Grace:
		return document.FormatDuration(t.Grace)
	case registry.Pauses:
		return pauses(t.Pauses)
	case registry.Operations:
		return grant(operations(t.Operations))
	case registry.Scopes:
		return grant(t.Scopes)
	case registry.Inbound:
		return strconv.FormatBool(t.Inbound)
	case registry.Requires:
		return listed(t.Requires.Words())
	}
	return none
}

func pauses(all []registry.Pause) string {
	parts := make([]string, len(all))
	for i, p := range all {
		parts[i] = Moment(p.From) + " to " + Moment(p.Until)
		if p.Why != "" {
			parts[i] += " (" + Text(p.Why) + ")"
		}
	}
	return listed(parts)
}

// operations in words; nil stays nil.
func operations(granted []access.Operation) []string {
	if granted == nil {
		return nil
	}
	words := make([]string, len(granted))
	for i, o := range granted {
		words[i] = o.String()
	}
	return words
}

func grant(granted []string) string {
	switch {
	case granted == nil:
		return "any"
	case len(granted) == 0:
		return "none"
	}
	parts := make([]string, len(granted))
	for i, g := range granted {
		parts[i] = Name(g)
	}
	return strings.Join(parts, ",")
}

func listed(parts []string) string {
	if len(parts) == 0 {
		return none
	}
	return strings.Join(parts, ",")
}

// Summary of terms in one line: the window, and whatever is not the default.
func Summary(t *registry.Terms) string {
	var parts []string
	switch {
	case t.From == access.Beginning && t.Sunset == access.End:
		parts = append(parts, "no end")
	case t.Sunset == access.End:
		parts = append(parts, "from "+Moment(t.From))
	case t.From == access.Beginning:
		parts = append(parts, "until "+Moment(t.Sunset))
	default:
		parts = append(parts, Moment(t.From)+" to "+Moment(t.Sunset))
	}
	if t.Program != "" {
		parts[0] += " by program " + Name(t.Program)
	}
	if t.Grace > 0 {
		parts = append(parts, "grace "+document.FormatDuration(t.Grace))
	}
	if t.Deprecation != access.End {
		parts = append(parts, "deprecation "+Moment(t.Deprecation))
	}
	switch len(t.Pauses) {
	case 0:
	case 1:
		parts = append(parts, "1 pause")
	default:
		parts = append(parts, strconv.Itoa(len(t.Pauses))+" pauses")
	}
	for _, f := range []registry.Field{registry.Operations, registry.Scopes, registry.Requires} {
		if v := Value(t, f); v != none && v != "any" {
			parts = append(parts, f.String()+" "+v)
		}
	}
	if t.Inbound {
		parts = append(parts, "inbound")
	}
	return strings.Join(parts, ", ")
}
