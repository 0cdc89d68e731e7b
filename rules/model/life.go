package model

import (
	"sunsetwatch/rules/access"
)

// live gives state, closing and relapses by the calls that the finding consists
// of: accesses, or attempts for attempts_after_sunset (rules 6 and 9).
func (j judgement) live(f *Finding, calls []judged) {
	period := j.rules.closingPeriod(f.Kind)
	probes := j.probes(f.Key)
	persons := j.rules.closings(f.Key)
	last := calls[len(calls)-1].Time
	f.Relapses = relapses(calls, probes, persons, period)
	f.ClosedAt = access.Beginning

	// "`open` if N - last access < 1 day."
	if j.n < last+access.OneDay {
		f.State = Open
		return
	}
	// "Else `quiet`."
	f.State = Quiet
	var closed []ended

	// "`closed` from last access + closing period on, if every source is judged
	// past that"; "at that instant counts as past it".
	if due := last + period; j.n >= due {
		short := j.short(due)
		if len(short) == 0 {
			closed = append(closed, ended{at: due, how: "time"})
		} else {
			f.Closure = &Closure{How: "withheld", Short: short}
		}
	}
	// "Or, sooner, from last access + 1 day on, when a later probe says disabled
	// (`closed_at`: the later of the two)": the first such probe.
	for _, p := range probes {
		if p.Probe == access.ProbeDisabled && p.Time > last {
			if at := max(p.Time, last+access.OneDay); at <= j.n {
				closed = append(closed, ended{at: at, how: "probe"})
			}
			break
		}
	}
	// "Or when the rule file closes it (`closed_at`: its `at`)": verified at or
	// after the last access, and not after N.
	for _, c := range persons {
		if c.At >= last && c.At <= j.n {
			closed = append(closed, ended{at: c.At, how: "person", by: c.By})
		}
	}
	j.close(f, closed)
}

// ended is one way in which a finding closed.
type ended struct {
	at      access.Instant
	how, by string
}

// close takes the earliest; the first in the list among equal ones.
func (j judgement) close(f *Finding, all []ended) {
	if len(all) == 0 {
		return
	}
	earliest := all[0]
	for _, e := range all {
		if e.at < earliest.at {
			earliest = e
		}
	}
	f.State = Closed
	f.ClosedAt = earliest.at
	f.Closure = &Closure{Verified: true, By: earliest.by, How: earliest.how}
}

// short are the sources that are not judged to t.
func (j judgement) short(t access.Instant) []Source {
	var all []Source
	for _, s := range j.sources {
		if s.JudgedTo < t {
			all = append(all, s)
		}
	}
	return all
}

// relapses is rule 9: "an access at least the closing period after the access
// before it, in event time, or an access after a closing by probe or by a
// person". At most one for each pair of consecutive accesses.
func relapses(calls []judged, probes []Event, persons []Closing, period access.Instant) (n int) {
	for i := 1; i < len(calls); i++ {
		a, b := calls[i-1].Time, calls[i].Time
		again := b-a >= period
		for _, p := range probes {
			if p.Probe == access.ProbeDisabled && p.Time > a && max(a+access.OneDay, p.Time) < b {
				again = true
			}
		}
		for _, c := range persons {
			if c.At >= a && max(a+access.OneDay, c.At) < b {
				again = true
			}
		}
		if again {
			n++
		}
	}
	return n
}
