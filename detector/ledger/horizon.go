package ledger

import (
	"slices"

	"sunsetwatch/rules/access"
)

// How long facts stay fine, counted back from the latest event time. A unit is
// rolled up whole, so that facts stay fine a little longer than this.
const (
	keepMinutes    = 48 * access.Hour
	keepDays       = 400 * access.OneDay
	keepPeopleDays = 35 * access.OneDay
)

// horizon says which tier a day's facts belong to at one latest event time.
type horizon struct {
	minutes access.Day // days from this on are counted by the minute
	days    month      // months from this on are counted by the day
	people  month      // months from this on have people by the day
}

func horizonAt(latest access.Instant) horizon {
	var h horizon
	h.minutes = (latest - keepMinutes).Day()
	h.days, _ = monthOf((latest - keepDays).Day())
	h.people, _ = monthOf((latest - keepPeopleDays).Day())
	return h
}

func (h *horizon) tierAt(d date) tier {
	switch {
	case d.day >= h.minutes:
		return byMinute
	case d.month >= h.days:
		return byDay
	}
	return byMonth
}

func (h *horizon) peopleTierAt(d date) tier {
	if d.month >= h.people {
		return peopleByDay
	}
	return peopleByMonth
}

// rollUp merges what the horizon has passed into coarser buckets. What totals
// hold does not change.
func (l *Ledger) rollUp(c *Cell) {
	h := &l.horizon
	if c.horizon == *h {
		return
	}
	c.horizon = *h
	l.rollCounts(c, byMinute, func(unit int32) bool { return dayOfHour(unit) < h.minutes })
	l.rollCounts(c, byDay, func(unit int32) bool { return month(unit) < h.days })
	n := 0
	for list, from := c.chunks[peopleByDay], h.people.start(); n < len(list) && access.Day(list[n].unit) < from; n++ {
		for i := range list[n].crowds {
			c.gather(peopleByMonth, &list[n].crowds[i])
		}
	}
	l.dropChunks(c, peopleByDay, n)
}

func (l *Ledger) rollCounts(c *Cell, from tier, passed func(unit int32) bool) {
	n := 0
	for list := c.chunks[from]; n < len(list) && passed(list[n].unit); n++ {
		for i := range list[n].buckets {
			o := &list[n].buckets[i].count
			d := dateOf(o.first.Time)
			to := l.horizon.tierAt(d)
			b := c.bucketOf(to, d, c.before(d.at))
			l.add(&b.count, o)
			b.days |= dayMask(to, d)
		}
	}
	l.dropChunks(c, from, n)
}

// dropChunks forgets the first n chunks of a tier, in memory and at the next
// save.
func (l *Ledger) dropChunks(c *Cell, t tier, n int) {
	if n == 0 {
		return
	}
	for i := range c.chunks[t][:n] {
		c.drop(t, &c.chunks[t][i])
	}
	c.chunks[t] = slices.Delete(c.chunks[t], 0, n)
	l.touch(c)
}

// drop forgets the saved form of a chunk at the next save.
func (c *Cell) drop(t tier, k *chunk) {
	if k.saved {
		c.dropped = append(c.dropped, chunkKey{t, k.unit})
	}
}

// dayMask is the bit of a day in its month, for the month tier.
func dayMask(t tier, d date) uint32 {
	if t != byMonth {
		return 0
	}
	return 1 << d.dayOfMonth
}
