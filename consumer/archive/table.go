package archive

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"unicode/utf8"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/access"
)

// BatchRows is how many rows are worked on at a time, and Rows has at most: columns of so many fit the
// cache of a core.
const BatchRows = 2048

// table reads row groups. What it learns of names and shapes it keeps for the next
// one.
type table struct {
	a         *Archive
	b         *binding
	decoder   *codec.Decoder
	signature string
	digits    int

	columns []column // by place
	lists   []*list  // by place, nil where it is none
	names   []*names // by place, of a shape

	shapes  *Shapes
	known   []uint32 // of every combination of codes: its hash, shape and one, codes
	slots   []uint32 // where in known a combination begins, by hash; 0: it is free
	hashes  []uint64 // of the rows of a batch
	byCode  [][]uint32
	places  []uint32 // of touch
	touched uint32

	values []codec.Value
	rows   Rows
	sink   Sink
	counts *Counts
	first  int64 // row number of the first row of the batch
	n      int   // rows of the batch
	unit   int64 // of the column of time; 0: it is not so simple
	// The times in this unit that an event may have.
	leastTime, endTime int64
	scratch            []byte
	keeping            []int32
	doubtful           []bool // events whose people or id may be wrong
	arena              []byte
	event              access.Event

	peopleOff bool
}

func newTable(a *Archive, l *lines, b *binding) *table {
	t := &table{a: a, decoder: l.decoder, signature: b.signature, digits: a.options.Mapping.TimeDigits()}
	t.columns = make([]column, len(b.places))
	t.lists = make([]*list, len(b.places))
	t.names = make([]*names, len(b.places))
	t.values = make([]codec.Value, len(b.places))
	for i, p := range b.places {
		if p.kind == listOfTexts {
			t.lists[i] = &list{}
		}
	}
	for _, p := range b.shape {
		t.names[p] = newNames()
	}
	t.byCode = make([][]uint32, len(b.shape))
	t.hashes = make([]uint64, BatchRows)
	t.clearShapes()
	t.rows.t = t
	return t
}

func (t *table) clearShapes() {
	t.shapes = &Shapes{}
	t.known = append(t.known[:0], 0) // nothing begins at 0
	t.slots = make([]uint32, 1024)
}

// forget begins to learn anew, where what was learned takes too much memory.
func (t *table) forget() {
	full := len(t.shapes.Events) > t.a.limits.shapes || len(t.known) > 16*t.a.limits.shapes
	for _, p := range t.b.shape {
		full = full || t.names[p].full(&t.a.limits)
	}
	if !full {
		return
	}
	for _, p := range t.b.shape {
		old := t.names[p]
		t.names[p] = newNames()
		if l := t.lists[p]; l != nil {
			l.forgetList(old, t.names[p])
		} else {
			t.columns[p].forget()
		}
	}
	t.clearShapes()
}

// read hands over the rows of row group k.
func (t *table) read(ctx context.Context, r io.ReaderAt, f *footer, k int, g group, sink Sink, c *Counts) error {
	b := t.b
	t.sink, t.counts = sink, c
	defer func() { t.sink, t.counts = nil, nil }()
	t.unit = b.timeUnit(f.leaves, t.digits)
	if t.unit > 0 {
		t.leastTime, t.endTime = firstSecond*(1e9/t.unit), endSecond*(1e9/t.unit)
	}
	chunks := f.groups[k].chunks
	t.peopleOff = t.a.options.People != nil && !t.a.options.People(g.from, g.to)
	skip := make([]bool, len(b.places))
	for i, p := range b.places {
		switch {
		case p.kind == nowhere:
			skip[i] = true
		case p.kind == listOfTexts:
			t.lists[i].start(r, &f.leaves[p.leaf], p.kind, chunks[p.leaf])
			t.lists[i].startList()
			skip[i] = true
		default:
			t.columns[i].start(r, &f.leaves[p.leaf], p.kind, chunks[p.leaf])
			skip[i] = t.onlyPeople(i)
		}
	}
	for done := int64(0); done < g.rows; done += int64(t.n) {
		if err := ctx.Err(); err != nil {
			return err
		}
		t.forget()
		// As many rows as the pages of all columns have.
		n := int(min(g.rows-done, BatchRows))
		for i := range b.places {
			if l := t.lists[i]; l != nil {
				if err := l.more(t.names[i]); err != nil {
					return err
				}
				n = min(n, len(l.sets)-l.row)
			} else if !skip[i] {
				if err := t.columns[i].page(); err != nil {
					return err
				}
				n = min(n, t.columns[i].rows-t.columns[i].row)
			}
		}
		t.n, t.first = n, g.first+done+1
		if err := t.batch(); err != nil {
			return err
		}
		for i := range b.places {
			if l := t.lists[i]; l != nil {
				l.row += n
			} else if !skip[i] {
				t.columns[i].row += n
			}
		}
	}
	return nil
}

