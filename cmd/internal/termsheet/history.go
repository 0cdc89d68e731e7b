package termsheet

import (
	"cmp"
	"slices"
	"strings"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// HistorySchema is the schema of a History in JSON.
const HistorySchema = "sunsetwatch.registration-history.v1"

// History is how the terms of one registration came about.
type History struct {
	Schema    string  `json:"schema"`
	Partner   string  `json:"partner"`
	Feature   string  `json:"feature"`
	Program   *string `json:"program"`
	KnownAt   *string `json:"known_at"`  // null: all is known
	Revisions []Step  `json:"revisions"` // in the order of recorded
}

// Step is one revision, of the registration or of its program.
type Step struct {
	Revision
	Of     string         `json:"of"`     // registration or program
	Named  map[string]any `json:"named"`  // what it says, by field; null restores the default
	Became []Stretch      `json:"became"` // the terms as known once it was recorded; empty: no registration yet

	statement registry.Statement
	became    []stretch
}

// Stretch is the terms from an event time on.
type Stretch struct {
	Since *string `json:"since"` // null: from the beginning of event time
	Terms Terms   `json:"terms"`
}

type stretch struct {
	since access.Instant
	terms *registry.Terms
}

// HistoryOf is the history of r, which is of s, as known at k.
func HistoryOf(s *registry.Snapshot, r *registry.Registration, k access.Instant) *History {
	h := &History{Schema: HistorySchema, Partner: r.Partner, Feature: r.Feature, Program: Optional(r.Program), KnownAt: Instant(k), Revisions: []Step{}}
	add := func(of string, all []registry.Statement) {
		for _, st := range all {
			if st.Recorded <= k {
				h.Revisions = append(h.Revisions, Step{Revision: *RevisionOf(st.Revision), Of: of, Named: namedFields(&st), statement: st})
			}
		}
	}
	add("registration", r.Statements())
	if p := s.Program(r.Program); p != nil {
		add("program", p.Statements())
	}
	slices.SortStableFunc(h.Revisions, func(a, b Step) int { return cmp.Compare(a.statement.Recorded, b.statement.Recorded) })
	for i := range h.Revisions {
		step := &h.Revisions[i]
		step.Became = []Stretch{}
		then := s.KnownAt(step.statement.Recorded).Registration(r.Partner, r.Feature)
		if then == nil {
			continue
		}
		for since, terms := range then.Stretches() {
			step.became = append(step.became, stretch{since, terms})
			step.Became = append(step.Became, Stretch{Instant(since), TermsOf(terms)})
		}
	}
	return h
}

// namedFields are the values that a revision gives to the fields that it names.
func namedFields(st *registry.Statement) map[string]any {
	terms := TermsOf(&st.Terms)
	values := [registry.Fields]any{
		registry.From: terms.From, registry.Sunset: terms.Sunset, registry.Deprecation: terms.Deprecation, registry.Grace: terms.Grace,
		registry.Pauses: terms.Pauses, registry.Operations: terms.Operations, registry.Scopes: terms.Scopes,
		registry.Inbound: terms.Inbound, registry.Requires: terms.Requires,
	}
	all := map[string]any{}
	for f, by := range st.Decided {
		if by != nil {
			all[registry.Field(f).String()] = values[f]
		}
	}
	return all
}

// Says is what the revision names, for reading: "sunset 2015-07-01, grace 30d".
func (s *Step) Says() string { return says(&s.statement) }

// Outcome is the terms that it led to, for reading: a line for each event time at
// which they change.
func (s *Step) Outcome() []string { return outcome(s) }

// Table of the revisions: a line each, and one more for each event time at which
// the terms that it led to change.
func (h *History) Table(wide bool) string {
	var t table
	head := []string{"RECORDED", "EFFECTIVE", "OF", "BY", "TICKET", "NAMED", "REASON"}
	if wide {
		head = append(head, "PLACE")
	}
	t.row(append(head, "TERMS")...)
	for i := range h.Revisions {
		step := &h.Revisions[i]
		row := []string{always(step.statement.Recorded), always(step.statement.Effective), step.Of,
			Text(step.statement.By), Text(step.statement.Ticket), says(&step.statement), Text(step.statement.Reason)}
		if wide {
			row = append(row, Place(step.statement.Revision))
		}
		lines := outcome(step)
		t.row(append(row, lines[0])...)
		for _, line := range lines[1:] {
			t.row(append(slices.Repeat([]string{" "}, len(row)), line)...)
		}
	}
	return t.String()
}

// says is what a revision names: "sunset 2015-07-01, grace 30d".
func says(st *registry.Statement) string {
	var parts []string
	for f := range registry.Field(registry.Fields) {
		if st.Decided[f] == nil {
			continue
		}
		value := Value(&st.Terms, f)
		if value == none {
			value = "none"
		}
		parts = append(parts, f.String()+" "+value)
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

func outcome(step *Step) []string {
	var lines []string
	for i, s := range step.became {
		line := Summary(s.terms)
		if i > 0 {
			line = "event times since " + Moment(s.since) + ": " + line
		} else if len(step.became) > 1 {
			line = "event times before " + Moment(step.became[1].since) + ": " + line
		}
		lines = append(lines, line)
	}
	if lines == nil {
		lines = []string{"not registered yet"}
	}
	return lines
}
