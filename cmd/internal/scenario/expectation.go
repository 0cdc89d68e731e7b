package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sunsetwatch/rules"
	"sunsetwatch/rules/document"
)

// form is how a field is written.
type form uint8

const (
	formText form = iota
	formTexts
	formNumber
	formFlag
	formInstant
	formSeconds
	formCounts
	formRange
	formBounds
	formPlace
	formObject
	formHistory
)

// field of a finding.
type field struct {
	name   string
	form   form
	words  []string // of a text, where they are closed
	fields []field  // of an object, and of an item of history
}

var stateWords, severityWords = words(rules.States()), words(rules.Severities())

func words[T fmt.Stringer](all []T) []string {
	var list []string
	for _, v := range all {
		list = append(list, v.String())
	}
	return list
}

const pagesName = "pages"

var coordinateFields = []field{{name: "time", form: formInstant}, {name: "source"}, {name: "offset", form: formNumber}}

// findingFields are those of the schema sunsetwatch.finding.v1, in its order, and
// pages, which is how often the finding paged in a life.
var findingFields = []field{
	{name: "id"}, {name: "kind"}, {name: "severity", words: severityWords}, {name: "state", words: stateWords},
	{name: "partner"}, {name: "feature"}, {name: "program"}, {name: "scope"}, {name: "rule"},
	{name: "principals", form: formTexts}, {name: "team"}, {name: "owner"},
	{name: "since", form: formInstant}, {name: "sunset", form: formInstant}, {name: "grace_until", form: formInstant},
	{name: "first_event", form: formPlace, fields: coordinateFields}, {name: "last_event", form: formPlace, fields: coordinateFields},
	{name: "events", form: formNumber}, {name: "events_after_grace", form: formNumber}, {name: "attempts", form: formNumber},
	{name: "records", form: formNumber}, {name: "bytes", form: formNumber}, {name: "days", form: formNumber},
	{name: "people", form: formNumber}, {name: "people_exact", form: formFlag},
	{name: "grantors", form: formNumber}, {name: "grantors_exact", form: formFlag},
	{name: "third_party_events", form: formNumber}, {name: "probe_days", form: formNumber},
	{name: "operations", form: formCounts}, {name: "scopes", form: formCounts},
	{name: "bounds", form: formBounds}, {name: "incomplete", form: formFlag},
	{name: "opened_at", form: formInstant}, {name: "late_reason"}, {name: "detection_delay", form: formSeconds},
	{name: "decided_by", form: formObject, fields: []field{{name: "recorded", form: formInstant}, {name: "by"}, {name: "reason"}, {name: "ticket"}}},
	{name: "closed_at", form: formInstant},
	{name: "closure", form: formObject, fields: []field{{name: "verified", form: formFlag}, {name: "by"}, {name: "why"}}},
	{name: "relapses", form: formNumber}, {name: "suppressed_by"}, {name: "dispute"},
	{name: "history", form: formHistory, fields: []field{{name: "at", form: formInstant}, {name: "state", words: stateWords}, {name: "severity", words: severityWords}, {name: "why"}}},
	{name: "why"},
	{name: pagesName, form: formNumber},
}

