package archive

import (
	"context"
	"encoding/binary"
	"io"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/access"
)

// batchRows is how many rows are worked on at a time, and Rows has at most: columns
// of so many fit the cache of a core.
const batchRows = 2048

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

	shapes      *Shapes
	pairs, like factor

	sink   Sink
	counts *Counts
	first  int64 // row number of the first row of the batch
	n      int   // rows of the batch
	unit   int64 // of the column of time; 0: it is not so simple
	// The times in this unit that an event may have.
	leastTime, endTime int64
	peopleOff          bool

	// Of the batch.
	rows             Rows
	times            []access.Instant // of all rows, where they are simple
	from, until      access.Instant   // the first and the last of them
	records, bytes   quantity
	zeros            []uint32
	every            []int32 // 0, 1, 2 and so on
	values           []codec.Value
	event            access.Event
	details          details
	scratch          []byte
	ownRow           []int32
	ownTime          []access.Instant
	ownPair, ownLike []uint32
}

func newTable(a *Archive, l *lines, b *binding) *table {
	t := &table{a: a, decoder: l.decoder, signature: b.signature, digits: a.options.Mapping.TimeDigits()}
	t.columns = make([]column, len(b.places))
	t.lists = make([]*list, len(b.places))
	t.names = make([]*names, len(b.places))
	t.values = make([]codec.Value, len(b.places))
	inflate := &inflater{}
	for i, p := range b.places {
		t.columns[i].inflater = inflate
		if p.kind == listOfTexts {
			t.lists[i] = &list{}
			t.lists[i].inflater = inflate
		}
	}
	for _, p := range b.shape {
		t.names[p] = newNames()
	}
	t.times = make([]access.Instant, batchRows)
	t.zeros = make([]uint32, batchRows)
	t.every = make([]int32, batchRows)
	for i := range t.every {
		t.every[i] = int32(i)
	}
	t.clearShapes(b)
	t.rows.t = t
	t.records.absent = 1
	return t
}

func (t *table) clearShapes(b *binding) {
	t.shapes = &Shapes{}
	t.pairs, t.like = newFactor(b.pair), newFactor(b.like)
}

