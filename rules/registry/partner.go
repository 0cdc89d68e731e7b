package registry

import "sunsetwatch/rules/access"

// Partner is a company.
type Partner struct {
	Name, Owner, Team string
	Principals        []Alias // sorted by principal and From
}

// Alias is the dated belonging of a principal to a partner, [From, Until).
type Alias struct {
	Principal   string
	From, Until access.Instant // Beginning, End where absent
}

// Program is an umbrella over registrations, with a sunset of its own.
type Program struct {
	Name, Owner, Team string
	history           history
}

// Registration is the identity of partner x feature. Its terms are revised, its
// identity is not.
type Registration struct {
	Partner, Feature string
	Program          string // empty: none

	program   *Program // nil: none
	history   history
	stretches []stretch // the terms over event time, all being known
}

// Revisions of r in the order of recorded; later lines are later. They are
// shared and must not be changed.
func (r *Registration) Revisions() []*Revision {
	all := make([]*Revision, len(r.history))
	for i := range r.history {
		all[i] = &r.history[i].Revision
	}
	return all
}
