package codec

import (
	"unicode/utf8"

	"sunsetwatch/rules/access"
)

// Place is a place that a mapping reads in a record's value, or in an element of
// an exploded one.
type Place struct {
	Names []string // on the way to it, outermost first
	List  bool     // scopes are read from it: it may hold a list of texts
}

// Source is one alternative of a field: a place, a constant, or something that
// only records of Kafka have.
type Source struct {
	Place   int    // index in Compiled.Places; -1: there is none
	Text    []byte // a constant; nil: there is none
	Outside bool   // a header or the key of the record
}

// Reading says how one field is read.
type Reading struct {
	Field   string   // native name
	Sources []Source // the first that is there wins
	Mapped  bool     // the configuration has a rule for it
	Plain   bool     // what is found is the value: nothing is translated
	Filled  bool     // there is a value also where nothing is found: a default, or what stands for an absent one
}

// Places are the places that c reads. Their order is that of the values of
// Decoder.Row.
func (c *Compiled) Places() []Place {
	places := make([]Place, c.root.count())
	c.root.places(nil, places)
	return places
}

func (n *node) count() int {
	slots := 0
	if n.slot >= 0 {
		slots++
	}
	for _, k := range n.kids {
		slots += k.count()
	}
	return slots
}

func (n *node) places(way []string, to []Place) {
	if n.slot >= 0 {
		to[n.slot] = Place{Names: way, List: n.list}
	}
	for _, k := range n.kids {
		k.places(append(way[:len(way):len(way)], k.name), to)
	}
}

// Readings are the fields and where each is found, in the order of the event
// format.
func (c *Compiled) Readings() []Reading {
	all := make([]Reading, fields)
	for f := range field(fields) {
		r := &c.rules[f]
		all[f] = Reading{Field: f.String(), Mapped: r.mapped,
			Plain:  r.values == nil && r.fallback == nil && !r.switched,
			Filled: r.fallback != nil || r.absent != nil}
		for _, s := range r.sources {
			source := Source{Place: -1}
			switch s.from {
			case fromValue:
				source.Place = s.slot
			case fromText:
				source.Text = s.text
			default:
				source.Outside = true
			}
			all[f].Sources = append(all[f].Sources, source)
		}
	}
	return all
}

// Explodes reports whether one record holds an array of events.
func (c *Compiled) Explodes() bool { return c.outer != nil }

// TimeDigits is how many digits of a second a unit of time has where times are
// numbers: 0 for seconds, 9 for nanoseconds; -1 where they are RFC 3339.
func (c *Compiled) TimeDigits() int { return c.unix }

// Suggest is ` (did you mean "X"?)` where a known name is near, else nothing.
func Suggest(name string, known []string) string { return suggestion(name, known) }

// Value is what a row of a table holds at a place.
type Value struct {
	Kind ValueKind
	Text []byte   // of a text or a number
	List [][]byte // of a list of texts
}

// ValueKind is the type of a Value.
type ValueKind uint8

// The values of ValueKind.
const (
	AbsentValue ValueKind = iota
	TextValue
	NumberValue
	TrueValue
	FalseValue
	ListValue
)

var valueKinds = [...]kind{kindAbsent, kindString, kindNumber, kindTrue, kindFalse, kindArray}

// Row decodes a row of a table, given the value of each of Compiled.Places: the
// event or the rejection that the same values in a JSON object give, but for
// Rejection.Byte. Exactly one of ev and rej is not nil; both are valid until the
// decoder is used again. Rows are not exploded, and have no timestamp.
func (d *Decoder) Row(values []Value) (ev *access.Event, rej *Rejection) {
	d.record, d.left = &rowRecord, leftNothing
	d.clear()
	d.row = reuse(d.row)
	for i := range values {
		v := &values[i]
		at := &d.slots[i]
		*at = span{start: int32(len(d.row)), kind: valueKinds[v.Kind]}
		if !utf8.Valid(v.Text) {
			d.reject("", access.InvalidUTF8, -1, whyInvalid)
			return nil, d.rejection()
		}
		switch v.Kind {
		case TrueValue:
			d.row = append(d.row, "true"...)
		case FalseValue:
			d.row = append(d.row, "false"...)
		default:
			d.row = append(d.row, v.Text...)
		}
		at.end = int32(len(d.row))
		if v.Kind != ListValue {
			continue
		}
		at.first = int32(len(d.items))
		for _, text := range v.List {
			if !utf8.Valid(text) {
				d.reject("", access.InvalidUTF8, -1, whyInvalid)
				return nil, d.rejection()
			}
			start := int32(len(d.row))
			d.row = append(d.row, text...)
			d.items = append(d.items, span{start: start, end: int32(len(d.row)), kind: kindString})
		}
		d.items = append(d.items, span{kind: kindEnd})
	}
	d.buf = d.row
	if !d.fill() {
		d.rej.at = -1
		return nil, d.rejection()
	}
	return &d.event, nil
}

const whyInvalid = "invalid UTF-8 in a string"

// rowRecord is the record of every row.
var rowRecord = Record{Timestamp: access.End}

// Until makes the decoder reject events after t as future, whatever the record
// says: in an archive, t is the start of the run.
func (d *Decoder) Until(t access.Instant) { d.until = t }

// RFC3339 is the instant of a time as the event format has it.
func (d *Decoder) RFC3339(text []byte) (access.Instant, bool) { return d.days.rfc3339(text) }
