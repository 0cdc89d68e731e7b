package ledger

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"sunsetwatch/rules/access"
)

// scopedCuts cut the time of scope sets with "c" more often.
type scopedCuts struct{ all, more cutTerms }

func (s scopedCuts) Instants(principal, feature string, scopes []string) []access.Instant {
	if !slices.Contains(scopes, "c") {
		return s.all
	}
	both := slices.Concat(s.all, s.more)
	slices.Sort(both)
	return slices.Compact(both)
}

func (s scopedCuts) KnownPrincipal(name string) bool { return name != "app-2" }
func (s scopedCuts) KnownFeature(string) bool        { return true }

// What is asked for in full is the same as without Together, and of the rest so is
// what is left of it.
func TestPiecesTogether(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 4))
		span := spans(r)
		log := randomLog(r, 200+r.IntN(1500), span)
		cuts := scopedCuts{randomCuts(r, span), randomCuts(r, span)}
		salt := r.Uint64()
		verdict := func(c *Cell, at access.Instant) Verdict {
			from, _ := c.around(at, at)
			h := salt + uint64(from)*31 + uint64(c.attr.Operation)*7 + uint64(c.attr.Relation)*3 + uint64(len(c.scopes)+len(c.Principal()))
			if h *= 0x9e3779b97f4a7c15; h>>62 > 0 {
				return Lawful
			}
			return 1 + Verdict(h>>60&1)
		}
		wrong := func(c *Cell, at access.Instant) bool { return verdict(c, at) != Lawful }
		type rest struct {
			events      uint64
			first, last access.Instant
		}
		// crowd is what is asked for together.
		type crowd struct {
			people, grantors People
			days             Days
		}
		// split tells what was asked for in full from the rest, by pair and outcome.
		split := func(l *Ledger) (map[string]sums, map[string]*crowd, map[string]rest, map[string][]Served) {
			all, _, _ := facts(l)
			for n, s := range all {
				s.people, s.peopleExact, s.grantors, s.grantorsExact, s.days = 0, false, 0, false, 0
				for _, id := range []*SourceID{&s.first.Source, &s.last.Source} { // as they are met, they are numbered
					name := l.sources[*id].Name
					*id = SourceID(name[len(name)-1])
				}
				all[n] = s
			}
			crowds, lawful, daily := map[string]*crowd{}, map[string]rest{}, map[string][]Served{}
			for _, c := range l.cells {
				daily[c.Principal()+" "+c.Feature()] = l.Served(c.Principal(), c.Feature())
				for s := range c.Stretches() {
					if v := verdict(c, s.First.Time); v != Lawful {
						n := fmt.Sprint(c.Principal(), c.Feature(), s.From, s.Until, v, c.attr.Relation, c.attr.Outcome == access.Served, c.attr.Probe)
						if crowds[n] == nil {
							crowds[n] = &crowd{}
						}
						crowds[n].people.Union(s.People)
						crowds[n].grantors.Union(s.Grantors)
						crowds[n].days.Union(&s.Days)
						continue
					}
					delete(all, nameOf(c.Principal(), c.Feature(), c.Scopes(), c.Attributes(), s.From))
					n := fmt.Sprint(c.Principal(), c.Feature(), c.attr.Outcome == access.Served)
					x, met := lawful[n]
					if !met {
						x.first, x.last = access.End, access.Beginning
					}
					lawful[n] = rest{x.events + s.Events, min(x.first, s.First.Time), max(x.last, s.Last.Time)}
				}
			}
			return all, crowds, lawful, daily
		}
		o := PiecesOptions{People: verdict, Daily: wrong}
		if seed%2 == 0 {
			o.Daily = nil
		}
		want, wantCrowds, wantRest, wantDaily := split(pieced(rand.New(rand.NewPCG(seed, 5)), log, cuts, o))
		o.Together = true
		for name, l := range map[string]*Ledger{
			"events":  pieced(rand.New(rand.NewPCG(seed, 5)), log, cuts, o),
			"columns": columned(rand.New(rand.NewPCG(seed, 5)), log, cuts, o),
		} {
			got, gotCrowds, gotRest, gotDaily := split(l)
			equalSums(t, got, want)
			for n, w := range wantCrowds {
				g := gotCrowds[n]
				if g == nil || !bytes.Equal(g.people.append(nil), w.people.append(nil)) || !bytes.Equal(g.grantors.append(nil), w.grantors.append(nil)) || !slices.Equal(g.days.runs, w.days.runs) {
					t.Errorf("%s: people and days are others", n)
				}
			}
			if fmt.Sprint(gotRest) != fmt.Sprint(wantRest) {
				t.Errorf("lawful\n got %v\nwant %v", gotRest, wantRest)
			}
			if fmt.Sprint(gotDaily) != fmt.Sprint(wantDaily) {
				t.Errorf("by day\n got %v\nwant %v", gotDaily, wantDaily)
			}
			if t.Failed() {
				t.Fatalf("%s, seed %d", name, seed)
			}
		}
	}
}

