package detector

import (
	"slices"
	"time"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// A history holds at most maxHistory entries. When it is full, the oldest entry
// after the first keptOpening is dropped: how a finding began and what became
// of it lately stay.
const (
	maxHistory  = 100
	keptOpening = 10
)

// quietAfter is how long there has been no access in a finding that is quiet.
const quietAfter = 24 * time.Hour

// extend is a copy of history with one entry more.
func extend(history []rules.Change, c rules.Change) []rules.Change {
	if len(history) < maxHistory {
		return append(slices.Clip(history), c)
	}
	drop := len(history) - maxHistory + 1
	next := make([]rules.Change, 0, maxHistory)
	next = append(next, history[:keptOpening]...)
	next = append(next, history[keptOpening+drop:]...)
	return append(next, c)
}

// stateAt is the state of a finding with accesses, judged at now.
func stateAt(f *rules.Finding, now access.Instant) rules.State {
	if quietFrom(f) <= now {
		return rules.Quiet
	}
	return rules.Open
}

// quietFrom is from when on f is quiet if no access follows.
func quietFrom(f *rules.Finding) access.Instant { return f.LastEvent.Time.Plus(quietAfter) }

// whyOpen says in the history why a finding opened.
func whyOpen(f *rules.Finding) string {
	if d := f.DecidedBy; d != nil && d.Recorded > f.FirstEvent.Time {
		return recorded(d)
	}
	return "access at " + f.FirstEvent.Time.String()
}

func recorded(d *rules.Decision) string {
	s := "recorded"
	if d.By != "" {
		s += " by " + d.By
	}
	if d.Reason != "" {
		s += ": " + d.Reason
	}
	return s
}

// whyState says in the history why a finding is open again, or quiet.
func whyState(f *rules.Finding) string {
	if f.State == rules.Quiet {
		return "no access for a day after " + f.LastEvent.Time.String()
	}
	return "access at " + f.LastEvent.Time.String()
}
