package ledger

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sunsetwatch/rules/access"
)

// rebuilt gives all facts of ledgers away and takes them in again.
func rebuilt(t *testing.T, ledgers ...*Ledger) *Ledger {
	t.Helper()
	b := NewBuilder(Options{})
	for _, l := range ledgers {
		statuses := l.Statuses()
		ids, err := b.Begin(statuses)
		if err != nil {
			t.Fatal(err)
		}
		to := map[string]SourceID{}
		for i, s := range statuses {
			to[s.Name] = ids[i]
		}
		all, err := l.Facts()
		if err != nil {
			t.Fatal(err)
		}
		for f := range all {
			g := *f
			if g.Events > 0 {
				g.First.Source, g.Last.Source = to[l.SourceName(f.First.Source)], to[l.SourceName(f.Last.Source)]
			}
			if err := b.Add(&g); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b.Ledger(nil)
}

// trials is the number of seeds that a test tries, a quarter of them in short.
func trials(n uint64) uint64 {
	if testing.Short() {
		return n / 4
	}
	return n
}

// said is everything that a detector can read of a ledger, as text.
func said(l *Ledger) string {
	var lines []string
	mark := func(m Mark) string {
		return fmt.Sprintf("%s %s %d %d %t", m.Time, l.SourceName(m.Source), m.Offset, m.Index(), m.Late())
	}
	for _, c := range l.cells {
		for s := range c.Stretches() {
			line := fmt.Sprintf("%s %s %v %v %v [%s %s) cut %v: %d %d %d %v %x %x", c.Principal(), c.Feature(), c.Scopes(), c.Attributes(), c.Folded(),
				s.From, s.Until, s.Cut, s.Events, s.Records, s.Bytes, s.Days.Runs(), s.People.append(nil), s.Grantors.append(nil))
			if s.Events > 0 {
				line += mark(s.First) + " " + mark(s.Last)
			} else {
				line += fmt.Sprint(s.First.Time, s.Last.Time)
			}
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	for _, s := range l.Statuses() {
		lines = append(lines, fmt.Sprint(s.Source, s.Next, s.JudgedTo, s.Counted))
	}
	return strings.Join(lines, "\n") + fmt.Sprint("\n", l.Earliest(), l.Latest())
}

func equalLedgers(t *testing.T, got, want *Ledger) {
	t.Helper()
	g, w := strings.Split(said(got), "\n"), strings.Split(said(want), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Fatalf("line %d of %d and %d:\n got %s\nwant %s", i, len(g), len(w), at(g, i), at(w, i))
		}
	}
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "nothing"
}

// Facts that were given away and taken in again are the same, whichever instants
// they are cut at after that.
func TestFactsGivenAwayAreTheSame(t *testing.T) {
	for seed := range trials(30) {
		r := rand.New(rand.NewPCG(seed, 5))
		span := spans(r)
		log := randomLog(r, 200+r.IntN(1000), span)
		cuts := randomCuts(r, span)
		l := pieced(r, log, cuts, PiecesOptions{Months: true})
		got := rebuilt(t, l)
		got.SetTerms(cuts)
		equalLedgers(t, got, l)
		for range 3 {
			cuts = randomCuts(r, span)
			l.SetTerms(cuts)
			got.SetTerms(cuts)
			equalLedgers(t, got, l)
			if r.IntN(2) == 0 {
				got = rebuilt(t, got) // what is cut is given away too
				got.SetTerms(cuts)
				equalLedgers(t, got, l)
			}
		}
	}
}

// Ledgers of disjoint events are together the ledger of all of them.
func TestFactsOfSeveralLedgers(t *testing.T) {
	for seed := range trials(16) {
		r := rand.New(rand.NewPCG(seed, 6))
		span := spans(r)
		log := randomLog(r, 200+r.IntN(1000), span)
		cuts := randomCuts(r, span)
		of := func(sources ...int) *Ledger {
			var part []happening
			for _, h := range log {
				if slices.Contains(sources, h.source) {
					part = append(part, h)
				}
			}
			return pieced(r, part, cuts, PiecesOptions{Months: true})
		}
		want := of(0, 1, 2)
		equalLedgers(t, rebuilt(t, of(0), of(2, 1)), rebuilt(t, want))
		got := rebuilt(t, of(1, 2), of(0))
		for _, cuts := range []Terms{cuts, randomCuts(r, span)} {
			want.SetTerms(cuts)
			got.SetTerms(cuts)
			equalLedgers(t, got, want)
		}
	}
}

// Cut at other instants, what is exact is what a recount finds, silences
// included.
func TestFactsCutAnewEqualARecount(t *testing.T) {
	stretches := 0
	for seed := range trials(60) {
		r := rand.New(rand.NewPCG(seed, 7))
		span := spans(r)
		log := randomLog(r, 200+r.IntN(800), span)
		l := rebuilt(t, pieced(r, log, randomCuts(r, span), PiecesOptions{Months: true}))
		cuts := randomCuts(r, span)
		l.SetTerms(cuts)
		want := truth(l, log, cuts)
		exact, _, _ := facts(l)
		for _, c := range l.cells {
			var cut []*Stretch
			for s := range c.Stretches() {
				if s.Cut {
					cut = append(cut, s)
				}
			}
			for _, s := range c.totals {
				if slices.ContainsFunc(cut, func(o *Stretch) bool { return o.From < s.Until && s.From < o.Until }) {
					continue
				}
				stretches++
				name := nameOf(c.Principal(), c.Feature(), c.Scopes(), c.Attributes(), s.From)
				if exact[name] != want[name] {
					t.Fatalf("seed %d: %s\n got %+v\nwant %+v", seed, name, exact[name], want[name])
				}
				var days Days
				for i := range log {
					h := &log[i]
					if h.time >= s.From && h.time < s.Until && name == nameOf(h.principal, h.feature, h.scopes, h.attr, s.From) {
						days.Add(h.time)
					}
				}
				if !slices.Equal(days.Runs(), s.Days.Runs()) {
					t.Fatalf("seed %d: %s\n got %v\nwant %v", seed, name, s.Days.Runs(), days.Runs())
				}
			}
		}
	}
	if stretches < 100 {
		t.Errorf("%d stretches compared", stretches)
	}
}

// The facts of a ledger that counts by minute and day are given away by month.
func TestFactsOfALiveLedger(t *testing.T) {
	for seed := range trials(10) {
		r := rand.New(rand.NewPCG(seed, 8))
		span := spans(r)
		log := randomLog(r, 200+r.IntN(800), span)
		cuts := randomCuts(r, span)
		l := deliver(t, r, New(Options{Terms: cuts}), log, nil)
		got := rebuilt(t, l)
		got.SetTerms(cuts)
		equalLedgers(t, got, l)
	}
}

func TestFactsWithoutMonths(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	l := pieced(r, randomLog(r, 10, access.OneDay), nil, PiecesOptions{})
	if _, err := l.Facts(); err == nil || !strings.Contains(err.Error(), "without months") {
		t.Errorf("facts without months: %v", err)
	}
}

// No source is counted twice.
func TestBuilderRefusesASourceTwice(t *testing.T) {
	b := NewBuilder(Options{})
	file := []SourceStatus{{Source: Source{Name: "a.jsonl"}, Next: -1}}
	if _, err := b.Begin(file); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Begin(file); err == nil || !strings.Contains(err.Error(), `the source "a.jsonl" is in two ledgers: its events would be counted twice`) {
		t.Errorf("a source twice: %v", err)
	}
}

// A live ledger that began with imported facts counts what came after them once.
func TestImport(t *testing.T) {
	start, _ := parse("2015-03-05T00:00:00Z")
	fill := func(p *Pieces, times ...access.Instant) {
		for i, at := range times {
			h := happening{time: at, principal: "app", feature: "f", subject: "u"}
			p.Add(h.event(), access.Position{Offset: int64(i)})
		}
	}
	l := New(Options{})
	p := l.NewPieces(PiecesOptions{Months: true})
	p.From(Source{Name: "a.jsonl"})
	fill(p, start, start+1)
	p.From(Source{Name: "events/0", Topic: "events"})
	fill(p, start+2)
	p.Advance(6)
	for from, want := range map[access.Instant]string{
		access.Beginning: "have no position",
		start + 1:        "would be counted twice",
	} {
		if err := rebuilt(t, l).Import(from); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("import from %s: %v, want %q", from, err, want)
		}
	}
	live, saved := rebuilt(t, l), Changes{}
	if err := live.Import(start + 2); err != nil {
		t.Fatal(err)
	}
	live = reopen(t, live, saved, cutTerms{})
	if next, _, known := live.Position("events/0"); next != 6 || !known {
		t.Errorf("position %d, %v", next, known)
	}
	feed := func(name string, partition int32, from int64, times ...access.Instant) {
		f := live.NewFold(Source{Name: name, Topic: "events", Partition: partition})
		for i, at := range times {
			h := happening{time: at, principal: "app", feature: "f", subject: "u"}
			f.Add(h.event(), access.Position{Offset: from + int64(i)})
		}
		s := Progress{From: from, Next: from + int64(len(times))}
		s.Coverage.Records, s.Coverage.Events = uint64(len(times)), uint64(len(times))
		if err := live.Merge(f, s); err != nil {
			t.Fatal(err)
		}
	}
	feed("events/0", 0, 6, start-1)                   // a late one, which nobody read before
	feed("events/1", 1, 0, start, start+1)            // of the file
	live = reopen(t, live, saved, cutTerms{})         // the rule outlives a restart
	feed("events/1", 1, 2, start+1, start+2, start+3) // one of the file, two of after it
	total := uint64(0)
	for s := range live.Cells("app", "f")[0].Stretches() {
		total += s.Events
	}
	if total != 6 {
		t.Errorf("%d events, want 3 that were imported and 3 after", total)
	}
	for _, s := range live.Sources() {
		if s.Coverage.Events != s.Counted+s.Duplicate || s.Coverage.Offsets() != uint64(s.Next-s.Start) {
			t.Errorf("the equation does not hold: %+v", s)
		}
		if s.Name == "events/1" && (s.Counted != 2 || s.Duplicate != 3) {
			t.Errorf("events/1 counted %d and %d duplicates, want 2 and 3", s.Counted, s.Duplicate)
		}
	}
	for _, j := range live.Judged() {
		if j.Topic == "" {
			t.Errorf("closings wait for %s, which was imported", j.Name)
		}
	}
}
