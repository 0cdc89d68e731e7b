package model

import (
	"cmp"
	"slices"
	"time"

	"sunsetwatch/rules/access"
)

// Unregistered is the partner of a principal that had belonged to nobody.
const Unregistered = "_unregistered"

// The states of a finding.
const (
	Open      = "open"
	Quiet     = "quiet"
	Closed    = "closed"
	Withdrawn = "withdrawn"
)

// Key names a finding: one per kind, P and F, and scope (rule 2).
type Key struct {
	Kind      string
	Partner   string
	Principal string // only where Partner is Unregistered
	Feature   string
	Scope     string // only for scope_retired
}

// Finding holds the fields of section 5 but id, why, history, rule, bounds and
// incomplete. A null string is empty, a null instant is Beginning.
type Finding struct {
	Key
	Severity, State           string
	Program, Team, Owner      string
	Principals                []string
	Since, Sunset, GraceUntil access.Instant
	FirstEvent, LastEvent     *Place
	Events                    int
	EventsAfterGrace          *int
	Attempts                  int
	Records, Bytes            uint64
	Days, People, Grantors    int
	ThirdPartyEvents          int
	ProbeDays                 *int
	Operations, Scopes        map[string]int
	DecidedBy                 *Decision
	ClosedAt                  access.Instant
	Closure                   *Closure
	Relapses                  int
	SuppressedBy              *Exception
	Dispute                   *Dispute

	// LateReason is rule 13 held against the present first access: it is only of
	// detection_delay that the rule says "when it opened".
	LateReason string

	// Only of AsThen. DetectionDelay is nil where the finding had no first event
	// when it opened.
	OpenedAt       access.Instant
	DetectionDelay *time.Duration
}

// Place is an event's time and position.
type Place struct {
	Time   access.Instant
	Source string
	Offset int64
	Index  int
}

func place(e Event) *Place {
	return &Place{Time: e.Time, Source: e.Source, Offset: e.Offset, Index: e.Index}
}

// Decision is what a finding shows of the revision that decided.
type Decision struct {
	Recorded           access.Instant // Beginning: since always
	By, Reason, Ticket string
}

func decision(r *Revision) *Decision {
	if r == nil {
		return nil
	}
	return &Decision{Recorded: r.Recorded, By: r.By, Reason: r.Reason, Ticket: r.Ticket}
}

// Closure says how a finding closed, or why it did not. It is nil where
// neither is the case.
type Closure struct {
	Verified bool
	By       string   // the person
	How      string   // time, probe, person, sunset; withheld where sources are short of it
	Short    []Source // of withheld: who they are, and how far they are judged
}

// Source is what events come from, and the latest event time counted in it.
type Source struct {
	Name     string
	JudgedTo access.Instant
}

// sortFindings is the order of findings.ndjson (section 6), ids apart.
func sortFindings(all []Finding) {
	severities := []string{Critical, Warning, Info}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity)),
			cmp.Compare(a.Partner, b.Partner), cmp.Compare(a.Feature, b.Feature), cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Scope, b.Scope), slices.Compare(a.Principals, b.Principals), cmp.Compare(a.Principal, b.Principal))
	})
}
