package termsheet

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Schema of a Sheet in JSON.
const Schema = "sunsetwatch.registrations.v1"

// Sheet is all registrations with the terms that hold at one event time, as
// known at one time.
type Sheet struct {
	Schema        string         `json:"schema"`
	At            *string        `json:"at"`
	KnownAt       *string        `json:"known_at"` // null: all is known
	Registrations []Registration `json:"registrations"`
}

// Registration is a row of a Sheet.
type Registration struct {
	Partner    string   `json:"partner"`
	Feature    string   `json:"feature"`
	Program    *string  `json:"program"` // that it is part of
	Owner      *string  `json:"owner"`
	Team       *string  `json:"team"`
	Principals []string `json:"principals"` // that belong to the partner at that time
	Lifecycle  string   `json:"lifecycle"`
	Terms      Terms    `json:"terms"`

	terms *registry.Terms
}

// Terms in JSON. Instants are RFC 3339 in UTC, lengths of time in seconds.
type Terms struct {
	From          *string  `json:"from"`           // null: open
	Sunset        *string  `json:"sunset"`         // the effective one; null: none
	SunsetProgram *string  `json:"sunset_program"` // the program whose sunset it is
	Grace         int64    `json:"grace"`
	GraceUntil    *string  `json:"grace_until"`
	Deprecation   *string  `json:"deprecation"`
	Pauses        []Pause  `json:"pauses"`
	Operations    []string `json:"operations"` // null: not restricted; []: grants nothing
	Scopes        []string `json:"scopes"`     // null: not restricted; []: grants nothing
	Requires      []string `json:"requires"`
	Inbound       bool     `json:"inbound"`
	// Decided are the revisions that named each field; a field that none named
	// is not in it.
	Decided map[string]*Revision `json:"decided"`
}

// Pause in JSON.
type Pause struct {
	From  *string `json:"from"`
	Until *string `json:"until"`
	Why   *string `json:"why"`
}

// Revision in JSON.
type Revision struct {
	Recorded  *string `json:"recorded"`  // null: known since always
	Effective *string `json:"effective"` // null: for all event times
	By        *string `json:"by"`
	Reason    *string `json:"reason"`
	Ticket    *string `json:"ticket"`
	File      string  `json:"file"`
	Line      int     `json:"line"`
}

// Of are the registrations of s at event time at, as known at k. k = access.End:
// all is known.
func Of(s *registry.Snapshot, at, k access.Instant) *Sheet {
	s = s.KnownAt(k)
	sheet := &Sheet{Schema: Schema, At: Instant(at), KnownAt: Instant(k), Registrations: []Registration{}}
	principals := map[string][]string{}
	for _, r := range s.Registrations() {
		terms, _ := s.TermsAt(r, at, access.End)
		row := Registration{
			Partner: r.Partner, Feature: r.Feature, Program: Optional(r.Program),
			Lifecycle: terms.LifecycleAt(at).String(), Terms: TermsOf(terms), terms: terms,
		}
		if p := s.Partner(r.Partner); p != nil {
			row.Owner, row.Team = Optional(p.Owner), Optional(p.Team)
			if _, known := principals[p.Name]; !known {
				principals[p.Name] = belonging(p, at)
			}
			row.Principals = principals[p.Name]
		}
		sheet.Registrations = append(sheet.Registrations, row)
	}
	return sheet
}

// belonging are the principals of p at t.
func belonging(p *registry.Partner, t access.Instant) []string {
	all := []string{}
	for _, a := range p.Principals { // sorted by name
		if a.From <= t && (t < a.Until || a.Until == access.End) {
			all = append(all, a.Principal)
		}
	}
	return slices.Compact(all)
}

