package detector

import (
	"math"
	"slices"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

// span is what a number is at least and at most.
type span struct{ low, high uint64 }

// add counts no further than a signed number does, as the ledger.
func (s *span) add(o span) {
	s.low = min(s.low+o.low, math.MaxInt64)
	s.high = min(s.high+o.high, math.MaxInt64)
}

func exactly(n uint64) span { return span{n, n} }

// parted is a Cut stretch, parted where the terms of its pair change. Where in
// it the events lie is known of the first and the last one, and of one on every
// day that had any.
type parted struct {
	*ledger.Stretch
	starts []access.Instant // of the parts in which events can lie; at least two
}

// part the stretch at cuts, which are in rising order. A stretch whose first
// and last event lie between two neighbouring cuts has one part.
func part(s *ledger.Stretch, cuts []access.Instant) parted {
	i, found := slices.BinarySearch(cuts, s.First.Time)
	if found {
		i++
	}
	p := parted{s, []access.Instant{s.First.Time}}
	for ; i < len(cuts) && cuts[i] <= s.Last.Time; i++ {
		p.starts = append(p.starts, cuts[i])
	}
	return p
}

// at is the part that t, between the first and the last event, lies in.
func (p *parted) at(t access.Instant) int {
	i, found := slices.BinarySearch(p.starts, t)
	if found {
		return i
	}
	return i - 1
}

// uniform reports whether all parts are members, and whether none is.
func uniform(member []bool) (all, none bool) {
	return !slices.Contains(member, false), !slices.Contains(member, true)
}

// events that lie in the members.
func (p *parted) events(member []bool) span {
	all, none := uniform(member)
	switch {
	case all:
		return exactly(p.Events)
	case none || p.Events == 0:
		return span{}
	}
	var inside, outside uint64
	count := func(in bool) {
		if in {
			inside++
		} else {
			outside++
		}
	}
	// They are two events: they lie in different parts.
	count(member[0])
	count(member[len(member)-1])
	first, last := p.First.Time.Day(), p.Last.Time.Day()
	p.days(func(d access.Day, i, j int) {
		if d == first || d == last {
			return
		}
		if all, none := uniform(member[i : j+1]); all || none {
			count(all)
		}
	})
	return span{inside, p.Events - outside}
}

// volume that belongs to events that lie in the members.
func volume(n uint64, events, all span) span {
	switch {
	case events == all:
		return exactly(n)
	case events.high == 0:
		return span{}
	}
	return span{0, n}
}

// days yields each day that had an event, and the first and the last part that
// the events of that day can lie in.
func (p *parted) days(yield func(d access.Day, i, j int)) {
	for _, r := range p.Days.Runs() {
		for d := r.First.Day(); d <= r.Last.Day(); d++ {
			from := max(d.Start(), p.First.Time)
			to := min((d+1).Start()-1, p.Last.Time)
			yield(d, p.at(from), p.at(to))
		}
	}
}

// daysIn adds the days with an event in the members: to certain those where it
// is certain, to possible those where it cannot be excluded. It returns the
// first and the last instant at which a certain one can lie; the first is
// access.End where none is certain.
func (p *parted) daysIn(member []bool, certain, possible *ledger.Days) (from, to access.Instant) {
	from, to = access.End, access.Beginning
	firstDay, lastDay := p.First.Time.Day(), p.Last.Time.Day()
	p.days(func(d access.Day, i, j int) {
		all, none := uniform(member[i : j+1])
		if !none || d == firstDay && member[0] || d == lastDay && member[len(member)-1] {
			possible.Add(d.Start())
		}
		if !all && !(d == firstDay && member[0]) && !(d == lastDay && member[len(member)-1]) {
			return
		}
		certain.Add(d.Start())
		from = min(from, max(d.Start(), p.First.Time))
		to = max(to, d.Start())
	})
	return from, to
}
