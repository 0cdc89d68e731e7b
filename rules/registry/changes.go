package registry

import (
	"slices"
	"strings"
)

// Changes says what must be judged again when one set replaces another. All
// lists are sorted.
type Changes struct {
	Registrations []Pair   // revisions or program differ, or one of them has it only
	Principals    []string // aliases differ
	Partners      []string // owner or team differ, or one of them has it only
	Scopes        []string // retirement differs
}

// None reports whether nothing must be judged again.
func (c *Changes) None() bool {
	return len(c.Registrations)+len(c.Principals)+len(c.Partners)+len(c.Scopes) == 0
}

// Changes between s and next.
func (s *Snapshot) Changes(next *Snapshot) Changes {
	var c Changes
	if s.hash == next.hash {
		return c
	}
	programs := s.changedPrograms(next)
	walk(s.registrations, next.registrations, compareRegistrations, func(a, b *Registration) {
		if a == nil || b == nil || a.Program != b.Program || programs[a.Program] || !a.history.same(b.history) {
			c.Registrations = append(c.Registrations, pairOf(a, b))
		}
	})
	walk(s.partners, next.partners, comparePartners, func(a, b *Partner) {
		switch {
		case a == nil:
			c.Partners = append(c.Partners, b.Name)
		case b == nil || a.Owner != b.Owner || a.Team != b.Team:
			c.Partners = append(c.Partners, a.Name)
		}
	})
	walk(pointers(s.retirements), pointers(next.retirements), compareRetirements, func(a, b *retirement) {
		switch {
		case a == nil:
			c.Scopes = append(c.Scopes, b.name)
		case b == nil || !a.history.same(b.history):
			c.Scopes = append(c.Scopes, a.name)
		}
	})
	walk(pointers(s.principals), pointers(next.principals), func(a, b *string) int { return strings.Compare(*a, *b) }, func(a, b *string) {
		switch {
		case a == nil:
			c.Principals = append(c.Principals, *b)
		case b == nil || !s.sameOwners(next, *a):
			c.Principals = append(c.Principals, *a)
		}
	})
	return c
}

// changedPrograms differ in their revisions, or in the owner and team that
// stand in for those of a partner.
func (s *Snapshot) changedPrograms(next *Snapshot) map[string]bool {
	changed := make(map[string]bool)
	walk(s.programs, next.programs, comparePrograms, func(a, b *Program) {
		switch {
		case a == nil:
			changed[b.Name] = true
		case b == nil || a.Owner != b.Owner || a.Team != b.Team || !a.history.same(b.history):
			changed[a.Name] = true
		}
	})
	return changed
}

func (s *Snapshot) sameOwners(next *Snapshot, principal string) bool {
	return slices.EqualFunc(s.ownersOf(s.principalIDs[principal]), next.ownersOf(next.principalIDs[principal]),
		func(a, b ownership) bool {
			return a.from == b.from && a.until == b.until && s.partners[a.partner].Name == next.partners[b.partner].Name
		})
}

// walk meets the items of two sorted lists, nil where a list lacks one.
func walk[T any](a, b []*T, compare func(a, b *T) int, meet func(a, b *T)) {
	for len(a) > 0 || len(b) > 0 {
		order := 0
		switch {
		case len(b) == 0:
			order = -1
		case len(a) == 0:
			order = 1
		default:
			order = compare(a[0], b[0])
		}
		switch {
		case order < 0:
			meet(a[0], nil)
			a = a[1:]
		case order > 0:
			meet(nil, b[0])
			b = b[1:]
		default:
			meet(a[0], b[0])
			a, b = a[1:], b[1:]
		}
	}
}

func pointers[T any](items []T) []*T {
	all := make([]*T, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	return all
}

func pairOf(a, b *Registration) Pair {
	if a == nil {
		a = b
	}
	return Pair{a.Partner, a.Feature}
}
