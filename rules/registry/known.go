package registry

import (
	"slices"

	"sunsetwatch/rules/access"
)

// KnownAt is the set as it was known at k: it answers everything as if the
// revisions recorded after k had never been written. A registration or retired
// scope of which nothing was recorded by k does not exist in it. Programs,
// partners and principals are known at every k; a program may say nothing yet.
// Its hash is that of what was known. Names have other ids than in s, and what
// is asked of it is asked with registrations of its own.
//
// Where nothing was recorded after k, and so for k = access.End, it is s.
func (s *Snapshot) KnownAt(k access.Instant) *Snapshot {
	if !s.recordedAfter(k) {
		return s
	}
	// Who owns what has no revisions: the index is shared.
	known := &Snapshot{
		partners: s.partners, partnerIDs: s.partnerIDs,
		principals: s.principals, principalIDs: s.principalIDs,
		ownerships: s.ownerships, firstOwner: s.firstOwner,
	}
	programs := make(map[*Program]*Program, len(s.programs))
	for _, p := range s.programs {
		then := p
		if history := p.history.known(k); len(history) < len(p.history) {
			then = &Program{Name: p.Name, Owner: p.Owner, Team: p.Team, history: history}
		}
		programs[p] = then
		known.programs = append(known.programs, then)
	}
	for _, r := range s.retirements {
		if history := r.history.known(k); len(history) > 0 {
			known.retirements = append(known.retirements, retirement{r.name, history})
		}
	}
	for _, r := range s.registrations {
		history, program := r.history.known(k), programs[r.program]
		switch {
		case len(history) == 0:
		case len(history) == len(r.history) && program == r.program:
			known.registrations = append(known.registrations, r) // immutable, and all of it known
		default:
			then := &Registration{Partner: r.Partner, Feature: r.Feature, Program: r.Program, program: program, history: history}
			then.compile()
			known.registrations = append(known.registrations, then)
		}
	}
	known.indexRegistrations()
	known.hash = known.digest()
	return known
}

// Recordings are the sorted instants at which something was recorded. What is
// known since always was not recorded at any.
func (s *Snapshot) Recordings() []access.Instant {
	var at instants
	for h := range s.histories {
		for i := range h {
			at.add(h[i].Recorded)
		}
	}
	slices.Sort(at)
	return slices.Compact(at)
}

func (s *Snapshot) recordedAfter(k access.Instant) bool {
	for h := range s.histories {
		if h[len(h)-1].Recorded > k {
			return true
		}
	}
	return false
}

// histories of all that has one, in which something is recorded.
func (s *Snapshot) histories(yield func(history) bool) {
	for _, p := range s.programs {
		if len(p.history) > 0 && !yield(p.history) {
			return
		}
	}
	for i := range s.retirements {
		if !yield(s.retirements[i].history) {
			return
		}
	}
	for _, r := range s.registrations {
		if !yield(r.history) {
			return
		}
	}
}
