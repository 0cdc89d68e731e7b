package explanation

import (
	"cmp"
	"encoding/json"
	"slices"

	"sunsetwatch/cmd/internal/termsheet"
	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Schema of an Explanation in JSON.
const Schema = "sunsetwatch.explanation.v1"

// Explanation of one event. In JSON instants are RFC 3339 in UTC, and what does
// not apply is null.
type Explanation struct {
	Schema        string           `json:"schema"`
	Event         json.RawMessage  `json:"event"` // native, with defaults filled in
	Is            string           `json:"is"`    // access, attempt or probe
	KnownAt       *string          `json:"known_at"`
	Principal     Principal        `json:"principal"`
	Registration  *Registration    `json:"registration"`   // null: none is known
	Terms         *termsheet.Terms `json:"terms"`          // in force at the event's time
	Window        string           `json:"window"`         // no_registration, before_start, after_sunset, pause or inside
	RetiredScopes []RetiredScope   `json:"retired_scopes"` // that cover a scope of the event
	Verdicts      []Verdict        `json:"verdicts"`
	Hints         []string         `json:"hints"`

	at     access.Instant
	terms  *registry.Terms
	window rules.Window
}

// Principal says whose the caller was.
type Principal struct {
	ID      string  `json:"id"`
	Partner *string `json:"partner"` // its owner at the time, or else its last one; null: nobody owned it by then
	Belongs bool    `json:"belongs"` // whether it belonged to Partner at the time
	Since   *string `json:"since"`   // null: since always
	Until   *string `json:"until"`   // before which it belongs or belonged to Partner; null: open
	Team    *string `json:"team"`
	Owner   *string `json:"owner"`

	since, until access.Instant
}

// Registration of the partner and the feature.
type Registration struct {
	Partner   string  `json:"partner"`
	Feature   string  `json:"feature"`
	Program   *string `json:"program"`   // that it is part of
	Lifecycle string  `json:"lifecycle"` // at the event's time
}

// RetiredScope is retired at the event's time, for everybody.
type RetiredScope struct {
	Name       string              `json:"name"`
	Sunset     *string             `json:"sunset"`
	GraceUntil *string             `json:"grace_until"`
	Scopes     []string            `json:"scopes"` // of the event, that it covers
	DecidedBy  *termsheet.Revision `json:"decided_by"`

	retired registry.Retired
}

// Question is what Compose answers.
type Question struct {
	Event         *access.Event
	Registrations *registry.Snapshot
	Rules         *rules.RuleSet // nil: defaults
	KnownAt       access.Instant // End: all is known
}

// Compose explains an event.
func Compose(q *Question) *Explanation {
	known := q.Registrations.KnownAt(q.KnownAt)
	c := caseOf(q.Event, known)
	e := &Explanation{
		Schema: Schema, Event: codec.AppendJSON(nil, q.Event), Is: is(q.Event), KnownAt: termsheet.Instant(q.KnownAt),
		Principal: principalOf(&c, known), RetiredScopes: []RetiredScope{},
		at: q.Event.Time, terms: c.Terms, window: rules.WindowOf(&c),
	}
	e.Window = windowWords[e.window]
	if c.Terms != nil {
		terms := termsheet.TermsOf(c.Terms)
		e.Terms = &terms
		e.Registration = &Registration{c.Partner, c.Feature, nil, c.Terms.LifecycleAt(c.Time).String()}
		e.Registration.Program = termsheet.Optional(known.Registration(c.Partner, c.Feature).Program)
	}
	for _, r := range c.Retired {
		scope := RetiredScope{Name: r.Name, Sunset: termsheet.Instant(r.Sunset), GraceUntil: termsheet.Instant(r.GraceUntil),
			DecidedBy: termsheet.RevisionOf(r.Decided), retired: r}
		for _, s := range c.Scopes {
			if registry.Covers(r.Name, s) {
				scope.Scopes = append(scope.Scopes, s)
			}
		}
		e.RetiredScopes = append(e.RetiredScopes, scope)
	}
	e.Verdicts = (&judging{q, known, &c, e}).verdicts()
	e.Hints = hints(q, known, &c)
	return e
}

func is(ev *access.Event) string {
	switch {
	case ev.Probe != access.NoProbe:
		return "probe"
	case ev.Outcome != access.Served:
		return "attempt"
	}
	return "access"
}

// windowWords name a window as the kinds that judge it.
var windowWords = [...]string{
	rules.Unknown:  "no_registration",
	rules.TooEarly: "before_start",
	rules.AfterEnd: "after_sunset",
	rules.Paused:   "pause",
	rules.Inside:   "inside",
}

// caseOf is what the kinds judge of an event.
func caseOf(ev *access.Event, s *registry.Snapshot) rules.Case {
	c := rules.Case{
		Time: ev.Time, Principal: string(ev.Principal), Feature: string(ev.Feature),
		Operation: ev.Operation, Direction: ev.Direction, Relation: ev.Relation(),
		Consent: ev.Consent, Indicator: ev.Indicator, Probe: ev.Probe,
		Left: access.Beginning,
	}
	for _, scope := range ev.Scopes {
		c.Scopes = append(c.Scopes, string(scope))
	}
	c.Partner, c.Belongs = s.Owner(c.Principal, c.Time)
	if a := aliasAt(s, c.Partner, c.Principal, c.Time); a != nil && !c.Belongs {
		c.Left = a.Until
	}
	if r := s.Registration(c.Partner, c.Feature); r != nil {
		c.Terms, _ = s.TermsAt(r, c.Time, access.End)
	}
	for _, r := range s.Retirements(c.Time, access.End) {
		if slices.ContainsFunc(c.Scopes, func(scope string) bool { return registry.Covers(r.Name, scope) }) {
			c.Retired = append(c.Retired, r)
		}
	}
	return c
}

// aliasAt is the belonging of principal to partner at t or, where it belongs to
// it no more, the last one before; nil where there is none.
func aliasAt(s *registry.Snapshot, partner, principal string, t access.Instant) *registry.Alias {
	p := s.Partner(partner)
	if p == nil {
		return nil
	}
	var last *registry.Alias
	for i := range p.Principals { // of one principal sorted by From
		if a := &p.Principals[i]; a.Principal == principal && a.From <= t {
			last = a
		}
	}
	return last
}

func principalOf(c *rules.Case, s *registry.Snapshot) Principal {
	p := Principal{ID: c.Principal, Partner: termsheet.Optional(c.Partner), Belongs: c.Belongs, since: access.Beginning, until: access.End}
	if a := aliasAt(s, c.Partner, c.Principal, c.Time); a != nil {
		p.since, p.until = a.From, a.Until
	}
	p.Since, p.Until = termsheet.Instant(p.since), termsheet.Instant(p.until)
	team, owner := answers(s, c.Partner, "")
	p.Team, p.Owner = termsheet.Optional(team), termsheet.Optional(owner)
	return p
}

// answers is who answers for a finding: the partner's team and owner or, where
// it names none, those of the program whose sunset decided.
func answers(s *registry.Snapshot, partner, program string) (team, owner string) {
	if p := s.Partner(partner); p != nil {
		team, owner = p.Team, p.Owner
	}
	if p := s.Program(program); p != nil {
		team, owner = cmp.Or(team, p.Team), cmp.Or(owner, p.Owner)
	}
	return team, owner
}
