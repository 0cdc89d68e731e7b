package rules

import (
	"encoding/json"
	"fmt"
	"time"

	"sunsetwatch/rules/access"
)

// Schema names the JSON form of a finding.
const Schema = "sunsetwatch.finding.v1"

// encodedFinding is the JSON form; the order of its fields is the contract's.
type encodedFinding struct {
	Schema           string            `json:"schema"`
	ID               string            `json:"id"`
	Kind             string            `json:"kind"`
	Severity         Severity          `json:"severity"`
	State            State             `json:"state"`
	Partner          string            `json:"partner"`
	Feature          string            `json:"feature"`
	Program          *string           `json:"program"`
	Scope            *string           `json:"scope"`
	Rule             *string           `json:"rule"`
	Principals       []string          `json:"principals"`
	Team             *string           `json:"team"`
	Owner            *string           `json:"owner"`
	Since            *string           `json:"since"`
	Sunset           *string           `json:"sunset"`
	GraceUntil       *string           `json:"grace_until"`
	FirstEvent       *encodedPlace     `json:"first_event"`
	LastEvent        *encodedPlace     `json:"last_event"`
	Events           uint64            `json:"events"`
	EventsAfterGrace *uint64           `json:"events_after_grace"`
	Attempts         uint64            `json:"attempts"`
	Records          uint64            `json:"records"`
	Bytes            uint64            `json:"bytes"`
	Days             uint64            `json:"days"`
	People           uint64            `json:"people"`
	PeopleExact      bool              `json:"people_exact"`
	Grantors         uint64            `json:"grantors"`
	GrantorsExact    bool              `json:"grantors_exact"`
	ThirdPartyEvents uint64            `json:"third_party_events"`
	ProbeDays        *uint64           `json:"probe_days"`
	Operations       map[string]uint64 `json:"operations"`
	Scopes           map[string]uint64 `json:"scopes"`
	Bounds           *Bounds           `json:"bounds"`
	Incomplete       bool              `json:"incomplete"`
	OpenedAt         *string           `json:"opened_at"`
	LateReason       *string           `json:"late_reason"`
	DetectionDelay   *int64            `json:"detection_delay"`
	DecidedBy        *encodedDecision  `json:"decided_by"`
	ClosedAt         *string           `json:"closed_at"`
	Closure          *encodedClosure   `json:"closure"`
	Relapses         uint64            `json:"relapses"`
	SuppressedBy     *string           `json:"suppressed_by"`
	Dispute          *string           `json:"dispute"`
	History          []encodedChange   `json:"history"`
	Why              string            `json:"why"`
}

type encodedPlace struct {
	Time   string  `json:"time"`
	Source *string `json:"source"`
	Offset *int64  `json:"offset"`
}

type encodedDecision struct {
	Recorded *string `json:"recorded"`
	By       *string `json:"by"`
	Reason   *string `json:"reason"`
	Ticket   *string `json:"ticket"`
}

type encodedClosure struct {
	Verified bool    `json:"verified"`
	By       *string `json:"by"`
	Why      string  `json:"why"`
}

type encodedChange struct {
	At         string   `json:"at"`
	State      State    `json:"state"`
	Severity   Severity `json:"severity"`
	Suppressed bool     `json:"suppressed,omitempty"`
	Why        string   `json:"why"`
}

