package ledger

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"sunsetwatch/rules/access"
)

// Served is a number of accesses at times in [From, Until), which lie in one UTC
// day, or in one month where days were not kept, and between two cuts.
type Served struct {
	From, Until access.Instant
	Events      uint64
	Wrong       uint64 // of them; see PiecesOptions.Daily
}

// Served are the accesses of a pair over event time, in rising order and without
// gaps of zeros: by day where Pieces kept days, else by what the buckets tell. It
// is empty where neither was kept.
func (l *Ledger) Served(principal, feature string) []Served {
	pr := l.principals[principal]
	if pr == nil || pr.pairs[feature] == nil {
		return nil
	}
	p := pr.pairs[feature]
	all := p.daily.served()
	if all == nil {
		for _, c := range p.cells {
			if c.attr.Outcome == access.Served && c.attr.Probe == access.NoProbe {
				all = c.served(all)
			}
		}
	}
	slices.SortFunc(all, func(a, b Served) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Until, b.Until)) })
	sums := all[:0]
	for _, s := range all {
		if n := len(sums); n > 0 && sums[n-1].From == s.From && sums[n-1].Until == s.Until {
			sums[n-1].Events += s.Events
			sums[n-1].Wrong += s.Wrong
			continue
		}
		sums = append(sums, s)
	}
	return sums
}

// served appends what the buckets of the cell tell.
func (c *Cell) served(all []Served) []Served {
	add := func(t tier, b *bucket) {
		s := Served{Events: b.events}
		s.From, s.Until = t.span(b.first.Time)
		from, until := c.around(b.first.Time, b.last.Time)
		s.From, s.Until = max(s.From, from), min(s.Until, until)
		all = append(all, s)
	}
	for t := range tiers {
		for i := range c.chunks[t] {
			for n := range c.chunks[t][i].buckets {
				add(tier(t), &c.chunks[t][i].buckets[n])
			}
		}
	}
	for i := range c.cutCounts {
		add(c.cutCounts[i].tier, &c.cutCounts[i].bucket)
	}
	return all
}

// span is the day or month of t, whichever holds what tier t keeps together.
func (t tier) span(at access.Instant) (from, until access.Instant) {
	day := at.Day()
	if t != byMonth {
		return day.Start(), (day + 1).Start()
	}
	m, _ := monthOf(day)
	return m.start().Start(), (m + 1).start().Start()
}

// daily are the accesses of a pair by day, a list for each piece of time and
// verdict: its memory is that of the days on which there was one.
type daily map[dailyKey]*dailyCounts

// dailyKey is a piece: of one pair, some of the same beginning end before others, as
// scope sets may have cuts of their own.
type dailyKey struct {
	from, until access.Instant
	wrong       bool
}

type dailyCounts struct{ days []dayCount } // in rising order

// dayCount is the accesses of a day. More than its number holds stand in others of
// the same day; the first of them has room.
type dayCount struct {
	day access.Day
	n   uint32
}

// of finds or makes the list of a piece.
func (d *daily) of(from, until access.Instant, wrong bool) *dailyCounts {
	if *d == nil {
		*d = daily{}
	}
	k := dailyKey{from, until, wrong}
	if (*d)[k] == nil {
		(*d)[k] = &dailyCounts{}
	}
	return (*d)[k]
}

func (c *dailyCounts) add(day access.Day, n uint32) {
	i := len(c.days) - 1
	if i < 0 || c.days[i].day != day || n > math.MaxUint32-c.days[i].n { // events are mostly in order of time
		found := false
		i, found = slices.BinarySearchFunc(c.days, day, func(x dayCount, day access.Day) int { return cmp.Compare(x.day, day) })
		if !found {
			c.days = slices.Insert(c.days, i, dayCount{day, n})
			return
		}
	}
	if x := &c.days[i]; n <= math.MaxUint32-x.n {
		x.n += n
		return
	}
	c.days = slices.Insert(c.days, i, dayCount{day, n})
}

func (d daily) unite(o daily) daily {
	if d == nil {
		return o
	}
	for k, from := range o {
		to := d.of(k.from, k.until, k.wrong)
		for _, x := range from.days {
			to.add(x.day, x.n)
		}
	}
	return d
}

func (d daily) served() []Served {
	var all []Served
	for k, c := range d {
		for _, x := range c.days {
			s := Served{From: max(x.day.Start(), k.from), Until: min((x.day + 1).Start(), k.until), Events: uint64(x.n)}
			if k.wrong {
				s.Wrong = s.Events
			}
			all = append(all, s)
		}
	}
	return all
}

// AppendDaily appends the accesses by day of all pairs, beside what else is saved
// of Pieces.
func (l *Ledger) AppendDaily(b []byte) []byte {
	pairs := 0
	for _, pr := range l.principals {
		for _, p := range pr.pairs {
			if p.daily != nil {
				pairs++
			}
		}
	}
	b = binary.AppendUvarint(b, uint64(pairs))
	for _, pr := range l.principals {
		for _, p := range pr.pairs {
			if p.daily == nil {
				continue
			}
			b = appendString(b, pr.name)
			b = appendString(b, p.feature)
			b = binary.AppendUvarint(b, uint64(len(p.daily)))
			for k, c := range p.daily {
				wrong := uint64(0)
				if k.wrong {
					wrong = 1
				}
				b = binary.AppendVarint(b, int64(k.from))
				b = binary.AppendVarint(b, int64(k.until))
				b = binary.AppendUvarint(b, wrong)
				b = binary.AppendUvarint(b, uint64(len(c.days)))
				before := access.Day(0)
				for _, x := range c.days {
					b = binary.AppendVarint(b, int64(x.day-before))
					b = binary.AppendUvarint(b, uint64(x.n))
					before = x.day
				}
			}
		}
	}
	return b
}

// LoadDaily adds what AppendDaily appended to a ledger of the same terms.
func (l *Ledger) LoadDaily(data []byte) error {
	d := &decoder{b: data}
	for range d.count() {
		p := l.pairOf(l.principalOf(d.string()), d.string())
		for range d.count() {
			from, until := access.Instant(d.varint()), access.Instant(d.varint())
			c := p.daily.of(from, until, d.uvarint() != 0)
			day := access.Day(0)
			for range d.count() {
				day += access.Day(d.varint())
				n := d.uvarint()
				if n > math.MaxUint32 {
					d.fail("more accesses of a day than one number holds")
				}
				if d.err != nil {
					return d.end()
				}
				c.add(day, uint32(n))
			}
		}
		if d.err != nil {
			break
		}
	}
	return d.end()
}
