package archive

import (
	"bytes"
	"strconv"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/access"
)

// What a row says is decoded field by field where it is the first of its like, or
// where something is not as simple as in most rows.

// valueOf is the value that a code of a place stands for.
func (t *table) valueOf(place int, code uint32) codec.Value {
	names := t.names[place]
	if code == 0 {
		return codec.Value{}
	}
	switch t.b.places[place].kind {
	case listOfTexts:
		v := codec.Value{Kind: codec.ListValue}
		for _, c := range names.members(nil, code) { // of a set: in any order
			v.List = append(v.List, names.text(c))
		}
		return v
	case booleans:
		if string(names.text(code)) == "true" {
			return codec.Value{Kind: codec.TrueValue}
		}
		return codec.Value{Kind: codec.FalseValue}
	case numbers:
		return codec.Value{Kind: codec.NumberValue, Text: names.text(code)}
	}
	return codec.Value{Kind: codec.TextValue, Text: names.text(code)}
}

// instantValue is an instant as the field map expects times.
func (t *table) instantValue(at access.Instant) codec.Value {
	if t.digits < 0 {
		t.scratch = at.Time().AppendFormat(t.scratch[:0], "2006-01-02T15:04:05.999999999Z07:00")
		return codec.Value{Kind: codec.TextValue, Text: bytes.Clone(t.scratch)}
	}
	unit := access.Instant(1)
	for range 9 - t.digits {
		unit *= 10
	}
	whole, part := at/unit, at%unit
	text := []byte{}
	if at < 0 {
		text, whole, part = append(text, '-'), -whole, -part
	}
	text = strconv.AppendInt(text, int64(whole), 10)
	if part > 0 {
		fraction := strconv.AppendInt(nil, int64(unit+part), 10)
		text = append(append(text, '.'), bytes.TrimRight(fraction[1:], "0")...)
	}
	return codec.Value{Kind: codec.NumberValue, Text: text}
}

// rowValue is the value of a place in a row of the batch.
func (t *table) rowValue(place, i int) codec.Value {
	if t.lists[place] != nil {
		l := t.lists[place]
		return t.valueOf(place, l.sets[l.row+i])
	}
	c := &t.columns[place]
	row := c.row + i
	if !c.here(row) {
		return codec.Value{}
	}
	switch c.kind {
	case texts:
		return codec.Value{Kind: codec.TextValue, Text: c.text(row)}
	case booleans:
		if c.int(row) != 0 {
			return codec.Value{Kind: codec.TrueValue}
		}
		return codec.Value{Kind: codec.FalseValue}
	case timestamps:
		if at, ok := instant(c.int(row), c.leaf.unit); ok {
			return t.instantValue(at)
		}
		return codec.Value{Kind: codec.TextValue, Text: []byte("out of range")}
	}
	return codec.Value{Kind: codec.NumberValue, Text: c.number(nil, row)}
}

// slow decodes a row of the batch field by field. A row that is rejected is told,
// and gives nil.
func (t *table) slow(i int, people bool) *access.Event {
	ev, rej := t.decodeRow(i, people)
	if rej != nil {
		t.counts.Rejected[rej.Reason]++
		t.sink.Reject(rej, access.Position{Offset: t.first + int64(i)})
		return nil
	}
	return ev
}

// decodeRow decodes a row of the batch with people and id, if they are wanted and
// were read.
func (t *table) decodeRow(i int, people bool) (*access.Event, *codec.Rejection) {
	clear(t.values)
	var unread []int
	for p := range t.b.places {
		c := &t.columns[p]
		switch {
		case t.lists[p] != nil || t.names[p] != nil || t.factual(p) || people && c.rows > 0 && c.decoded:
			t.values[p] = t.rowValue(p, i)
		case t.b.places[p].kind != nowhere && c.rows > 0:
			unread = append(unread, p)
		}
	}
	ev, rej := t.decoder.Row(t.values)
	if rej == nil || len(unread) == 0 {
		return ev, rej
	}
	// People or id may be wrong too, and come before what is wrong; or they are
	// wrong only where a part of what they are read from is missing.
	for _, p := range unread {
		if t.columns[p].decode() == nil {
			t.values[p] = t.rowValue(p, i)
		}
	}
	return t.decoder.Row(t.values)
}

// factual reports whether a place is read for time or counts.
func (t *table) factual(place int) bool {
	return t.b.time.reads(place) || t.b.records.reads(place) || t.b.bytes.reads(place)
}

// learn remembers what a row said that was found right. Each field is read from
// places of its own, those of the pair or those of the like, so whatever is right
// beside one is right beside all. Of what differs from row to row it keeps what the
// field map alone says.
func (t *table) learn(pair, like uint32, ev *access.Event) {
	s := t.shapes
	if s.Pairs[pair].Principal == nil {
		s.Pairs[pair] = Pair{bytes.Clone(ev.Principal), bytes.Clone(ev.Feature)}
		t.pairs.prove(pair)
	}
	if s.known[like] {
		return
	}
	constant := func(f *rowField, text []byte) []byte {
		if len(f.places) > 0 {
			return nil
		}
		return bytes.Clone(text)
	}
	own := *ev
	own.Time, own.Principal, own.Feature, own.Scopes = 0, nil, nil, nil
	for _, scope := range ev.Scopes {
		own.Scopes = append(own.Scopes, bytes.Clone(scope))
	}
	own.ID, own.Subject, own.Grantor = constant(&t.b.id, ev.ID), constant(&t.b.subject, ev.Subject), constant(&t.b.grantor, ev.Grantor)
	s.Likes[like], s.known[like] = own, true
	t.like.prove(like)
}

// quantity is a field that counts: records or bytes.
type quantity struct {
	column *column  // nil: the field map alone says it, or values do
	absent uint64   // of a row without a value
	single bool     // rows are looked at one by one
	values []uint64 // of those that are kept, where they are
}

func (f *quantity) begin(columns []column, read *rowField) {
	f.column, f.single, f.values = nil, false, f.values[:0]
	if len(read.places) == 0 {
		return
	}
	c := &columns[read.places[0]]
	if f.single = !read.plain || len(read.places) != 1 || c.leaf.unsigned; !f.single {
		f.column = c
	}
}

// sound reports that nothing is wrong in any row of the batch.
func (f *quantity) sound() bool { return !f.single && (f.column == nil || !f.column.negative) }

// right reports that nothing is wrong in row i of the batch.
func (f *quantity) right(i int) bool {
	return !f.single && (f.column == nil || f.column.int(f.column.row+i) >= 0)
}

func (f *quantity) keep(n uint64) {
	if f.single {
		f.values = append(f.values, n)
	}
}

func (f *quantity) drop() {
	if f.single {
		f.values = f.values[:len(f.values)-1]
	}
}

// of is that of event i, in a row of the batch, where its like has constant.
func (f *quantity) of(i int, row int32, constant uint64) uint64 {
	switch c := f.column; {
	case f.single:
		return f.values[i]
	case c == nil:
		return constant
	case c.here(c.row + int(row)):
		return uint64(c.int(c.row + int(row)))
	}
	return f.absent
}
