package registry

import (
	"cmp"
	"slices"
	"strings"

	"sunsetwatch/rules/document"
)

// check reports what shows only when the whole set is seen.
func (s *set) check() {
	s.checkPrincipals()
	if !s.broken {
		s.checkReferences()
		s.checkScopes()
	}
	for _, p := range s.partners {
		if p.Owner == "" {
			p.place.Warnf("partner %s has no owner", document.Show(p.Name))
		}
	}
}

// suggestions is how many unknown names get one: to look for the nearest name is
// slow, and after some the set has another problem than a slip of the pen.
const suggestions = 20

func (s *set) checkReferences() {
	left := suggestions
	unknown := func(what, name string, names func() []string) string {
		message := "unknown " + what + " " + document.Show(name)
		if left--; left >= 0 {
			if near := document.Nearest(name, names()); near != "" {
				message += ": did you mean " + document.Show(near) + "?"
			}
		}
		return message
	}
	for _, r := range s.registrations {
		if _, ok := s.partnerPlaces[r.Partner]; !ok {
			r.partner.Errorf("%s", unknown("partner", r.Partner, func() []string {
				return namesOf(s.partners, func(p declaredPartner) string { return p.Name })
			}))
		}
		if _, ok := s.programPlaces[r.Program]; !ok && r.Program != "" {
			r.program.Errorf("%s", unknown("program", r.Program, func() []string {
				return namesOf(s.programs, func(p declaredProgram) string { return p.Name })
			}))
		}
	}
}

func namesOf[T any](items []T, name func(T) string) []string {
	names := make([]string, len(items))
	for i, item := range items {
		names[i] = name(item)
	}
	return names
}

// checkPrincipals reports principals that belong to two partners at the same
// time, and times between two aliases at which they belong to none.
func (s *set) checkPrincipals() {
	type declared struct {
		Alias
		partner string
		place   document.Place
		order   int // in which the files declare it
	}
	var all []declared
	for _, p := range s.partners {
		for i, alias := range p.Principals {
			all = append(all, declared{alias, p.Name, p.aliases[i], len(all)})
		}
	}
	slices.SortFunc(all, func(a, b declared) int {
		return cmp.Or(strings.Compare(a.Principal, b.Principal), cmp.Compare(a.From, b.From), cmp.Compare(a.order, b.order))
	})
	for i, last := 1, 0; i < len(all); i++ { // last is the one before that lasts longest
		a, b := &all[last], &all[i]
		switch {
		case a.Principal != b.Principal:
		case b.From < a.Until:
			second, first := b, a
			if a.order > b.order {
				second, first = a, b
			}
			if a.partner == b.partner {
				second.place.Errorf("principal %s is listed twice for the same time: first at %s", document.Show(b.Principal), first.place)
			} else {
				second.place.Errorf("principal %s belongs to two partners at the same time: also to %s, at %s",
					document.Show(b.Principal), document.Show(first.partner), first.place)
			}
			if b.Until <= a.Until {
				continue
			}
		case a.Until < b.From:
			b.place.Warnf("principal %s belongs to nobody from %s until %s", document.Show(b.Principal), a.Until, b.From)
		}
		last = i
	}
}

// checkScopes warns of retired scopes that no registration grants: most often
// their name is misspelt.
func (s *set) checkScopes() {
	if len(s.scopes) == 0 {
		return
	}
	granted := make(map[string]bool)
	for _, r := range s.registrations {
		for i := range r.history {
			h := &r.history[i]
			if i == 0 && !h.names(Scopes) || h.names(Scopes) && h.scopes == nil {
				return // not restricted: it grants all
			}
			for _, scope := range h.scopes {
				granted[scope] = true
			}
		}
	}
next:
	for _, r := range s.scopes {
		for pattern := range granted {
			if meet(pattern, r.name) {
				continue next
			}
		}
		r.place.Warnf("no registration grants scope %s", document.Show(r.name))
	}
}
