package registry

import (
	"cmp"
	"slices"
	"strings"

	"sunsetwatch/rules/access"
)

// Snapshot is a compiled set. The zero value holds nothing.
type Snapshot struct {
	partners      []*Partner      // sorted by name
	programs      []*Program      // sorted by name
	registrations []*Registration // sorted by partner and feature
	retirements   []retirement    // sorted by name

	features   []string // sorted
	principals []string // sorted
	ownerships []ownership
	firstOwner []uint32 // by PrincipalID: where its ownerships begin; one more for the end

	partnerIDs   map[string]PartnerID
	featureIDs   map[string]FeatureID
	principalIDs map[string]PrincipalID
	pairs        map[pairID]*Registration

	hash [32]byte
}

// PartnerID, FeatureID and PrincipalID are dense numbers from 0 of what one
// Snapshot knows. Another Snapshot numbers anew.
type (
	PartnerID   uint32
	FeatureID   uint32
	PrincipalID uint32
)

type pairID struct {
	partner PartnerID
	feature FeatureID
}

// ownership is an alias seen from its principal, [from, until).
type ownership struct {
	from, until access.Instant
	partner     PartnerID
}

// Pair names a registration.
type Pair struct{ Partner, Feature string }

// Match is what holds for one access.
type Match struct {
	// Partner is the owner of the principal or, where it belongs to none at
	// that time, its last owner before; nil where it had belonged to nobody.
	Partner *Partner
	// Current is false where the principal belongs to no partner at that time.
	Current bool
	// Registration of Partner x feature and its Terms, nil where there is none.
	Registration *Registration
	Terms        *Terms
}

// PartnerID of a name; ok is false where the set does not know it.
func (s *Snapshot) PartnerID(name string) (id PartnerID, ok bool) {
	id, ok = s.partnerIDs[name]
	return id, ok
}

// FeatureID of a name; ok is false where no registration is for it.
func (s *Snapshot) FeatureID(name string) (id FeatureID, ok bool) {
	id, ok = s.featureIDs[name]
	return id, ok
}

// PrincipalID of a name; ok is false where no partner ever owned it.
func (s *Snapshot) PrincipalID(name string) (id PrincipalID, ok bool) {
	id, ok = s.principalIDs[name]
	return id, ok
}

// Lookup answers what holds for an access of principal for feature at event
// time t, all being known. It does not allocate. The ids are those of s.
func (s *Snapshot) Lookup(principal PrincipalID, feature FeatureID, t access.Instant) Match {
	partner, current, ok := s.ownerAt(principal, t)
	if !ok {
		return Match{}
	}
	m := Match{Partner: s.partners[partner], Current: current}
	if m.Registration = s.pairs[pairID{partner, feature}]; m.Registration != nil {
		m.Terms = m.Registration.at(t)
	}
	return m
}

// ownersOf are the ownerships of a principal, which do not overlap, by from.
func (s *Snapshot) ownersOf(principal PrincipalID) []ownership {
	return s.ownerships[s.firstOwner[principal]:s.firstOwner[principal+1]]
}

func (s *Snapshot) ownerAt(principal PrincipalID, t access.Instant) (partner PartnerID, current, ok bool) {
	owners := s.ownersOf(principal)
	for i := len(owners) - 1; i >= 0; i-- {
		if o := owners[i]; o.from <= t {
			return o.partner, t < o.until || o.until == access.End, true
		}
	}
	return 0, false, false
}

// Owners are the names of the partners that ever owned principal, by when.
func (s *Snapshot) Owners(principal string) []string {
	id, ok := s.principalIDs[principal]
	if !ok {
		return nil
	}
	var names []string
	for _, o := range s.ownersOf(id) {
		names = append(names, s.partners[o.partner].Name)
	}
	return slices.Compact(names)
}

// Partner is the partner of that name, nil where there is none.
func (s *Snapshot) Partner(name string) *Partner {
	if id, ok := s.partnerIDs[name]; ok {
		return s.partners[id]
	}
	return nil
}

// Partners are all partners, sorted by name.
func (s *Snapshot) Partners() []*Partner { return slices.Clone(s.partners) }

// Program is the program of that name, nil where there is none.
func (s *Snapshot) Program(name string) *Program {
	i, ok := slices.BinarySearchFunc(s.programs, name, func(p *Program, name string) int {
		return strings.Compare(p.Name, name)
	})
	if !ok {
		return nil
	}
	return s.programs[i]
}

// Registrations are all registrations, sorted by partner and feature.
func (s *Snapshot) Registrations() []*Registration { return slices.Clone(s.registrations) }

