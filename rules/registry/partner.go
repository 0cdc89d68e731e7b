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

// Statement is a revision and what it alone says: Decided is itself for each
// field that it names, and nil for the others, which hold their defaults.
type Statement struct {
	*Revision
	Terms
}

// Statements of r in the order of recorded; later lines are later.
func (r *Registration) Statements() []Statement { return r.history.statements() }

// Statements of p, which name sunset and grace only, as those of a registration.
func (p *Program) Statements() []Statement { return p.history.statements() }

func (h history) statements() []Statement {
	all := make([]Statement, len(h))
	for i := range h {
		var own, none deciders
		for f := range Field(Fields) {
			if h[i].names(f) {
				own[f] = &h[i]
			}
		}
		all[i] = Statement{&h[i].Revision, (&Registration{}).terms(&own, &none)}
	}
	return all
}
