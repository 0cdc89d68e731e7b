package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"sunsetwatch/detector"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// DiffOptions of Diff.
type DiffOptions struct {
	Source
	Question // AsThen has no meaning
	Old, New Set
	// MaxRejected is the part of the events that may be rejected.
	MaxRejected float64
	Progress    Progress
	Clock       func() time.Time // required
}

// Difference is what two sets say of the same events.
type Difference struct {
	Gained, Lost []*rules.Finding // in the order of rules.Compare
	Changed      []Changed
	Lacks        []string // why it is not complete
	Read         uint64
	Rejected     uint64

	reading *Result
}

// Changed is a finding of both.
type Changed struct {
	Old, New *rules.Finding
	Fields   []FieldChange // sorted by name
}

// FieldChange is a field of a finding that is not as it was.
type FieldChange struct {
	Field string          `json:"field"`
	Old   json.RawMessage `json:"old"`
	New   json.RawMessage `json:"new"`
}

// Diff counts the events once, cut by both sets, and judges the facts by each.
func Diff(ctx context.Context, o DiffOptions) (*Difference, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.From >= o.until() {
		return nil, bad("no event time is left between --from and --to or --known-at")
	}
	before, after := o.Old.knownAt(o.KnownAt), o.New.knownAt(o.KnownAt)
	c := &count{
		source: &o.Source, question: &o.Question, started: access.At(o.Clock()),
		terms: bothTerms{detector.Cuts(o.Old.Registry, o.Old.Rules), detector.Cuts(o.New.Registry, o.New.Rules)},
		pieces: func() ledger.PiecesOptions {
			a, b := detector.NewConcern(before.Registry), detector.NewConcern(after.Registry)
			return ledger.PiecesOptions{Together: true, People: func(c *ledger.Cell, at access.Instant) ledger.Verdict {
				return a.Verdict(c, at)<<32 | b.Verdict(c, at)
			}}
		},
		tell: &teller{Progress: o.Progress, clock: o.Clock},
	}
	if err := c.run(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, &Interrupted{Reason: "nothing is kept"}
		}
		return nil, err
	}
	was, err := asKnown(c.facts, before, &o.Question)
	if err != nil {
		return nil, err
	}
	is, err := asKnown(c.facts, after, &o.Question)
	if err != nil {
		return nil, err
	}
	d, err := compare(was, is)
	if err != nil {
		return nil, err
	}
	d.reading = &Result{Question: o.Question}
	d.reading.account(c, o.Old.Registry, o.MaxRejected)
	d.Lacks, d.Read, d.Rejected = d.reading.Lacks, d.reading.Summary.EventsRead, d.reading.Summary.rejected()
	return d, nil
}

func (s Set) knownAt(k access.Instant) Set { return Set{s.Registry.KnownAt(k), s.Rules} }

// bothTerms cut by two sets.
type bothTerms struct{ a, b ledger.Terms }

// Instants is that of ledger.Terms.
func (t bothTerms) Instants(principal, feature string, scopes []string) []access.Instant {
	at := slices.Concat(t.a.Instants(principal, feature, scopes), t.b.Instants(principal, feature, scopes))
	slices.Sort(at)
	return slices.Compact(at)
}

// KnownPrincipal is that of ledger.Terms.
func (t bothTerms) KnownPrincipal(name string) bool {
	return t.a.KnownPrincipal(name) || t.b.KnownPrincipal(name)
}

// KnownFeature is that of ledger.Terms.
func (t bothTerms) KnownFeature(name string) bool {
	return t.a.KnownFeature(name) || t.b.KnownFeature(name)
}

func compare(was, is []*rules.Finding) (*Difference, error) {
	d := &Difference{}
	old := map[string]*rules.Finding{}
	for _, f := range was {
		old[f.ID] = f
	}
	for _, f := range is {
		before := old[f.ID]
		if before == nil {
			d.Gained = append(d.Gained, f)
			continue
		}
		delete(old, f.ID)
		fields, err := fieldChanges(before, f)
		if err != nil {
			return nil, err
		}
		if len(fields) > 0 {
			d.Changed = append(d.Changed, Changed{before, f, fields})
		}
	}
	for _, f := range was {
		if old[f.ID] != nil {
			d.Lost = append(d.Lost, f)
		}
	}
	return d, nil
}

// fieldChanges are those of the JSON of two findings, the sentence apart.
func fieldChanges(a, b *rules.Finding) ([]FieldChange, error) {
	var fields [2]map[string]json.RawMessage
	for i, f := range []*rules.Finding{a, b} {
		data, err := json.Marshal(f)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, &fields[i]); err != nil {
			return nil, err
		}
	}
	var all []FieldChange
	for name, was := range fields[0] {
		if is := fields[1][name]; name != "why" && !bytes.Equal(was, is) {
			all = append(all, FieldChange{name, was, is})
		}
	}
	slices.SortFunc(all, func(a, b FieldChange) int { return strings.Compare(a.Field, b.Field) })
	return all, nil
}

