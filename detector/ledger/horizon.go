package ledger

import "sunsetwatch/rules/access"

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

func (h *horizon) tierOf(d access.Day) tier {
	if d >= h.minutes {
		return byMinute
	}
	if m, _ := monthOf(d); m >= h.days {
		return byDay
	}
	return byMonth
}

func (h *horizon) peopleTierOf(d access.Day) tier {
	if m, _ := monthOf(d); m >= h.people {
		return peopleByDay
	}
	return peopleByMonth
}

// rollUp merges what the horizon has passed into coarser buckets. What totals
// hold does not change.
func (l *Ledger) rollUp(c *Cell) {
	h := &l.horizon
	l.rollCounts(c, byMinute, func(unit int32) bool { return access.Day(unit) < h.minutes })
	l.rollCounts(c, byDay, func(unit int32) bool { return month(unit) < h.days })
	for n, k := range c.chunks[peopleByDay] {
		if month(k.unit) >= h.people {
			c.chunks[peopleByDay] = dropChunks(l, c, peopleByDay, n)
			return
		}
		for _, w := range k.crowds {
			c.crowdOf(peopleByMonth, w.first).union(w)
		}
	}
	c.chunks[peopleByDay] = dropChunks(l, c, peopleByDay, len(c.chunks[peopleByDay]))
}

func (l *Ledger) rollCounts(c *Cell, from tier, passed func(unit int32) bool) {
	n := 0
	for _, k := range c.chunks[from] {
		if !passed(k.unit) {
			break
		}
		n++
		for i := range k.buckets {
			b := &k.buckets[i]
			to := l.horizon.tierOf(b.first.Time.Day())
			l.put(c, to, dayMask(to, b.first.Time), &b.count)
		}
	}
	c.chunks[from] = dropChunks(l, c, from, n)
}

// dropChunks forgets the first n chunks of a tier, in memory and at the next
// save.
func dropChunks(l *Ledger, c *Cell, t tier, n int) []*chunk {
	list := c.chunks[t]
	if n == 0 {
		return list
	}
	for _, k := range list[:n] {
		c.dropped = append(c.dropped, chunkKey{t, k.unit})
	}
	l.touch(c)
	rest := make([]*chunk, len(list)-n)
	copy(rest, list[n:])
	return rest
}

// dayMask is the bit of a day in its month, for the month tier.
func dayMask(t tier, at access.Instant) uint32 {
	if t != byMonth {
		return 0
	}
	_, n := monthOf(at.Day())
	return 1 << n
}
