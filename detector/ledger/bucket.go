package ledger

import (
	"encoding/binary"
	"slices"

	"sunsetwatch/rules/access"
)

// tier is how fine a bucket of event time is.
type tier uint8

// The tiers of counts and of people. The values are encoded in saved state.
//
// A chunk is what is saved together, so it is as short as what accesses of now
// change, and as long as what ages together.
const (
	byMinute      tier = iota // counts; a chunk is an hour
	byDay                     // counts; a chunk is a month
	byMonth                   // counts; a chunk is a year
	peopleByDay               // people; a chunk is a day
	peopleByMonth             // people; a chunk is a year
	tiers         = iota
)

// bucket is a count of events in one unit of a tier, or in the piece of a unit
// from an instant of its pair on.
type bucket struct {
	start access.Instant // of the unit, or of the piece
	days  uint32         // byMonth: bit n says that the n-th day of the month had an event
	count
}

// crowd is the people of one unit of a people tier, or of a piece of it.
type crowd struct {
	start       access.Instant
	first, last access.Instant // of the events that they come from
	people      *People
	grantors    *People
}

// chunk is the unit of saving: neighbouring buckets, or crowds, of one tier.
type chunk struct {
	unit    int32 // hour, day, month or year, see tier
	dirty   bool  // changed since the last save
	saved   bool  // there is a saved form of it
	buckets []bucket
	crowds  []crowd
}

// date is an instant with its place in the calendar.
type date struct {
	at         access.Instant
	day        access.Day
	month      month
	dayOfMonth int
}

func dateOf(at access.Instant) date {
	d := date{at: at, day: at.Day()}
	d.month, d.dayOfMonth = monthOf(d.day)
	return d
}

// unitOf is the chunk that a date belongs to, and the start of its unit.
func unitOf(t tier, d date) (unit int32, start access.Instant) {
	switch t {
	case byMinute:
		return int32(d.day)*24 + int32((d.at-d.day.Start())/access.Hour), d.at.Minute()
	case byDay:
		return int32(d.month), d.day.Start()
	case peopleByDay:
		return int32(d.day), d.day.Start()
	default:
		return int32(d.month) / 12, (d.day - access.Day(d.dayOfMonth)).Start()
	}
}

// dayOfHour is the day of a unit of byMinute.
func dayOfHour(unit int32) access.Day {
	if unit < 0 {
		unit -= 23
	}
	return access.Day(unit / 24)
}

// chunkOf finds or makes the chunk of a unit in a list in rising order. It is
// valid until the next call.
func chunkOf(list *[]chunk, unit int32) *chunk {
	l := *list
	if n := len(l); n > 0 && l[n-1].unit == unit {
		return &l[n-1]
	} else if n == 0 || l[n-1].unit < unit {
		*list = append(l, chunk{unit: unit})
		return &(*list)[n]
	}
	i, found := slices.BinarySearchFunc(l, unit, func(c chunk, u int32) int { return int(c.unit) - int(u) })
	if !found {
		*list = slices.Insert(l, i, chunk{unit: unit})
	}
	return &(*list)[i]
}

// bucketAt finds or makes the bucket of tier t that starts at start. It is valid
// until the next call.
func (c *chunk) bucketAt(t tier, start access.Instant) *bucket {
	n := len(c.buckets)
	if n == 0 || c.buckets[n-1].start < start {
		c.buckets = append(c.buckets, bucket{start: start})
		return &c.buckets[n]
	}
	// Where no unit is without events, its place is their distance.
	i := -1
	switch since := start - c.buckets[0].start; t {
	case byMinute:
		i = int(since / access.Minute)
	case byDay:
		i = int(since / access.OneDay)
	}
	if uint(i) < uint(n) && c.buckets[i].start == start {
		return &c.buckets[i]
	}
	i, found := slices.BinarySearchFunc(c.buckets, start, func(b bucket, s access.Instant) int {
		return cmpInstant(b.start, s)
	})
	if !found {
		c.buckets = slices.Insert(c.buckets, i, bucket{start: start})
	}
	return &c.buckets[i]
}

// crowdAt finds or makes the crowd that starts at start. It is valid until the
// next call.
func (c *chunk) crowdAt(start access.Instant) *crowd {
	i := len(c.crowds)
	for i > 0 && c.crowds[i-1].start >= start {
		i--
		if c.crowds[i].start == start {
			return &c.crowds[i]
		}
	}
	c.crowds = slices.Insert(c.crowds, i, crowd{start: start, first: access.End, last: access.Beginning})
	return &c.crowds[i]
}

func cmpInstant(a, b access.Instant) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// take unites w with o, which is of no use after that.
func (w *crowd) take(o *crowd) {
	w.first, w.last = min(w.first, o.first), max(w.last, o.last)
	takeInto(&w.people, o.people)
	takeInto(&w.grantors, o.grantors)
}

func takeInto(p **People, o *People) {
	if *p == nil {
		*p = o
	} else {
		(*p).Union(o)
	}
}

func uniteInto(p **People, o *People) {
	if o == nil {
		return
	}
	if *p == nil {
		*p = &People{}
	}
	(*p).Union(o)
}

// dayRuns are the days of the bucket as runs. Within a month the instants are
// known of its first and last event only; a day between is taken to have had
// accesses from its start to its end.
func (b *bucket) dayRuns(t tier, d *Days) {
	if t != byMonth {
		d.add(Run{b.first.Time, b.last.Time})
		return
	}
	m, _ := monthOf(b.first.Time.Day())
	for n := range 31 {
		if b.days&(1<<n) == 0 {
			continue
		}
		day := m.start() + access.Day(n)
		r := Run{day.Start(), day.Start() + access.OneDay - 1}
		if day == b.first.Time.Day() {
			r.First = b.first.Time
		}
		if day == b.last.Time.Day() {
			r.Last = b.last.Time
		}
		d.add(r)
	}
}

func (c *chunk) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(c.buckets)))
	for i := range c.buckets {
		b = c.buckets[i].append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(c.crowds)))
	for i := range c.crowds {
		b = c.crowds[i].append(b)
	}
	return b
}

func (b *bucket) append(to []byte) []byte {
	to = binary.AppendVarint(to, int64(b.start))
	to = binary.AppendUvarint(to, uint64(b.days))
	return b.count.append(to)
}

func (d *decoder) bucket() bucket {
	return bucket{start: access.Instant(d.varint()), days: uint32(d.uvarint()), count: d.tally()}
}

func (w *crowd) append(b []byte) []byte {
	b = binary.AppendVarint(b, int64(w.start))
	b = binary.AppendVarint(b, int64(w.first))
	b = binary.AppendVarint(b, int64(w.last))
	b = w.people.append(b)
	return w.grantors.append(b)
}

func (d *decoder) crowd() crowd {
	w := crowd{start: access.Instant(d.varint()), first: access.Instant(d.varint()), last: access.Instant(d.varint())}
	w.people, w.grantors = d.people(), d.people()
	if d.err == nil && w.last < w.first {
		d.fail("an impossible crowd")
	}
	return w
}
