package detector

import (
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// ExceptionUse says how much an exception was used: accesses at event times that
// it covers, in findings whose pages it may suppress.
type ExceptionUse struct {
	*rules.Exception
	Hits uint64
	Last access.Instant // Beginning: no hit
}

// hit is the use of one exception by one finding.
type hit struct {
	events uint64
	last   access.Instant
}

// hit counts accesses that an exception covers, of which the facts are cut at
// its ends. Only what is certain counts; the first exception of the file that
// applies has the hit.
func (j *judge) hit(s *sum, p *parted, matches []*rules.Match) {
	if j.rules == nil {
		return
	}
	taken := make([]bool, len(matches))
	for i := range j.rules.Exceptions {
		e := &j.rules.Exceptions[i]
		if !e.Matches(s.kind.Name, j.group.partner, j.group.feature, s.scope) {
			continue
		}
		covered := make([]bool, len(matches))
		any := false
		for k, m := range matches {
			covered[k] = m != nil && !taken[k] && e.Covers(p.starts[k])
			taken[k] = taken[k] || covered[k]
			any = any || covered[k]
		}
		n := p.events(covered).low
		if !any || n == 0 {
			continue
		}
		if s.hits == nil {
			s.hits = map[*rules.Exception]hit{}
		}
		h, met := s.hits[e]
		if !met {
			h.last = access.Beginning
		}
		h.events += n
		if covered[len(covered)-1] {
			h.last = max(h.last, p.Last.Time)
		} else if covered[0] {
			h.last = max(h.last, p.First.Time)
		}
		s.hits[e] = h
	}
}

// ExceptionUses are those of all exceptions, in the order of the rule file.
func (d *Detector) ExceptionUses() []ExceptionUse {
	if d.judge.rules == nil {
		return nil
	}
	uses := make([]ExceptionUse, len(d.judge.rules.Exceptions))
	place := make(map[*rules.Exception]int, len(uses))
	for i := range uses {
		e := &d.judge.rules.Exceptions[i]
		uses[i] = ExceptionUse{Exception: e, Last: access.Beginning}
		place[e] = i
	}
	for _, hits := range d.hits {
		for e, h := range hits {
			u := &uses[place[e]]
			u.Hits += h.events
			u.Last = max(u.Last, h.last)
		}
	}
	return uses
}

// exceptionFor is the one that suppresses the page of f at the time of
// judgement, nil where none does, and when that changes by time alone.
func (d *Detector) exceptionFor(f *rules.Finding) (applies *rules.Exception, due access.Instant) {
	due = access.End
	if d.judge.rules == nil {
		return nil, due
	}
	for i := range d.judge.rules.Exceptions {
		e := &d.judge.rules.Exceptions[i]
		if !e.Matches(f.Kind, f.Partner, f.Feature, f.Scope) {
			continue
		}
		if e.Covers(d.now) && applies == nil {
			applies = e
		}
		for _, t := range [...]access.Instant{e.From, e.Until} {
			if t > d.now {
				due = min(due, t)
			}
		}
	}
	return applies, due
}

// outlived reports whether f had an access after an exception for it expired.
func (d *Detector) outlived(f *rules.Finding) bool {
	if d.judge.rules == nil {
		return false
	}
	for i := range d.judge.rules.Exceptions {
		e := &d.judge.rules.Exceptions[i]
		if e.Matches(f.Kind, f.Partner, f.Feature, f.Scope) && e.Until <= d.now && f.LastEvent.Time >= e.Until {
			return true
		}
	}
	return false
}
