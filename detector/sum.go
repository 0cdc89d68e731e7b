package detector

import (
	"slices"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// sum adds up what one finding counts.
type sum struct {
	kind  *rules.Kind
	scope string

	accesses, attempts, probes tally

	afterGrace span // of the accesses
	thirdParty uint64
	people     people
	incomplete bool
	inexact    bool // something was counted of which not all is certain

	probe  probing                  // only of a kind ByProbes
	absent absence                  // only of a kind ByAbsence
	hits   map[*rules.Exception]hit // accesses while an exception suppressed the page
}

// tally is what is counted of accesses, of attempts, or of probes.
type tally struct {
	events, records, bytes span
	operations             [access.Delete + 1]span
	scopes                 map[string]span
	principals             []string    // in rising order
	days                   ledger.Days // certain
	possibleDays           ledger.Days // where not certain

	// The first and the last one whose places are known, and what was found of
	// them. Where no place is known, the days that they lie on.
	placed                bool
	first, last           ledger.Mark
	firstDay, lastDay     access.Instant
	firstMatch, lastMatch rules.Match
}

func newSum(kind *rules.Kind, scope string) *sum {
	return &sum{kind: kind, scope: scope, accesses: newTally(), attempts: newTally(), probes: newTally()}
}

func newTally() tally { return tally{firstDay: access.End, lastDay: access.Beginning} }

// basis is what the finding consists of.
func (s *sum) basis() *tally {
	switch s.kind.Basis {
	case rules.ByAttempts:
		return &s.attempts
	case rules.ByProbes:
		return &s.probes
	}
	return &s.accesses
}

// attempt adds denied or failed calls of a cell. Of each part of the stretch,
// matches says what was found; nil where it is no match for this finding.
func (s *sum) attempt(facts Facts, c *ledger.Cell, p *parted, matches []*rules.Match) {
	s.beside(&s.attempts, facts, c, p, matches)
}

// probed adds capability probes of a cell; matches as for attempt.
func (s *sum) probed(facts Facts, c *ledger.Cell, p *parted, matches []*rules.Match) {
	s.beside(&s.probes, facts, c, p, matches)
}

// beside adds to t what is no access: it has no people, no grace and no relation.
func (s *sum) beside(t *tally, facts Facts, c *ledger.Cell, p *parted, matches []*rules.Match) {
	if n := t.add(facts, c, p, matches); n.high > 0 {
		s.incomplete = s.incomplete || c.Incomplete()
		s.inexact = s.inexact || n.low != n.high
	}
}

// access adds accesses of a cell; matches as for attempt.
func (s *sum) access(facts Facts, c *ledger.Cell, p *parted, matches []*rules.Match) {
	member := members(matches)
	all := !slices.Contains(member, false)
	s.people.add(c, p, all, member[0] || member[len(member)-1])
	n := s.accesses.add(facts, c, p, matches)
	s.inexact = s.inexact || !all
	if n.high == 0 {
		return
	}
	after := afterGrace(matches)
	s.afterGrace.add(p.events(after))
	if c.Attributes().Relation == access.ThirdParty {
		s.thirdParty += n.low
	}
	s.incomplete = s.incomplete || c.Incomplete()
	s.inexact = s.inexact || slices.Contains(after, true) && slices.Contains(after, false)
}

// add counts the events of a stretch whose parts have matches.
func (t *tally) add(facts Facts, c *ledger.Cell, p *parted, matches []*rules.Match) span {
	member := members(matches)
	n := p.events(member)
	if n.high == 0 {
		return n
	}
	whole := exactly(p.Events)
	t.events.add(n)
	t.records.add(volume(p.Records, n, whole))
	t.bytes.add(volume(p.Bytes, n, whole))
	t.operations[c.Attributes().Operation].add(n)
	for _, name := range offending(matches) {
		if t.scopes == nil {
			t.scopes = map[string]span{}
		}
		o := t.scopes[name]
		o.add(n)
		t.scopes[name] = o
	}
	if last := len(t.principals) - 1; n.low > 0 && (last < 0 || t.principals[last] != c.Principal()) {
		t.principals = append(t.principals, c.Principal())
	}
	if !slices.Contains(member, false) {
		t.days.Union(&p.Days)
	} else if from, to := p.daysIn(member, &t.days, &t.possibleDays); from <= to {
		t.dated(p, from, to, matches)
	}
	if m := matches[0]; m != nil {
		t.place(facts, p.First, m)
	}
	if m := matches[len(matches)-1]; m != nil {
		t.place(facts, p.Last, m)
	}
	return n
}

func (t *tally) place(facts Facts, at ledger.Mark, m *rules.Match) {
	if !t.placed || facts.Before(at, t.first) {
		t.first, t.firstMatch = at, *m
	}
	if !t.placed || facts.Before(t.last, at) {
		t.last, t.lastMatch = at, *m
	}
	t.placed = true
}

// dated takes days for the first and the last one for as long as no place is
// known.
func (t *tally) dated(p *parted, from, to access.Instant, matches []*rules.Match) {
	if t.placed {
		return
	}
	if m := matches[p.at(from)]; m != nil && from < t.firstDay {
		t.firstDay, t.firstMatch = from, *m
	}
	if m := matches[p.at(to)]; m != nil && to > t.lastDay {
		t.lastDay, t.lastMatch = to, *m
	}
}

// runs are those of all days that may have had one: a silence between two of
// them is certain.
func (t *tally) runs() []ledger.Run {
	if len(t.possibleDays.Runs()) == 0 {
		return t.days.Runs()
	}
	var all ledger.Days
	all.Union(&t.days)
	all.Union(&t.possibleDays)
	return all.Runs()
}

func members(matches []*rules.Match) []bool {
	in := make([]bool, len(matches))
	for i, m := range matches {
		in[i] = m != nil
	}
	return in
}

func afterGrace(matches []*rules.Match) []bool {
	in := make([]bool, len(matches))
	for i, m := range matches {
		in[i] = m != nil && m.AfterGrace
	}
	return in
}

// offending are the scopes that a finding lists. They depend on the cell and on
// the detail of the finding, which the matches share.
func offending(matches []*rules.Match) []string {
	for _, m := range matches {
		if m != nil {
			return m.Scopes
		}
	}
	return nil
}
