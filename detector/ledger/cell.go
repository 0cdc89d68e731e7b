package ledger

import (
	"iter"
	"slices"
	"sort"

	"sunsetwatch/rules/access"
)

// Attributes are the small attributes of a cell. One with a Probe counts
// capability probes, which are no accesses and have no people.
type Attributes struct {
	Operation access.Operation
	Direction access.Direction
	Outcome   access.Outcome
	Relation  access.Relation
	Consent   access.Consent
	Indicator access.Indicator
	Probe     access.Probe
}

// Cell holds the facts of one principal, feature, scope set and Attributes.
type Cell struct {
	id     uint32
	pair   *pair
	scopes []string
	attr   Attributes
	folded bool // a cap folded other scope sets and attributes into it

	// cuts are the instants of the pair in rising order. No bucket and no total
	// lies on both sides of one, but for those in cutCounts and cutCrowds.
	cuts   []access.Instant
	totals []*Stretch // in rising order, of the stretches that hold facts
	chunks [tiers][]chunk
	// horizon is the one at which the chunks were rolled up. A cell that is left
	// alone is rolled up when it is next changed, cut anew or saved.
	horizon horizon
	// What was merged before a cut inside it was known.
	cutCounts []cutCount
	cutCrowds []cutCrowd

	dirty     bool       // listed in Ledger.dirtyCells
	dirtyHead bool       // days of totals, cuts or what they cut changed
	dropped   []chunkKey // gone since the last save
}

type cutCount struct {
	tier tier
	bucket
}

type cutCrowd struct {
	tier tier
	crowd
}

type chunkKey struct {
	tier tier
	unit int32
}

// Stretch is a part of a cell's event time.
type Stretch struct {
	From, Until access.Instant // half-open
	Cut         bool           // see Cell.Stretches
	Tally
}

// Principal of the cell; Folded where the cap on unknown principals was reached.
func (c *Cell) Principal() string { return c.pair.principal.name }

// Pair is the number of principal and feature among those of the ledger, from 0.
func (c *Cell) Pair() int { return c.pair.number }

// Feature of the cell; Folded where the cap on unknown features was reached.
func (c *Cell) Feature() string { return c.pair.feature }

// Scopes of the cell, sorted; not to be changed.
func (c *Cell) Scopes() []string { return c.scopes }

// Attributes of the cell.
func (c *Cell) Attributes() Attributes { return c.attr }

// Incomplete reports that a cap folded facts together here, so that scope set,
// consent, indicator and relation (or principal, or feature) are not known of
// each of them.
func (c *Cell) Incomplete() bool {
	return c.folded || c.pair.feature == Folded || c.pair.principal.name == Folded
}

// Folded reports that a cap folded other scope sets into the cell, so that its
// scopes are not known.
func (c *Cell) Folded() bool { return c.folded }

// Cuts are the instants at which the terms of the pair change, in rising order;
// not to be changed.
func (c *Cell) Cuts() []access.Instant { return c.cuts }

// Stretches are the facts of the cell. First come, in rising order, those that
// lie between two neighbouring Cuts, so that the same terms held for all of
// each. Then come the Cut ones: buckets that were merged before a cut inside
// them was known, whose facts lie somewhere in [From, Until) and certainly from
// First to Last. A Cut stretch holds events, or only people and grantors
// (Events is 0 then, and First and Last carry times only), never both.
// The stretches are valid until the next change of the Ledger.
func (c *Cell) Stretches() iter.Seq[*Stretch] {
	return func(yield func(*Stretch) bool) {
		for _, s := range c.totals {
			if !yield(s) {
				return
			}
		}
		for i := range c.cutCounts {
			b := &c.cutCounts[i]
			s := &Stretch{Cut: true, Tally: Tally{Events: b.events, Records: b.records, Bytes: b.bytes, First: b.first, Last: b.last}}
			s.From, s.Until = c.around(b.first.Time, b.last.Time)
			b.dayRuns(b.tier, &s.Days)
			if !yield(s) {
				return
			}
		}
		for _, w := range c.cutCrowds {
			s := &Stretch{Cut: true, Tally: Tally{First: Mark{Time: w.first}, Last: Mark{Time: w.last}, People: w.people, Grantors: w.grantors}}
			s.From, s.Until = c.around(w.first, w.last)
			if !yield(s) {
				return
			}
		}
	}
}

