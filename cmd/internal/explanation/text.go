package explanation

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"sunsetwatch/cmd/internal/termsheet"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Text of e for reading: the answer first, then what it rests on.
func (e *Explanation) Text() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	line := func(label, value string) { fmt.Fprintf(w, "%s:\t%s\n", label, value) }
	line("Event", string(e.Event))
	line("Verdict", e.answer())
	line("Known at", knownAt(e.KnownAt))
	line("Principal", e.Principal.text())
	line("Registration", e.registration())
	line("Window", e.windowText())
	if len(e.RetiredScopes) == 0 {
		line("Retired scopes", "none")
	}
	for i := range e.RetiredScopes {
		line("Retired scope", e.RetiredScopes[i].text(e.at))
	}
	w.Flush()
	if e.terms != nil {
		fmt.Fprintf(&b, "\nTerms at %s:\n", e.at)
		rows(&b, e.termRows())
	}
	b.WriteString("\nKinds:\n")
	rows(&b, e.verdictRows())
	for i := range e.Verdicts {
		m := e.Verdicts[i].Match
		if m == nil || m.Sentence == nil {
			continue
		}
		fmt.Fprintf(&b, "\nFinding %s, %s, of this event alone:\n  %s\n", m.Finding, e.Verdicts[i].name(), *m.Sentence)
		for _, note := range m.Notes {
			b.WriteString("  " + note + "\n")
		}
	}
	if len(e.Hints) > 0 {
		b.WriteString("\nHints:\n")
		for _, h := range e.Hints {
			b.WriteString("  " + h + "\n")
		}
	}
	return b.String()
}

// rows are indented and aligned.
func rows(b *strings.Builder, all [][]string) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, cells := range all {
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(c, "\t", " ")
		}
		fmt.Fprintf(w, "  %s\n", strings.Join(cells, "\t"))
	}
	w.Flush()
}

// answer is what there is to know.
func (e *Explanation) answer() string {
	var found, counted []string
	for i := range e.Verdicts {
		switch v := &e.Verdicts[i]; v.Verdict {
		case Matches:
			found = append(found, fmt.Sprintf("%s (%s)", v.name(), v.Match.Severity))
		case Counted:
			counted = append(counted, v.Kind)
		}
	}
	switch e.Is {
	case "access":
		if found == nil {
			return "nothing is wrong with this access"
		}
		return "this access is wrong: " + strings.Join(found, ", ")
	case "probe":
		if found == nil {
			return "a capability probe, no access: nothing is wrong with it"
		}
		return "a capability probe, no access: " + strings.Join(found, ", ") + " while no access is counted"
	}
	text := "an attempt, which was not served and opens no finding of accesses"
	if counted != nil {
		text += "; counted in " + strings.Join(counted, ", ")
	}
	if found != nil {
		text += "; " + strings.Join(found, ", ") + " while there is no access"
	}
	return text
}

func knownAt(k *string) string {
	if k == nil {
		return "all that is recorded"
	}
	return "what was recorded by " + *k
}

func (p *Principal) text() string {
	id := termsheet.Name(p.ID)
	if p.Partner == nil {
		return id + " belonged to nobody by then"
	}
	partner := termsheet.Name(*p.Partner)
	var text string
	switch {
	case !p.Belongs:
		text = fmt.Sprintf("%s belongs to nobody: %s, its last owner, gave it up at %s", id, partner, termsheet.Moment(p.until))
	case p.since == access.Beginning && p.until == access.End:
		text = fmt.Sprintf("%s belongs to %s", id, partner)
	case p.until == access.End:
		text = fmt.Sprintf("%s belongs to %s since %s", id, partner, termsheet.Moment(p.since))
	case p.since == access.Beginning:
		text = fmt.Sprintf("%s belongs to %s, until %s", id, partner, termsheet.Moment(p.until))
	default:
		text = fmt.Sprintf("%s belongs to %s since %s, until %s", id, partner, termsheet.Moment(p.since), termsheet.Moment(p.until))
	}
	var who []string
	if p.Team != nil {
		who = append(who, "team "+termsheet.Text(*p.Team))
	}
	if p.Owner != nil {
		who = append(who, "owner "+termsheet.Text(*p.Owner))
	}
	if who != nil {
		text += " (" + strings.Join(who, ", ") + ")"
	}
	return text
}

