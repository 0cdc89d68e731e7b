package ledger

import "sunsetwatch/rules/access"

// ahead is how many cells a merge reads before it changes the first of them, for
// the same reason as lookahead.
const ahead = 16

// Merge adds what f counted since its last Merge, together with the stretch of
// the source that it came from: both or, with an error, neither.
func (l *Ledger) Merge(f *Fold, p Progress) error {
	f.settle()
	src := l.sources[f.source]
	if err := src.advance(&p, &f.tally); err != nil {
		return err
	}
	src.history.add(f.seen)
	if f.tally.counted > 0 {
		l.earliest = min(l.earliest, f.tally.earliest)
		if f.tally.latest > l.latest {
			l.advance(f.tally.latest)
		}
	}
	order := f.sorted()
	for cells := f.touched; len(cells) > 0; {
		some := cells[:min(ahead, len(cells))]
		cells = cells[len(some):]
		l.lookAhead(f, some, order)
		for _, n := range some {
			events := order[:f.counts[n]]
			order = order[len(events):]
			c := f.cells[n].cell
			l.rollUp(c)
			l.count(c, f, events)
			c.dirtyHead = true
			l.changed(c)
		}
	}
	f.reset()
	return nil
}

// lookAhead finds the cells of the ledger that some cells of a Fold are counted
// in, and reads what counting their events will need.
func (l *Ledger) lookAhead(f *Fold, some, order []int32) {
	var fetched uint64
	for _, n := range some {
		c := l.cellOf(&f.cells[n])
		fetched += uint64(c.horizon.minutes)
	}
	var last [ahead]struct {
		counts *chunk
		people *chunk
	}
	for i, n := range some {
		c := f.cells[n].cell
		if k := len(c.totals); k > 0 {
			fetched += c.totals[k-1].Events
		}
		if k := len(c.chunks[byMinute]); k > 0 {
			last[i].counts = &c.chunks[byMinute][k-1]
			fetched += uint64(last[i].counts.unit)
		}
		if k := len(c.chunks[peopleByDay]); k > 0 {
			last[i].people = &c.chunks[peopleByDay][k-1]
			fetched += uint64(last[i].people.unit)
		}
	}
	for i, n := range some {
		var people []uint64
		if k := last[i].people; k != nil && len(k.crowds) > 0 {
			if p := k.crowds[len(k.crowds)-1].people; p != nil {
				people = p.slots
			}
		}
		for _, e := range order[:f.counts[n]] {
			h := f.log[e].person
			if len(people) > 0 {
				fetched += people[h&uint64(len(people)-1)]
			}
			fetched += h
		}
		order = order[f.counts[n]:]
		if k := last[i].counts; k != nil && len(k.buckets) > 0 {
			fetched += k.buckets[0].events + k.buckets[len(k.buckets)-1].events
		}
	}
	f.fetched = fetched
}

// stay is what the events of a cell have in common that lie on one day between
// two cuts.
type stay struct {
	from, until access.Instant
	d           date
	tier        tier
	total       *Stretch
	sum         count
	unit        int32
	chunk       *chunk // of the counts
	crowd       *crowd // nil: nobody met yet
}

// count adds events of a Fold, by their numbers in its log, to their cell.
func (l *Ledger) count(c *Cell, f *Fold, events []int32) {
	var s stay
	for _, n := range events {
		e := &f.log[n]
		if s.total == nil || e.time < s.from || e.time >= s.until {
			if s.total != nil {
				l.leave(&s)
			}
			l.enter(&s, c, e.time)
		}
		mark := Mark{Time: e.time, Offset: e.offset, place: e.place, Source: f.source}
		s.sum.meet(e, mark)
		s.d.at = e.time
		unit, start := unitOf(s.tier, s.d)
		if s.chunk == nil || s.unit != unit {
			s.chunk, s.unit = chunkOf(&c.chunks[s.tier], unit), unit
			s.chunk.dirty = true
		}
		b := s.chunk.bucketAt(s.tier, max(start, s.total.From))
		l.one(&b.count, e, mark)
		b.days |= dayMask(s.tier, s.d)
		if e.person == 0 && e.grantor == 0 {
			continue
		}
		if s.crowd == nil {
			s.crowd = c.crowdOf(l.horizon.peopleTierAt(s.d), s.d, s.total.From)
		}
		s.crowd.first, s.crowd.last = min(s.crowd.first, e.time), max(s.crowd.last, e.time)
		meet(&s.crowd.people, &s.total.People, e.person)
		meet(&s.crowd.grantors, &s.total.Grantors, e.grantor)
	}
	if s.total != nil {
		l.leave(&s)
	}
}

// enter begins a stay at t.
func (l *Ledger) enter(s *stay, c *Cell, t access.Instant) {
	*s = stay{d: dateOf(t)}
	s.total = c.total(c.before(t))
	s.from = max(s.total.From, s.d.day.Start())
	s.until = s.d.day.Start() + access.OneDay
	if s.total.Until < s.until {
		s.until = s.total.Until
	}
	s.tier = l.horizon.tierAt(s.d)
}

// leave adds what was summed up in a stay to the total around it.
func (l *Ledger) leave(s *stay) {
	s.total.addCount(l, &s.sum)
	s.total.Days.add(Run{s.sum.first.Time, s.sum.last.Time})
}

// meet adds an event of the source that c has events of alone, which comes after
// them in it.
func (c *count) meet(e *logged, m Mark) {
	if c.events == 0 || m.Time < c.first.Time {
		c.first = m
	}
	if c.events == 0 || m.Time >= c.last.Time {
		c.last = m
	}
	c.events++
	c.records, c.bytes = volume(c.records, e.records), volume(c.bytes, e.bytes)
}

// one adds an event.
func (l *Ledger) one(c *count, e *logged, m Mark) {
	if c.events == 0 || l.Before(m, c.first) {
		c.first = m
	}
	if c.events == 0 || l.Before(c.last, m) {
		c.last = m
	}
	c.events++
	c.records, c.bytes = volume(c.records, e.records), volume(c.bytes, e.bytes)
}

// meet adds somebody to a crowd and to the total around it, which has everybody
// that the crowd has.
func meet(crowd, total **People, hash uint64) {
	if hash == 0 {
		return
	}
	if *crowd == nil {
		*crowd = &People{}
	}
	if *total == nil {
		*total = &People{}
	}
	if (*crowd).add(hash) {
		(*total).Add(hash)
	}
}
