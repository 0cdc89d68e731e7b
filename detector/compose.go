package detector

import (
	"cmp"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// finding composes what s adds up, without the life of the finding: state,
// opening, history.
func (d *Detector) finding(g group, s *sum) *rules.Finding {
	f := &rules.Finding{
		Kind:             s.kind.Name,
		Partner:          g.partner,
		Feature:          g.feature,
		Scope:            s.scope,
		Program:          s.lastMatch.Program,
		Principals:       s.principals,
		Since:            s.firstMatch.Since,
		Sunset:           s.lastMatch.Sunset,
		GraceUntil:       s.lastMatch.GraceUntil,
		FirstEvent:       rules.Coordinate{Time: s.firstDay},
		LastEvent:        rules.Coordinate{Time: s.lastDay},
		Events:           s.events.low,
		Attempts:         s.attempts.low,
		Records:          s.records.low,
		Bytes:            s.bytes.low,
		Days:             uint64(s.days.Count()),
		ThirdPartyEvents: s.thirdParty,
		Operations:       map[string]uint64{},
		Incomplete:       s.incomplete,
		OpenedAt:         access.Beginning,
		ClosedAt:         access.Beginning,
	}
	f.ID = f.Identity().ID()
	f.Team, f.Owner = d.answers(g.partner, f.Program)
	if s.placed {
		f.FirstEvent, f.LastEvent = d.coordinate(s.first), d.coordinate(s.last)
	}
	if f.Sunset != access.End {
		after := s.afterGrace.low
		f.EventsAfterGrace = &after
	}
	if r := s.lastMatch.Decided; r != nil {
		f.DecidedBy = &rules.Decision{Recorded: r.Recorded, By: r.By, Reason: r.Reason, Ticket: r.Ticket}
	}
	subjects, grantors := s.people.numbers()
	// An access is about one person at most; an estimate may say otherwise.
	subjects.cap(s.events.high)
	grantors.cap(s.events.high)
	f.People, f.PeopleExact = subjects.low, subjects.exact
	f.Grantors, f.GrantorsExact = grantors.low, grantors.exact
	for o, n := range s.operations {
		if n.low > 0 {
			f.Operations[access.Operation(o).String()] = n.low
		}
	}
	for scope, n := range s.scopes {
		if n.low == 0 {
			continue
		}
		if f.Scopes == nil {
			f.Scopes = map[string]uint64{}
		}
		f.Scopes[scope] = n.low
	}
	if s.inexact || subjects.low != subjects.high || grantors.low != grantors.high {
		f.Bounds = s.bounds(subjects, grantors, f.EventsAfterGrace != nil)
	}
	f.Severity = s.kind.Severity(f)
	f.Why = s.kind.Why(f, &s.lastMatch)
	return f
}

func (s *sum) bounds(subjects, grantors number, grace bool) *rules.Bounds {
	var possible ledger.Days
	possible.Union(&s.days)
	possible.Union(&s.possibleDays)
	b := &rules.Bounds{
		Fields: map[string]rules.Range{
			"events":   s.events.bound(),
			"attempts": s.attempts.bound(),
			"records":  s.records.bound(),
			"bytes":    s.bytes.bound(),
			"days":     {Low: uint64(s.days.Count()), High: uint64(possible.Count())},
			"people":   subjects.bound(),
			"grantors": grantors.bound(),
		},
		Operations: map[string]rules.Range{},
		Scopes:     map[string]rules.Range{},
	}
	if grace {
		b.Fields["events_after_grace"] = s.afterGrace.bound()
	}
	for o, n := range s.operations {
		if n.high > 0 {
			b.Operations[access.Operation(o).String()] = n.bound()
		}
	}
	for scope, n := range s.scopes {
		b.Scopes[scope] = n.bound()
	}
	return b
}

func (s span) bound() rules.Range { return rules.Range{Low: s.low, High: s.high} }

func (d *Detector) coordinate(m ledger.Mark) rules.Coordinate {
	return rules.Coordinate{Time: m.Time, Source: d.judge.facts.SourceName(m.Source), Offset: m.Offset}
}

// answers is who answers for a finding: the partner's team and owner or, where
// it names none, those of the program whose sunset decided, if any.
func (d *Detector) answers(partner, program string) (team, owner string) {
	if p := d.judge.registry.Partner(partner); p != nil {
		team, owner = p.Team, p.Owner
	}
	if p := d.judge.registry.Program(program); p != nil {
		team, owner = cmp.Or(team, p.Team), cmp.Or(owner, p.Owner)
	}
	return team, owner
}
