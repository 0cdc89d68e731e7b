package exporter

import (
	"time"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// DefaultHold is how long a finding stays shown after it opened, relapsed, rose
// or went on without an exception, whatever happened since.
const DefaultHold = 15 * time.Minute

// afterEnd is how long a series is shown as 0 after it stopped being 1.
const afterEnd = time.Hour

// openLabels are the labels of sunsetwatch_finding_open.
type openLabels struct {
	findingLabels
	severity      rules.Severity
	team, program string
}

// findingLabels are the labels of the other metrics of findings.
type findingLabels struct {
	partner, feature, kind, detail string
}

func findingLabelsOf(s *registry.Snapshot, f *rules.Finding) findingLabels {
	detail := f.Scope
	if detail == "" {
		detail = f.Rule
	}
	partner, feature := Labels(s, f)
	return findingLabels{partner, feature, label(f.Kind), label(detail)}
}

// findingSeries are the series of all findings at one moment.
type findingSeries struct {
	open   map[openLabels]bool // shown; true: as 1
	gauges map[findingLabels]*findingGauges
}

// findingGauges are the values of the metrics of findings that share labels.
// Those that are shown as 1 count alone, where there are any: what ended is not
// added to what goes on. Events add up, because an access is in one finding of a
// kind and detail only; people do not, so the largest stands for all.
type findingGauges struct {
	on             bool
	rank           rank // that of the most important series of finding_open
	events, people float64
	first, last    access.Instant // access.End, access.Beginning: no event
}

func (s *State) findingSeries(now access.Instant, hold time.Duration) findingSeries {
	all := findingSeries{map[openLabels]bool{}, map[findingLabels]*findingGauges{}}
	for _, f := range s.Findings {
		var l findingLabels
		shown, on, highest := false, false, rankZero
		appear(f, now, hold, func(severity rules.Severity, is bool) {
			if !shown {
				l, shown = findingLabelsOf(s.Registrations, f), true
			}
			open := openLabels{l, severity, label(f.Team), label(f.Program)}
			all.open[open] = all.open[open] || is
			on, highest = on || is, min(highest, rankOf(severity, is).detail())
		})
		if shown {
			all.add(l, f, on, highest)
		}
	}
	return all
}

func (all *findingSeries) add(l findingLabels, f *rules.Finding, on bool, highest rank) {
	g := all.gauges[l]
	switch {
	case g == nil || on && !g.on:
		g = &findingGauges{on: on, rank: highest, first: access.End, last: access.Beginning}
		all.gauges[l] = g
	case g.on && !on:
		return
	}
	g.rank = min(g.rank, highest)
	g.events += float64(f.Events)
	g.people = max(g.people, float64(f.People))
	if f.FirstEvent.Source != "" {
		g.first = min(g.first, f.FirstEvent.Time)
	}
	if f.LastEvent.Source != "" {
		g.last = max(g.last, f.LastEvent.Time)
	}
}

// appear yields the severities under which f is shown at now, and whether it is
// shown as 1. It rests on the wall times of the finding's history alone, so that
// a restart shows the same.
//
// An ended finding, and one that fell to a lower severity, stays 1 until hold
// has passed since the history last said that it was open or quiet with it, and
// is 0 for an hour after that. A severity that was left for a higher one is 0 at
// once: the higher series speaks for it. A suppressed finding is always 0, and
// what was held before an exception began is not held after it.
func appear(f *rules.Finding, now access.Instant, hold time.Duration, yield func(s rules.Severity, on bool)) {
	for s := rules.Info; s <= rules.Critical; s++ {
		t := traceOf(f, s)
		if !t.seen {
			continue
		}
		until := t.left // of being 1
		if t.held != access.Beginning {
			until = max(until, t.held.Plus(hold))
		}
		switch {
		case t.inside:
			yield(s, f.SuppressedBy == nil)
		case t.held != access.Beginning && now < until:
			yield(s, true)
		case now < until.Plus(afterEnd):
			yield(s, false)
		}
	}
}

// trace is the way of a finding through one severity.
type trace struct {
	seen   bool           // it was once open or quiet with it
	inside bool           // it is now
	held   access.Instant // when it was last shown as 1 by right; Beginning: it is not held
	left   access.Instant // when it last left it
}

func traceOf(f *rules.Finding, severity rules.Severity) trace {
	t := trace{held: access.Beginning, left: access.Beginning}
	step := func(at access.Instant, state rules.State, s rules.Severity, suppressed bool) {
		lives := state == rules.Open || state == rules.Quiet
		inside := lives && s == severity
		if t.inside && !inside {
			t.left = at
		}
		t.seen, t.inside = t.seen || inside, inside
		switch {
		case suppressed, lives && s > severity:
			t.held = access.Beginning
		case inside:
			t.held = at
		}
	}
	last := f.OpenedAt
	if len(f.History) == 0 {
		step(f.OpenedAt, rules.Open, f.Severity, f.SuppressedBy != nil)
	}
	for i := range f.History {
		h := &f.History[i]
		step(h.At, h.State, h.Severity, h.Suppressed)
		last = h.At
	}
	step(last, f.State, f.Severity, f.SuppressedBy != nil)
	return t
}
