package detector

import (
	"fmt"
	"strings"
	"time"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// quietAfter is how long there has been no access in a finding that is quiet.
const quietAfter = 24 * time.Hour

// ending is how far a finding has come to its end.
type ending struct {
	state    rules.State
	closedAt access.Instant // Beginning: it is not closed
	closure  *rules.Closure
	relapses uint64
	due      access.Instant // when it changes by time alone; End: never
	withheld bool           // closing by time waits for sources that are not judged far enough
}

// closing is one way in which a finding closes.
type closing struct {
	from    access.Instant // from which time of judgement on it is closed
	at      access.Instant // what it gives as the time of closing
	closure func() rules.Closure
}

// end says how far the finding of s has come at the time of judgement. A closing
// that was verified stays so, whatever source appears since: was is the finding
// before, nil where there was none.
func (d *Detector) end(was, f *rules.Finding, s *sum) ending {
	closures := d.closuresOf(f.ID)
	switch s.kind.Basis {
	case rules.ByAbsence:
		return d.endOfAbsence(s, closures)
	case rules.ByProbes:
		return d.endOfProbes(s, closures)
	}
	runs := s.basis().runs()
	period := d.judge.rules.Setting(s.kind.Name).ClosingPeriod
	probes := &d.judge.probing
	last := lastOf(f, runs)
	e := d.aged(last)
	var all []closing
	byTime := last.Plus(period)
	silent := func() string {
		return fmt.Sprintf("no access for %s; every source judged past %s", rules.Length(period), byTime)
	}
	// A probe may have closed it at the same time: that verified no source.
	before := was != nil && was.State == rules.Closed && was.ClosedAt == byTime && was.Closure.By == "" && strings.HasPrefix(was.Closure.Why, silent())
	if lagging := d.lagging(byTime); before {
		all = append(all, closing{byTime, byTime, func() rules.Closure { return *was.Closure }})
	} else if len(lagging) > 0 {
		e.withheld = true
		e.closure = &rules.Closure{Why: fmt.Sprintf("no access for %s; not verified: %s", rules.Length(period), strings.Join(lagging, ", "))}
	} else {
		all = append(all, closing{byTime, byTime, func() rules.Closure { return rules.Closure{Verified: true, Why: silent() + d.without()} }})
	}
	if p := probes.disabledAfter(last); p != access.End {
		at := max(p, last.Plus(quietAfter))
		all = append(all, closing{at, at, verified("no access for a day; a probe on ", p, " says disabled")})
	}
	for _, c := range closures {
		if c.At >= last {
			all = append(all, closing{max(c.At, last.Plus(quietAfter)), c.At, byPerson(c)})
		}
	}
	d.close(&e, all)
	// What closed it no sooner than the period does not stand when sources catch up.
	e.withheld = e.withheld && (e.state != rules.Closed || e.closedAt >= byTime)
	for i := 1; i < len(runs); i++ {
		if relapsed(runs[i-1].Last, runs[i].First, period, probes, closures) {
			e.relapses++
		}
	}
	return e
}

// relapsed reports whether an access at b, the next after one at a, more than a
// day earlier, came back to what had ended.
func relapsed(a, b access.Instant, period time.Duration, probes *probing, closures []*rules.ClosureRule) bool {
	if b >= a.Plus(period) {
		return true
	}
	if p := probes.disabledAfter(a); p != access.End && max(p, a.Plus(quietAfter)) < b {
		return true
	}
	for _, c := range closures {
		if c.At >= a && max(c.At, a.Plus(quietAfter)) < b {
			return true
		}
	}
	return false
}

// lastOf is the last access of f, whose place may not be known.
func lastOf(f *rules.Finding, runs []ledger.Run) access.Instant {
	last := f.LastEvent.Time
	if n := len(runs); n > 0 && f.LastEvent.Source == "" {
		last = max(last, runs[n-1].Last)
	}
	return last
}

// aged is the state that the time since the last access or probe gives.
func (d *Detector) aged(last access.Instant) ending {
	e := ending{state: rules.Open, closedAt: access.Beginning, due: last.Plus(quietAfter)}
	if e.due <= d.now {
		e.state, e.due = rules.Quiet, access.End
	}
	return e
}

// close closes by the one of all that applies at the time of judgement and gives
// the earliest time; the first one of equal ones.
func (d *Detector) close(e *ending, all []closing) {
	var first *closing
	for i := range all {
		c := &all[i]
		switch {
		case c.from > d.now:
			e.due = min(e.due, c.from)
		case first == nil || c.at < first.at:
			first = c
		}
	}
	if first != nil {
		closure := first.closure()
		e.state, e.closedAt, e.closure = rules.Closed, first.at, &closure
	}
}

func (d *Detector) endOfProbes(s *sum, closures []*rules.ClosureRule) ending {
	last := s.probes.last.Time
	if !s.probes.placed {
		last = s.probes.lastDay
	}
	e := d.aged(last)
	var all []closing
	if s.probe.saysDisabled(d.judge.facts) {
		at := s.probe.disabledAfter(last)
		if at == access.End {
			at = s.probe.disabled.mark.Time
		}
		all = append(all, closing{at, at, verified("a probe on ", at, " says disabled")})
	}
	for _, c := range closures {
		if c.At >= last {
			all = append(all, closing{max(c.At, last.Plus(quietAfter)), c.At, byPerson(c)})
		}
	}
	d.close(&e, all)
	return e
}

func (d *Detector) endOfAbsence(s *sum, closures []*rules.ClosureRule) ending {
	e := ending{state: rules.Open, closedAt: access.Beginning, due: access.End}
	var all []closing
	if at := s.absent.ended; at != access.End {
		all = append(all, closing{at, at, verified("its sunset on ", at, " ended it")})
	}
	for _, c := range closures {
		if c.At >= s.absent.since {
			all = append(all, closing{c.At, c.At, byPerson(c)})
		}
	}
	d.close(&e, all)
	return e
}

// verified is a closure without a person, worded when it is needed.
func verified(before string, at access.Instant, after string) func() rules.Closure {
	return func() rules.Closure { return rules.Closure{Verified: true, Why: before + at.String() + after} }
}

func byPerson(c *rules.ClosureRule) func() rules.Closure {
	return func() rules.Closure { return rules.Closure{Verified: true, By: c.By, Why: c.Reason} }
}

func (d *Detector) closuresOf(id string) []*rules.ClosureRule {
	var all []*rules.ClosureRule
	if d.judge.rules != nil {
		for i := range d.judge.rules.Closures {
			if c := &d.judge.rules.Closures[i]; c.Finding == id {
				all = append(all, c)
			}
		}
	}
	return all
}

func (d *Detector) disputeOf(id string) *string {
	if d.judge.rules == nil {
		return nil
	}
	var all []string
	for i := range d.judge.rules.Disputes {
		if c := &d.judge.rules.Disputes[i]; c.Finding == id {
			all = append(all, fmt.Sprintf("%s, %s: %s", c.By, c.At.Time().Format(time.DateOnly), c.Text))
		}
	}
	if all == nil {
		return nil
	}
	text := strings.Join(all, "; ")
	return &text
}

// maxNamed is how many sources a sentence names.
const maxNamed = 3

// lagging says of the sources that are not judged past t how far they are;
// nothing while t has not come.
func (d *Detector) lagging(t access.Instant) []string {
	if t > d.now {
		return nil
	}
	var all []string
	more := 0
	for _, s := range d.judged {
		switch {
		case !s.Held || s.To >= t:
		case len(all) == maxNamed:
			more++
		case s.To == access.Beginning:
			all = append(all, s.Name+" is not judged at all yet")
		default:
			all = append(all, s.Name+" is only judged to "+s.To.String())
		}
	}
	if more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return all
}

// without names the sources that say nothing because they never held a record.
func (d *Detector) without() string {
	var all []string
	for _, s := range d.judged {
		if !s.Held {
			all = append(all, s.Name)
		}
	}
	if len(all) == 0 {
		return ""
	}
	if n := len(all) - maxNamed; n > 0 {
		all = append(all[:maxNamed], fmt.Sprintf("and %d more", n))
	}
	return " (but for " + strings.Join(all, ", ") + ", which never held a record)"
}
