package ledger

import "sunsetwatch/rules/access"

// Columns count events that are given by column: of each the number of its pair, of
// its like, and its time. They do what Pieces.Add does, but for what is lawful with
// a few instructions an event: what it changes is close together, and taken over
// into the ledger where the piece of time changes, and with Flush.
type Columns struct {
	pieces   *Pieces
	describe func(ev *access.Event, pair, like uint32)
	pairs    []columnPair // by number
	features map[*alikeFeature]*columnFeature
	likes    int
	open     []uint32 // pairs of which something is not taken over
	waiting  []queued
	touched  uint64 // so that what is read ahead is read
	event    access.Event
}

// columnPair is a pair, and what was counted of it in the piece at hand.
type columnPair struct {
	from, until           access.Instant // of the piece
	lawful, wrong, served uint64         // a bit for each like of the feature: what is known
	numbers               []uint8        // by number of the like: its bit
	counts                [2]columnCount // of attempts, of accesses
	pair                  *alikePair
	feature               *columnFeature // nil: nothing was met, or it is apart
	apart                 bool           // its events are counted cell by cell
}

// columnCount is what was counted and not taken over.
type columnCount struct {
	events      uint64
	first, last place
	to          *Stretch // where it goes
}

type place struct {
	time   access.Instant
	offset int64
}

// columnFeature are the likes of a feature.
type columnFeature struct {
	feature *alikeFeature
	likes   []*like
	numbers []uint8
}

// noBit is the bit that no like has.
const noBit = 63

// NewColumns counts with p, which counts together. describe fills in what pair and
// like are: all but time, people and counts, which are any.
func (p *Pieces) NewColumns(describe func(ev *access.Event, pair, like uint32)) *Columns {
	return &Columns{pieces: p, describe: describe, features: map[*alikeFeature]*columnFeature{}}
}

// Grow says how many pairs and likes there are by now.
func (c *Columns) Grow(pairs, likes int) {
	for len(c.pairs) < pairs {
		c.pairs = append(c.pairs, columnPair{from: access.End, until: access.Beginning})
	}
	if likes == c.likes {
		return
	}
	c.likes = likes
	for _, f := range c.features {
		f.grow(likes)
	}
	for i := range c.pairs {
		if pr := &c.pairs[i]; pr.feature != nil {
			pr.numbers = pr.feature.numbers
		}
	}
}

func (f *columnFeature) grow(likes int) {
	for len(f.numbers) < likes {
		f.numbers, f.likes = append(f.numbers, noBit), append(f.likes, nil)
	}
}

// Count counts what is lawful, and appends the indexes of what is not to rest: that
// goes to Add. Offsets are first and the row of each.
func (c *Columns) Count(pairs, likes []uint32, times []access.Instant, first int64, rows []int32, rest []int32) []int32 {
	likes, times, rows = likes[:len(pairs)], times[:len(pairs)], rows[:len(pairs)]
	for i, n := range pairs {
		pr, like, t := &c.pairs[n], likes[i], times[i]
		if t >= pr.from && t < pr.until && uint(like) < uint(len(pr.numbers)) {
			bit := pr.numbers[like] & 63
			switch {
			case pr.lawful>>bit&1 != 0:
				at := place{t, first + int64(rows[i])}
				sum := &pr.counts[pr.served>>bit&1]
				if sum.events == 0 {
					c.open = append(c.open, n)
					sum.first, sum.last = at, at
				}
				sum.events++
				// Offsets rise: of equal times the first stays first, the last becomes last.
				if t >= sum.last.time {
					sum.last = at
				}
				if t < sum.first.time {
					sum.first = at
				}
				continue
			case pr.wrong>>bit&1 != 0:
				rest = append(rest, int32(i))
				continue
			}
		}
		if !c.meet(n, like, t, first+int64(rows[i]), true) {
			rest = append(rest, int32(i))
		}
	}
	return rest
}

// Sift is Count without counting.
func (c *Columns) Sift(pairs, likes []uint32, times []access.Instant, rest []int32) []int32 {
	for i, n := range pairs {
		if !c.meet(n, likes[i], times[i], 0, false) {
			rest = append(rest, int32(i))
		}
	}
	return rest
}

// meet finds out whether an event is lawful, and counts it if it is to.
func (c *Columns) meet(n, like uint32, t access.Instant, offset int64, count bool) bool {
	pr := &c.pairs[n]
	a, ok := c.alike(n, like)
	if !ok {
		return false
	}
	p := c.pieces
	c.take(pr)
	ok = p.lawful(&a, t)
	if ok && count {
		p.addLawful(&a, t, access.Position{Offset: offset})
	}
	// From here on Count knows.
	w := &pr.pair.alikeWindow
	pr.from, pr.until, pr.served = w.from, w.until, pr.feature.feature.served
	pr.lawful, pr.wrong = w.lawful&w.asked&^(1<<noBit), w.asked&^w.lawful&^(1<<noBit)
	pr.counts[0].to, pr.counts[1].to = w.attempts, w.served
	if w.attempts == nil { // the stretch is made by the first
		pr.lawful &= pr.served
	}
	if w.served == nil || p.options.Daily != nil { // or it has to be counted by day
		pr.lawful &^= pr.served
	}
	return ok
}