// columned counts a log by column, with several workers, each of which has parts of
// it in any order, and adds up what they counted.
func columned(r *rand.Rand, log []happening, cuts Terms, o PiecesOptions) *Ledger {
	bySource := map[int][]happening{}
	for _, h := range log {
		bySource[h.source] = append(bySource[h.source], h)
	}
	var parts [][]happening
	for _, source := range slices.Sorted(maps.Keys(bySource)) {
		for all := bySource[source]; len(all) > 0; {
			n := min(len(all), 1+r.IntN(300))
			parts, all = append(parts, all[:n]), all[n:]
		}
	}
	r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	workers := make([]*byColumn, 1+r.IntN(3))
	for i := range workers {
		workers[i] = &byColumn{numbers: map[string]uint32{}}
		workers[i].ledger = New(Options{Terms: cuts})
		workers[i].pieces = workers[i].ledger.NewPieces(o)
		workers[i].columns = workers[i].pieces.NewColumns(workers[i].describe)
	}
	for _, part := range parts {
		w := workers[r.IntN(len(workers))]
		w.pieces.From(Source{Name: fmt.Sprintf("events/%d", part[0].source)})
		if r.IntN(3) == 0 { // whoever gives numbers begins anew, as a reader does that was forgotten
			w.numbers, w.pairs, w.like = map[string]uint32{}, nil, nil
			w.columns = w.pieces.NewColumns(w.describe)
		}
		for len(part) > 0 {
			n := min(len(part), 1+r.IntN(80))
			w.add(r, part[:n])
			part = part[n:]
		}
		w.columns.Flush()
	}
	all := workers[0].ledger
	for _, w := range workers[1:] {
		all.Absorb(w.ledger)
	}
	return all
}

// byColumn numbers what events have in common.
type byColumn struct {
	ledger      *Ledger
	pieces      *Pieces
	columns     *Columns
	numbers     map[string]uint32
	pairs, like []*access.Event
}

func (w *byColumn) number(all *[]*access.Event, key string, ev *access.Event) uint32 {
	n, met := w.numbers[key]
	if !met {
		n = uint32(len(*all))
		w.numbers[key], *all = n, append(*all, ev)
	}
	return n
}

func (w *byColumn) describe(ev *access.Event, pair, like uint32) {
	*ev = *w.like[like]
	ev.Principal, ev.Feature = w.pairs[pair].Principal, w.pairs[pair].Feature
}