func (e *Explanation) registration() string {
	r := e.Registration
	if r == nil {
		return "none is known"
	}
	text := termsheet.Name(r.Partner) + "/" + termsheet.Name(r.Feature)
	if r.Program != nil {
		text += ", in the program " + termsheet.Name(*r.Program)
	}
	return text + ", " + r.Lifecycle
}

func (e *Explanation) windowText() string {
	t := e.terms
	switch e.window {
	case rules.TooEarly:
		return "before the start on " + termsheet.Moment(t.From)
	case rules.AfterEnd:
		text := "after the sunset on " + termsheet.Moment(t.Sunset)
		if t.Program != "" {
			text += " of the program " + termsheet.Name(t.Program)
		}
		switch {
		case t.GraceUntil == t.Sunset:
			return text + ", without a grace"
		case e.at < t.GraceUntil:
			return text + ", in the grace that ends on " + termsheet.Moment(t.GraceUntil)
		}
		return text + " and its grace, which ended on " + termsheet.Moment(t.GraceUntil)
	case rules.Paused:
		i := slices.IndexFunc(t.Pauses, func(p registry.Pause) bool { return p.From <= e.at && e.at < p.Until })
		p := t.Pauses[i]
		text := "in the pause from " + termsheet.Moment(p.From) + " to " + termsheet.Moment(p.Until)
		if p.Why != "" {
			text += " (" + termsheet.Text(p.Why) + ")"
		}
		return text
	case rules.Inside:
		from, sunset := "since always", "with no sunset"
		if t.From != access.Beginning {
			from = "from " + termsheet.Moment(t.From)
		}
		if t.Sunset != access.End {
			sunset = "until the sunset on " + termsheet.Moment(t.Sunset)
			if t.Program != "" {
				sunset += " of the program " + termsheet.Name(t.Program)
			}
		}
		return "inside: " + from + ", " + sunset
	}
	if e.terms != nil {
		return "in none: the terms do not hold for a principal that was given up"
	}
	return "in none, without a registration"
}

func (r *RetiredScope) text(at access.Instant) string {
	text := termsheet.Name(r.Name) + " is retired for everybody since " + termsheet.Moment(r.retired.Sunset)
	switch {
	case r.retired.GraceUntil == r.retired.Sunset:
	case at < r.retired.GraceUntil:
		text += ", in the grace that ends on " + termsheet.Moment(r.retired.GraceUntil)
	default:
		text += ", with a grace that ended on " + termsheet.Moment(r.retired.GraceUntil)
	}
	if r.retired.Decided != nil {
		text += ": " + termsheet.Origin(r.retired.Decided)
	}
	return text
}

// termRows are the terms in force, each field with the revision that set it.
func (e *Explanation) termRows() [][]string {
	all := [][]string{{"FIELD", "VALUE", "SET BY"}}
	for f := range registry.Field(registry.Fields) {
		by := "no revision: the default"
		if r := e.terms.Decided[f]; r != nil {
			by = termsheet.Origin(r)
			if e.terms.Program != "" && (f == registry.Sunset || f == registry.Grace) {
				by = "the program " + termsheet.Name(e.terms.Program) + ": " + by
			}
		}
		value := termsheet.Value(e.terms, f)
		if f == registry.Grace && e.terms.Grace > 0 && e.terms.Sunset != access.End {
			value += ", until " + termsheet.Moment(e.terms.GraceUntil)
		}
		all = append(all, []string{f.String(), value, by})
	}
	return all
}

func (e *Explanation) verdictRows() [][]string {
	all := [][]string{{"KIND", "VERDICT", "WHY"}}
	for i := range e.Verdicts {
		v := &e.Verdicts[i]
		word := map[string]string{NoMatch: "no", NotJudged: "not judged", Counted: "attempt"}[v.Verdict]
		if v.Verdict == Matches {
			word = v.Match.Severity.String()
		}
		all = append(all, []string{v.name(), word, v.Why})
	}
	return all
}

// name of the kind and, of scope_retired, the scope.
func (v *Verdict) name() string {
	if v.Match == nil || v.Match.Scope == nil {
		return v.Kind
	}
	return v.Kind + " of " + termsheet.Name(*v.Match.Scope)
}
