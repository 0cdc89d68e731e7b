package detector

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sort"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

// Arrivals say when events happened: the first and the last one of each stretch of
// event time, which ends with its UTC day and at each instant that is watched. So
// their size depends on the time that events span, not on their number. Like facts
// they add up, in any order.
//
// Concurrency: one goroutine.
type Arrivals struct {
	watch   []access.Instant // in rising order
	sources map[ledger.Source]map[access.Instant]*period
	current map[access.Instant]*period // of the source at hand
	from    access.Instant             // the stretch at hand
	until   access.Instant
	at      *period
	sorted  map[ledger.Source][]period // nil: to be sorted anew
	all     []period
}

// period is the first and the last event of a stretch that begins at start.
type period struct{ start, first, last access.Instant }

// NewArrivals watches instants, which are in rising order.
func NewArrivals(watch []access.Instant) *Arrivals {
	return &Arrivals{watch: watch, sources: map[ledger.Source]map[access.Instant]*period{}, from: access.End, until: access.Beginning}
}

// sourceOf is what s is judged as: all files are one source.
func sourceOf(s ledger.Source) ledger.Source {
	if s.Topic == "" {
		return ledger.Source{Name: ledger.Files}
	}
	return s
}

// From says which source the events that follow come from.
func (a *Arrivals) From(s ledger.Source) {
	s = sourceOf(s)
	if a.sources[s] == nil {
		a.sources[s] = map[access.Instant]*period{}
	}
	a.current, a.from, a.until = a.sources[s], access.End, access.Beginning
}

// Add notes an event.
func (a *Arrivals) Add(t access.Instant) {
	if t < a.from || t >= a.until {
		a.from, a.until = a.around(t)
		a.sorted = nil
		if a.at = a.current[a.from]; a.at == nil {
			a.at = &period{a.from, t, t}
			a.current[a.from] = a.at
		}
	}
	a.at.first, a.at.last = min(a.at.first, t), max(a.at.last, t)
}

// around is the stretch that t lies in.
func (a *Arrivals) around(t access.Instant) (from, until access.Instant) {
	from, until = t.Day().Start(), (t.Day() + 1).Start()
	i := sort.Search(len(a.watch), func(i int) bool { return a.watch[i] > t })
	if i > 0 {
		from = max(from, a.watch[i-1])
	}
	if i < len(a.watch) {
		until = min(until, a.watch[i])
	}
	return from, until
}

// Absorb adds what o noted, which watches the same.
func (a *Arrivals) Absorb(o *Arrivals) {
	a.sorted = nil
	for source, stretches := range o.sources {
		to := a.sources[source]
		if to == nil {
			to = map[access.Instant]*period{}
			a.sources[source] = to
		}
		for start, s := range stretches {
			if t := to[start]; t != nil {
				t.first, t.last = min(t.first, s.first), max(t.last, s.last)
			} else {
				to[start] = s
			}
		}
	}
}

// sort makes what is asked of.
func (a *Arrivals) sort() {
	if a.sorted != nil {
		return
	}
	a.sorted = map[ledger.Source][]period{}
	merged := map[access.Instant]period{}
	byStart := func(x, y period) int { return cmp.Compare(x.start, y.start) }
	for source, stretches := range a.sources {
		var list []period
		for start, s := range stretches {
			list = append(list, *s)
			m, met := merged[start]
			if !met {
				m = *s
			}
			m.first, m.last = min(m.first, s.first), max(m.last, s.last)
			merged[start] = m
		}
		slices.SortFunc(list, byStart)
		a.sorted[source] = list
	}
	a.all = slices.SortedFunc(maps.Values(merged), byStart)
}

// Next is the first event at or after t, access.End where there is none. It is
// exact, but where t lies between two events of a stretch: then it is the last
// event of that stretch, and some may lie before it.
func (a *Arrivals) Next(t access.Instant) (first access.Instant, exact bool) {
	a.sort()
	return next(a.all, t)
}

func next(list []period, t access.Instant) (first access.Instant, exact bool) {
	i := sort.Search(len(list), func(i int) bool { return list[i].last >= t })
	switch {
	case i == len(list):
		return access.End, true
	case list[i].first < t:
		return list[i].last, list[i].last == t
	}
	return list[i].first, true
}

// passed is when every source that had an event before t had one at or after it;
// exact as Next is.
func (a *Arrivals) passed(t access.Instant) (at access.Instant, exact bool) {
	a.sort()
	at, exact = access.Beginning, true
	for _, list := range a.sorted {
		if len(list) == 0 || list[0].first >= t {
			continue
		}
		first, certain := next(list, t)
		at, exact = max(at, first), exact && certain
	}
	return at, exact
}

// Before is the last event before t, access.Beginning where there is none. It is
// exact as Next is.
func (a *Arrivals) Before(t access.Instant) (last access.Instant, exact bool) {
	a.sort()
	return lastBefore(a.all, t)
}

func lastBefore(list []period, t access.Instant) (last access.Instant, exact bool) {
	i := sort.Search(len(list), func(i int) bool { return list[i].first >= t })
	if i == 0 {
		return access.Beginning, true
	}
	if s := list[i-1]; s.last >= t {
		return s.first, false
	}
	return list[i-1].last, true
}

// judged says how far each source was judged before t. One that had no event yet is
// none: nobody knew of it.
func (a *Arrivals) judged(t access.Instant, all []ledger.Judged) []ledger.Judged {
	if t == access.End {
		return all
	}
	a.sort()
	var then []ledger.Judged
	for _, j := range all {
		if j.To, _ = lastBefore(a.sorted[sourceOf(j.Source)], t); j.To != access.Beginning {
			then = append(then, j)
		}
	}
	return then
}

// Append appends what was noted, for LoadArrivals.
func (a *Arrivals) Append(b []byte) []byte {
	a.sort()
	b = binary.AppendUvarint(b, uint64(len(a.sorted)))
	for source, list := range a.sorted {
		for _, text := range []string{source.Name, source.Topic} {
			b = binary.AppendUvarint(b, uint64(len(text)))
			b = append(b, text...)
		}
		b = binary.AppendVarint(b, int64(source.Partition))
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, s := range list {
			for _, t := range []access.Instant{s.start, s.first, s.last} {
				b = binary.BigEndian.AppendUint64(b, uint64(t))
			}
		}
	}
	return b
}

var errArrivals = errors.New("saved arrivals are damaged")

// LoadArrivals takes up what Append appended; watch is what it watched.
func LoadArrivals(b []byte, watch []access.Instant) (*Arrivals, error) {
	a := NewArrivals(watch)
	ok := true
	number := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			ok = false
			return 0
		}
		b = b[n:]
		return v
	}
	text := func() string {
		n := number()
		if n > uint64(len(b)) {
			ok = false
			return ""
		}
		s := string(b[:n])
		b = b[n:]
		return s
	}
	for range number() {
		source := ledger.Source{Name: text(), Topic: text()}
		v, n := binary.Varint(b)
		if n <= 0 {
			return nil, errArrivals
		}
		source.Partition, b = int32(v), b[n:]
		list := map[access.Instant]*period{}
		for range number() {
			if len(b) < 24 {
				return nil, errArrivals
			}
			at := func(i int) access.Instant { return access.Instant(binary.BigEndian.Uint64(b[8*i:])) }
			list[at(0)] = &period{at(0), at(1), at(2)}
			b = b[24:]
		}
		if !ok {
			return nil, errArrivals
		}
		a.sources[source] = list
	}
	if !ok || len(b) > 0 {
		return nil, errArrivals
	}
	return a, nil
}