// MarshalJSON is the schema sunsetwatch.finding.v1: one line, times in RFC 3339
// UTC, durations in seconds, null where a field does not apply.
func (f *Finding) MarshalJSON() ([]byte, error) {
	e := encodedFinding{
		Schema: Schema, ID: f.ID, Kind: f.Kind, Severity: f.Severity, State: f.State,
		Partner: f.Partner, Feature: f.Feature,
		Program: optional(f.Program), Scope: optional(f.Scope), Rule: optional(f.Rule),
		Principals: f.Principals, Team: optional(f.Team), Owner: optional(f.Owner),
		Since: instant(f.Since), Sunset: instant(f.Sunset), GraceUntil: instant(f.GraceUntil),
		FirstEvent: f.FirstEvent.encoded(), LastEvent: f.LastEvent.encoded(),
		Events: f.Events, EventsAfterGrace: f.EventsAfterGrace, Attempts: f.Attempts,
		Records: f.Records, Bytes: f.Bytes, Days: f.Days,
		People: f.People, PeopleExact: f.PeopleExact, Grantors: f.Grantors, GrantorsExact: f.GrantorsExact,
		ThirdPartyEvents: f.ThirdPartyEvents, ProbeDays: f.ProbeDays,
		Operations: f.Operations, Scopes: f.Scopes, Bounds: f.Bounds, Incomplete: f.Incomplete,
		OpenedAt: instant(f.OpenedAt), LateReason: optional(f.LateReason), DetectionDelay: f.DetectionDelay,
		ClosedAt: instant(f.ClosedAt), Relapses: f.Relapses,
		SuppressedBy: f.SuppressedBy, Dispute: f.Dispute,
		History: make([]encodedChange, 0, len(f.History)), Why: f.Why,
	}
	if e.Principals == nil {
		e.Principals = []string{}
	}
	if e.Operations == nil {
		e.Operations = map[string]uint64{}
	}
	if e.Scopes == nil {
		e.Scopes = map[string]uint64{}
	}
	if d := f.DecidedBy; d != nil {
		e.DecidedBy = &encodedDecision{instant(d.Recorded), optional(d.By), optional(d.Reason), optional(d.Ticket)}
	}
	if c := f.Closure; c != nil {
		e.Closure = &encodedClosure{c.Verified, optional(c.By), c.Why}
	}
	for _, c := range f.History {
		e.History = append(e.History, encodedChange{c.At.String(), c.State, c.Severity, c.Suppressed, c.Why})
	}
	return json.Marshal(&e)
}

// UnmarshalJSON reads what MarshalJSON wrote. Fields that this version does not
// know are passed over; another schema is an error.
func (f *Finding) UnmarshalJSON(data []byte) error {
	var e encodedFinding
	if err := json.Unmarshal(data, &e); err != nil {
		return fmt.Errorf("finding: %w", err)
	}
	if e.Schema != Schema {
		return fmt.Errorf("finding %q: schema %q, want %q: it was written by another version", e.ID, e.Schema, Schema)
	}
	d := instants{}
	*f = Finding{
		ID: e.ID, Kind: e.Kind, Severity: e.Severity, State: e.State,
		Partner: e.Partner, Feature: e.Feature,
		Program: text(e.Program), Scope: text(e.Scope), Rule: text(e.Rule),
		Principals: nonEmpty(e.Principals), Team: text(e.Team), Owner: text(e.Owner),
		Since:      d.parse(e.Since, access.Beginning),
		Sunset:     d.parse(e.Sunset, access.End),
		GraceUntil: d.parse(e.GraceUntil, access.End),
		FirstEvent: d.place(e.FirstEvent), LastEvent: d.place(e.LastEvent),
		Events: e.Events, EventsAfterGrace: e.EventsAfterGrace, Attempts: e.Attempts,
		Records: e.Records, Bytes: e.Bytes, Days: e.Days,
		People: e.People, PeopleExact: e.PeopleExact, Grantors: e.Grantors, GrantorsExact: e.GrantorsExact,
		ThirdPartyEvents: e.ThirdPartyEvents, ProbeDays: e.ProbeDays,
		Operations: counts(e.Operations), Scopes: counts(e.Scopes), Bounds: e.Bounds, Incomplete: e.Incomplete,
		OpenedAt: d.parse(e.OpenedAt, access.Beginning), LateReason: text(e.LateReason), DetectionDelay: e.DetectionDelay,
		ClosedAt: d.parse(e.ClosedAt, access.Beginning), Relapses: e.Relapses,
		SuppressedBy: e.SuppressedBy, Dispute: e.Dispute, Why: e.Why,
	}
	if x := e.DecidedBy; x != nil {
		f.DecidedBy = &Decision{d.parse(x.Recorded, access.Beginning), text(x.By), text(x.Reason), text(x.Ticket)}
	}
	if x := e.Closure; x != nil {
		f.Closure = &Closure{x.Verified, text(x.By), x.Why}
	}
	for _, x := range e.History {
		f.History = append(f.History, Change{d.parse(&x.At, access.Beginning), x.State, x.Severity, x.Suppressed, x.Why})
	}
	if d.err != nil {
		return fmt.Errorf("finding %q: %w", e.ID, d.err)
	}
	return nil
}