// onlyPeople reports whether a place is read for people alone, and nobody wants
// them of the whole row group.
func (t *table) onlyPeople(place int) bool {
	in := func(f *rowField) bool {
		for _, p := range f.places {
			if p == place {
				return true
			}
		}
		return false
	}
	b := t.b
	if t.names[place] != nil || in(&b.time) || in(&b.records) || in(&b.bytes) {
		return false
	}
	_, batches := t.sink.(RowSink)
	if in(&b.id) && (t.a.options.IDs || batches) {
		return false
	}
	return !in(&b.subject) && !in(&b.grantor) || t.peopleOff
}

// batch hands over the next t.n rows.
func (t *table) batch() error {
	b, r := t.b, &t.rows
	r.First, r.Shapes = t.first, t.shapes
	r.Row, r.Time, r.Shape = r.Row[:0], r.Time[:0], r.Shape[:0]
	r.ids, r.subjects, r.grantors = r.ids[:0], r.subjects[:0], r.grantors[:0]
	r.hasPeople, r.hasIDs = false, false
	t.arena = t.arena[:0]

	hashes := t.hashes[:t.n]
	clear(hashes)
	for i, p := range b.shape {
		var codes []uint32
		if l := t.lists[p]; l != nil {
			codes = l.sets[l.row : l.row+t.n]
		} else {
			c := &t.columns[p]
			if err := c.decode(); err != nil {
				return err
			}
			c.code(t.names[p])
			codes = c.codes[c.row : c.row+t.n]
		}
		t.byCode[i] = codes
		factor := factors[i%len(factors)]
		for j, c := range codes {
			hashes[j] += uint64(c) * factor
		}
	}
	for _, f := range []*rowField{&b.time, &b.records, &b.bytes} {
		for _, p := range f.places {
			if t.lists[p] != nil {
				continue
			}
			if err := t.columns[p].decode(); err != nil {
				return err
			}
		}
	}
	records, ok1 := t.counting(&b.records, &r.Records)
	bytes, ok2 := t.counting(&b.bytes, &r.Bytes)
	simple := ok1 && ok2 && b.time.plain && len(b.time.places) == 1
	t.touch(hashes)
	from, to, now := t.a.options.From, t.a.options.To, t.a.options.Now
	t.counts.Records += uint64(t.n)
	t.counts.Events += uint64(t.n)
	for i := range t.n {
		at, ok := access.Instant(0), simple
		if ok {
			at, ok = t.time(i)
			ok = ok && at <= now
		}
		known := t.shape(i, hashes[i])
		shape := t.known[known+knownShape] // and one
		var nRecords, nBytes int64
		if ok && records != nil {
			row := records.row + i
			if nRecords = records.ints[row]; !records.here(row) {
				nRecords = 1
			}
			ok = nRecords >= 0
		}
		if ok && bytes != nil {
			row := bytes.row + i
			nBytes = bytes.ints[row] // 0 where there is none
			ok = nBytes >= 0
		}
		if !ok || shape == 0 {
			ev := t.slow(i, false)
			if ev == nil {
				continue
			}
			at, nRecords, nBytes = ev.Time, int64(ev.Records), int64(ev.Bytes)
			if shape == 0 {
				shape = t.add(ev) + 1
				t.known[known+knownShape] = shape
			}
		}
		if at < from || at >= to {
			t.counts.OutOfRange++
			continue
		}
		r.Row = append(r.Row, int32(i))
		r.Time = append(r.Time, at)
		r.Shape = append(r.Shape, shape-1)
		if r.Records != nil {
			r.Records = append(r.Records, uint64(nRecords))
		}
		if r.Bytes != nil {
			r.Bytes = append(r.Bytes, uint64(nBytes))
		}
	}
	if len(r.Row) == 0 {
		return nil
	}
	if sink, ok := t.sink.(RowSink); ok {
		if err := sink.AddRows(r); err != nil {
			return &stopped{err}
		}
		t.counts.Added += uint64(len(r.Row))
		return nil
	}
	return t.events()
}