// Registration is that of partner and feature, nil where there is none.
func (s *Snapshot) Registration(partner, feature string) *Registration {
	p, known := s.partnerIDs[partner]
	f, registered := s.featureIDs[feature]
	if !known || !registered {
		return nil
	}
	return s.pairs[pairID{p, f}]
}

// Owner is the partner that principal belongs to at t (current), or, where it
// belongs to none, its last owner before t; empty where it had belonged to
// nobody by then.
func (s *Snapshot) Owner(principal string, t access.Instant) (partner string, current bool) {
	id, ok := s.principalIDs[principal]
	if !ok {
		return "", false
	}
	owner, current, ok := s.ownerAt(id, t)
	if !ok {
		return "", false
	}
	return s.partners[owner].Name, current
}

// KnownPrincipal reports whether any partner ever owned principal.
func (s *Snapshot) KnownPrincipal(principal string) bool {
	_, ok := s.principalIDs[principal]
	return ok
}

// KnownFeature reports whether any registration is for feature.
func (s *Snapshot) KnownFeature(feature string) bool {
	_, ok := s.featureIDs[feature]
	return ok
}

// TermsAt are the terms of r at event time t as known at k; ok is false where r
// does not exist yet at k. The Terms are shared and must not be changed.
// k = access.End: everything is known, and nothing is allocated.
func (s *Snapshot) TermsAt(r *Registration, t, k access.Instant) (terms *Terms, ok bool) {
	if k == access.End {
		return r.at(t), true
	}
	terms = r.asKnown(t, k)
	return terms, terms != nil
}

// newSnapshot indexes a set that was found to be without errors.
func newSnapshot(partners []*Partner, programs []*Program, retirements []retirement, registrations []*Registration) *Snapshot {
	s := &Snapshot{partners: partners, programs: programs, retirements: retirements, registrations: registrations}
	slices.SortFunc(s.partners, comparePartners)
	slices.SortFunc(s.programs, comparePrograms)
	slices.SortFunc(s.retirements, func(a, b retirement) int { return compareRetirements(&a, &b) })
	slices.SortFunc(s.registrations, compareRegistrations)
	s.indexOwners()
	s.indexRegistrations()
	for _, r := range s.registrations {
		r.compile()
	}
	s.hash = s.digest()
	return s
}

func (s *Snapshot) indexOwners() {
	type owned struct {
		principal string
		ownership
	}
	var all []owned
	s.partnerIDs = make(map[string]PartnerID, len(s.partners))
	for i, p := range s.partners {
		slices.SortFunc(p.Principals, func(a, b Alias) int {
			return cmp.Or(strings.Compare(a.Principal, b.Principal), cmp.Compare(a.From, b.From))
		})
		s.partnerIDs[p.Name] = PartnerID(i)
		for _, a := range p.Principals {
			all = append(all, owned{a.Principal, ownership{a.From, a.Until, PartnerID(i)}})
		}
	}
	slices.SortFunc(all, func(a, b owned) int {
		return cmp.Or(strings.Compare(a.principal, b.principal), cmp.Compare(a.from, b.from))
	})
	s.principalIDs = make(map[string]PrincipalID)
	s.ownerships = make([]ownership, len(all))
	for i, o := range all {
		if i == 0 || o.principal != all[i-1].principal {
			s.principalIDs[o.principal] = PrincipalID(len(s.principals))
			s.principals = append(s.principals, o.principal)
			s.firstOwner = append(s.firstOwner, uint32(i))
		}
		s.ownerships[i] = o.ownership
	}
	s.firstOwner = append(s.firstOwner, uint32(len(all)))
}

func (s *Snapshot) indexRegistrations() {
	s.featureIDs = make(map[string]FeatureID)
	s.pairs = make(map[pairID]*Registration, len(s.registrations))
	for _, r := range s.registrations {
		if _, ok := s.featureIDs[r.Feature]; !ok {
			s.featureIDs[r.Feature] = 0
			s.features = append(s.features, r.Feature)
		}
	}
	slices.Sort(s.features)
	for i, f := range s.features {
		s.featureIDs[f] = FeatureID(i)
	}
	for _, r := range s.registrations {
		s.pairs[pairID{s.partnerIDs[r.Partner], s.featureIDs[r.Feature]}] = r
	}
}

// The orders of what a Snapshot holds.

func comparePartners(a, b *Partner) int { return strings.Compare(a.Name, b.Name) }

func comparePrograms(a, b *Program) int { return strings.Compare(a.Name, b.Name) }

func compareRetirements(a, b *retirement) int { return strings.Compare(a.name, b.name) }

func compareRegistrations(a, b *Registration) int {
	return cmp.Or(strings.Compare(a.Partner, b.Partner), strings.Compare(a.Feature, b.Feature))
}
