package ledger

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"sunsetwatch/rules/access"
)

// pieced counts a log with several workers, each of which has a part of it in any
// order, and adds up what they counted.
func pieced(r *rand.Rand, log []happening, cuts Terms, o PiecesOptions) *Ledger {
	type worker struct {
		*Ledger
		*Pieces
	}
	workers := make([]worker, 1+r.IntN(4))
	for i := range workers {
		l := New(Options{Terms: cuts})
		workers[i] = worker{l, l.NewPieces(o)}
	}
	for _, i := range r.Perm(len(log)) {
		h, w := &log[i], workers[r.IntN(len(workers))]
		w.From(Source{Name: fmt.Sprintf("events/%d", h.source)})
		w.Add(h.event(), access.Position{Offset: h.offset})
	}
	all := workers[0].Ledger
	for _, w := range workers[1:] {
		all.Absorb(w.Ledger)
	}
	return all
}

// Any order and any number of workers count what a count from scratch does.
func TestPiecesEqualCountFromScratch(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		span := spans(r)
		log := randomLog(r, 200+r.IntN(1500), span)
		cuts := randomCuts(r, span)
		l := pieced(r, log, cuts, PiecesOptions{Months: r.IntN(2) == 0})
		got, cut, _ := facts(l)
		if len(cut) > 0 {
			t.Fatalf("seed %d: %d stretches are cut", seed, len(cut))
		}
		equalSums(t, got, truth(l, log, cuts))
		first, last := access.End, access.Beginning
		for _, h := range log {
			first, last = min(first, h.time), max(last, h.time)
		}
		if l.Earliest() != first || l.Latest() != last {
			t.Errorf("seed %d: from %s to %s, want %s to %s", seed, l.Earliest(), l.Latest(), first, last)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// With months, facts can be cut anew, and saved.
func TestPiecesWithMonthsAreFactsAsOthers(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		span := spans(r)
		log := randomLog(r, 200+r.IntN(800), span)
		cuts := randomCuts(r, span)
		l := pieced(r, log, cuts, PiecesOptions{Months: true})
		l = reopen(t, l, Changes{}, cuts)
		got, _, _ := facts(l)
		equalSums(t, got, truth(l, log, cuts))
		more := slices.Concat(cuts, randomCuts(r, span))
		slices.Sort(more)
		l.SetTerms(slices.Compact(more))
		l.SetTerms(cuts)
		got, cut, _ := facts(l)
		if len(cut) > 0 {
			t.Fatalf("seed %d: %d stretches are cut", seed, len(cut))
		}
		equalSums(t, got, truth(l, log, cuts))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// Nobody is counted where nobody asks.
func TestPiecesCountPeopleWhereAsked(t *testing.T) {
	start, _ := parse("2015-03-05T00:00:00Z")
	l := New(Options{Terms: cutTerms{start}})
	p := l.NewPieces(PiecesOptions{People: func(_ *Cell, at access.Instant) Verdict {
		if at >= start {
			return 1
		}
		return Lawful
	}})
	p.From(Source{Name: "events/0"})
	for i := range 10 {
		h := happening{time: start + access.Instant(i-5), principal: "app", feature: "f", subject: fmt.Sprint(i)}
		p.Add(h.event(), access.Position{Offset: int64(i)})
	}
	for _, s := range l.Cells("app", "f")[0].totals {
		want := uint64(0)
		if s.From == start {
			want = 5
		}
		if n, _ := s.People.Count(); s.Events != 5 || n != want {
			t.Errorf("from %s: %d events, %d people, want %d", s.From, s.Events, n, want)
		}
	}
}

func TestPiecesAllocateNothing(t *testing.T) {
	l := New(Options{})
	p := l.NewPieces(PiecesOptions{Daily: func(*Cell, access.Instant) bool { return true }})
	p.From(Source{Name: "events/0"})
	h := happening{time: 1, principal: "app", feature: "f", scopes: []string{"a", "b"}, subject: "u", grantor: "g"}
	ev := h.event()
	p.Add(ev, access.Position{})
	var n int64
	if got := testing.AllocsPerRun(1000, func() {
		n++
		ev.Time++
		p.Add(ev, access.Position{Offset: n})
	}); got != 0 {
		t.Errorf("%v allocations for an event", got)
	}
}

// Records and bytes stop at what each event may say, instead of beginning anew.
func TestVolumesDoNotWrap(t *testing.T) {
	l := New(Options{})
	p := l.NewPieces(PiecesOptions{Months: true})
	p.From(Source{Name: "events/0"})
	ev := (&happening{time: 1, principal: "app", feature: "f"}).event()
	ev.Records, ev.Bytes = math.MaxInt64, math.MaxInt64-1
	for n := range int64(5) {
		p.Add(ev, access.Position{Offset: n})
		ev.Records, ev.Bytes = math.MaxInt64, 1
	}
	other := New(Options{})
	other.Absorb(l)
	for _, c := range other.cells {
		for s := range c.Stretches() {
			if s.Events != 5 || s.Records != math.MaxInt64 || s.Bytes != math.MaxInt64 {
				t.Errorf("%d events, %d records, %d bytes", s.Events, s.Records, s.Bytes)
			}
		}
	}
}
