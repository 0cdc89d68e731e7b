package ledger

import (
	"slices"
	"sort"

	"sunsetwatch/rules/access"
)

// recut replaces the instants at which the cell's time is cut. A stretch whose
// ends were both cuts before keeps its exact total. Any other is summed up from
// the buckets; those that a new cut divides are put aside and show as Cut
// stretches, until a later set of cuts leaves them whole.
func (l *Ledger) recut(c *Cell, cuts []access.Instant) {
	if slices.Equal(c.cuts, cuts) {
		return
	}
	oldCuts, oldTotals := c.cuts, c.totals
	oldChunks, oldCounts, oldCrowds := c.chunks, c.cutCounts, c.cutCrowds
	c.cuts, c.totals = cuts, nil
	c.chunks, c.cutCounts, c.cutCrowds = [tiers][]chunk{}, nil, nil
	c.dirtyHead = true
	l.touch(c)

	isOld := func(t access.Instant) bool {
		if t == access.Beginning || t == access.End {
			return true
		}
		_, found := slices.BinarySearch(oldCuts, t)
		return found
	}
	kept := func(at access.Instant) bool { // the stretch around at keeps exact totals
		from, until := c.around(at, at)
		return isOld(from) && isOld(until)
	}
	for _, s := range oldTotals {
		at := s.From
		if s.From == access.Beginning {
			at = s.First.Time
		}
		if kept(at) {
			l.unite(c.total(c.before(at)), s)
		}
	}
	count := func(t tier, b *bucket, wasCut bool) {
		if !c.whole(b.first.Time, b.last.Time) {
			c.cutCounts = append(c.cutCounts, cutCount{t, *b})
			return
		}
		l.put(c, t, b.days, &b.count)
		if wasCut || !kept(b.first.Time) {
			s := c.total(c.before(b.first.Time))
			s.addCount(l, &b.count)
			if wasCut {
				b.dayRuns(t, &s.Days)
				return
			}
			// A bucket lies whole in one of the old totals, which knows its silences.
			days := around(oldTotals, b.first.Time).Days.within(b.first.Time, b.last.Time)
			s.Days.Union(&days)
		}
	}
	crowd := func(t tier, w *crowd, wasCut bool) {
		// People whose events are all in a bucket that is cut stay aside with it.
		if _, found := c.find(c.before(w.first)); !found || !c.whole(w.first, w.last) {
			c.cutCrowds = append(c.cutCrowds, cutCrowd{t, *w})
			return
		}
		if wasCut || !kept(w.first) {
			c.total(c.before(w.first)).addPeople(w.people, w.grantors)
		}
		c.gather(t, w)
	}
	for t := range tiers {
		for n := range oldChunks[t] {
			k := &oldChunks[t][n]
			for i := range k.buckets {
				count(tier(t), &k.buckets[i], false)
			}
			c.drop(tier(t), k) // it may be empty now
		}
	}
	for i := range oldCounts {
		count(oldCounts[i].tier, &oldCounts[i].bucket, true)
	}
	for t := range tiers {
		for n := range oldChunks[t] {
			for i := range oldChunks[t][n].crowds {
				crowd(tier(t), &oldChunks[t][n].crowds[i], false)
			}
		}
	}
	for i := range oldCrowds {
		crowd(oldCrowds[i].tier, &oldCrowds[i].crowd, true)
	}
}

// around is the total of a list in rising order that t lies in, which there is.
func around(totals []*Stretch, t access.Instant) *Stretch {
	return totals[sort.Search(len(totals), func(i int) bool { return totals[i].Until > t })]
}

// unite adds the exact total o to s.
func (l *Ledger) unite(s, o *Stretch) {
	s.addCount(l, &count{o.Events, o.Records, o.Bytes, o.First, o.Last})
	s.Days.Union(&o.Days)
	s.addPeople(o.People, o.Grantors)
}