// Before is the cell as if nothing that happened at or after t had been counted;
// whole is false where a stretch holds events of both sides: all of it is in the
// result then.
// Stretches that Cut are not looked at: the cell is to be of Pieces.
func (c *Cell) Before(t access.Instant) (before *Cell, whole bool) {
	n := sort.Search(len(c.totals), func(i int) bool { return c.totals[i].First.Time >= t })
	whole = n == 0 || c.totals[n-1].Last.Time < t
	if n == len(c.totals) {
		return c, whole
	}
	earlier := *c
	earlier.totals = c.totals[:n]
	return &earlier, whole
}

// before is the last cut at or before t, Beginning where there is none.
func (c *Cell) before(t access.Instant) access.Instant {
	for i := len(c.cuts); i > 0; i-- { // they are few
		if c.cuts[i-1] <= t {
			return c.cuts[i-1]
		}
	}
	return access.Beginning
}

// Around is the piece of time between two neighbouring Cuts that holds t.
func (c *Cell) Around(t access.Instant) (from, until access.Instant) { return c.around(t, t) }

// around is the stretch between neighbouring cuts that holds first and last.
func (c *Cell) around(first, last access.Instant) (from, until access.Instant) {
	from, until = access.Beginning, access.End
	for i := len(c.cuts); i > 0; i-- { // they are few
		if t := c.cuts[i-1]; t > last {
			until = t
		} else if t <= first {
			return t, until
		}
	}
	return from, until
}

// whole reports that no cut lies between first and last.
func (c *Cell) whole(first, last access.Instant) bool { return c.before(first) == c.before(last) }

// find is the place of the total of the stretch that begins at from.
func (c *Cell) find(from access.Instant) (int, bool) {
	return slices.BinarySearchFunc(c.totals, from, func(s *Stretch, f access.Instant) int { return cmpInstant(s.From, f) })
}

// total finds or makes the total of the stretch that begins at from.
func (c *Cell) total(from access.Instant) *Stretch {
	if n := len(c.totals); n > 0 && c.totals[n-1].From == from {
		return c.totals[n-1]
	}
	i, found := c.find(from)
	if !found {
		_, until := c.around(from, from)
		c.totals = slices.Insert(c.totals, i, &Stretch{From: from, Until: until})
	}
	return c.totals[i]
}

// adopt takes the stretch of another cell that is cut alike, which loses it; false
// where there is one already.
func (c *Cell) adopt(s *Stretch) bool {
	i, found := c.find(s.From)
	if !found {
		c.totals = slices.Insert(c.totals, i, s)
	}
	return !found
}

func (s *Stretch) addCount(l *Ledger, o *count) {
	if s.Events == 0 {
		s.First, s.Last = o.first, o.last
	} else {
		if l.Before(o.first, s.First) {
			s.First = o.first
		}
		if l.Before(s.Last, o.last) {
			s.Last = o.last
		}
	}
	s.Events += o.events
	s.Records, s.Bytes = volume(s.Records, o.records), volume(s.Bytes, o.bytes)
}

func (s *Stretch) addPeople(people, grantors *People) {
	uniteInto(&s.People, people)
	uniteInto(&s.Grantors, grantors)
}

// put counts one bucket's worth of events, all of one unit of tier t between
// two cuts.
func (l *Ledger) put(c *Cell, t tier, days uint32, o *count) {
	b := c.bucketOf(t, dateOf(o.first.Time), c.before(o.first.Time))
	l.add(&b.count, o)
	b.days |= days
}

// bucketOf finds or makes the bucket of a date in tier t; from is the cut before
// it. The bucket is to be changed, and valid until the next call.
func (c *Cell) bucketOf(t tier, d date, from access.Instant) *bucket {
	unit, start := unitOf(t, d)
	k := chunkOf(&c.chunks[t], unit)
	k.dirty = true
	return k.bucketAt(t, max(start, from))
}

// crowdOf finds or makes the crowd of a date in tier t, as bucketOf does.
func (c *Cell) crowdOf(t tier, d date, from access.Instant) *crowd {
	unit, start := unitOf(t, d)
	k := chunkOf(&c.chunks[t], unit)
	k.dirty = true
	return k.crowdAt(max(start, from))
}

// gather unites a crowd, which is of no use after that, with the one of its unit
// in tier t.
func (c *Cell) gather(t tier, w *crowd) {
	c.crowdOf(t, dateOf(w.first), c.before(w.first)).take(w)
}

// touch lists the cell for the next save.
func (l *Ledger) touch(c *Cell) {
	if !c.dirty {
		c.dirty = true
		l.dirtyCells = append(l.dirtyCells, c)
	}
}
