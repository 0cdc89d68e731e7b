package codec

import (
	"errors"
	"fmt"
	"strings"
)

type origin uint8

const (
	fromValue  origin = iota // a place in the record's value
	fromHeader               // a header of the record
	fromKey                  // the record's key
	fromText                 // a constant
)

// alternative is one parsed alternative of a path.
type alternative struct {
	from  origin
	names []string // fromValue: the names on the way, outermost first
	text  string   // fromHeader: the header's name; fromText: the constant
	place string   // as written, for the details of rejections
}

// parseAlternatives reads a Rule.Path, with all that is wrong in it.
func parseAlternatives(path string) (all []alternative, errs []error) {
	for _, written := range splitUnescaped(path, '|') {
		a, err := parseAlternative(trimUnescaped(written))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if len(all) > 0 && all[len(all)-1].from == fromText {
			errs = append(errs, fmt.Errorf("%q comes after the constant %q and would never be looked at: put the constant last", a.place, all[len(all)-1].place))
		}
		all = append(all, a)
	}
	return all, errs
}

func parseAlternative(written string) (alternative, error) {
	a := alternative{place: written}
	if name, ok := strings.CutPrefix(written, "header:"); ok {
		a.from, a.text = fromHeader, unescapePath(name)
		if a.text == "" {
			return a, errors.New("header: needs the name of a header after the colon")
		}
		return a, nil
	}
	if text, ok := strings.CutPrefix(written, "="); ok {
		a.from, a.text = fromText, unescapePath(text)
		if a.text == "" {
			return a, errors.New("= needs a text after it")
		}
		return a, nil
	}
	if written == "key" {
		a.from = fromKey
		return a, nil
	}
	names, err := parsePath(written)
	a.names = names
	return a, err
}

// parsePath reads one dotted path.
func parsePath(written string) ([]string, error) {
	if written == "" {
		return nil, errors.New("an alternative is empty")
	}
	var names []string
	for _, name := range splitUnescaped(written, '.') {
		if name == "" {
			return nil, fmt.Errorf("path %q has an empty name in it", written)
		}
		names = append(names, unescapePath(name))
	}
	if len(names) >= maxDepth {
		return nil, fmt.Errorf("path %q has %d names, events are at most %d deep", written, len(names), maxDepth)
	}
	return names, nil
}

// splitUnescaped cuts s at every sep that no backslash precedes.
func splitUnescaped(s string, sep byte) []string {
	var parts []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case sep:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// trimUnescaped cuts the spaces around an alternative, but not an escaped one.
func trimUnescaped(s string) string {
	s = strings.TrimLeft(s, " \t")
	trimmed := strings.TrimRight(s, " \t")
	if len(trimmed) < len(s) && (len(trimmed)-len(strings.TrimRight(trimmed, `\`)))%2 == 1 {
		return s[:len(trimmed)+1]
	}
	return trimmed
}

func unescapePath(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
