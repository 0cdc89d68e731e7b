package model

import (
	"slices"
	"time"

	"sunsetwatch/rules/access"
)

// AsThen is rule 10: as the running system would have judged with every event
// arriving at its event time and each revision revealed at its recorded time.
// It is a judgement at each instant at which something arrives or is revealed,
// and at the N that is asked about; where the last is, it is Judge's. Findings
// that were there and are no more are Withdrawn, with the values that they had at
// the judgement before.
func AsThen(g Registry, r Rules, events []Event, q Question) []Finding {
	counted := q.counted(events)
	var all []Finding // of every key ever seen, as last seen
	see := func(findings []Finding, at access.Instant) {
		for i := range all {
			if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Key == all[i].Key }) {
				all[i].State = Withdrawn
			}
		}
		for _, f := range findings {
			i := slices.IndexFunc(all, func(o Finding) bool { return o.Key == f.Key })
			if i < 0 {
				all = append(all, opened(f, at))
				continue
			}
			f.OpenedAt, f.DetectionDelay = all[i].OpenedAt, all[i].DetectionDelay
			all[i] = f
		}
	}
	end := q.now(counted)
	for _, t := range instants(g, counted, q.KnownAt, end) {
		arrived := counted
		if i := slices.IndexFunc(counted, func(e Event) bool { return e.Time > t }); i >= 0 {
			arrived = counted[:i]
		}
		then := q
		then.Sources = nil
		// N is the earlier of wall time, t, and the latest event time counted; or
		// what was asked for, from then on.
		n := latest(arrived)
		if t >= end {
			n = end
		}
		see(judgement{g, r, arrived, n, t, then.sources(arrived)}.findings(), t)
	}
	sortFindings(all)
	return all
}

// opened keeps when a finding opened (rules 10 and 13).
func opened(f Finding, at access.Instant) Finding {
	f.OpenedAt = at
	if f.FirstEvent != nil {
		delay := time.Duration(at - f.FirstEvent.Time)
		f.DetectionDelay = &delay
	}
	return f
}

// instants are those at which an event arrives or a revision is revealed, and
// the end.
func instants(g Registry, events []Event, k, end access.Instant) []access.Instant {
	all := []access.Instant{end}
	for _, e := range events {
		all = append(all, e.Time)
	}
	reveal := func(revisions []Revision) {
		for _, r := range revisions {
			if r.Recorded != access.Beginning && r.Recorded <= k {
				all = append(all, r.Recorded)
			}
		}
	}
	for _, p := range g.Programs {
		reveal(p.Revisions)
	}
	for _, s := range g.Scopes {
		reveal(s.Revisions)
	}
	for _, r := range g.Registrations {
		reveal(r.Revisions)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
