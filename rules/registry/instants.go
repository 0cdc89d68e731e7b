package registry

import (
	"slices"
	"time"

	"sunsetwatch/rules/access"
)

// Instants are the sorted instants at which what holds for this principal,
// feature and scopes can change: from, sunset, end of grace, pauses, effective,
// recorded, aliases, program and retired scopes, under any revision. Facts are
// never merged across one of them. Beginning and End are not among them.
func (s *Snapshot) Instants(principal, feature string, scopes []string) []access.Instant {
	var at instants
	if id, ok := s.principalIDs[principal]; ok {
		featureID, registered := s.featureIDs[feature]
		for _, o := range s.ownersOf(id) {
			at.add(o.from, o.until)
			if !registered {
				continue
			}
			if r := s.pairs[pairID{o.partner, featureID}]; r != nil {
				at.addHistory(r.history)
				if r.program != nil {
					at.addHistory(r.program.history)
				}
			}
		}
	}
	for _, r := range s.covering(scopes) {
		at.addHistory(r.history)
	}
	slices.Sort(at)
	return slices.Compact(at)
}

type instants []access.Instant

func (at *instants) add(all ...access.Instant) {
	for _, i := range all {
		if i != access.Beginning && i != access.End {
			*at = append(*at, i)
		}
	}
}

// addHistory adds every end of grace that can come about: a sunset and a grace
// of different revisions meet when the one is revised and the other is not.
func (at *instants) addHistory(h history) {
	var sunsets []access.Instant
	graces := []time.Duration{0}
	for i := range h {
		r := &h[i]
		at.add(r.Recorded, r.Effective, r.from)
		for _, p := range r.pauses {
			at.add(p.From, p.Until)
		}
		if r.sunset != access.End {
			sunsets = append(sunsets, r.sunset)
		}
		graces = append(graces, r.grace)
	}
	slices.Sort(sunsets)
	slices.Sort(graces)
	graces = slices.Compact(graces)
	for _, sunset := range slices.Compact(sunsets) {
		for _, grace := range graces {
			at.add(sunset.Plus(grace))
		}
	}
}

// RegistrationInstants are the sorted instants at which what holds for a
// registration can change, aliases and retired scopes apart.
func (s *Snapshot) RegistrationInstants(r *Registration) []access.Instant {
	var at instants
	at.addHistory(r.history)
	if r.program != nil {
		at.addHistory(r.program.history)
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// ScopeInstants are the sorted instants at which what holds for any retired scope
// can change.
func (s *Snapshot) ScopeInstants() []access.Instant {
	var at instants
	for i := range s.retirements {
		at.addHistory(s.retirements[i].history)
	}
	slices.Sort(at)
	return slices.Compact(at)
}
