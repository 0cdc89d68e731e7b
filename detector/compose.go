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
	of := s.basis()
	f := &rules.Finding{
		Kind:             s.kind.Name,
		Partner:          g.partner,
		Feature:          g.feature,
		Scope:            s.scope,
		Program:          of.lastMatch.Program,
		Principals:       of.principals,
		Since:            of.firstMatch.Since,
		Sunset:           of.lastMatch.Sunset,
		GraceUntil:       of.lastMatch.GraceUntil,
		Events:           s.accesses.events.low,
		Attempts:         s.attempts.events.low,
		Records:          s.accesses.records.low,
		Bytes:            s.accesses.bytes.low,
		Days:             uint64(s.accesses.days.Count()),
		ThirdPartyEvents: s.thirdParty,
		Operations:       map[string]uint64{},
		Incomplete:       s.incomplete,
		OpenedAt:         access.Beginning,
		ClosedAt:         access.Beginning,
	}
	if s.kind.Basis == rules.ByAbsence {
		f.Principals = s.absent.principals
		if s.absent.used {
			f.LastEvent = d.coordinate(s.absent.last)
		}
	} else if of.placed {
		f.FirstEvent, f.LastEvent = d.coordinate(of.first), d.coordinate(of.last)
	} else {
		f.FirstEvent, f.LastEvent = rules.Coordinate{Time: of.firstDay}, rules.Coordinate{Time: of.lastDay}
	}
	f.ID = f.Identity().ID()
	f.Team, f.Owner = d.answers(g.partner, f.Program)
	if f.Sunset != access.End {
		after := s.afterGrace.low
		f.EventsAfterGrace = &after
	}
	if s.kind.Basis == rules.ByProbes {
		days := uint64(s.probes.days.Count())
		f.ProbeDays = &days
	}
	if r := of.lastMatch.Decided; r != nil {
		f.DecidedBy = &rules.Decision{Recorded: r.Recorded, By: r.By, Reason: r.Reason, Ticket: r.Ticket}
	}
	f.LateReason = lateReason(of)
	subjects, grantors := s.people.numbers()
	// An access is about one person at most; an estimate may say otherwise.
	subjects.cap(s.accesses.events.high)
	grantors.cap(s.accesses.events.high)
	f.People, f.PeopleExact = subjects.low, subjects.exact
	f.Grantors, f.GrantorsExact = grantors.low, grantors.exact
	if s.kind.Basis != rules.ByProbes {
		of.named(f)
	}
	if s.inexact || subjects.low != subjects.high || grantors.low != grantors.high {
		f.Bounds = s.bounds(subjects, grantors, f.EventsAfterGrace != nil)
	}
	f.Severity = s.kind.Severity(f)
	if fixed := d.judge.rules.Setting(f.Kind).Severity; fixed != nil {
		f.Severity = *fixed
	}
	f.Why = s.kind.Why(f, &of.lastMatch)
	return f
}

// named fills in operations and scopes.
func (t *tally) named(f *rules.Finding) {
	for o, n := range t.operations {
		if n.low > 0 {
			f.Operations[access.Operation(o).String()] = n.low
		}
	}
	for scope, n := range t.scopes {
		if n.low == 0 {
			continue
		}
		if f.Scopes == nil {
			f.Scopes = map[string]uint64{}
		}
		f.Scopes[scope] = n.low
	}
}

// The reasons for which a finding is late.
const (
	backdatedRegistration = "backdated_registration"
	lateEvents            = "late_events"
)

// lateReason says why the first access could not be judged when it happened.
func lateReason(t *tally) string {
	if !t.placed {
		return ""
	}
	switch r := t.firstMatch.Decided; {
	case r != nil && r.Recorded > t.first.Time:
		return backdatedRegistration
	case t.first.Late():
		return lateEvents
	}
	return ""
}

func (s *sum) bounds(subjects, grantors number, grace bool) *rules.Bounds {
	var possible ledger.Days
	possible.Union(&s.accesses.days)
	possible.Union(&s.accesses.possibleDays)
	b := &rules.Bounds{
		Fields: map[string]rules.Range{
			"events":   s.accesses.events.bound(),
			"attempts": s.attempts.events.bound(),
			"records":  s.accesses.records.bound(),
			"bytes":    s.accesses.bytes.bound(),
			"days":     {Low: uint64(s.accesses.days.Count()), High: uint64(possible.Count())},
			"people":   subjects.bound(),
			"grantors": grantors.bound(),
		},
		Operations: map[string]rules.Range{},
		Scopes:     map[string]rules.Range{},
	}
	if grace {
		b.Fields["events_after_grace"] = s.afterGrace.bound()
	}
	for o, n := range s.basis().operations {
		if n.high > 0 && s.kind.Basis != rules.ByProbes {
			b.Operations[access.Operation(o).String()] = n.bound()
		}
	}
	for scope, n := range s.basis().scopes {
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
