package codec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Compiled is a Mapping ready for use. It is made by Compile alone.
type Compiled struct {
	rules   [fields]rule
	direct  [fields]direct
	root    *node // of an event
	outer   *node // of a record that holds an array of events; else nil
	explode string
	slots   int
	nodes   int
	headers bool
	words   closedWords
	native  bool // no field has a rule: the slots are the fields
	unix    int  // digits of a second in a unit of time; -1: RFC 3339
}

// timeFormats are the digits of a second in a unit of each format.
var timeFormats = map[string]int{"": -1, "rfc3339": -1, "unix": 0, "unix_ms": 3, "unix_us": 6, "unix_ns": 9}

// Compile checks and compiles m. The error joins every problem found, each
// naming the field; an unknown native field comes with a suggestion.
func Compile(m Mapping) (*Compiled, error) {
	c := &Compiled{explode: m.Explode, words: newClosedWords(), native: len(m.Fields) == 0}
	var errs []error
	problem := func(place string, err error) {
		errs = append(errs, fmt.Errorf("events.%s: %w", place, err))
	}

	digits, known := timeFormats[m.TimeFormat]
	if !known {
		problem("time_format", fmt.Errorf("unknown format %q%s; known are rfc3339, unix, unix_ms, unix_us and unix_ns",
			m.TimeFormat, suggestion(m.TimeFormat, slices.Sorted(maps.Keys(timeFormats)))))
	}
	c.unix = digits

	for _, name := range slices.Sorted(maps.Keys(m.Fields)) {
		if _, known := fieldNamed(name); !known {
			problem("fields."+name, fmt.Errorf("unknown field%s", suggestion(name, fieldNames[:])))
		}
	}

	t := newTree(0)
	for f := range field(fields) {
		written, mapped := m.Fields[f.String()]
		for _, err := range c.compileRule(t, f, written, mapped) {
			problem("fields."+f.String(), err)
		}
	}
	t.root.seal()
	if n := t.root.widest(); n > maxNumbers {
		problem("fields", fmt.Errorf("the paths name %d members of one object, at most %d are possible", n, maxNumbers))
	}
	c.root, c.slots, c.nodes = t.root, t.slots, t.nodes

	if m.Explode != "" {
		outer, err := compileExplode(m.Explode, c.nodes)
		if err != nil {
			problem("explode", err)
		} else {
			c.outer, c.slots, c.nodes = outer.root, max(c.slots, outer.slots), outer.nodes
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return c, nil
}

// NeedsHeaders reports whether a field is read from a record's headers, so that
// a caller need not parse them otherwise.
func (c *Compiled) NeedsHeaders() bool { return c.headers }

func compileExplode(path string, firstID int) (*tree, error) {
	all, bad := parseAlternatives(path)
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	if len(all) != 1 || all[0].from != fromValue {
		return nil, fmt.Errorf("%q must be one dotted path into the record's value", path)
	}
	t := newTree(firstID)
	t.slot(all[0].names, "").whole = true
	t.root.seal()
	return t, nil
}
