// Package access is the vocabulary: what one access is.
//
// An Event says that at an instant a principal (an app or client id) performed
// an operation on data of some scopes, about a subject (a person), for a
// feature. Everything else in sunsetwatch speaks in these words.
//
// The package refuses to know where events come from, how they are encoded,
// what is allowed, and what time it is. It imports the standard library only.
//
// Concurrency: values are plain data; an Event is owned by one goroutine.
package access

// Event is one decoded access, or, when Probe is set, one capability probe.
//
// The byte slices are views into a buffer of the decoder: they are valid until
// the decoder is called again, and must not be written to. An absent field is
// nil. An Event is reused from one decode to the next.
type Event struct {
	Time      Instant
	Principal []byte   // never empty
	Feature   []byte   // never empty
	ID        []byte   // nil: cannot be recognised as a duplicate
	Scopes    [][]byte // a set: sorted bytewise, no repeats
	Subject   []byte
	Grantor   []byte // nil: the subject
	Records   uint64
	Bytes     uint64

	Operation Operation
	Direction Direction
	Consent   Consent
	Indicator Indicator
	Outcome   Outcome
	Probe     Probe // NoProbe for an access; a probe is no access
	// Late says that the event was written down more than LateSlack after Time.
	// Events whose record has no timestamp, as those of files, are not late.
	Late bool
}

// Relation of the grantor to the subject.
func (e *Event) Relation() Relation { return RelationOf(e.Subject, e.Grantor) }

// RelationOf the grantor to the subject. Third party means that both are given and
// differ.
func RelationOf(subject, grantor []byte) Relation {
	if len(subject) > 0 && len(grantor) > 0 && string(subject) != string(grantor) {
		return ThirdParty
	}
	return Self
}

// Position is the place of an event in its source: the record's offset (in a
// file, the line or row number from 1) and, where a record holds several
// events, the index among them.
type Position struct {
	Offset int64
	Index  int32
}

// Before reports whether p lies before q in the same source.
func (p Position) Before(q Position) bool {
	return p.Offset < q.Offset || p.Offset == q.Offset && p.Index < q.Index
}
