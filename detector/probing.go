package detector

import (
	"slices"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// probing is what capability probes of one group said.
type probing struct {
	enabled, disabled newest
	// The runs of probes that said disabled, of each cell.
	disabledRuns []ledger.Run
}

// newest is the last of some events.
type newest struct {
	known bool
	mark  ledger.Mark
}

func (l *newest) meet(facts Facts, at ledger.Mark) {
	if !l.known || facts.Before(l.mark, at) {
		*l = newest{true, at}
	}
}

// meet takes in one part of a stretch of probes. Of a stretch that is parted,
// only what is certain about its ends is known.
func (p *probing) meet(facts Facts, c *ledger.Cell, s *parted, part int) {
	to := &p.enabled
	if c.Attributes().Probe == access.ProbeDisabled {
		to = &p.disabled
		if len(s.starts) == 1 {
			p.disabledRuns = append(p.disabledRuns, s.Days.Runs()...)
		}
	}
	if part == 0 {
		to.meet(facts, s.First)
	}
	if part == len(s.starts)-1 {
		to.meet(facts, s.Last)
	}
}

// disabledAfter is when a probe first said disabled after t; End: never. Within
// a run of probes that begins before t it is not known exactly: it is a day after
// t at the latest, which is all that ends accesses; what ends probes may be given
// up to a day late.
func (p *probing) disabledAfter(t access.Instant) access.Instant {
	first := access.End
	for _, r := range p.disabledRuns {
		switch {
		case r.First > t:
			first = min(first, r.First)
		case r.Last > t:
			first = min(first, r.Last, t+access.OneDay)
		}
	}
	return first
}

// retained keeps a finding of probes only where an access was not found wrong in
// its stead, and where what its latest probe says still counts at the time of
// judgement.
func (j *judge) retained() {
	i := slices.IndexFunc(j.sums, func(s *sum) bool { return s.kind.Basis == rules.ByProbes })
	if i < 0 {
		return
	}
	s := j.sums[i]
	s.probe = j.probing
	for _, o := range j.sums {
		if o.kind.Basis == rules.ByAccess && (o.kind.Window == rules.AfterEnd || o.kind.Window == rules.Unknown) && o.accesses.events.low > 0 {
			j.sums = slices.Delete(j.sums, i, i+1)
			return
		}
	}
	if j.probing.saysDisabled(j.facts) {
		return
	}
	for _, principal := range s.probes.principals {
		j.due = min(j.due, j.nextChange(principal))
	}
	if !slices.ContainsFunc(s.probes.principals, j.stillWrong) {
		j.sums = slices.Delete(j.sums, i, i+1)
	}
}

// stillWrong reports whether an access of principal at the time of judgement
// would be one that nothing allows, and the group's.
func (j *judge) stillWrong(principal string) bool {
	h := j.holds(principal, j.now)
	j.current = rules.Case{Time: j.now, Principal: principal, Belongs: h.belongs, Left: h.left, Terms: h.terms}
	w := rules.WindowOf(&j.current)
	return h.partner == j.group.partner && (w == rules.AfterEnd || w == rules.Unknown)
}

// saysDisabled reports what the latest probe says.
func (p *probing) saysDisabled(facts Facts) bool {
	return p.disabled.known && !(p.enabled.known && facts.Before(p.disabled.mark, p.enabled.mark))
}

// nextChange is the next instant after the time of judgement at which what holds
// for a principal of the group can change; End: none.
func (j *judge) nextChange(principal string) access.Instant {
	next := access.End
	for _, c := range j.facts.Cells(principal, j.group.feature) {
		cuts := c.Cuts()
		k, _ := slices.BinarySearch(cuts, j.now+1)
		if k < len(cuts) {
			next = min(next, cuts[k])
		}
	}
	return next
}
