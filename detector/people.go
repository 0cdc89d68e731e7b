package detector

import (
	"slices"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

// people are the distinct people of one finding. They are united, never added.
type people struct {
	self    crowd // subjects of accesses in which no other person granted
	others  crowd // subjects of third-party accesses
	granted crowd // grantors who are not the subject of their access
}

// crowd is those who certainly are in it, and those who may be.
type crowd struct {
	certain, possible union
	// somebody is certainly in it, though it is not known who.
	somebody bool
}

// add the people of a stretch of a cell: all of its events are counted, or some
// of its parts are, and these may hold its first or last event.
func (p *people) add(c *ledger.Cell, s *parted, all, touched bool) {
	subjects := &p.self
	if c.Attributes().Relation == access.ThirdParty {
		subjects = &p.others
	}
	if all {
		subjects.certain.add(s.People)
		p.granted.certain.add(s.Grantors)
		return
	}
	subjects.possible.add(s.People)
	p.granted.possible.add(s.Grantors)
	// The minutes of the first and the last event have people, though where
	// there are grantors without a subject it is not known which kind.
	if touched && s.Events == 0 {
		subjects.somebody = subjects.somebody || s.People != nil && s.Grantors == nil
		p.granted.somebody = p.granted.somebody || s.Grantors != nil && s.People == nil
	}
}

// number is how many people there are, and whether both ends are exact.
type number struct {
	span
	exact bool
}

// cap brings a number down to limit, which the truth does not exceed.
func (n *number) cap(limit uint64) {
	n.low, n.high = min(n.low, limit), min(n.high, limit)
}

// numbers of distinct subjects, and of distinct grantors or, where none is given,
// subjects.
func (p *people) numbers() (subjects, grantors number) {
	subjects = count(&p.self, &p.others)
	if p.others.empty() && p.granted.empty() {
		return subjects, subjects // estimating is what costs most
	}
	return subjects, count(&p.self, &p.granted)
}

func (c *crowd) empty() bool { return c.certain.empty() && c.possible.empty() }

// count of two crowds together.
func count(a, b *crowd) number {
	certain := slices.Concat(a.certain, b.certain)
	low, exact := ledger.CountUnion(certain)
	if a.possible.empty() && b.possible.empty() {
		return number{exactly(low), exact}
	}
	high, highExact := ledger.CountUnion(slices.Concat(certain, a.possible, b.possible))
	if a.somebody || b.somebody {
		low = max(low, 1)
	}
	// Estimates are not monotonous.
	return number{span{low, max(low, high)}, exact && highExact}
}

// union of sets of people, which are left as they are.
type union []*ledger.People

func (u *union) add(p *ledger.People) {
	if p != nil {
		*u = append(*u, p)
	}
}

func (u union) empty() bool { return len(u) == 0 }
