package codec

import (
	"strconv"

	"sunsetwatch/rules/access"
)

// Decoder decodes one record after another into one reused Event. It is made
// by Compiled.NewDecoder alone.
type Decoder struct {
	scanner
	compiled *Compiled
	record   *Record
	left     stage
	next     int // place behind the last element of an exploded record
	until    access.Instant
	row      []byte // the texts of a row

	days   days
	event  access.Event
	scopes [][]byte
	rej    fault
	out    Rejection
}

// stage says what is left of a record.
type stage uint8

const (
	leftNothing stage = iota
	leftAll
	leftElements
)

// fault is what a Rejection is made of.
type fault struct {
	reason access.Reason
	field  string
	at     int
	why    string
}

// kept is how much memory for the odd large record a decoder keeps, in elements
// of each buffer.
const kept = 1 << 14

// NewDecoder is a decoder for one goroutine.
func (c *Compiled) NewDecoder() *Decoder {
	d := c.newDecoder()
	d.layouts = make([]layout, c.nodes)
	return d
}

// newDecoder is a decoder that learns nothing.
func (c *Compiled) newDecoder() *Decoder {
	return &Decoder{compiled: c, until: access.End, scanner: scanner{slots: make([]span, c.slots)}}
}

// Reset begins with record r, which is borrowed until the next Reset.
func (d *Decoder) Reset(r *Record) {
	d.record, d.buf, d.left = r, r.Value, leftAll
	d.lax = false
	d.clear()
}

// clear forgets what was found.
func (d *Decoder) clear() {
	clear(d.slots)
	d.items, d.arena = reuse(d.items), reuse(d.arena)
	d.names.reset()
}

func reuse[T any](s []T) []T {
	if cap(s) > kept {
		return nil
	}
	return s[:0]
}

// Next is the next event of the record, or the next rejection: exactly one of
// ev and rej is not nil while ok. Both are valid until the next call of Next or
// Reset. A record that is rejected as a whole gives one rejection.
func (d *Decoder) Next() (ev *access.Event, rej *Rejection, ok bool) {
	switch d.left {
	case leftAll:
		d.left = leftNothing
		switch {
		case !d.begin():
			return nil, d.rejection(), true
		case d.left == leftNothing:
			return d.finish()
		}
	case leftNothing:
		return nil, nil, false
	}
	return d.element()
}

// begin reads the record's value.
func (d *Decoder) begin() bool {
	c := d.compiled
	switch {
	case len(d.buf) == 0:
		return d.reject("", access.Empty, -1, "the record has no value")
	case len(d.buf) > access.MaxValueBytes:
		return d.reject("", access.TooLarge, -1, "the value is larger than 1 MiB")
	case c.outer == nil:
		return d.scan(c.root) || d.rejectScan()
	case !d.scan(c.outer):
		return d.rejectScan()
	}
	array := d.slots[0]
	switch array.kind {
	case kindArray:
		d.left, d.next = leftElements, int(array.start)+1
		return true
	case kindString:
		if array.start < array.end {
			break
		}
		fallthrough
	case kindAbsent, kindNull:
		return d.reject("", access.MissingField, -1, "there is no array of events at "+c.explode)
	}
	return d.reject("", access.BadType, int(array.start), "there must be an array of events at "+c.explode)
}

// element reads the next element of an exploded record, whose value is known to
// be valid JSON whose elements may repeat names.
func (d *Decoder) element() (ev *access.Event, rej *Rejection, ok bool) {
	b := d.buf
	p := space(b, d.next)
	if b[p] == ',' {
		p = space(b, p+1)
	}
	if b[p] == ']' {
		d.left = leftNothing
		return nil, nil, false
	}
	d.clear()
	if b[p] == '{' {
		if d.next = d.object(b, p+1, d.compiled.root, 1); d.next >= 0 {
			return d.finish()
		}
		d.rejectScan()
	} else {
		d.reject("", access.BadType, p, "an element of "+d.compiled.explode+" is not an object")
	}
	d.lax = true
	d.next = d.value(b, p, nil, 0)
	d.lax = false
	return nil, d.rejection(), true
}

// finish makes an event of what was found.
func (d *Decoder) finish() (ev *access.Event, rej *Rejection, ok bool) {
	if !(d.compiled.native && d.fillNative()) && !d.fill() {
		return nil, d.rejection(), true
	}
	d.event.Late = d.behind(d.event.Time)
	return &d.event, nil, true
}

// reject notes why the event is rejected; it returns false.
func (d *Decoder) reject(field string, reason access.Reason, at int, why string) bool {
	d.rej = fault{reason: reason, field: field, at: at, why: why}
	return false
}

func (d *Decoder) rejectScan() bool {
	return d.reject(d.scanner.field, d.reason, d.at, d.why)
}

func (d *Decoder) rejection() *Rejection {
	f := &d.rej
	detail := f.why
	switch {
	case f.field != "":
		detail = f.field + ": " + detail
	case f.reason == access.Syntax:
		detail = "not one JSON object: " + detail
	}
	if f.at >= 0 {
		detail += " (byte " + strconv.Itoa(f.at) + ")"
	}
	d.out = Rejection{Reason: f.reason, Field: f.field, Byte: f.at, Detail: detail}
	return &d.out
}
