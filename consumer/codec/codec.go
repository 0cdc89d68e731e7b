// Package codec turns the bytes of one record into events.
//
// A Mapping, compiled once, says where each field is found; the native format
// is the identity mapping. The scanner reads a value in a single strict pass:
// duplicate fields (also when spelled with escapes), invalid UTF-8, raw control
// characters, lone surrogates, bad escapes, trailing bytes and nesting deeper
// than 64 are rejected under the reason that INTERFACES names, never repaired.
//
// The package refuses to know Kafka, clocks, registrations and counters: the
// record's timestamp is an argument, and what is rejected is returned.
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
	Timestamp access.Instant // of the record; access.End where there is none (events are then never Future)
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

// Compiled is a Mapping ready for use.
type Compiled struct{}

// Compile checks and compiles m. The error joins every problem found, each
// naming the field; an unknown native field comes with a suggestion.
func Compile(m Mapping) (*Compiled, error) { panic("stub") }

// NeedsHeaders reports whether a field is read from a record's headers, so that
// a caller need not parse them otherwise.
func (c *Compiled) NeedsHeaders() bool { panic("stub") }

// NewDecoder is a decoder for one goroutine.
func (c *Compiled) NewDecoder() *Decoder { panic("stub") }

// Decoder decodes one record after another into one reused Event.
type Decoder struct{}

// Reset begins with record r, which is borrowed until the next Reset.
func (d *Decoder) Reset(r *Record) { panic("stub") }

// Next is the next event of the record, or the next rejection: exactly one of
// ev and rej is not nil while ok. Both are valid until the next call of Next or
// Reset. A record that is rejected as a whole gives one rejection.
func (d *Decoder) Next() (ev *access.Event, rej *Rejection, ok bool) { panic("stub") }
