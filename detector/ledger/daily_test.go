package ledger

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"sunsetwatch/rules/access"
)

// recounted is what Served is to be of a log: by day and piece, or by month and
// piece.
func recounted(log []happening, cuts cutTerms, principal, feature string, months bool, wrong func(h *happening) bool) []Served {
	sums := map[Served]*Served{}
	for i := range log {
		h := &log[i]
		if h.principal != principal || h.feature != feature || h.attr.Outcome != access.Served {
			continue
		}
		at := h.time.Time()
		s := Served{From: h.time.Day().Start(), Until: (h.time.Day() + 1).Start()}
		if months {
			first := at.AddDate(0, 0, 1-at.Day())
			s.From = access.At(first).Day().Start()
			s.Until = access.At(first.AddDate(0, 1, 0)).Day().Start()
		}
		for _, c := range cuts {
			if c <= h.time {
				s.From = max(s.From, c)
			} else {
				s.Until = min(s.Until, c)
			}
		}
		key := s
		if sums[key] == nil {
			sums[key] = &s
		}
		sums[key].Events++
		if wrong != nil && wrong(h) {
			sums[key].Wrong++
		}
	}
	var all []Served
	for _, s := range sums {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b Served) int { return cmpInstant(a.From, b.From) })
	return all
}

// Any order and any number of workers keep the same days, interrupted or not.
func TestServedEqualsCountFromScratch(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 4))
		span := spans(r)
		log := randomLog(r, 200+r.IntN(1000), span)
		cuts := randomCuts(r, span)
		middle := log[len(log)/2].time
		from := Cell{cuts: cuts}
		half := from.before(middle)
		daily := func(c *Cell, at access.Instant) bool { return at >= half && c.attr.Operation == access.Read }
		l := pieced(r, log, cuts, PiecesOptions{Daily: daily, Months: seed%2 == 0})
		if seed%3 == 0 {
			saved := l.AppendDaily(nil)
			l = New(Options{Terms: cuts})
			if err := l.LoadDaily(saved); err != nil {
				t.Fatal(err)
			}
		}
		for _, principal := range []string{"app-0", "app-1", "app-2"} {
			for _, feature := range []string{"f0", "f1"} {
				want := recounted(log, cuts, principal, feature, false, func(h *happening) bool {
					return h.time >= half && h.attr.Operation == access.Read
				})
				if got := l.Served(principal, feature); !slices.Equal(got, want) {
					t.Fatalf("seed %d: %s for %s: got\n%v\nwant\n%v", seed, principal, feature, got, want)
				}
			}
		}
		if l.Served("nobody", "f0") != nil || l.Served("app-0", "nothing") != nil {
			t.Error("accesses of a pair that has none")
		}
	}
}

// Scope sets of a pair may be cut at other instants: each access is told in a piece
// of a day that holds it.
func TestServedOfOtherCuts(t *testing.T) {
	day := access.Day(16_000).Start()
	cuts := scopedCuts{cutTerms{day, day + 9*access.OneDay}, cutTerms{day + 3*access.OneDay}}
	l := New(Options{Terms: cuts})
	p := l.NewPieces(PiecesOptions{Daily: func(*Cell, access.Instant) bool { return true }})
	p.From(Source{Name: "events/0"})
	for i, h := range []happening{
		{time: day + access.Hour, scopes: []string{"c"}},
		{time: day + access.Hour},
		{time: day + 5*access.OneDay},
		{time: day + 5*access.OneDay, scopes: []string{"c"}},
	} {
		h.principal, h.feature = "app", "f"
		p.Add(h.event(), access.Position{Offset: int64(i)})
	}
	want := []Served{{day, day + access.OneDay, 2, 2}, {day + 5*access.OneDay, day + 6*access.OneDay, 2, 2}}
	if got := l.Served("app", "f"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Without days, buckets tell.
func TestServedOfBuckets(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 5))
		span := spans(r)
		log := randomLog(r, 500, span)
		cuts := randomCuts(r, span)
		l := pieced(r, log, cuts, PiecesOptions{Months: true})
		want := recounted(log, cuts, "app-0", "f0", true, nil)
		if got := l.Served("app-0", "f0"); !slices.Equal(got, want) {
			t.Fatalf("seed %d: got\n%v\nwant\n%v", seed, got, want)
		}
	}
	l := New(Options{})
	live := deliver(t, rand.New(rand.NewPCG(1, 1)), l, randomLog(rand.New(rand.NewPCG(1, 6)), 300, access.OneDay), nil)
	events := uint64(0)
	for _, s := range live.Served("app-0", "f0") {
		events += s.Events
		if s.From != s.From.Day().Start() || s.Until != s.From+access.OneDay {
			t.Errorf("minutes give %v, want days", s)
		}
	}
	if events == 0 {
		t.Error("no accesses")
	}
}

// A day may have more accesses than a number of its list holds.
func TestDailyCountsDoNotOverflow(t *testing.T) {
	l := New(Options{})
	p := l.pairOf(l.principalOf("app"), "f")
	c := p.daily.of(access.Beginning, access.End, true)
	for range 3 {
		c.add(7, math.MaxUint32)
		c.add(8, 1)
		c.add(6, 1)
	}
	full := p.daily.of(1, access.End, true)
	full.add(7, math.MaxUint32)
	for range 3 {
		full.add(7, 1)
	}
	if n := len(full.days); n != 2 {
		t.Errorf("%d numbers for a day, want 2", n)
	}
	delete(p.daily, dailyKey{1, access.End, true})
	if n := len(c.days); n != 3+2 {
		t.Errorf("%d numbers of three days", n)
	}
	copied := New(Options{})
	if err := copied.LoadDaily(l.AppendDaily(nil)); err != nil {
		t.Fatal(err)
	}
	copied.Absorb(l)
	day := access.Day(7).Start()
	want := []Served{{day - access.OneDay, day, 6, 6}, {day, day + access.OneDay, 6 * math.MaxUint32, 6 * math.MaxUint32}, {day + access.OneDay, day + 2*access.OneDay, 6, 6}}
	if got := copied.Served("app", "f"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A damaged state is an error, never a panic.
func TestLoadDailyRefusesDamage(t *testing.T) {
	l := New(Options{})
	c := l.pairOf(l.principalOf("app"), "f").daily.of(access.Beginning, access.End, false)
	c.add(1, 1)
	c.add(900, 3)
	whole := l.AppendDaily(nil)
	for n := range whole {
		if New(Options{}).LoadDaily(whole[:n]) == nil {
			t.Errorf("the first %d bytes of %d are taken", n, len(whole))
		}
	}
	if New(Options{}).LoadDaily(append(whole, 0)) == nil {
		t.Error("a byte too many is taken")
	}
}
