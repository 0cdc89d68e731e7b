package detector

import (
	"slices"

	"sunsetwatch/rules"
)

// A history holds at most maxHistory entries. When it is full, the oldest entry
// after the first keptOpening is dropped: how a finding began and what became
// of it lately stay.
const (
	maxHistory  = 100
	keptOpening = 10
)

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

// whyOpen says in the history why a finding opened.
func whyOpen(f *rules.Finding) string {
	switch {
	case f.LateReason == backdatedRegistration && f.DecidedBy != nil:
		return recorded(f.DecidedBy)
	case f.Kind == rules.DormantGrant:
		return "no access for long"
	case f.Kind == rules.RetainedCapability:
		return "a probe at " + f.LastEvent.Time.String() + " says enabled"
	case f.Kind == rules.AttemptsAfterSunset:
		return "a refused call at " + f.FirstEvent.Time.String()
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

// whyState says in the history why a finding is in its state.
func whyState(f *rules.Finding) string {
	switch {
	case f.State == rules.Closed && f.Closure != nil && f.Closure.By != "":
		return "closed by " + f.Closure.By + ": " + f.Closure.Why
	case f.State == rules.Closed && f.Closure != nil:
		return f.Closure.Why
	case f.State == rules.Quiet:
		return "no access for a day after " + f.LastEvent.Time.String()
	}
	return "access at " + f.LastEvent.Time.String()
}

// whyWithdrawn says in the history why nothing is left of a finding.
func whyWithdrawn(f *rules.Finding) string {
	switch f.Kind {
	case rules.DormantGrant:
		return "the grant is in use, or is none now"
	case rules.RetainedCapability:
		return "an access was counted, or something allows it now"
	case rules.AttemptsAfterSunset:
		return "an access was counted, or the attempts are not after a sunset now"
	}
	return "no access is left in it under what is registered now"
}
