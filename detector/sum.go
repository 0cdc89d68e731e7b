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

	events, afterGrace, attempts span
	records, bytes               span
	thirdParty                   uint64
	operations                   [access.Delete + 1]span
	scopes                       map[string]span
	principals                   []string // in rising order
	incomplete                   bool
	days                         ledger.Days // certain
	possibleDays                 ledger.Days // where not certain
	people                       people
	inexact                      bool // something was counted of which not all is certain

	// The first and the last access whose places are known, and what was found
	// of them. Where no place is known, the days that they lie on.
	placed                bool
	first, last           ledger.Mark
	firstDay, lastDay     access.Instant
	firstMatch, lastMatch rules.Match
}

func newSum(m *rules.Match) *sum {
	return &sum{
		kind: m.Kind, scope: m.Scope,
		scopes:   map[string]span{},
		firstDay: access.End, lastDay: access.Beginning,
	}
}

// attempt adds denied or failed calls of a cell. Of each part of the stretch,
// matches says what was found; nil where it is no match for this finding.
func (s *sum) attempt(c *ledger.Cell, p *parted, matches []*rules.Match) {
	n := p.events(members(matches))
	s.attempts.add(n)
	s.inexact = s.inexact || n.low != n.high
	s.incomplete = s.incomplete || c.Incomplete() && n.high > 0
}

// access adds accesses of a cell; matches as for attempt.
func (s *sum) access(facts Facts, c *ledger.Cell, p *parted, matches []*rules.Match) {
	member := members(matches)
	all := !slices.Contains(member, false)
	s.people.add(c, p, all, member[0] || member[len(member)-1])
	n := p.events(member)
	if n.high == 0 {
		s.inexact = s.inexact || !all
		return
	}
	whole := exactly(p.Events)
	after := afterGrace(matches)
	s.events.add(n)
	s.afterGrace.add(p.events(after))
	s.records.add(volume(p.Records, n, whole))
	s.bytes.add(volume(p.Bytes, n, whole))
	a := c.Attributes()
	s.operations[a.Operation].add(n)
	for _, name := range offending(matches) {
		o := s.scopes[name]
		o.add(n)
		s.scopes[name] = o
	}
	if a.Relation == access.ThirdParty {
		s.thirdParty += n.low
	}
	s.incomplete = s.incomplete || c.Incomplete()
	if last := len(s.principals) - 1; n.low > 0 && (last < 0 || s.principals[last] != c.Principal()) {
		s.principals = append(s.principals, c.Principal())
	}
	s.inexact = s.inexact || !all || slices.Contains(after, true) && slices.Contains(after, false)
	if all {
		s.days.Union(&p.Days)
	} else if from, to := p.daysIn(member, &s.days, &s.possibleDays); from <= to {
		s.dated(p, from, to, matches)
	}
	if m := matches[0]; m != nil {
		s.place(facts, p.First, m)
	}
	if m := matches[len(matches)-1]; m != nil {
		s.place(facts, p.Last, m)
	}
}

func (s *sum) place(facts Facts, at ledger.Mark, m *rules.Match) {
	if !s.placed || facts.Before(at, s.first) {
		s.first, s.firstMatch = at, *m
	}
	if !s.placed || facts.Before(s.last, at) {
		s.last, s.lastMatch = at, *m
	}
	s.placed = true
}

// dated takes days for the first and the last access for as long as no place is
// known.
func (s *sum) dated(p *parted, from, to access.Instant, matches []*rules.Match) {
	if s.placed {
		return
	}
	if m := matches[p.at(from)]; m != nil && from < s.firstDay {
		s.firstDay, s.firstMatch = from, *m
	}
	if m := matches[p.at(to)]; m != nil && to > s.lastDay {
		s.lastDay, s.lastMatch = to, *m
	}
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