func fieldOf(fields []field, name string) *field {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

func namesOf(fields []field) []string {
	var names []string
	for i := range fields {
		names = append(names, fields[i].name)
	}
	return names
}

// expected is a section of expectations.
type expected struct {
	section  *section
	findings []*wanted
	others   bool     // findings that are not listed are allowed
	problems []string // of a section problems
}

// wanted is a finding that is expected.
type wanted struct {
	line   int // of the file
	fields []wantedField
}

// wantedField is one key of a wanted finding.
type wantedField struct {
	key  string // as it is written
	name string // of the finding's field
	line int
	want matcher
}

// matcherOf is what is wanted of a field, nil where nothing is said of it.
func (w *wanted) matcherOf(name string) matcher {
	for i := range w.fields {
		if w.fields[i].key == name {
			return w.fields[i].want
		}
	}
	return nil
}

// identifying are the fields by which a wanted finding is found.
var identifying = []string{"kind", "partner", "feature", "scope", "rule"}

// title is how differences call it.
func (w *wanted) title() string {
	var parts []string
	for _, name := range identifying {
		if m, ok := w.matcherOf(name).(exactly); ok {
			parts = append(parts, show(m.want))
		}
	}
	return strings.Join(parts, " ")
}

const othersName = "others"

// parseFindings reads a section of findings, a list. Its places are those of the
// file.
func parseFindings(file string, e *section, p *problems) *expected {
	x := &expected{section: e}
	body := string(e.data)
	switch strings.TrimSpace(withoutComments(body)) {
	case "":
		p.at(e.marker, 1, "-- "+e.name+" --", "%s is empty: write [] if nothing shall be found", e.name)
		return x
	case "[]":
		return x
	}
	data := bytes.Repeat([]byte("\n"), e.marker-1)
	data = append(append(data, findingsName+":\n"...), body...)
	d := document.Parse(file, data)
	root := d.Root()
	root.Each(findingsName, func(v document.Value) {
		m, ok := v.Mapping()
		if !ok {
			return
		}
		if m.Has(othersName) {
			x.others = m.Word(othersName, []string{"allowed"}, document.Required) != ""
			m.Done()
			return
		}
		w := &wanted{line: v.Place().Line()}
		m.Entries(func(key string, value document.Value) { w.read(key, value) })
		if w.matcherOf("kind") == nil && w.matcherOf("id") == nil {
			m.Place().Errorf("kind is missing: say which finding is meant by its kind, partner and feature")
		}
		x.findings = append(x.findings, w)
	}, document.Required)
	root.Done()
	p.all = append(p.all, d.Problems()...)
	return x
}

func withoutComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// read takes one key of a finding.
func (w *wanted) read(key string, v document.Value) {
	name, inner, dotted := strings.Cut(key, ".")
	f := fieldOf(findingFields, name)
	if f == nil {
		unknownField(v, key, findingFields)
		return
	}
	var m matcher
	if dotted {
		sub := fieldOf(f.fields, inner)
		switch {
		case f.form == formHistory || f.fields == nil && f.form != formCounts && f.form != formBounds:
			v.KeyPlace().Errorf("%s has no parts to be named after a dot", name)
			return
		case f.form == formCounts:
			sub = &field{name: inner, form: formNumber}
		case f.form == formBounds:
			sub = &field{name: inner, form: formRange}
		case sub == nil:
			unknownField(v, inner, f.fields)
			return
		}
		if part := sub.matcher(v); part != nil {
			m = object{{inner, part}}
		}
	} else {
		m = f.matcher(v)
	}
	if m == nil {
		return
	}
	w.fields = append(w.fields, wantedField{key: key, name: name, line: v.KeyPlace().Line(), want: m})
}

func unknownField(v document.Value, name string, fields []field) {
	if near := document.Nearest(name, namesOf(fields)); near != "" {
		v.KeyPlace().Errorf("unknown field %s: did you mean %s?", document.Show(name), near)
		return
	}
	v.KeyPlace().Errorf("unknown field %s: a finding has %s", document.Show(name), strings.Join(namesOf(fields), ", "))
}

// matcher is what v wants of a field; nil where it cannot be read, which was
// reported.
func (f *field) matcher(v document.Value) matcher {
	if v.Null() {
		return nothing{}
	}
	switch f.form {
	case formTexts:
		return f.list(v, field{})
	case formNumber:
		return numberMatcher(v, f.name)
	case formFlag:
		if b, ok := v.Bool(); ok {
			return exactly{b}
		}
	case formInstant:
		if t, ok := v.Instant(); ok {
			return moment{t}
		}
	case formSeconds:
		return secondsMatcher(v)
	case formCounts:
		return mappingMatcher(v, func(string) *field { return &field{form: formNumber} })
	case formBounds:
		return mappingMatcher(v, func(name string) *field {
			if name == "operations" || name == "scopes" {
				return &field{form: formBounds}
			}
			return &field{form: formRange}
		})
	case formRange:
		return f.list(v, field{form: formNumber})
	case formPlace:
		if !v.IsMapping() {
			if t, ok := v.Instant(); ok {
				return place{moment{t}}
			}
			return nil
		}
		return f.object(v)
	case formObject:
		return f.object(v)
	case formHistory:
		return f.list(v, field{form: formObject, fields: f.fields})
	default:
		return f.text(v)
	}
	return nil
}

func (f *field) text(v document.Value) matcher {
	if f.words != nil {
		if w, ok := v.Word(f.words); ok {
			return exactly{w}
		}
		return nil
	}
	s, ok := v.Text()
	switch {
	case !ok:
		return nil
	case strings.Contains(s, ellipsis):
		return sentence{s}
	}
	return exactly{s}
}

func (f *field) list(v document.Value, item field) matcher {
	if !v.IsList() {
		v.Errorf("%s must be a list", v.Label())
		return nil
	}
	m := list{}
	v.Each(func(i document.Value) {
		if one := item.matcher(i); one != nil {
			m = append(m, one)
		}
	})
	if item.form == formNumber && len(m) != 2 {
		v.Errorf("%s must be [low, high]", v.Label())
	}
	return m
}

func (f *field) object(v document.Value) matcher {
	inner, ok := v.Mapping()
	if !ok {
		return nil
	}
	m := object{}
	inner.Entries(func(key string, value document.Value) {
		sub := fieldOf(f.fields, key)
		if sub == nil {
			unknownField(value, key, f.fields)
			return
		}
		if one := sub.matcher(value); one != nil {
			m = append(m, entry{key, one})
		}
	})
	return m
}

func mappingMatcher(v document.Value, of func(name string) *field) matcher {
	inner, ok := v.Mapping()
	if !ok {
		return nil
	}
	m := object{}
	inner.Entries(func(key string, value document.Value) {
		if one := of(key).matcher(value); one != nil {
			m = append(m, entry{key, one})
		}
	})
	return counts{m}
}

// numberMatcher reads 525000, or about 525000 within 2%.
func numberMatcher(v document.Value, name string) matcher {
	s, ok := v.Text()
	if !ok {
		return nil
	}
	words := strings.Fields(s)
	if len(words) == 4 && words[0] == "about" && words[2] == "within" {
		n, err1 := strconv.ParseUint(words[1], 10, 64)
		percent, err2 := strconv.ParseFloat(strings.TrimSuffix(words[3], "%"), 64)
		if err1 == nil && err2 == nil && strings.HasSuffix(words[3], "%") && percent > 0 && percent <= 100 {
			return about{n, percent}
		}
	} else if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return exactly{json.Number(strconv.FormatUint(n, 10))}
	}
	v.Errorf("%s must be a number like 525000, without commas, or about 525000 within 2%%", v.Label())
	return nil
}

