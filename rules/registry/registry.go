// Package registry is what partners were allowed to do, when, and since when we
// knew: revisions compiled into an immutable Snapshot that answers "which terms
// covered this at event time T, as known at K?".
//
// The package refuses to open files, to read a clock, to log, and to guess: a
// set of files is taken whole or refused whole, with every problem and its
// place.
//
// Concurrency: a Snapshot is immutable and shared freely.
package registry

import (
	"time"

	"sunsetwatch/rules/access"
)

// Revision is one statement about a registration, a program or a scope.
type Revision struct {
	Recorded  access.Instant // when the platform wrote it down; Beginning: known since always
	Effective access.Instant // from which event time on it holds; Beginning: for all
	By        string
	Reason    string
	Ticket    string
	File      string
	Line      int
}

// Field is one revisable field of a registration.
type Field uint8

// The revisable fields.
const (
	From Field = iota
	Sunset
	Deprecation
	Grace
	Pauses
	Operations
	Scopes
	Inbound
	Requires
	Fields = iota
)

// Requirement is a set of what terms can require.
type Requirement uint8

// What terms can require.
const (
	RequireConsent Requirement = 1 << iota
	RequireOwnData
	RequireIndicator
)

// Pause is a half-open stretch [From, Until) without access.
type Pause struct {
	From, Until access.Instant
	Why         string
}

// Partner is a company.
type Partner struct {
	Name, Owner, Team string
	Principals        []Alias
}

// Alias is the dated belonging of a principal to a partner, [From, Until).
type Alias struct {
	Principal   string
	From, Until access.Instant // Beginning, End where absent
}

// Registration is the identity of partner x feature. Its terms are revised, its
// identity is not.
type Registration struct {
	Partner, Feature string
	Program          string // empty: none
	// unexported: compiled revisions
}

// Terms are what a registration says at one event time, as known at one time.
type Terms struct {
	From        access.Instant // Beginning: open
	Sunset      access.Instant // the effective one, own or the program's; End: none
	GraceUntil  access.Instant // Sunset plus the grace that belongs to it; End where there is no sunset
	Program     string         // the program whose sunset is the effective one; empty where the registration's own is
	Deprecation access.Instant // End: none
	Pauses      []Pause        // sorted by From
	Inbound     bool
	Requires    Requirement
	// Operations and Scopes are nil where not restricted; empty grants nothing.
	Operations []access.Operation
	Scopes     []string // `a.b`, `a.*`, `*`
	// Decided is the revision that set each field, nil where the default
	// holds. Decided[Sunset] is the program's revision where Program is set.
	Decided [Fields]*Revision
}

// File is one file of a set.
type File struct {
	Name string
	Data []byte
}

// Options of Read.
type Options struct {
	// Now refuses revisions recorded after it; End: none is refused.
	Now access.Instant
}

// Snapshot is a compiled set.
type Snapshot struct{}

// Pair names a registration.
type Pair struct{ Partner, Feature string }

// Partner is the partner of that name, nil where there is none.
func (s *Snapshot) Partner(name string) *Partner { panic("stub") }

// Partners are all partners, sorted by name.
func (s *Snapshot) Partners() []*Partner { panic("stub") }

// Registrations are all registrations, sorted by partner and feature.
func (s *Snapshot) Registrations() []*Registration { panic("stub") }

// Registration is that of partner and feature, nil where there is none.
func (s *Snapshot) Registration(partner, feature string) *Registration { panic("stub") }

// Owner is the partner that principal belongs to at t (current), or, where it
// belongs to none, its last owner before t; empty where it had belonged to
// nobody by then.
func (s *Snapshot) Owner(principal string, t access.Instant) (partner string, current bool) {
	panic("stub")
}

// KnownPrincipal reports whether any partner ever owned principal.
func (s *Snapshot) KnownPrincipal(principal string) bool { panic("stub") }

// KnownFeature reports whether any registration is for feature.
func (s *Snapshot) KnownFeature(feature string) bool { panic("stub") }

// TermsAt are the terms of r at event time t as known at k; ok is false where r
// does not exist yet at k. The Terms are shared and must not be changed.
// k = access.End: everything is known.
func (s *Snapshot) TermsAt(r *Registration, t, k access.Instant) (terms *Terms, ok bool) {
	panic("stub")
}

// Instants are the sorted instants at which what holds for this principal,
// feature and scopes can change: from, sunset, end of grace, pauses, effective,
// recorded, aliases, program and retired scopes. Facts are never merged across
// one of them.
func (s *Snapshot) Instants(principal, feature string, scopes []string) []access.Instant {
	panic("stub")
}

// Retired is a scope that is retired for everybody at some event time.
type Retired struct {
	Name       string // as registered: `a.b`, `a.*`
	Sunset     access.Instant
	GraceUntil access.Instant
	Decided    *Revision
}

// Retirements are the scopes retired at event time t as known at k, sorted by
// name.
func (s *Snapshot) Retirements(t, k access.Instant) []Retired { panic("stub") }

// Hash is the SHA-256 of what the set says, the same for the same content in
// other files or another order.
func (s *Snapshot) Hash() [32]byte { panic("stub") }

// Changes says what must be judged again when the set next replaces s.
type Changes struct {
	Registrations []Pair   // terms or program differ, or one of them has it only
	Principals    []string // aliases differ
	Partners      []string // owner or team differ
	Scopes        []string // retirement differs
}

// Changes between s and next.
func (s *Snapshot) Changes(next *Snapshot) Changes { panic("stub") }

// Covers reports whether pattern (`a.b`, `a.*`, `*`) covers scope: `a.b` itself,
// `a.*` what lies below, `*` all.
func Covers(pattern, scope string) bool { panic("stub") }

var _ time.Duration
