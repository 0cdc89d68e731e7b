package replay

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"sunsetwatch/rules"
)

// Table writes the findings as a table, most severe first, and below it what they
// rest on.
func (r *Result) Table(w io.Writer) error {
	var b strings.Builder
	if len(r.Findings) > 0 {
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "SEVERITY\tSTATE\tPARTNER\tFEATURE\tKIND\tEVENTS\tPEOPLE\tDAYS\tFIRST\tLAST")
		for _, f := range r.Findings {
			kind := f.Kind
			if detail := f.Scope + f.Rule; detail != "" {
				kind += " (" + detail + ")"
			}
			events, days := grouped(f.Events), grouped(f.Days)
			switch {
			case f.Kind == rules.AttemptsAfterSunset:
				events = fmt.Sprintf("0 (%s refused)", grouped(f.Attempts))
			case f.ProbeDays != nil:
				days = fmt.Sprintf("0 (%s probed)", grouped(*f.ProbeDays))
			}
			people := grouped(f.People)
			if !f.PeopleExact {
				people = "about " + people
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Severity, f.State, clean(who(f)), clean(f.Feature), clean(kind),
				events, people, days, when(f.FirstEvent), when(f.LastEvent))
		}
		t.Flush() // to memory
		b.WriteByte('\n')
	}
	s := r.Summary
	fmt.Fprintf(&b, "%s: ", plural(len(r.Findings), "finding"))
	for i, state := range rules.States() {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d %s", s.Findings[state.String()], state)
	}
	fmt.Fprintf(&b, ".\n%s events read: %s counted", grouped(s.EventsRead), grouped(s.EventsCounted))
	for _, n := range []struct {
		n    uint64
		what string
	}{{s.EventsDuplicate, "duplicate"}, {s.rejected(), "rejected"}, {s.EventsOutOfRange, "out of range"}} {
		if n.n > 0 {
			fmt.Fprintf(&b, ", %s %s", grouped(n.n), n.what)
		}
	}
	if s.JudgedTo == nil {
		b.WriteString(". No event was counted: nothing is judged.\n")
	} else {
		fmt.Fprintf(&b, "; from %s to %s, judged to %s.\n", *s.FirstEvent, *s.LastEvent, *s.JudgedTo)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// who is the partner, or the principals where there is none.
func who(f *rules.Finding) string {
	if f.Partner == rules.Unregistered {
		return rules.Unregistered + " " + strings.Join(f.Principals, ", ")
	}
	return f.Partner
}

func when(c rules.Coordinate) string {
	if c == (rules.Coordinate{}) {
		return "-"
	}
	return c.Time.Time().Truncate(time.Second).Format(time.RFC3339)
}

// clean is a name that does no harm to a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// Tell writes what a person should know beside the findings: what was rejected, and
// what is not complete.
func (r *Result) Tell(w io.Writer) {
	r.listRejected(w)
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	for _, l := range r.Lacks {
		fmt.Fprintf(w, "incomplete: %s\n", l)
	}
}

// Worst reports whether a finding of a severity or above is open or quiet.
func (r *Result) Worst(s rules.Severity) bool {
	for _, f := range r.Findings {
		if f.Severity >= s && (f.State == rules.Open || f.State == rules.Quiet) {
			return true
		}
	}
	return false
}
