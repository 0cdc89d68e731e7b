// Package codec turns the bytes of one record into events.
//
// A Mapping, compiled once, says where each field is found; the native format
// is the identity mapping. The scanner reads a value in a single strict pass:
// duplicate names (in any object, also when spelled with escapes), invalid
// UTF-8, raw control characters, lone surrogates, bad escapes, trailing bytes
// and nesting deeper than 64 are rejected under the reason that the event
// format names, never repaired. A Decoder remembers in which order a producer
// writes its names and checks that order first; what it remembers changes the
// time that decoding takes, and nothing else.
//
// Where a value has several faults, the first of the value's text is named:
// syntax, duplicate_field, invalid_utf8 and too_deep as they come, byte by
// byte; then the fields in the order of the event format.
//
// The package refuses to know Kafka, clocks, registrations and counters: the
// record's timestamp is an argument, and what is rejected is returned. It never
// repeats what an event says: a Rejection names fields, places and bytes.
//
// Concurrency: a Compiled mapping is immutable and shared; a Decoder belongs to
// one goroutine.
package codec

import (
	"sunsetwatch/rules/access"
)

// Record is one record as it was read. All slices are borrowed.
type Record struct {
	Key       []byte // nil: no key
	Value     []byte // nil: a tombstone
	Headers   []Header
	Timestamp access.Instant // of the record; access.End where there is none (no event is then ahead of it)
}

// Header is one header of a Kafka record.
type Header struct {
	Key, Value []byte
}

// Rejection says why an event was rejected. It never holds content of the
// event: Detail names the field and the byte, not the text.
type Rejection struct {
	Reason access.Reason
	Field  string // native name of the field, empty when the whole value is meant
	Byte   int    // place in the value, from 0; -1 where there is none
	Detail string // one sentence for the operator
}