// MarshalJSON is [low, high].
func (r Range) MarshalJSON() ([]byte, error) { return json.Marshal([2]uint64{r.Low, r.High}) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Range) UnmarshalJSON(data []byte) error {
	var ends []uint64
	if err := json.Unmarshal(data, &ends); err != nil {
		return fmt.Errorf("bounds: %w", err)
	}
	if len(ends) != 2 || ends[0] > ends[1] {
		return fmt.Errorf("bounds %s: want [low, high]", data)
	}
	r.Low, r.High = ends[0], ends[1]
	return nil
}

// Keys of the two fields of Bounds that are maps themselves.
const (
	boundsOperations = "operations"
	boundsScopes     = "scopes"
)

// MarshalJSON is one object with a key for each field.
func (b *Bounds) MarshalJSON() ([]byte, error) {
	all := make(map[string]any, len(b.Fields)+2)
	for name, r := range b.Fields {
		all[name] = r
	}
	if b.Operations != nil {
		all[boundsOperations] = b.Operations
	}
	if b.Scopes != nil {
		all[boundsScopes] = b.Scopes
	}
	return json.Marshal(all)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (b *Bounds) UnmarshalJSON(data []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return fmt.Errorf("bounds: %w", err)
	}
	*b = Bounds{}
	for name, raw := range all {
		var err error
		switch name {
		case boundsOperations:
			err = json.Unmarshal(raw, &b.Operations)
		case boundsScopes:
			err = json.Unmarshal(raw, &b.Scopes)
		default:
			var r Range
			err = json.Unmarshal(raw, &r)
			if b.Fields == nil {
				b.Fields = map[string]Range{}
			}
			b.Fields[name] = r
		}
		if err != nil {
			return fmt.Errorf("bounds of %s: %w", name, err)
		}
	}
	return nil
}

// instant is null where t is open.
func instant(t access.Instant) *string {
	if t == access.Beginning || t == access.End {
		return nil
	}
	s := t.String()
	return &s
}

func (c Coordinate) encoded() *encodedPlace {
	switch {
	case c == Coordinate{}:
		return nil
	case c.Source == "":
		return &encodedPlace{Time: c.Time.String()}
	}
	return &encodedPlace{c.Time.String(), &c.Source, &c.Offset}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// nonEmpty and counts make what was written as empty nil again, as it was.
func nonEmpty(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	return s
}

func counts(m map[string]uint64) map[string]uint64 {
	if len(m) == 0 {
		return nil
	}
	return m
}

// instants parses times and keeps the first error.
type instants struct{ err error }

func (d *instants) parse(s *string, absent access.Instant) access.Instant {
	if s == nil {
		return absent
	}
	t, err := time.Parse(time.RFC3339Nano, *s)
	if err != nil {
		if d.err == nil {
			d.err = err
		}
		return absent
	}
	i := access.At(t)
	if (i == access.Beginning || i == access.End) && d.err == nil {
		d.err = fmt.Errorf("%s is outside the years 1678 to 2261", *s)
	}
	return i
}

func (d *instants) place(p *encodedPlace) Coordinate {
	if p == nil {
		return Coordinate{}
	}
	c := Coordinate{Time: d.parse(&p.Time, access.Beginning), Source: text(p.Source)}
	if p.Offset != nil && c.Source != "" { // an offset is nothing without its source
		c.Offset = *p.Offset
	}
	return c
}