var factors = [...]uint64{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93, 0xff51afd7ed558ccd, 0xc4ceb9fe1a85ec53, 0x87c37b91114253d5, 0x4cf5ad432745937f, 0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3, 0x589965cc75374cc3}

// counting prepares a field that counts: its column, nil where there is none; ok
// is false where rows have to be looked at one by one.
func (t *table) counting(f *rowField, to *[]uint64) (c *column, ok bool) {
	switch {
	case len(f.places) == 0:
		*to = nil
		return nil, true
	case *to == nil:
		*to = make([]uint64, 0, BatchRows)
	}
	*to = (*to)[:0]
	if !f.plain || len(f.places) != 1 || t.columns[f.places[0]].leaf.unsigned {
		return nil, false
	}
	return &t.columns[f.places[0]], true
}

// time is the time of a row of the batch, where it is as simple as that.
func (t *table) time(i int) (access.Instant, bool) {
	c := &t.columns[t.b.time.places[0]]
	row := c.row + i
	if !c.here(row) {
		return 0, false
	}
	if t.unit > 0 {
		v := c.ints[row]
		return access.Instant(v * t.unit), v >= t.leastTime && v < t.endTime
	}
	if c.kind != texts || t.digits >= 0 {
		return 0, false
	}
	return t.decoder.RFC3339(c.text(row))
}

// Where the parts of a combination in table.known are.
const (
	knownHash = iota
	knownShape
	knownCodes
)

// touch reads what shape will need of all rows of the batch: it waits for memory,
// and so for many rows at once instead of one after the other.
func (t *table) touch(hashes []uint64) {
	t.places = resize(t.places, len(hashes))
	for i, wide := range hashes {
		t.places[i] = t.slots[shapeHash(wide)&uint32(len(t.slots)-1)]
	}
	sum := uint32(0)
	for _, known := range t.places {
		sum += t.known[known]
	}
	t.touched = sum
}

func shapeHash(wide uint64) uint32 {
	wide ^= wide >> 32
	return uint32(wide * 0x9e3779b97f4a7c15 >> 32)
}

// shape finds what the codes of a row stand for: where in known.
func (t *table) shape(i int, wide uint64) uint32 {
	hash := shapeHash(wide)
next:
	for at := hash; ; at++ {
		slot := &t.slots[at&uint32(len(t.slots)-1)]
		if *slot == 0 {
			return t.learn(i, hash, slot)
		}
		known := t.known[*slot:]
		if known[knownHash] != hash {
			continue
		}
		known = known[knownCodes : knownCodes+len(t.byCode)]
		for j, codes := range t.byCode {
			if codes[i] != known[j] {
				continue next
			}
		}
		return *slot
	}
}