// TermsOf is t in JSON.
func TermsOf(t *registry.Terms) Terms {
	out := Terms{
		From: Instant(t.From), Sunset: Instant(t.Sunset), SunsetProgram: Optional(t.Program),
		Grace: int64(t.Grace / time.Second), GraceUntil: Instant(t.GraceUntil), Deprecation: Instant(t.Deprecation),
		Pauses: []Pause{}, Operations: operations(t.Operations), Scopes: t.Scopes,
		Requires: t.Requires.Words(), Inbound: t.Inbound, Decided: map[string]*Revision{},
	}
	for _, p := range t.Pauses {
		out.Pauses = append(out.Pauses, Pause{Instant(p.From), Instant(p.Until), Optional(p.Why)})
	}
	for f, r := range t.Decided {
		if r != nil {
			out.Decided[registry.Field(f).String()] = RevisionOf(r)
		}
	}
	return out
}

// RevisionOf is r in JSON; nil of nil.
func RevisionOf(r *registry.Revision) *Revision {
	if r == nil {
		return nil
	}
	return &Revision{Instant(r.Recorded), Instant(r.Effective), Optional(r.By), Optional(r.Reason), Optional(r.Ticket), r.File, r.Line}
}

// Instant is i in JSON: nil where it is open.
func Instant(i access.Instant) *string {
	if i == access.Beginning || i == access.End {
		return nil
	}
	s := i.String()
	return &s
}

// Optional is text in JSON: nil where it is empty.
func Optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// Table of the registrations, a line each. wide adds who answers for them, the
// rest of the terms, and the revision that decided the sunset.
func (s *Sheet) Table(wide bool) string {
	var t table
	head := []string{"PARTNER", "FEATURE", "PROGRAM", "FROM", "SUNSET", "GRACE UNTIL", "LIFECYCLE", "OPERATIONS", "SCOPES", "REQUIRES", "INBOUND"}
	if wide {
		head = append(head, "OWNER", "TEAM", "PRINCIPALS", "DEPRECATION", "PAUSES", "SUNSET BY")
	}
	t.row(head...)
	for i := range s.Registrations {
		r := &s.Registrations[i]
		value := func(f registry.Field) string { return Value(r.terms, f) }
		row := []string{Name(r.Partner), Name(r.Feature), named(r.Program), value(registry.From), value(registry.Sunset), Moment(r.terms.GraceUntil),
			r.Lifecycle, value(registry.Operations), value(registry.Scopes), value(registry.Requires), value(registry.Inbound)}
		if wide {
			by := none
			if d := r.terms.Decided[registry.Sunset]; d != nil {
				by = Origin(d)
				if r.terms.Program != "" {
					by = "program: " + by
				}
			}
			row = append(row, named(r.Owner), named(r.Team), listed(r.Principals), value(registry.Deprecation), value(registry.Pauses), by)
		}
		t.row(row...)
	}
	return t.String()
}

func named(name *string) string {
	if name == nil {
		return none
	}
	return Name(*name)
}

// Origin of a revision in one line: when, by whom, why, and where it is written.
func Origin(r *registry.Revision) string {
	text := "recorded " + Moment(r.Recorded)
	if r.Recorded == access.Beginning {
		text = "known since always"
	}
	if r.By != "" {
		text += " by " + Text(r.By)
	}
	if r.Effective != access.Beginning {
		text += ", effective " + Moment(r.Effective)
	}
	if why := strings.Join(slices.DeleteFunc([]string{r.Reason, r.Ticket}, func(s string) bool { return s == "" }), ", "); why != "" {
		text += ": " + Text(why)
	}
	return text + " (" + Place(r) + ")"
}

// Place is where a revision is written.
func Place(r *registry.Revision) string {
	return Text(r.File) + ":" + strconv.Itoa(r.Line)
}

// JSON of v, indented.
func JSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err) // plain data
	}
	return b.String()
}

// table is aligned columns, two blanks apart.
type table struct {
	b strings.Builder
	w *tabwriter.Writer
}

func (t *table) row(cells ...string) {
	if t.w == nil {
		t.w = tabwriter.NewWriter(&t.b, 0, 0, 2, ' ', 0)
	}
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(cmp.Or(c, none), "\t", " ")
	}
	t.w.Write([]byte(strings.Join(cells, "\t") + "\n"))
}

func (t *table) String() string {
	if t.w != nil {
		t.w.Flush()
	}
	return t.b.String()
}
