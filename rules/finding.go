// Package rules says what counts as wrong: one file per kind, each a pure
// function of facts and terms, and the Finding that comes out.
//
// The package refuses to know where facts are kept, what time it is, and how a
// finding is shown; it has no goroutine, no logger and no I/O.
//
// Concurrency: functions are pure; values are plain data.
package rules

import "sunsetwatch/rules/access"

// Finding is what is wrong, between which times, how often, about how many
// people, decided by which revision: schema sunsetwatch.finding.v1.
// Its JSON encoding is the contract of INTERFACES section 5. Fields that do
// not apply are zero and are encoded as null where the contract says so.
// A Finding that was handed out is never changed again.
type Finding struct {
	ID       string
	Kind     string
	Severity Severity
	State    State

	Partner string // access of a principal that had belonged to nobody: Unregistered
	Feature string
	Program string // only where the program's sunset decides
	Scope   string // only scope_retired
	Rule    string // only custom rules

	Principals []string // sorted
	Team       string
	Owner      string

	Since      access.Instant // Beginning: none
	Sunset     access.Instant // End: none
	GraceUntil access.Instant // End: none

	FirstEvent Coordinate
	LastEvent  Coordinate

	Events           uint64
	EventsAfterGrace *uint64 // nil: does not apply
	Attempts         uint64
	Records          uint64
	Bytes            uint64
	Days             uint64
	People           uint64
	PeopleExact      bool
	Grantors         uint64
	GrantorsExact    bool
	ThirdPartyEvents uint64
	ProbeDays        *uint64
	Operations       map[string]uint64
	Scopes           map[string]uint64
	Bounds           *Bounds // nil: every number is exact
	Incomplete       bool

	OpenedAt       access.Instant // Beginning: null
	LateReason     string         // empty: null
	DetectionDelay *int64         // seconds
	DecidedBy      *Decision
	ClosedAt       access.Instant // Beginning: null
	Closure        *Closure
	Relapses       uint64
	SuppressedBy   *string
	Dispute        *string
	History        []Change // oldest first
	Why            string
}

// Unregistered is the partner of a finding about a principal that had belonged
// to nobody.
const Unregistered = "_unregistered"

// Coordinate is the place of one event; the zero value is no event.
type Coordinate struct {
	Time   access.Instant
	Source string // topic/partition, or a file's path; empty: only the day of Time is known
	Offset int64
}

// Decision names the revision that decided.
type Decision struct {
	Recorded           access.Instant // Beginning: null, known since always
	By, Reason, Ticket string
}

// Closure says how a finding was closed.
type Closure struct {
	Verified bool
	By       string
	Why      string
}

// Change is one entry of a finding's history.
type Change struct {
	At         access.Instant // live: wall time of the judgement
	State      State
	Severity   Severity
	Suppressed bool // an exception suppressed its page from then on
	Why        string
}

// Range is [Low, High], both inclusive.
type Range struct{ Low, High uint64 }

// Bounds hold the numbers that are not exact, because a boundary that became
// known later cuts a merged bucket. The plain field of the finding is the low.
type Bounds struct {
	Fields     map[string]Range // events, events_after_grace, attempts, records, bytes, days, people, grantors
	Operations map[string]Range
	Scopes     map[string]Range
}