// learn decodes a row as if nothing but its shape were there, and remembers it.
func (t *table) learn(i int, hash uint32, slot *uint32) uint32 {
	clear(t.values)
	start := uint32(len(t.known))
	t.known = append(t.known, hash, 0)
	for j, p := range t.b.shape {
		code := t.byCode[j][i]
		t.known = append(t.known, code)
		t.values[p] = t.valueOf(p, code)
	}
	for _, p := range t.b.time.places {
		if t.names[p] == nil {
			t.values[p] = t.instantValue(0)
		}
	}
	if ev, rej := t.decoder.Row(t.values); ev != nil && rej == nil {
		t.known[start+knownShape] = t.add(ev) + 1
	}
	*slot = start
	if size := uint32(knownCodes + len(t.byCode)); 2*uint32(len(t.known))/size > uint32(len(t.slots)) {
		t.slots = make([]uint32, 4*len(t.slots))
		for known := uint32(1); known < uint32(len(t.known)); known += size {
			at := t.known[known+knownHash]
			for t.slots[at&uint32(len(t.slots)-1)] != 0 {
				at++
			}
			t.slots[at&uint32(len(t.slots)-1)] = known
		}
	}
	return start
}

// add makes a shape of an event. Of what differs from row to row it keeps what the
// field map alone says.
func (t *table) add(ev *access.Event) uint32 {
	own := *ev
	own.Time = 0
	own.Principal, own.Feature = bytes.Clone(ev.Principal), bytes.Clone(ev.Feature)
	own.Scopes = nil
	for _, s := range ev.Scopes {
		own.Scopes = append(own.Scopes, bytes.Clone(s))
	}
	constant := func(f *rowField, text []byte) []byte {
		if len(f.places) > 0 {
			return nil
		}
		return bytes.Clone(text)
	}
	own.ID, own.Subject, own.Grantor = constant(&t.b.id, ev.ID), constant(&t.b.subject, ev.Subject), constant(&t.b.grantor, ev.Grantor)
	t.shapes.Events = append(t.shapes.Events, own)
	return uint32(len(t.shapes.Events) - 1)
}

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
		if c.ints[row] != 0 {
			return codec.Value{Kind: codec.TrueValue}
		}
		return codec.Value{Kind: codec.FalseValue}
	case timestamps:
		if at, ok := instant(c.ints[row], c.leaf.unit); ok {
			return t.instantValue(at)
		}
		return codec.Value{Kind: codec.TextValue, Text: []byte("out of range")}
	}
	return codec.Value{Kind: codec.NumberValue, Text: c.number(nil, row)}
}

// slow decodes a row of the batch field by field, with people and id where they
// were read. A row that is rejected gives nil.
func (t *table) slow(i int, people bool) *access.Event {
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
	if rej != nil && len(unread) > 0 {
		// People or id may be wrong too, and come before what is wrong; or they are
		// wrong only where a part of what they are read from is missing.
		for _, p := range unread {
			if t.columns[p].decode() == nil {
				t.values[p] = t.rowValue(p, i)
			}
		}
		ev, rej = t.decoder.Row(t.values)
	}
	if rej != nil {
		t.counts.Rejected[rej.Reason]++
		t.sink.Reject(rej, access.Position{Offset: t.first + int64(i)})
		return nil
	}
	return ev
}

// factual reports whether a place is read for time or counts.
func (t *table) factual(place int) bool {
	for _, f := range []*rowField{&t.b.time, &t.b.records, &t.b.bytes} {
		for _, p := range f.places {
			if p == place {
				return true
			}
		}
	}
	return false
}

