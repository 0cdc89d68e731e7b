package codec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"sunsetwatch/rules/access"
)

// rule is a Rule ready for use.
type rule struct {
	sources []source
	mapped  bool
	accepts uint16 // the kinds that have a text for this field, one bit each
	wants   string // the same in words
	path    string // as configured; empty: the native name

	values          map[string][]byte
	fallback        []byte
	switched        bool // present and absent replace what was found
	present, absent []byte
}

// direct is the short way to a field without a rule.
type direct struct {
	slot  int16  // -1: there is none
	plain uint16 // the kinds whose text is what the value says, one bit each
}

// source is one alternative of a rule.
type source struct {
	from   origin
	slot   int
	header string
	text   []byte
}

const (
	textKinds   = 1<<kindString | 1<<kindEscaped
	scalarKinds = textKinds | 1<<kindNumber | 1<<kindTrue | 1<<kindFalse
)

func (c *Compiled) compileRule(t *tree, f field, written Rule, mapped bool) []error {
	r := &c.rules[f]
	c.direct[f] = direct{slot: -1}
	*r = rule{mapped: mapped, accepts: c.nativeKinds(f), path: written.Path}
	if !mapped {
		n := t.slot([]string{f.String()}, f.String())
		n.list = n.list || f == fieldScopes
		r.sources = []source{{slot: n.slot}}
		r.wants = wants(r.accepts, f)
		c.direct[f] = direct{slot: int16(n.slot), plain: r.accepts &^ (1 << kindEscaped)}
		return nil
	}
	r.accepts = scalarKinds
	r.wants = wants(r.accepts, f)

	var errs []error
	add := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	static := func(name, text string) []byte {
		if text == "" {
			return nil
		}
		if err := c.checkText(f, text); err != nil {
			add(fmt.Errorf("%s %q: %w", name, text, err))
		}
		return []byte(text)
	}
	translated := len(written.Values) > 0 || written.Default != ""
	switched := written.Present != "" || written.Absent != ""
	switch {
	case written.Const != "" && (written.Path != "" || translated || switched):
		add(errors.New("const stands alone: leave out path, values, default, present and absent"))
	case translated && switched:
		add(errors.New("present and absent do not go with values and default: choose one"))
	case written.Const == "" && written.Path == "" && !translated && !switched:
		add(errors.New("the rule is empty: give a path or a const, or leave the field out to read its native name"))
	}

	r.values = make(map[string][]byte, len(written.Values))
	for _, found := range slices.Sorted(maps.Keys(written.Values)) {
		to := written.Values[found]
		r.values[found] = static("values, "+found+":", to)
		if found == "" {
			add(errors.New("values has an empty text, which counts as not there: use default"))
		}
	}
	if len(r.values) == 0 {
		r.values = nil
	}
	r.fallback = static("default", written.Default)
	r.present, r.absent, r.switched = static("present", written.Present), static("absent", written.Absent), switched

	if written.Const != "" {
		r.sources = []source{{from: fromText, text: static("const", written.Const)}}
		return errs
	}
	path := written.Path
	if path == "" {
		path = f.String()
	}
	all, bad := parseAlternatives(path)
	errs = append(errs, bad...)
	for i, a := range all {
		s := source{from: a.from}
		switch a.from {
		case fromValue:
			n := t.slot(a.names, f.String())
			n.list = n.list || f == fieldScopes
			s.slot = n.slot
			if f == fieldScopes {
				add(overlap(a, all[:i]))
			}
		case fromHeader:
			s.header = a.text
			c.headers = true
		case fromText:
			s.text = []byte(a.text)
			if !switched && len(r.values) == 0 {
				static("constant", a.text)
			}
		}
		r.sources = append(r.sources, s)
	}
	return errs
}

// overlap refuses alternatives one of which lies within the other: a list
// within a list has no meaning as scopes.
func overlap(a alternative, before []alternative) error {
	for _, b := range before {
		shorter, longer := a.names, b.names
		if len(longer) < len(shorter) {
			shorter, longer = longer, shorter
		}
		if b.from == fromValue && len(shorter) < len(longer) && slices.Equal(shorter, longer[:len(shorter)]) {
			return fmt.Errorf("%q and %q lie within one another", b.place, a.place)
		}
	}
	return nil
}

// nativeKinds are the kinds that the event format allows for a field.
func (c *Compiled) nativeKinds(f field) uint16 {
	switch {
	case f == fieldRecords || f == fieldBytes:
		return 1 << kindNumber
	case f == fieldTime && c.unix >= 0:
		return textKinds | 1<<kindNumber
	}
	return textKinds
}

func wants(accepts uint16, f field) string {
	switch {
	case accepts == scalarKinds && f == fieldScopes:
		return "must be a string, a number, a boolean, or an array of them"
	case accepts == scalarKinds:
		return "must be a string, a number or a boolean"
	case accepts == 1<<kindNumber:
		return "must be a number"
	case accepts == textKinds && f == fieldScopes:
		return "must be an array of strings, or one string with spaces"
	case accepts == textKinds:
		return "must be a string"
	}
	return "must be a number, or a string that holds one"
}

// checkText reports why a text of the configuration can never be the value of
// a field.
func (c *Compiled) checkText(f field, text string) error {
	if !utf8.ValidString(text) {
		return errors.New("it is not valid UTF-8")
	}
	d := c.newDecoder()
	d.Reset(&Record{Timestamp: access.End})
	if !d.set(f, []byte(text), -1) {
		return errors.New(d.rej.why)
	}
	return nil
}
