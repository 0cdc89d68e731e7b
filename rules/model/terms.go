package model

import (
	"slices"
	"strings"
	"time"

	"sunsetwatch/rules/access"
)

// named is section 2: the value named by the last-recorded revision with
// recorded <= k and effective <= t that names the field, and that revision. A
// later line wins among equal ones.
func named[T any](revisions []Revision, t, k access.Instant, field func(*Revision) Field[T]) (Field[T], *Revision) {
	for i := len(revisions) - 1; i >= 0; i-- {
		r := &revisions[i]
		if r.Recorded <= k && r.Effective <= t && field(r).Named {
			return field(r), r
		}
	}
	return Field[T]{}, nil
}

// known reports whether any revision is recorded by k.
func known(revisions []Revision, k access.Instant) bool {
	for _, r := range revisions {
		if r.Recorded <= k {
			return true
		}
	}
	return false
}

func namedFrom(r *Revision) Field[access.Instant]   { return r.From }
func namedSunset(r *Revision) Field[access.Instant] { return r.Sunset }
func namedGrace(r *Revision) Field[time.Duration]   { return r.Grace }
func namedPauses(r *Revision) Field[[]Pause]        { return r.Pauses }
func namedOperations(r *Revision) Field[[]access.Operation] {
	return r.Operations
}
func namedScopes(r *Revision) Field[[]string]   { return r.Scopes }
func namedInbound(r *Revision) Field[bool]      { return r.Inbound }
func namedRequires(r *Revision) Field[[]string] { return r.Requires }

// registration is partner x feature, nil where none is known at k.
func (g Registry) registration(partner, feature string, k access.Instant) *Registration {
	for i, r := range g.Registrations {
		if r.Partner == partner && r.Feature == feature && known(r.Revisions, k) {
			return &g.Registrations[i]
		}
	}
	return nil
}

// partner by name; nil where there is none.
func (g Registry) partner(name string) *Partner {
	for i, p := range g.Partners {
		if p.Name == name {
			return &g.Partners[i]
		}
	}
	return nil
}

// program by name; nil where there is none.
func (g Registry) program(name string) *Program {
	for i, p := range g.Programs {
		if p.Name == name {
			return &g.Programs[i]
		}
	}
	return nil
}

// owner is the partner that the principal belongs to at t, or empty.
func (g Registry) owner(principal string, t access.Instant) string {
	for _, p := range g.Partners {
		for _, a := range p.Principals {
			if a.ID == principal && a.From <= t && t < a.Until {
				return p.Name
			}
		}
	}
	return ""
}

// lastOwner is the partner that the principal belonged to last before t, or
// empty.
func (g Registry) lastOwner(principal string, t access.Instant) string {
	last, until := "", access.Beginning
	for _, p := range g.Partners {
		for _, a := range p.Principals {
			if a.ID == principal && a.Until <= t && a.Until > until {
				last, until = p.Name, a.Until
			}
		}
	}
	return last
}

// whose is P of an event (rule 1 and `partner`): the owner at t, or the last
// owner before t, or Unregistered, and then the principal.
func (g Registry) whose(principal string, t access.Instant) (partner, unregistered string) {
	if p := g.owner(principal, t); p != "" {
		return p, ""
	}
	if p := g.lastOwner(principal, t); p != "" {
		return p, ""
	}
	return Unregistered, principal
}

// givenUp is since when accesses of a principal that belongs to nobody any more
// count as wrong: the end of its last alias by t. Where nothing was registered
// either, they were wrong before that, and Beginning is the answer.
func (g Registry) givenUp(principal, feature string, t, k access.Instant) access.Instant {
	if g.owner(principal, t) != "" {
		return access.Beginning
	}
	partner := g.lastOwner(principal, t)
	since := access.Beginning
	for _, p := range g.Partners {
		for _, a := range p.Principals {
			if p.Name == partner && a.ID == principal && a.Until <= t {
				since = max(since, a.Until)
			}
		}
	}
	if g.registration(partner, feature, k) == nil {
		return access.Beginning
	}
	return since
}

// ending is a sunset with its grace: of a registration, a program or a scope.
type ending struct {
	sunset  access.Instant // End: none
	grace   access.Instant // the length
	program string         // where the program's sunset decides
	by      *Revision
}

// graceUntil is rule 3: grace runs from the effective sunset.
func (e ending) graceUntil() access.Instant { return e.sunset + e.grace }

// endingOf is the sunset that revisions name.
func endingOf(revisions []Revision, t, k access.Instant) ending {
	sunset, by := named(revisions, t, k, namedSunset)
	grace, _ := named(revisions, t, k, namedGrace)
	return ending{sunset: sunset.or(access.End), grace: access.Instant(grace.or(0)), by: by}
}

// effectiveSunset is section 2: the earlier of the registration's own and its
// program's; where they are equal, its own.
func (g Registry) effectiveSunset(r *Registration, t, k access.Instant) ending {
	own := endingOf(r.Revisions, t, k)
	program := g.program(r.Program)
	if program == nil {
		return own
	}
	of := endingOf(program.Revisions, t, k)
	of.program = program.Name
	if of.sunset < own.sunset {
		return of
	}
	return own
}

// covers is rule 7: `a.b` itself; `a.*` what lies below; `*` all.
func covers(pattern, scope string) bool {
	if pattern == "*" {
		return true
	}
	if above, ok := strings.CutSuffix(pattern, ".*"); ok {
		return strings.HasPrefix(scope, above+".")
	}
	return pattern == scope
}

// notGranted are the scopes that no pattern covers.
func notGranted(patterns, scopes []string) []string {
	var out []string
	for _, s := range scopes {
		if !slices.ContainsFunc(patterns, func(p string) bool { return covers(p, s) }) {
			out = append(out, s)
		}
	}
	return out
}
