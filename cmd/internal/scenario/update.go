package scenario

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"
)

// updated is the file with what was found in its expectations. Findings that are
// as expected stay as they are written; of the others every field that was
// expected gets its value; those that are missing go, and new ones come with the
// fields that say most. It fails where steps that found different things expect
// the same section.
func (o *Outcome) updated() ([]byte, error) {
	a := &txtar.Archive{Comment: o.Scenario.archive.Comment, Files: slices.Clone(o.Scenario.archive.Files)}
	for i := range o.Checks {
		c := &o.Checks[i]
		if c.Passed() {
			continue
		}
		for j := range a.Files {
			if a.Files[j].Name == c.expected.section.name {
				a.Files[j].Data = c.rewritten()
			}
		}
	}
	text := txtar.Format(a)
	s, problems := Parse(o.Scenario.Name, text)
	if err := problems.Err(); err != nil {
		return nil, fmt.Errorf("what would be written could not be read, which is a defect of sunsetwatch:\n%w", err)
	}
	for i := range o.Checks {
		c := o.Checks[i]
		c.expected, c.mismatches, c.lines = s.expected[c.step.expect], nil, nil
		c.compare()
		// What an ambiguous one means is for a person to say.
		c.mismatches = slices.DeleteFunc(c.mismatches, func(m mismatch) bool { return m.ambiguous > 0 })
		if !c.Passed() {
			return nil, fmt.Errorf("%s:%d: %s finds other things than another step that expects %s: give each a section of its own, with [] in it",
				printable(o.Scenario.Name), c.step.line, printable(c.name()), c.step.expect)
		}
	}
	return text, nil
}

func (c *Check) rewritten() []byte {
	if c.step.verb == checkStep {
		return []byte(strings.Join(append(slices.Clone(c.problems), ""), "\n"))
	}
	x := c.expected
	byWant := map[*wanted]*mismatch{}
	var added []*found
	for i := range c.mismatches {
		if m := &c.mismatches[i]; m.want != nil {
			byWant[m.want] = m
		} else {
			added = append(added, m.got)
		}
	}
	var b bytes.Buffer
	items, tail := x.items()
	kept := 0
	for _, it := range items {
		switch m := byWant[it.wanted]; {
		case it.wanted == nil || m == nil || m.ambiguous > 0:
			b.WriteString(it.text())
			kept++
		case m.got != nil:
			b.WriteString(it.amended(m))
			kept++
		}
	}
	for _, f := range added {
		b.WriteString(essential(f))
		kept++
	}
	if kept == 0 {
		b.WriteString("[]\n")
	}
	b.WriteString(tail)
	return b.Bytes()
}

// item is one finding as it is written: its lines, and those of comments before.
type item struct {
	wanted *wanted // nil: others
	before string  // comments and blank lines
	lines  []string
	first  int // line of the file
}

func (it *item) text() string { return it.before + strings.Join(it.lines, "") }

var beginsItem = regexp.MustCompile(`^- `)

// items are the findings of a section, and what stands after them.
func (x *expected) items() (items []*item, tail string) {
	line := x.section.marker + 1
	pending := ""
	for text := range strings.Lines(string(x.section.data)) {
		trimmed := strings.TrimSpace(text)
		switch {
		case beginsItem.MatchString(text):
			it := &item{before: pending, lines: []string{text}, first: line}
			for _, w := range x.findings {
				if w.line == line {
					it.wanted = w
				}
			}
			items, pending = append(items, it), ""
		case trimmed == "" || trimmed[0] == '#' || len(items) == 0:
			pending += text
		default: // comments between two lines of an item are the item's
			it := items[len(items)-1]
			it.lines = append(it.lines, pending+text)
			it.lines = strings.SplitAfter(strings.TrimSuffix(strings.Join(it.lines, ""), "\n"), "\n")
			it.lines[len(it.lines)-1] += "\n"
			pending = ""
		}
		line++
	}
	if len(items) == 0 { // [] and comments
		var kept string
		for text := range strings.Lines(pending) {
			if strings.HasPrefix(strings.TrimSpace(text), "#") {
				kept += text
			}
		}
		return nil, kept
	}
	return items, pending
}

// amended is the item with the values that were found.
func (it *item) amended(m *mismatch) string {
	if strings.HasPrefix(it.lines[0], "- {") {
		var fields []string
		for _, f := range it.wanted.fields {
			fields = append(fields, f.key+": "+f.value(m.got))
		}
		return it.before + "- {" + strings.Join(fields, ", ") + "}\n"
	}
	var b strings.Builder
	b.WriteString(it.before)
	fields := it.wanted.fields
	for i, f := range fields {
		from, to := f.line-it.first, len(it.lines)
		if i+1 < len(fields) {
			to = fields[i+1].line - it.first
		}
		lines := it.lines[max(0, from):max(0, to)]
		if len(lines) == 0 {
			continue
		}
		if len(f.want.differ(f.name, m.got.values[f.name], nil)) == 0 {
			b.WriteString(strings.Join(lines, ""))
			continue
		}
		key, rest, _ := strings.Cut(lines[0], ":")
		comment := ""
		if i := strings.Index(rest, " #"); i >= 0 && !strings.ContainsAny(rest, `"'`) {
			comment = strings.TrimRight(rest[i:], "\r\n")
			for i > 0 && rest[i-1] == ' ' {
				i--
				comment = " " + comment
			}
		}
		fmt.Fprintf(&b, "%s: %s%s\n", key, f.value(m.got), comment)
		for _, l := range lines[1:] { // comments under the field stay
			if strings.HasPrefix(strings.TrimSpace(l), "#") {
				b.WriteString(l)
			}
		}
	}
	return b.String()
}

// value is that of the finding, written as the field's was.
func (f *wantedField) value(got *found) string {
	_, inner, dotted := strings.Cut(f.key, ".")
	v := got.values[f.name]
	if !dotted {
		return f.want.yaml(v)
	}
	values, _ := v.(map[string]any)
	if m, ok := f.want.(object); ok && len(m) == 1 {
		return m[0].want.yaml(values[inner])
	}
	return plain(values[inner])
}

// essential is a new finding with the fields that say most.
func essential(f *found) string {
	var b strings.Builder
	lead := "- "
	for _, name := range []string{"kind", "partner", "feature", "program", "scope", "rule", "severity", "state", "events", "attempts", "days", "people", "first_event", "last_event"} {
		v := f.values[name]
		switch name {
		case "first_event", "last_event":
			v = timeOf(v)
		case "attempts":
			if n, _ := number(v); n == 0 {
				continue
			}
		case "people":
			if exact, _ := f.values["people_exact"].(bool); !exact {
				if n, ok := number(v); ok {
					fmt.Fprintf(&b, "  people: %s\n", about{n, 2})
					continue
				}
			}
		}
		if v == nil {
			continue
		}
		fmt.Fprintf(&b, "%s%s: %s\n", lead, name, plain(v))
		lead = "  "
	}
	return b.String()
}
