package detector

import (
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Concern is a function that says of accesses of a cell around an instant what the
// kinds find wrong with them under s: the verdict is Lawful where none does, and else
// stands for the findings that they would be part of. It is for ledger.PiecesOptions,
// whose ledger Cuts of s are to cut. The function belongs to one ledger.
func Concern(s *registry.Snapshot) func(c *ledger.Cell, at access.Instant) ledger.Verdict {
	j := judge{registry: s, owners: ownersOf(s)}
	kinds := map[rules.Window][]rules.Kind{}
	for _, k := range rules.Kinds() {
		if k.Basis == rules.ByAccess {
			kinds[k.Window] = append(kinds[k.Window], k)
		}
	}
	type terms struct {
		from, until  access.Instant // between two cuts, so that they are the same for all of it
		group        group
		registration *registry.Registration
		held         held
		kinds        []rules.Kind // that look at accesses then
	}
	var known []*terms // by pair: what was asked for last
	verdicts := map[string]ledger.Verdict{}
	var key []byte
	return func(c *ledger.Cell, at access.Instant) ledger.Verdict {
		n := c.Pair()
		if n >= len(known) {
			known = append(known, make([]*terms, n+1-len(known))...)
		}
		k := known[n]
		if k == nil {
			k = &terms{from: access.End, until: access.Beginning}
			known[n] = k
		}
		if at < k.from || at >= k.until {
			k.from, k.until = c.Around(at)
			k.group = group{partner: rules.Unregistered, feature: c.Feature()}
			if partner, _ := s.Owner(c.Principal(), at); partner != "" {
				k.group.partner = partner
			}
			k.registration = s.Registration(k.group.partner, c.Feature())
			j.group, j.registration = k.group, k.registration
			k.held = j.holds(c.Principal(), at)
			j.present(c, &k.held, at)
			k.kinds = kinds[rules.WindowOf(&j.current)]
		}
		j.group, j.registration = k.group, k.registration
		j.present(c, &k.held, at)
		j.found = rules.Judge(k.kinds, &j.current, j.found[:0])
		if len(j.found) == 0 {
			return ledger.Lawful
		}
		key = key[:0]
		for i := range j.found {
			if m := &j.found[i]; !j.sameBefore(i) {
				key = append(append(key, m.Kind.Name...), 0)
				key = append(append(key, m.Scope...), 0)
			}
		}
		v, met := verdicts[string(key)]
		if !met {
			v = ledger.Lawful + 1 + ledger.Verdict(len(verdicts))
			verdicts[string(key)] = v
		}
		return v
	}
}