// secondsMatcher reads 17107200, or 198d.
func secondsMatcher(v document.Value) matcher {
	s, ok := v.Text()
	if !ok {
		return nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return exactly{json.Number(strconv.FormatInt(n, 10))}
	}
	d, err := document.ParseDuration(s)
	if err != nil {
		v.Errorf("%s must be a number of seconds or a duration like 198d", v.Label())
		return nil
	}
	return length{d}
}

// noPages reports findings that want pages of a judgement without a life.
func (x *expected) noPages(p *problems) {
	for _, w := range x.findings {
		for _, f := range w.fields {
			if f.name == pagesName {
				p.at(f.line, 1, "", "pages are counted in steps live, reload, restart and judge as then: a judgement of the whole pages nobody")
			}
		}
	}
}

// parseProblems reads a section of problems: a line each, as check prints the
// first line of each, ... standing for anything.
func parseProblems(e *section) *expected {
	x := &expected{section: e}
	for line := range strings.Lines(string(e.data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			x.problems = append(x.problems, line)
		}
	}
	return x
}

// found is a finding as it is compared.
type found struct {
	values map[string]any
	taken  bool
}

// decoded is the JSON form of a finding as values, with its pages.
func decoded(f *rules.Finding, pages int) (*found, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	x := &found{}
	if err := d.Decode(&x.values); err != nil {
		return nil, err
	}
	x.values[pagesName] = json.Number(strconv.Itoa(pages))
	return x, nil
}

func (x *found) text(name string) string {
	s, _ := x.values[name].(string)
	return s
}

func (x *found) title() string {
	var parts []string
	for _, name := range identifying {
		if s := x.text(name); s != "" {
			parts = append(parts, printable(s))
		}
	}
	return strings.Join(parts, " ")
}

// isMeant reports whether w, by what identifies it, can mean x. all adds the
// principals and the id.
func (w *wanted) isMeant(x *found, all bool) bool {
	names := identifying
	if all {
		names = slices.Concat(names, []string{"id", "principals"})
	}
	for _, name := range names {
		if m := w.matcherOf(name); m != nil && len(m.differ(name, x.values[name], nil)) > 0 {
			return false
		}
	}
	return true
}

// mismatch is one finding that is not as expected.
type mismatch struct {
	want        *wanted // nil: unexpected
	got         *found  // nil: missing
	ambiguous   int     // so many findings are meant
	differences []difference
}

// compare holds what was found against what is expected.
func (x *expected) compare(all []*found) []mismatch {
	for _, f := range all {
		f.taken = false
	}
	var out []mismatch
	for _, w := range x.findings {
		var meant []*found
		for _, precise := range []bool{false, true} {
			meant = slices.DeleteFunc(slices.Clone(all), func(f *found) bool { return f.taken || !w.isMeant(f, precise) })
			if len(meant) <= 1 {
				break
			}
		}
		switch len(meant) {
		case 0:
			out = append(out, mismatch{want: w})
			continue
		case 1:
		default:
			out = append(out, mismatch{want: w, ambiguous: len(meant)})
			for _, f := range meant {
				f.taken = true
			}
			continue
		}
		f := meant[0]
		f.taken = true
		var d []difference
		for i := range w.fields {
			d = w.fields[i].want.differ(w.fields[i].name, f.values[w.fields[i].name], d)
		}
		if len(d) > 0 {
			out = append(out, mismatch{want: w, got: f, differences: d})
		}
	}
	if !x.others {
		for _, f := range all {
			if !f.taken {
				out = append(out, mismatch{got: f})
			}
		}
	}
	return out
}