// forget begins to learn anew, where what was learned takes too much memory.
func (t *table) forget() {
	full := t.pairs.full(t.a.limits.shapes) || t.like.full(t.a.limits.shapes)
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
	t.clearShapes(t.b)
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
		n := int(min(g.rows-done, batchRows))
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

// onlyPeople reports whether a place is read for people or ids alone, and nobody
// wants them of the whole row group.
func (t *table) onlyPeople(place int) bool {
	b := t.b
	switch {
	case t.names[place] != nil || t.factual(place):
		return false
	case b.id.reads(place) && t.a.options.IDs:
		return false
	}
	return !b.subject.reads(place) && !b.grantor.reads(place) || t.peopleOff
}

// batch hands over the next t.n rows.
func (t *table) batch() error {
	if err := t.decodeBatch(); err != nil {
		return err
	}
	t.counts.Records += uint64(t.n)
	t.counts.Events += uint64(t.n)
	r := &t.rows
	r.First, r.Shapes, r.refused = t.first, t.shapes, 0
	simple := t.simpleTimes()
	if simple && t.within() && t.records.sound() && t.bytes.sound() && t.allProven() {
		r.Row, r.Time, r.Pair, r.Like = t.every[:t.n], t.times[:t.n], t.pairs.codes, t.like.codes
	} else {
		t.sift(simple)
	}
	if len(r.Row) == 0 {
		return nil
	}
	if sink, ok := t.sink.(RowSink); ok {
		if err := sink.AddRows(r); err != nil {
			return &stopped{err}
		}
		t.counts.Added += uint64(len(r.Row) - r.refused)
		return nil
	}
	return t.events()
}

// decodeBatch decodes the columns that all rows are judged by.
func (t *table) decodeBatch() error {
	b := t.b
	for _, p := range b.shape {
		if t.lists[p] != nil {
			continue
		}
		if err := t.columns[p].decode(); err != nil {
			return err
		}
	}
	codes := func(p int) []uint32 {
		if l := t.lists[p]; l != nil {
			return l.sets[l.row : l.row+t.n]
		}
		return t.columns[p].code(t.names[p], t.columns[p].row, t.n)
	}
	t.pairs.join(t.n, codes, t.zeros)
	t.like.join(t.n, codes, t.zeros)
	t.shapes.grow(t.pairs.size(), t.like.size())
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
	t.records.begin(t.columns, &b.records)
	t.bytes.begin(t.columns, &b.bytes)
	return nil
}

// simpleTimes makes t.times of the column of time, and reports whether that is all
// there is to it.
func (t *table) simpleTimes() bool {
	if !t.b.time.plain || len(t.b.time.places) != 1 {
		return false
	}
	if t.unit == 0 {
		for i := range t.n {
			at, ok := t.time(i)
			if !ok {
				return false
			}
			t.times[i] = at
			if i == 0 {
				t.from, t.until = at, at
			}
			t.from, t.until = min(t.from, at), max(t.until, at)
		}
		return true
	}
	c := &t.columns[t.b.time.places[0]]
	if c.present != nil {
		return false
	}
	least, most := c.int(c.row), c.int(c.row)
	if c.words != nil {
		words := c.words[8*c.row : 8*(c.row+t.n)]
		for i := range t.times[:t.n] {
			v := int64(binary.LittleEndian.Uint64(words[8*i:]))
			least, most = min(least, v), max(most, v)
			t.times[i] = access.Instant(v * t.unit)
		}
	} else {
		for i, v := range c.ints[c.row : c.row+t.n] {
			least, most = min(least, v), max(most, v)
			t.times[i] = access.Instant(v * t.unit)
		}
	}
	t.from, t.until = access.Instant(least*t.unit), access.Instant(most*t.unit)
	return least >= t.leastTime && most < t.endTime
}

// time is the time of a row of the batch, where it is as simple as that.
func (t *table) time(i int) (access.Instant, bool) {
	if !t.b.time.plain || len(t.b.time.places) != 1 {
		return 0, false
	}
	c := &t.columns[t.b.time.places[0]]
	row := c.row + i
	if !c.here(row) {
		return 0, false
	}
	if t.unit > 0 {
		v := c.int(row)
		return access.Instant(v * t.unit), v >= t.leastTime && v < t.endTime
	}
	if c.kind != texts || t.digits >= 0 {
		return 0, false
	}
	return t.decoder.RFC3339(c.text(row))
}

// within reports whether no time of the batch is out of range.
func (t *table) within() bool {
	o := &t.a.options
	return t.from >= o.From && t.until < o.To && t.until <= o.Now
}

// allProven reports whether rows like each of the batch were decoded and found
// right, if need be now.
func (t *table) allProven() bool {
	pairs, likes := t.pairs.codes, t.like.codes
	if (anyOf(pairs)|anyOf(likes))&unproven == 0 {
		return true
	}
	for i := range pairs {
		if (pairs[i]|likes[i])&unproven == 0 {
			continue
		}
		pair, like := pairs[i]&^unproven, likes[i]&^unproven
		if !t.shapes.proven(pair, like) {
			ev, rej := t.decodeRow(i, false)
			if rej != nil {
				return false
			}
			t.learn(pair, like, ev)
		}
		pairs[i], likes[i] = pair, like
	}
	return true
}

// sift looks at the rows of a batch one by one.
func (t *table) sift(simpleTimes bool) {
	r, o := &t.rows, &t.a.options
	r.Row, r.Time, r.Pair, r.Like = t.ownRow[:0], t.ownTime[:0], t.ownPair[:0], t.ownLike[:0]
	for i := range t.n {
		pair, like := t.pairs.codes[i]&^unproven, t.like.codes[i]&^unproven
		at, ok := t.times[i], simpleTimes
		if !ok {
			at, ok = t.time(i)
		}
		if !ok || at > o.Now || !t.shapes.proven(pair, like) || !t.records.right(i) || !t.bytes.right(i) {
			ev := t.slow(i, false)
			if ev == nil {
				continue
			}
			if !t.shapes.proven(pair, like) {
				t.learn(pair, like, ev)
			}
			at = ev.Time
			t.records.keep(ev.Records)
			t.bytes.keep(ev.Bytes)
		}
		if at < o.From || at >= o.To {
			t.counts.OutOfRange++
			t.records.drop()
			t.bytes.drop()
			continue
		}
		r.Row, r.Time = append(r.Row, int32(i)), append(r.Time, at)
		r.Pair, r.Like = append(r.Pair, pair), append(r.Like, like)
	}
	t.ownRow, t.ownTime, t.ownPair, t.ownLike = r.Row, r.Time, r.Pair, r.Like
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
	which := t.every[:len(r.Row)]
	if people || o.IDs {
		var err error
		if which, err = t.detail(which, people, o.IDs); err != nil {
			return err
		}
	}
	ev := &t.event
	for k, i := range which {
		r.Event(ev, int(i))
		if ev.ID = nil; o.IDs {
			ev.ID = t.details.ids[k]
		}
		if ev.Subject, ev.Grantor = nil, nil; people {
			ev.Subject, ev.Grantor = t.details.subjects[k], t.details.grantors[k]
		}
		t.sink.Add(ev, r.Position(int(i)))
	}
	t.counts.Added += uint64(len(which))
	return nil
}
