package detector

import (
	"slices"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Registry is what the detector reads of the registrations: a
// *registry.Snapshot.
type Registry interface {
	Partner(name string) *registry.Partner
	Partners() []*registry.Partner
	Program(name string) *registry.Program
	Registration(partner, feature string) *registry.Registration
	Registrations() []*registry.Registration
	Owner(principal string, t access.Instant) (partner string, current bool)
	TermsAt(r *registry.Registration, t, k access.Instant) (terms *registry.Terms, ok bool)
	NextTerms(r *registry.Registration, t access.Instant) access.Instant
	Retired(scopes []string, t access.Instant) []registry.Retired
}

// judge adds up what the kinds find wrong: a pure function of facts, registry,
// rules and the time of judgement. Lawful facts cost a look-up of their terms and
// nothing else.
type judge struct {
	kinds    []rules.Kind
	rules    *rules.RuleSet
	facts    Facts
	registry Registry
	owners   owners

	// Of the group that is being judged.
	now          access.Instant
	group        group
	registration *registry.Registration
	sums         []*sum
	probing      probing
	used         used
	due          access.Instant // when time alone can change the outcome; End: never

	// Scratch.
	held    []held     // of the principal that is being judged
	current rules.Case // of the part that is being judged
	starts  [1]access.Instant
	found   []rules.Match // of all parts of a stretch
	ends    []int         // where in found the matches of each part end
	matches []*rules.Match
}

// held is what held for a pair over a stretch of event time.
type held struct {
	from, until access.Instant
	partner     string
	belongs     bool
	left        access.Instant
	terms       *registry.Terms
}

// of adds up each finding of g at the time of judgement now, and says when time
// alone can change that. What may be wrong but nowhere certainly is, is left out.
func (j *judge) of(g group, now access.Instant) (sums []*sum, due access.Instant) {
	j.now, j.group, j.sums, j.due = now, g, nil, access.End
	j.probing, j.used = probing{}, used{at: access.Beginning}
	j.registration = j.registry.Registration(g.partner, g.feature)
	if j.registration != nil {
		j.used.before = j.endOfUse()
	}
	for _, principal := range j.owners.principals(g) {
		j.held = j.held[:0]
		for _, c := range j.facts.Cells(principal, g.feature) {
			for s := range c.Stretches() {
				j.stretch(c, s)
			}
		}
	}
	j.onlyAttempts()
	j.retained()
	j.sums = slices.DeleteFunc(j.sums, func(s *sum) bool {
		return s.basis().events.low == 0 || j.rules.Setting(s.kind.Name).Disabled
	})
	j.dormant()
	return j.sums, j.due
}

// onlyAttempts turns what would be a finding of accesses, and has none, into one
// of the kind for that.
func (j *judge) onlyAttempts() {
	for _, s := range j.sums {
		if s.kind.Basis != rules.ByAccess || s.accesses.events.low > 0 || s.attempts.events.low == 0 {
			continue
		}
		for i := range j.kinds {
			if k := &j.kinds[i]; k.Basis == rules.ByAttempts && k.Window == s.kind.Window {
				*s = sum{kind: k, scope: s.scope, accesses: newTally(), attempts: s.attempts, probes: newTally(), incomplete: s.incomplete}
				s.inexact = s.attempts.events.low != s.attempts.events.high
				break
			}
		}
	}
}

// stretch judges one stretch of a cell, in parts where its terms change.
func (j *judge) stretch(c *ledger.Cell, s *ledger.Stretch) {
	p := parted{Stretch: s}
	switch {
	case s.Cut:
		p = part(s, c.Cuts())
	case s.Events > 0:
		j.starts[0] = s.First.Time
		p.starts = j.starts[:]
	default:
		j.starts[0] = s.From
		p.starts = j.starts[:]
	}
	j.found, j.ends = j.found[:0], j.ends[:0]
	for i, t := range p.starts {
		var h *held
		if s.Cut {
			now := j.holds(c.Principal(), t)
			h = &now
		} else {
			h = j.heldOver(c.Principal(), s, t)
		}
		if h.partner == j.group.partner {
			j.present(c, h, t)
			j.found = rules.Judge(j.kinds, &j.current, j.found)
			j.meet(c, &p, i)
		}
		j.ends = append(j.ends, len(j.found))
	}
	if len(j.found) > 0 {
		j.count(c, &p)
	}
}

// present makes the case of a part that begins at t.
func (j *judge) present(c *ledger.Cell, h *held, t access.Instant) {
	a := c.Attributes()
	j.current = rules.Case{
		Time:      t,
		Principal: c.Principal(),
		Feature:   j.group.feature,
		Scopes:    c.Scopes(),
		Operation: a.Operation,
		Direction: a.Direction,
		Relation:  a.Relation,
		Consent:   a.Consent,
		Indicator: a.Indicator,
		Probe:     a.Probe,
		Folded:    c.Folded(),
		Partner:   j.group.partner,
		Belongs:   h.belongs,
		Left:      h.left,
		Terms:     h.terms,
	}
	if h.belongs && h.terms != nil && a.Probe == access.NoProbe {
		j.current.Retired = j.registry.Retired(c.Scopes(), t)
	}
}

// meet notes what a part of a stretch of the group says beside what is wrong
// with it: when it was last used, and what probes last said.
func (j *judge) meet(c *ledger.Cell, p *parted, part int) {
	if p.Events == 0 {
		return
	}
	switch a := c.Attributes(); {
	case a.Probe != access.NoProbe:
		j.probing.meet(j.facts, c, p, part)
	case a.Outcome == access.Served && j.registration != nil:
		j.used.meet(j.facts, p, part)
	}
}

// heldOver is what held over a whole stretch; the cells of a pair mostly have
// the same ones.
func (j *judge) heldOver(principal string, s *ledger.Stretch, t access.Instant) *held {
	for i := range j.held {
		if h := &j.held[i]; h.from == s.From && h.until == s.Until {
			return h
		}
	}
	h := j.holds(principal, t)
	h.from, h.until = s.From, s.Until
	j.held = append(j.held, h)
	return &j.held[len(j.held)-1]
}

// holds is what held for principal at t. Of accesses that are not the group's
// it says whose they are, and no terms.
func (j *judge) holds(principal string, t access.Instant) held {
	h := held{left: access.Beginning}
	h.partner, h.belongs = j.registry.Owner(principal, t)
	if h.partner == "" {
		h.partner = rules.Unregistered
	}
	if h.partner != j.group.partner || h.partner == rules.Unregistered {
		return h
	}
	if !h.belongs {
		h.left = j.owners.left(h.partner, principal, t)
	}
	if j.registration != nil {
		if terms, known := j.registry.TermsAt(j.registration, t, access.End); known {
			h.terms = terms
		}
	}
	return h
}

// count adds a stretch to each finding that was found in one of its parts.
func (j *judge) count(c *ledger.Cell, p *parted) {
	matches := slices.Grow(j.matches[:0], len(p.starts))[:len(p.starts)]
	j.matches = matches
	for i := range j.found {
		m := &j.found[i]
		if j.sameBefore(i) {
			continue
		}
		from := 0
		for k, end := range j.ends {
			matches[k] = nil
			for n := from; n < end; n++ {
				if same(&j.found[n], m) {
					matches[k] = &j.found[n]
				}
			}
			from = end
		}
		s := j.sum(m)
		switch a := c.Attributes(); {
		case a.Probe != access.NoProbe:
			s.probed(j.facts, c, p, matches)
		case a.Outcome == access.Served:
			s.access(j.facts, c, p, matches)
			j.hit(s, p, matches)
		default:
			s.attempt(j.facts, c, p, matches)
		}
	}
}

// sameBefore reports whether an earlier match is of the same finding.
func (j *judge) sameBefore(i int) bool {
	for n := range i {
		if same(&j.found[n], &j.found[i]) {
			return true
		}
	}
	return false
}

// same reports whether two matches of a group are of the same finding.
func same(a, b *rules.Match) bool { return a.Kind == b.Kind && a.Scope == b.Scope }

func (j *judge) sum(m *rules.Match) *sum {
	for _, s := range j.sums {
		if s.kind == m.Kind && s.scope == m.Scope {
			return s
		}
	}
	s := newSum(m.Kind, m.Scope)
	j.sums = append(j.sums, s)
	return s
}