// Tell writes what a person should know beside the difference: what was rejected,
// and what is not complete.
func (d *Difference) Tell(w io.Writer) { d.reading.Tell(w) }

// Any reports whether there is a difference.
func (d *Difference) Any() bool { return len(d.Gained)+len(d.Lost)+len(d.Changed) > 0 }

// DiffSchema names the JSON form of a Difference.
const DiffSchema = "sunsetwatch.diff.v1"

// JSON writes the difference as one object.
func (d *Difference) JSON(w io.Writer) error {
	type changed struct {
		ID      string        `json:"id"`
		Kind    string        `json:"kind"`
		Partner string        `json:"partner"`
		Feature string        `json:"feature"`
		Scope   *string       `json:"scope"`
		Fields  []FieldChange `json:"fields"`
	}
	out := struct {
		Schema   string           `json:"schema"`
		Gained   []*rules.Finding `json:"gained"`
		Lost     []*rules.Finding `json:"lost"`
		Changed  []changed        `json:"changed"`
		Complete bool             `json:"complete"`
	}{DiffSchema, d.Gained, d.Lost, []changed{}, len(d.Lacks) == 0}
	for _, list := range []*[]*rules.Finding{&out.Gained, &out.Lost} {
		if *list == nil {
			*list = []*rules.Finding{}
		}
	}
	for _, c := range d.Changed {
		x := changed{c.New.ID, c.New.Kind, c.New.Partner, c.New.Feature, nil, c.Fields}
		if c.New.Scope != "" {
			x.Scope = &c.New.Scope
		}
		out.Changed = append(out.Changed, x)
	}
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

// Text writes the difference for a terminal.
func (d *Difference) Text(w io.Writer) error {
	var b strings.Builder
	for _, list := range []struct {
		sign string
		of   []*rules.Finding
	}{{"+", d.Gained}, {"-", d.Lost}} {
		for _, f := range list.of {
			fmt.Fprintf(&b, "%s %s\n    %s\n", list.sign, title(f), clean(f.Why))
		}
	}
	for _, c := range d.Changed {
		fmt.Fprintf(&b, "~ %s\n", title(c.New))
		for _, f := range c.Fields {
			fmt.Fprintf(&b, "    %s: %s -> %s\n", f.Field, clean(f.was()), clean(f.is()))
		}
	}
	fmt.Fprintf(&b, "%s; %s read", d.sentence(), plural(int(d.Read), "event"))
	if d.Rejected > 0 {
		fmt.Fprintf(&b, ", %s of them rejected", grouped(d.Rejected))
	}
	b.WriteString(".\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (d *Difference) sentence() string {
	if !d.Any() {
		return "No finding differs"
	}
	return fmt.Sprintf("%s gained, %d lost, %d changed", plural(len(d.Gained), "finding"), len(d.Lost), len(d.Changed))
}

// title names a finding.
func title(f *rules.Finding) string {
	s := fmt.Sprintf("%s %s %s %s", f.Severity, f.Kind, clean(who(f)), clean(f.Feature))
	if detail := f.Scope + f.Rule; detail != "" {
		s += " (" + clean(detail) + ")"
	}
	return s
}

// was and is are values for a person.
func (f *FieldChange) was() string { return value(f.Old) }
func (f *FieldChange) is() string  { return value(f.New) }

func value(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	switch v := v.(type) {
	case nil:
		return "none"
	case string:
		return v
	case float64:
		return numberText(v, raw)
	case map[string]any:
		return objectText(v, raw)
	case []any:
		var all []string
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return string(raw)
			}
			all = append(all, text)
		}
		return strings.Join(all, ", ")
	}
	return string(raw)
}

func numberText(v float64, raw json.RawMessage) string {
	if v >= 0 && v == float64(uint64(v)) {
		return grouped(uint64(v))
	}
	return string(raw)
}

// objectText is a coordinate by its time and place, a closure by its reason, a
// decision by what was recorded, and numbers by name.
func objectText(v map[string]any, raw json.RawMessage) string {
	text := func(name string) string {
		s, _ := v[name].(string)
		return s
	}
	switch {
	case v["time"] != nil:
		offset, _ := v["offset"].(float64)
		return fmt.Sprintf("%s (%s:%.0f)", text("time"), text("source"), offset)
	case v["why"] != nil:
		return text("why")
	case v["reason"] != nil || v["recorded"] != nil || v["ticket"] != nil:
		return strings.Join(slices.DeleteFunc([]string{text("recorded"), text("by"), text("reason"), text("ticket")}, func(s string) bool { return s == "" }), ", ")
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(v)) {
		n, ok := v[name].(float64)
		if !ok {
			return string(raw)
		}
		all = append(all, name+" "+numberText(n, raw))
	}
	return strings.Join(all, ", ")
}
