// Package model is the judgement written a second time, slow and obvious: an
// oracle that the product is compared with on random registries and events.
//
// It is written from the interface document alone (events in its section 1,
// registrations in section 2, rules in section 3, findings in section 5; "rule
// n" in a comment is the n-th exact rule of section 5), and from no other code
// of ours. All events stand in one list, which is walked again for each number;
// every rule is its sentence. It also makes random cases that are valid and
// nasty, and writes them as the files of a user.
//
// It refuses to be fast, to estimate (people are counted exactly, so Bounds,
// Incomplete and sketches do not occur), to read files, and to know findings by
// their hashes: a Key names one.
//
// Concurrency: functions read their arguments and write only their results;
// whoever changes an argument must not do so meanwhile.
package model

import (
	"time"

	"sunsetwatch/rules/access"
)

// Registry is a set of registration files.
type Registry struct {
	Partners      []Partner
	Programs      []Program
	Scopes        []Scope
	Registrations []Registration
}

// Partner is a company.
type Partner struct {
	Name, Owner, Team string
	Principals        []Alias
}

// Alias says that a principal belongs to the partner within [From, Until).
// Beginning and End are open sides.
type Alias struct {
	ID          string
	From, Until access.Instant
}

// Program is an umbrella over registrations. Its revisions name sunset and
// grace alone.
type Program struct {
	Name, Owner, Team string
	Revisions         []Revision
}

// Scope is a scope, or a pattern of scopes, retired for everybody. Its
// revisions name sunset and grace alone.
type Scope struct {
	Name      string
	Revisions []Revision
}

// Registration is partner x feature. Program is empty where it is in none.
// Revisions stand in recorded order.
type Registration struct {
	Partner, Feature, Program string
	Revisions                 []Revision
}

// Revision is one statement; it changes only the fields that it names.
type Revision struct {
	Recorded           access.Instant // Beginning: known since always
	Effective          access.Instant // Beginning: holds for all event times
	By, Reason, Ticket string

	From, Sunset, Deprecation Field[access.Instant]
	Grace                     Field[time.Duration]
	Pauses                    Field[[]Pause]
	Operations                Field[[]access.Operation]
	Scopes                    Field[[]string]
	Inbound                   Field[bool]
	Requires                  Field[[]string] // of "consent", "own_data", "indicator"
}

// Pause is a brownout within [From, Until).
type Pause struct {
	From, Until access.Instant
	Why         string
}

// Field is a field of a revision: not named, set to a value, or set to null,
// which restores the default.
type Field[T any] struct {
	Named, Null bool
	Value       T
}

// Set is a field with a value.
func Set[T any](v T) Field[T] { return Field[T]{Named: true, Value: v} }

// Null is a field whose default is restored.
func Null[T any]() Field[T] { return Field[T]{Named: true, Null: true} }

// given reports whether the field holds a value, and not the default.
func (f Field[T]) given() bool { return f.Named && !f.Null }

// or is the field's value, or the default.
func (f Field[T]) or(standard T) T {
	if f.given() {
		return f.Value
	}
	return standard
}