// people reads subjects and grantors, or ids, of the rows of the batch that are
// marked; nil: of all.
func (t *table) people(people, ids bool, marked []bool) error {
	b, r := t.b, &t.rows
	if people && t.peopleOff {
		r.subjects, r.grantors = resize(r.subjects, len(r.Row)), resize(r.grantors, len(r.Row))
		clear(r.subjects)
		clear(r.grantors)
		return nil
	}
	type wanted struct {
		f  *rowField
		to *[][]byte
		of func(ev *access.Event) []byte
	}
	var want []wanted
	if people {
		want = append(want, wanted{&b.subject, &r.subjects, func(ev *access.Event) []byte { return ev.Subject }},
			wanted{&b.grantor, &r.grantors, func(ev *access.Event) []byte { return ev.Grantor }})
	}
	if ids {
		want = append(want, wanted{&b.id, &r.ids, func(ev *access.Event) []byte { return ev.ID }})
	}
	simple := true
	for _, w := range want {
		*w.to = resize(*w.to, len(r.Row))
		simple = simple && (w.f.plain || len(w.f.places) == 0)
		for _, p := range w.f.places {
			if t.lists[p] == nil {
				if err := t.columns[p].decode(); err != nil {
					return err
				}
			}
		}
	}
	t.doubtful = resize(t.doubtful, len(r.Row))
	clear(t.doubtful)
	for _, w := range want {
		switch {
		case len(w.f.places) == 0:
			for i, shape := range r.Shape {
				(*w.to)[i] = w.of(&t.shapes.Events[shape])
			}
		case simple:
			t.texts(w.f.places, *w.to, marked)
		}
	}
	t.keeping = t.keeping[:0]
	for i := range r.Row {
		row, ok := int(r.Row[i]), simple && !t.doubtful[i] || marked != nil && !marked[i]
		if !ok {
			ev := t.slow(row, true)
			if ev == nil {
				continue
			}
			for _, w := range want {
				(*w.to)[i] = t.own(w.of(ev))
			}
		}
		t.keeping = append(t.keeping, int32(i))
	}
	if len(t.keeping) < len(r.Row) {
		r.keep(t.keeping)
	}
	return nil
}

// texts gives the first text that is there of each row, and marks those that may
// be wrong.
func (t *table) texts(places []int, to [][]byte, marked []bool) {
	rows := t.rows.Row
	for k, p := range places {
		c := &t.columns[p]
		for i, row := range rows {
			if k > 0 && len(to[i]) > 0 || marked != nil && !marked[i] {
				continue
			}
			text := c.text(c.row + int(row))
			if len(text) == 0 {
				text = nil
			} else if len(text) > access.MaxNameBytes || !utf8.Valid(text) {
				t.doubtful[i] = true
			}
			to[i] = text
		}
	}
}

// own is a copy that lives as long as the batch.
func (t *table) own(text []byte) []byte {
	if text == nil {
		return nil
	}
	at := len(t.arena)
	t.arena = append(t.arena, text...)
	return t.arena[at:len(t.arena):len(t.arena)]
}

// events hands over the rows of the batch one by one.
func (t *table) events() error {
	r, o := &t.rows, &t.a.options
	people := !t.peopleOff
	if people && o.People != nil {
		first, last := r.Time[0], r.Time[0]
		for _, at := range r.Time {
			first, last = min(first, at), max(last, at)
		}
		people = o.People(first, last)
	}
	if people {
		if _, _, err := r.People(); err != nil {
			return err
		}
	}
	if o.IDs {
		if _, err := r.IDs(); err != nil {
			return err
		}
	}
	ev := &t.event
	for i, shape := range r.Shape {
		*ev = r.Shapes.Events[shape]
		ev.Time = r.Time[i]
		if r.Records != nil {
			ev.Records = r.Records[i]
		}
		if r.Bytes != nil {
			ev.Bytes = r.Bytes[i]
		}
		if people {
			ev.Subject, ev.Grantor = r.subjects[i], r.grantors[i]
		} else {
			ev.Subject, ev.Grantor = nil, nil
		}
		if ev.ID = nil; o.IDs {
			ev.ID = r.ids[i]
		}
		t.sink.Add(ev, r.Position(i))
	}
	t.counts.Added += uint64(len(r.Row))
	return nil
}