// alike is what events of a pair and like have in common; ok is false where they
// are counted cell by cell.
func (c *Columns) alike(n, number uint32) (a alike, ok bool) {
	pr := &c.pairs[n]
	if pr.feature == nil && !pr.apart {
		c.describe(&c.event, n, number)
		c.meetPair(pr)
	}
	if pr.apart {
		return alike{}, false
	}
	f := pr.feature
	l := f.likes[number]
	if l == nil {
		c.describe(&c.event, n, number)
		if c.event.Probe != access.NoProbe {
			return alike{}, false
		}
		if l = c.pieces.likeOf(f.feature, &c.event, access.Self, true); l == nil {
			return alike{}, false
		}
		f.likes[number] = l
		if l.number < noBit {
			f.numbers[number] = uint8(l.number)
		}
	}
	return alike{pr.pair, l, l.number, l.attr.Outcome == access.Served, false}, true
}

func (c *Columns) meetPair(pr *columnPair) {
	pair, f := c.pieces.alikePairOf(c.event.Principal, c.event.Feature)
	if pair == nil {
		pr.apart = true
		return
	}
	own := c.features[f]
	if own == nil {
		own = &columnFeature{feature: f}
		own.grow(c.likes)
		c.features[f] = own
	}
	pr.pair, pr.feature, pr.numbers = pair, own, own.numbers
}

// take takes over what was counted of a pair.
func (c *Columns) take(pr *columnPair) {
	source := c.pieces.source.id
	for i := range pr.counts {
		if sum := &pr.counts[i]; sum.events > 0 {
			c.pieces.countMany(sum.to, sum.events, Mark{Time: sum.first.time, Offset: sum.first.offset, Source: source},
				Mark{Time: sum.last.time, Offset: sum.last.offset, Source: source})
			sum.events = 0
		}
	}
}

// Flush takes over all that was counted. It comes before the ledger is used, and
// before events of another source.
func (c *Columns) Flush() {
	for _, n := range c.open {
		c.take(&c.pairs[n])
	}
	c.open = c.open[:0]
	c.addWaiting()
}

// Row is an event, which is borrowed.
type Row struct {
	Pair, Like       uint32
	Time             access.Instant
	Records, Bytes   uint64
	Subject, Grantor []byte
}

// Add counts one event of the rest.
func (c *Columns) Add(r *Row, at access.Position) {
	p, relation := c.pieces, access.RelationOf(r.Subject, r.Grantor)
	known, served, ok := c.knownOf(r.Pair, r.Like, relation)
	if !ok {
		ev := &c.event
		c.describe(ev, r.Pair, r.Like)
		ev.Time, ev.Records, ev.Bytes, ev.Subject, ev.Grantor = r.Time, r.Records, r.Bytes, r.Subject, r.Grantor
		p.Add(ev, at)
		return
	}
	o := queued{known: known, occurrence: occurrence{
		mark:    Mark{Time: r.Time, Offset: at.Offset, place: placeOf(false, at), Source: p.source.id},
		records: r.Records, bytes: r.Bytes,
	}}
	if served {
		o.subject, o.grantor = p.peopleOf(r.Subject, r.Grantor, relation)
	}
	if c.waiting = append(c.waiting, o); len(c.waiting) == mostWaiting {
		c.addWaiting()
	}
}

// knownOf finds the cell of an event in Pieces.known; ok is false where it is
// counted as any other.
func (c *Columns) knownOf(pair, like uint32, relation access.Relation) (known int32, served, ok bool) {
	pr := &c.pairs[pair]
	if int(like) < len(pr.numbers) {
		if bit := pr.numbers[like]; bit < noBit {
			if i := 2*int(bit) + int(relation); i < len(pr.pair.cells) && pr.pair.cells[i] != 0 {
				return pr.pair.cells[i] - 1, pr.feature.feature.served>>bit&1 != 0, true
			}
		}
	}
	a, ok := c.alike(pair, like)
	if !ok {
		return 0, false, false
	}
	return c.pieces.knownOf(&a, relation), a.served, true
}

// queued is an event that Add was given. Its cell and its people lie anywhere in
// memory, so that to count it is to wait for one thing after the other; of many
// events at once, each step is waited for but once.
type queued struct {
	known int32
	occurrence
}

const mostWaiting = 256

func (c *Columns) addWaiting() {
	p := c.pieces
	touched := uint64(0)
	for i := range c.waiting {
		touched += uint64(p.known[c.waiting[i].known].from)
	}
	for i := range c.waiting {
		o := &c.waiting[i]
		k := &p.known[o.known]
		if t := o.mark.Time; t < k.from || t >= k.until {
			p.enter(k, t)
		}
		touched += k.total.Events + uint64(k.total.Last.Offset) + uint64(len(k.lead.Days.runs))
	}
	for i := range c.waiting {
		o := &c.waiting[i]
		s := p.known[o.known].lead
		if n := len(s.Days.runs); n > 0 {
			touched += uint64(s.Days.runs[n-1].Last)
		}
		touched += s.People.touch() + s.Grantors.touch()
	}
	for i := range c.waiting {
		o := &c.waiting[i]
		s := p.known[o.known].lead
		touched += s.People.touchSlot(o.subject) + s.Grantors.touchSlot(o.grantor)
	}
	for i := range c.waiting {
		o := &c.waiting[i]
		k := &p.known[o.known]
		if t := o.mark.Time; t < k.from || t >= k.until { // another event took it elsewhere
			p.enter(k, t)
		}
		p.addTo(k, &o.occurrence)
	}
	c.touched += touched
	c.waiting = c.waiting[:0]
}
