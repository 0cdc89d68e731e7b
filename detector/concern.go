package detector

import (
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Concern is a function that says of accesses of a cell around an instant whether
// a kind finds something wrong with them under s. Where it does not, nobody will
// ask about whom they were: it is for ledger.PiecesOptions, whose ledger Cuts of s
// are to cut. The function belongs to one goroutine.
func Concern(s *registry.Snapshot) func(c *ledger.Cell, at access.Instant) bool {
	j := judge{kinds: rules.Kinds(), registry: s, owners: ownersOf(s)}
	var principal string
	var h held // of principal, the group and this instant
	var held access.Instant
	return func(c *ledger.Cell, at access.Instant) bool {
		if principal != c.Principal() || j.group.feature != c.Feature() || held != at {
			principal, held = c.Principal(), at
			j.group = group{partner: rules.Unregistered, feature: c.Feature()}
			if partner, _ := s.Owner(principal, at); partner != "" {
				j.group.partner = partner
			}
			j.registration = s.Registration(j.group.partner, j.group.feature)
			h = j.holds(principal, at)
		}
		j.present(c, &h, at)
		j.found = rules.Judge(j.kinds, &j.current, j.found[:0])
		return len(j.found) > 0
	}
}
