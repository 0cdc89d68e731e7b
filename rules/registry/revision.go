package registry

import (
	"slices"
	"sort"
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

var fieldWords = [Fields]string{"from", "sunset", "deprecation", "grace", "pauses", "operations", "scopes", "inbound", "requires"}

// String is the key of the field in a registration file.
func (f Field) String() string {
	if f < Fields {
		return fieldWords[f]
	}
	return "invalid"
}

// Requirement is a set of what terms can require.
type Requirement uint8

// What terms can require.
const (
	RequireConsent Requirement = 1 << iota
	RequireOwnData
	RequireIndicator
)

var requirementWords = []string{"consent", "own_data", "indicator"} // in the order of the bits

// Words of what r holds, as files write them.
func (r Requirement) Words() []string {
	all := []string{}
	for i, w := range requirementWords {
		if r&(1<<i) != 0 {
			all = append(all, w)
		}
	}
	return all
}

// Pause is a half-open stretch [From, Until) without access.
type Pause struct {
	From, Until access.Instant
	Why         string
}

// revision is a Revision with the values of the fields that it names; the
// others hold their defaults, which is also what null leaves.
type revision struct {
	Revision
	named       uint16 // bit f: names Field f
	inbound     bool
	requires    Requirement
	from        access.Instant
	sunset      access.Instant
	deprecation access.Instant
	grace       time.Duration
	pauses      []Pause
	operations  []access.Operation // nil: not restricted
	scopes      []string           // nil: not restricted
}

// unwritten is a revision that names nothing.
func unwritten() revision {
	return revision{
		Revision:    Revision{Recorded: access.Beginning, Effective: access.Beginning},
		from:        access.Beginning,
		sunset:      access.End,
		deprecation: access.End,
	}
}

func (r *revision) names(f Field) bool { return r.named&(1<<f) != 0 }

func (r *revision) name(f Field) { r.named |= 1 << f }

// info is the exported part of r, nil of nil.
func (r *revision) info() *Revision {
	if r == nil {
		return nil
	}
	return &r.Revision
}

// same reports whether r and o say the same, wherever they are written.
func (r *revision) same(o *revision) bool {
	return r.Recorded == o.Recorded && r.Effective == o.Effective &&
		r.By == o.By && r.Reason == o.Reason && r.Ticket == o.Ticket &&
		r.named == o.named && r.inbound == o.inbound && r.requires == o.requires &&
		r.from == o.from && r.sunset == o.sunset && r.deprecation == o.deprecation && r.grace == o.grace &&
		slices.Equal(r.pauses, o.pauses) &&
		sameGrant(r.operations, o.operations) && sameGrant(r.scopes, o.scopes)
}

// sameGrant tells "not restricted" from "grants nothing".
func sameGrant[T comparable](a, b []T) bool {
	return (a == nil) == (b == nil) && slices.Equal(a, b)
}

// history is the revisions of a registration, a program or a scope, in the
// order of recorded, which is that of their lines.
type history []revision

// known is what was recorded by k.
func (h history) known(k access.Instant) history {
	if k == access.End {
		return h
	}
	return h[:sort.Search(len(h), func(i int) bool { return h[i].Recorded > k })]
}

// deciding is the last-recorded revision effective at t that names f, nil where
// there is none.
func (h history) deciding(f Field, t access.Instant) *revision {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].names(f) && h[i].Effective <= t {
			return &h[i]
		}
	}
	return nil
}

func (h history) same(o history) bool {
	return slices.EqualFunc(h, o, func(a, b revision) bool { return a.same(&b) })
}
