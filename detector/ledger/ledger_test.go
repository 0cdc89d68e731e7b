package ledger

import (
	"math/rand/v2"
	"testing"
	"time"

	"sunsetwatch/rules/access"
)

func timeParse(s string) (time.Time, error) { return time.Parse(time.RFC3339, s) }

// With the instants known beforehand, the ledger equals a count from scratch:
// for any interleaving of sources, size of batches, age and lateness, and with
// restarts in between.
func TestLedgerEqualsCountFromScratch(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		span := spans(r)
		log := randomLog(r, 200+r.IntN(1500), span)
		cuts := randomCuts(r, span)
		saved := Changes{}
		l := deliver(t, r, New(Options{Terms: cuts}), log, func(l *Ledger) *Ledger {
			if r.IntN(5) > 0 {
				return l
			}
			return reopen(t, l, saved, cuts)
		})
		kept, duplicates := counted(log)
		got, cut, _ := facts(l)
		if len(cut) > 0 {
			t.Fatalf("seed %d: %d stretches are cut although every instant was known", seed, len(cut))
		}
		equalSums(t, got, truth(l, kept, cuts))
		var c, d uint64
		for _, s := range l.Sources() {
			c += s.Counted
			d += s.Duplicate
			if s.Earlier+uint64(s.Next-s.Start) != s.Coverage.Offsets() || s.Coverage.Events != s.Counted+s.Duplicate {
				t.Fatalf("seed %d: the equations do not hold: %+v", seed, s)
			}
		}
		if int(c) != len(kept) || int(d) != duplicates {
			t.Fatalf("seed %d: counted %d and %d duplicates, want %d and %d", seed, c, d, len(kept), duplicates)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// reopen saves l and loads it again.
func reopen(t *testing.T, l *Ledger, saved Changes, terms Terms) *Ledger {
	t.Helper()
	changes := Changes{}
	l.TakeChanges(changes)
	for k, v := range changes {
		if v == nil {
			delete(saved, k)
		} else {
			saved[k] = v
		}
	}
	o := NewLoader(Options{})
	for _, kind := range []byte{keyLatest, keyImport, keySource, keyWindow, keyCell, keyChunk} {
		for k, v := range saved {
			if k[0] == kind {
				if err := o.Load([]byte(k), v); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	loaded, err := o.Ledger(terms)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// When instants become known late, what is exact is right, and what is cut lies
// where it says.
func TestLateCuts(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		span := spans(r)
		log := randomLog(r, 200+r.IntN(1500), span)
		cuts := randomCuts(r, span)
		saved := Changes{}
		l := deliver(t, r, New(Options{Terms: cuts}), log, func(l *Ledger) *Ledger {
			switch r.IntN(8) {
			case 0:
				cuts = randomCuts(r, span)
				l.SetTerms(cuts)
			case 1:
				return reopen(t, l, saved, cuts)
			}
			return l
		})
		cuts = randomCuts(r, span)
		l.SetTerms(cuts)
		kept, _ := counted(log)
		want := truth(l, kept, cuts)
		got, cut, cutOf := facts(l)
		// What is cut, spread over the stretches that it may lie in.
		high := map[string]uint64{}
		for i, s := range cut {
			c := cutOf[i]
			if s.From != c.before(s.First.Time) || s.First.Time > s.Last.Time || s.Last.Time >= s.Until {
				t.Fatalf("seed %d: a cut stretch [%s, %s) with facts from %s to %s", seed, s.From, s.Until, s.First.Time, s.Last.Time)
			}
			for from := s.From; ; {
				high[nameOf(c.Principal(), c.Feature(), c.Scopes(), c.Attributes(), from)] += s.Events
				_, until := c.around(from, from)
				if from = until; from >= s.Until {
					break
				}
			}
		}
		var total, exact uint64
		for n, w := range want {
			g := got[n]
			if w.events < g.events || w.events > g.events+high[n] {
				t.Fatalf("seed %d: %s: %d events are not in [%d, %d]", seed, n, w.events, g.events, g.events+high[n])
			}
			if high[n] == 0 && (g.events != w.events || g.records != w.records || g.first != w.first || g.last != w.last || g.days != w.days) {
				t.Fatalf("seed %d: %s\n got %+v\nwant %+v", seed, n, g, w)
			}
			if g.people > w.people || g.grantors > w.grantors {
				t.Fatalf("seed %d: %s: %d people, but there were %d", seed, n, g.people, w.people)
			}
			total += w.events
		}
		for _, g := range got {
			exact += g.events
		}
		for _, s := range cut {
			exact += s.Events
		}
		if exact != total {
			t.Fatalf("seed %d: %d events in all, want %d", seed, exact, total)
		}
	}
}

// Taking the same cuts away again gives the exact numbers back.
func TestCutTakenBack(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	log := randomLog(r, 3000, 3000*access.OneDay)
	l := deliver(t, r, New(Options{Terms: cutTerms{}}), log, nil)
	before, _, _ := facts(l)
	l.SetTerms(randomCuts(r, 3000*access.OneDay))
	if _, cut, _ := facts(l); len(cut) == 0 {
		t.Fatal("no bucket was cut: the test shows nothing")
	}
	l.SetTerms(cutTerms{})
	after, cut, _ := facts(l)
	if len(cut) != 0 {
		t.Fatalf("%d stretches are still cut", len(cut))
	}
	equalSums(t, after, before)
}

func TestWindow(t *testing.T) {
	ev := func(id, subject string) seen {
		f := newFold(0, Key{})
		e := &access.Event{Principal: []byte("p"), Feature: []byte("f"), ID: []byte(id), Subject: []byte(subject)}
		f.Add(e, access.Position{})
		f.settle()
		return f.seen[0]
	}
	var w window
	add := func(s seen, duplicate, conflict bool) {
		t.Helper()
		if d, c := w.add(s); d != duplicate || c != conflict {
			t.Fatalf("event %d: duplicate %v, conflict %v; want %v, %v", w.next-1, d, c, duplicate, conflict)
		}
	}
	a, b := ev("1", "u"), ev("1", "v")
	add(seen{}, false, false)
	add(a, false, false)
	add(a, true, false)
	add(b, false, true) // same id, other content: another event
	add(a, true, false)
	for range Window - 1 {
		add(seen{}, false, false)
	}
	add(a, true, false) // exactly Window events later
	for range Window {
		add(seen{}, false, false)
	}
	add(a, false, false) // one more
}

// The window agrees with a search through the last Window events.
func TestWindowEqualsSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	var w window
	var all []seen
	for range 4 * Window {
		var s seen
		if r.IntN(10) > 0 {
			s.id = 1 + r.Uint64N(90_000)
			s.event = s.id*3 + r.Uint64N(2)
		}
		d, c := w.add(s)
		all = append(all, s)
		if r.IntN(2000) > 0 {
			continue
		}
		var dup, conflict bool
		for _, o := range all[max(0, len(all)-1-Window) : len(all)-1] {
			dup = dup || s.id != 0 && o.event == s.event
			conflict = conflict || s.id != 0 && o.id == s.id
		}
		if d != dup || c != (conflict && !dup) {
			t.Fatalf("event %d: got %v, %v; want %v, %v", len(all), d, c, dup, conflict && !dup)
		}
	}
}

// Ids that share a line, and even all that a slot holds of them, are told apart.
func TestIDsOfOneLine(t *testing.T) {
	var alike []uint64
	line, tag := lineOf(1)
	inverse := uint64(1) // of the factor of lineOf, by Newton's method
	for range 6 {
		inverse *= 2 - 0x9e3779b97f4a7c15*inverse
	}
	for n := range uint64(3 * idSlots) {
		id := (1*0x9e3779b97f4a7c15&^0xffff | n + 1) * inverse
		if l, g := lineOf(id); l != line || g != tag {
			t.Fatalf("id %x is in line %d under %x", id, l, g)
		}
		alike = append(alike, id)
	}
	var w window
	for turn := range 3 {
		for i, id := range alike {
			if d, c := w.add(seen{id, id}); d != (turn > 0) || c {
				t.Fatalf("turn %d, id %d: duplicate %v, conflict %v", turn, i, d, c)
			}
		}
		for range Window - len(alike) {
			w.add(seen{})
		}
	}
}

func TestCaps(t *testing.T) {
	known := onlyKnown{"app", "f"}
	l := New(Options{Terms: known, CellsPerPrincipal: 10, UnknownNames: 5})
	f := l.NewFold(Source{Name: "events/0"})
	n := int64(0)
	add := func(principal, feature, scope string, op access.Operation) {
		ev := &access.Event{Time: access.OneDay, Principal: []byte(principal), Feature: []byte(feature), Scopes: [][]byte{[]byte(scope)}, Operation: op}
		f.Add(ev, access.Position{Offset: n})
		n++
	}
	for i := range 50 {
		add("app", "f", string(rune('a'+i%26))+string(rune('a'+i/26)), access.Read)
		add("stranger-"+string(rune('a'+i)), "f", "s", access.Read)
		add("app-2", string(rune('a'+i)), "s", access.Read)
	}
	p := Progress{From: 0, Next: n}
	p.Coverage.Records, p.Coverage.Events = uint64(n), uint64(n)
	if err := l.Merge(f, p); err != nil {
		t.Fatal(err)
	}
	count := func(principal, feature string) (cells int, events, folded uint64) {
		for _, c := range l.Cells(principal, feature) {
			cells++
			for s := range c.Stretches() {
				events += s.Events
				if c.Incomplete() {
					folded += s.Events
				}
			}
		}
		return cells, events, folded
	}
	if c, e, o := count("app", "f"); c != 11 || e != 50 || o != 40 {
		t.Errorf("app f: %d cells, %d events, %d folded", c, e, o)
	}
	// app-2 is the first or second of the five strangers.
	if l.Unknown() != 6 { // five and Folded
		t.Errorf("%d unknown principals", l.Unknown())
	}
	if _, e, o := count(Folded, "f"); e != 46 || o != 46 {
		t.Errorf("%s: %d events, %d folded", Folded, e, o)
	}
	// f is registered; five others and Folded are not.
	if got := len(l.Features("app-2")); got != 7 {
		t.Errorf("%d features of app-2", got)
	}
}

type onlyKnown struct{ principal, feature string }

func (onlyKnown) Instants(string, string, []string) []access.Instant { return nil }
func (k onlyKnown) KnownPrincipal(p string) bool                     { return p == k.principal }
func (k onlyKnown) KnownFeature(f string) bool                       { return f == k.feature }

func TestFoldAllocatesNothing(t *testing.T) {
	l := New(Options{})
	f := l.NewFold(Source{Name: "events/0"})
	r := rand.New(rand.NewPCG(1, 1))
	log := randomLog(r, 1000, 300*access.OneDay)
	events := make([]*access.Event, len(log))
	for i := range log {
		events[i] = log[i].event()
	}
	var from int64
	run := func() {
		for i, ev := range events {
			f.Add(ev, access.Position{Offset: from + int64(i)})
		}
		f.settle()
		f.reset()
	}
	run()
	if n := testing.AllocsPerRun(10, run); n != 0 {
		t.Errorf("%v allocations for %d events", n, len(events))
	}
}

// BenchmarkFold is the cost of an event from decoded to merged.
func BenchmarkFold(b *testing.B) {
	for _, bench := range []struct {
		name string
		span access.Instant
	}{{"an hour", access.Hour}, {"nine years", 9 * 365 * access.OneDay}} {
		b.Run(bench.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			log := randomLog(r, 20_000, bench.span)
			events := make([]*access.Event, len(log))
			for i := range log {
				events[i] = log[i].event()
			}
			l := New(Options{})
			f := l.NewFold(Source{Name: "events/0"})
			b.ReportAllocs()
			var n int64
			for b.Loop() {
				f.Add(events[n%int64(len(events))], access.Position{Offset: n})
				if n++; n%2000 == 0 {
					p := Progress{From: n - 2000, Next: n}
					p.Coverage.Records = 2000
					if err := l.Merge(f, p); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
