package detector

import (
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Concern tells what the kinds find wrong with accesses under a Snapshot. Its methods
// are for ledger.PiecesOptions, whose ledger Cuts of the Snapshot are to cut. It
// belongs to one ledger.
type Concern struct {
	judge    judge
	kinds    map[rules.Window][]rules.Kind // that look at accesses then
	known    []*concern                    // by pair: what was asked for last
	verdicts map[string]ledger.Verdict
	key      []byte
}

// concern is what holds for a pair between two cuts.
type concern struct {
	from, until    access.Instant
	group          group
	registration   *registry.Registration
	held           held
	kinds          []rules.Kind
	wrong, anybody bool // see Outright
}

// NewConcern is that of s.
func NewConcern(s *registry.Snapshot) *Concern {
	c := &Concern{judge: judge{registry: s, owners: ownersOf(s)}, kinds: map[rules.Window][]rules.Kind{}, verdicts: map[string]ledger.Verdict{}}
	for _, k := range rules.Kinds() {
		if k.Basis == rules.ByAccess {
			c.kinds[k.Window] = append(c.kinds[k.Window], k)
		}
	}
	return c
}

// Verdict on accesses of a cell around an instant is Lawful where no kind finds
// something wrong, and else stands for the findings that they would be part of.
func (c *Concern) Verdict(cell *ledger.Cell, at access.Instant) ledger.Verdict {
	k, j := c.of(cell, at), &c.judge
	j.group, j.registration = k.group, k.registration
	j.present(cell, &k.held, at)
	j.found = rules.Judge(k.kinds, &j.current, j.found[:0])
	if len(j.found) == 0 {
		return ledger.Lawful
	}
	c.key = c.key[:0]
	for i := range j.found {
		if m := &j.found[i]; !j.sameBefore(i) {
			c.key = append(append(c.key, m.Kind.Name...), 0)
			c.key = append(append(c.key, m.Scope...), 0)
		}
	}
	v, met := c.verdicts[string(c.key)]
	if !met {
		v = ledger.Lawful + 1 + ledger.Verdict(len(c.verdicts))
		c.verdicts[string(c.key)] = v
	}
	return v
}

// Outright reports whether all accesses of the pair of a cell are wrong around an
// instant, and whether it makes no difference whose grant they were made with.
func (c *Concern) Outright(cell *ledger.Cell, at access.Instant) (wrong, anybody bool) {
	k := c.of(cell, at)
	return k.wrong, k.anybody
}

// of is what holds for the pair of a cell.
func (c *Concern) of(cell *ledger.Cell, at access.Instant) *concern {
	n := cell.Pair()
	if n >= len(c.known) {
		c.known = append(c.known, make([]*concern, n+1-len(c.known))...)
	}
	k := c.known[n]
	if k == nil {
		k = &concern{}
		c.known[n] = k
	} else if at >= k.from && at < k.until {
		return k
	}
	j := &c.judge
	k.from, k.until = cell.Around(at)
	k.group = group{partner: rules.Unregistered, feature: cell.Feature()}
	if partner, _ := j.registry.Owner(cell.Principal(), at); partner != "" {
		k.group.partner = partner
	}
	k.registration = j.registry.Registration(k.group.partner, cell.Feature())
	j.group, j.registration = k.group, k.registration
	k.held = j.holds(cell.Principal(), at)
	j.present(cell, &k.held, at)
	k.kinds = c.kinds[rules.WindowOf(&j.current)]
	k.wrong, k.anybody = false, true
	for i := range k.kinds {
		k.wrong = k.wrong || k.kinds[i].WhyNot == nil
		k.anybody = k.anybody && !k.kinds[i].ByRelation
	}
	if terms := k.held.terms; terms == nil || terms.Requires&registry.RequireOwnData == 0 {
		k.anybody = true // nothing else makes a relation wrong
	}
	return k
}