// add counts a batch. The same pair may have two numbers, and batches are looked at
// beforehand where others were counted already.
func (w *byColumn) add(r *rand.Rand, batch []happening) {
	first := batch[0].offset
	var pairs, likes []uint32
	var times []access.Instant
	var rows []int32
	for _, h := range batch {
		ev := h.event()
		pairs = append(pairs, w.number(&w.pairs, fmt.Sprint("pair", h.principal, h.feature, r.IntN(2)), ev))
		likes = append(likes, w.number(&w.like, fmt.Sprint("like", h.scopes, h.attr.Operation, h.attr.Outcome), ev))
		times, rows = append(times, h.time), append(rows, int32(h.offset-first))
	}
	w.columns.Grow(len(w.pairs), len(w.like))
	var sifted []int32
	if r.IntN(4) == 0 {
		sifted = w.columns.Sift(pairs, likes, times, []int32{})
	}
	rest := w.columns.Count(pairs, likes, times, first, rows, []int32{})
	if sifted != nil && !slices.Equal(sifted, rest) {
		panic(fmt.Sprint(sifted, " is not what was counted: ", rest))
	}
	for _, i := range rest {
		ev := batch[i].event()
		w.columns.Add(&Row{pairs[i], likes[i], ev.Time, ev.Records, ev.Bytes, ev.Subject, ev.Grantor}, access.Position{Offset: batch[i].offset})
	}
}

// Where people are not known, events are lawful if they are for anybody.
func TestAlikeOfAnybody(t *testing.T) {
	l := New(Options{Terms: cutTerms{}})
	p := l.NewPieces(PiecesOptions{Together: true, People: func(c *Cell, _ access.Instant) Verdict {
		if c.Attributes().Operation == access.Write && c.Attributes().Relation == access.ThirdParty {
			return 1
		}
		return Lawful
	}})
	p.From(Source{Name: "events/0"})
	h := happening{time: 1, principal: "app", feature: "f", subject: "u"}
	columns := p.NewColumns(func(ev *access.Event, _, _ uint32) { *ev = *h.event() })
	columns.Grow(1, int(access.Write)+1)
	for operation, want := range map[access.Operation]bool{access.Read: true, access.Write: false} {
		h.attr.Operation = operation
		a, ok := columns.alike(0, uint32(operation))
		if !ok || p.lawful(&a, h.time) != want {
			t.Errorf("%s for anybody: want %t", operation, want)
		}
		if a, ok := p.alikeOf(h.event(), access.Self); !ok || !p.lawful(&a, h.time) {
			t.Errorf("%s for herself is not lawful", operation)
		}
	}
}

func TestColumnsAllocateNothing(t *testing.T) {
	l := New(Options{Terms: cutTerms{}})
	p := l.NewPieces(PiecesOptions{Together: true, People: func(c *Cell, _ access.Instant) Verdict {
		if c.attr.Operation == access.Read {
			return Lawful
		}
		return 1
	}})
	p.From(Source{Name: "events/0"})
	h := happening{principal: "app", feature: "f", scopes: []string{"a"}, subject: "u", grantor: "g"}
	c := p.NewColumns(func(ev *access.Event, _, like uint32) {
		*ev = *h.event()
		ev.Operation = []access.Operation{access.Read, access.Write}[like]
	})
	c.Grow(1, 2)
	const n = 512
	pairs, likes, times, rows := make([]uint32, n), make([]uint32, n), make([]access.Instant, n), make([]int32, n)
	for i := range n {
		likes[i], rows[i] = uint32(i&1), int32(i)
	}
	rest, offset := make([]int32, 0, n), int64(0)
	row := Row{Like: 1, Subject: []byte("u"), Grantor: []byte("g")}
	if got := testing.AllocsPerRun(100, func() {
		for i := range times {
			times[i] = access.Instant(offset) + access.Instant(i)
		}
		rest = c.Count(pairs, likes, times, offset, rows, rest[:0])
		for _, i := range rest {
			row.Time = times[i]
			c.Add(&row, access.Position{Offset: offset + int64(i)})
		}
		offset += n
	}); got != 0 || len(rest) != n/2 {
		t.Errorf("%v allocations for %d events, of which %d are the rest", got, n, len(rest))
	}
}
