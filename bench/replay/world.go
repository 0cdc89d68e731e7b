package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// What the world is made of. The same seed gives the same one.
const (
	partners = 150
	features = 24
	pairs    = 970
	people   = 70_000_000
	late     = 5 * time.Minute // events are out of order by up to this
	seed     = 42

	ended    = 0.3  // part of the pairs that have a last sunset within the nine years
	goOn     = 0.55 // part of its accesses that a pair goes on making after a sunset
	paused   = 0.15 // part of the pairs that have a pause
	graceful = 0.5  // part of the pairs that have a grace
	denied   = 50   // one in so many is
	ghosts   = 1400 // one in so many is by a principal that belongs to nobody
)

var (
	start = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)
	end   = time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)
	span  = end.Sub(start)
)

// world is a made-up platform: who may use what, and when.
type world struct {
	rnd    *rand.Rand
	pairs  []pair  // by partner, then feature
	of     [][]int // pairs of each partner
	scopes [][]scopeSet
}

// scopeSet is what one kind of call of a feature touches.
type scopeSet struct {
	names []string
	json  string
}

// pair is a registered partner and feature.
type pair struct {
	partner, feature int
	windows          []window
	grace            bool
	pause            window // zero: none
}

// window is a stretch of time, half-open; a zero until is never.
type window struct{ from, until time.Time }

func newWorld() *world {
	w := &world{rnd: rand.New(rand.NewPCG(seed, seed)), of: make([][]int, partners)}
	w.scopes = make([][]scopeSet, features)
	for f := range w.scopes {
		for range 1 + f%4 {
			var s scopeSet
			for _, n := range w.rnd.Perm(6)[:1+w.rnd.IntN(3)] {
				s.names = append(s.names, fmt.Sprintf("f%02d.scope%d", f, n))
			}
			s.json = `"` + strings.Join(s.names, `","`) + `"`
			w.scopes[f] = append(w.scopes[f], s)
		}
	}
	// Each partner has a feature, the rest falls where it falls.
	has := make([]bool, partners*features)
	for p := range partners {
		has[p*features+w.rnd.IntN(features)] = true
	}
	for n := partners; n < pairs; {
		if i := w.rnd.IntN(len(has)); !has[i] {
			has[i] = true
			n++
		}
	}
	for i, is := range has {
		if is {
			p := pair{partner: i / features, feature: i % features}
			w.open(&p)
			w.of[p.partner] = append(w.of[p.partner], len(w.pairs))
			w.pairs = append(w.pairs, p)
		}
	}
	return w
}

// open chooses when a pair is registered: one to four windows with gaps between,
// the last of which may have no end.
func (w *world) open(p *pair) {
	hour := func(from time.Time, within time.Duration) time.Time {
		return from.Add(time.Duration(w.rnd.Int64N(int64(within)))).Truncate(time.Hour)
	}
	var sunsets []time.Time
	for range w.rnd.IntN(4) {
		sunsets = append(sunsets, hour(start, span*9/10))
	}
	slices.SortFunc(sunsets, time.Time.Compare)
	from := start.AddDate(-5, 0, 0)
	for _, s := range sunsets {
		if s.Sub(from) < 48*time.Hour {
			continue
		}
		p.windows = append(p.windows, window{from, s})
		from = hour(s.AddDate(0, 0, 20), 180*24*time.Hour)
	}
	last := window{from: from}
	if w.rnd.Float64() < ended && from.Before(end) {
		begin := from.Add(24 * time.Hour)
		if begin.Before(start) {
			begin = start
		}
		last.until = hour(begin, max(end.Sub(begin), 48*time.Hour))
	}
	p.windows = append(p.windows, last)
	p.grace = w.rnd.Float64() < graceful
	if w.rnd.Float64() < paused {
		p.pause.from = hour(start, span)
		p.pause.until = hour(p.pause.from.AddDate(0, 0, 10), 50*24*time.Hour)
	}
}

// over reports whether t lies after a sunset of the pair.
func (p *pair) over(t time.Time) bool {
	for i := len(p.windows) - 1; i >= 0; i-- {
		if w := &p.windows[i]; i == 0 || !t.Before(w.from) {
			return !w.until.IsZero() && !t.Before(w.until)
		}
	}
	return false
}

func (p *pair) partnerName() string { return fmt.Sprintf("partner-%03d", p.partner) }
func (p *pair) principal() string   { return fmt.Sprintf("app-%03d", p.partner) }
func (p *pair) featureName() string { return fmt.Sprintf("feature_%02d", p.feature) }

// registrations writes the file of what is registered. A window after a gap is a
// revision that takes effect at its beginning.
func (w *world) registrations(to io.Writer) error {
	b := bufio.NewWriter(to)
	fmt.Fprintln(b, "version: 1\npartners:")
	for p := range partners {
		fmt.Fprintf(b, "  - {name: partner-%03d, owner: partner-%03d@example.com, team: partner-platform, principals: [app-%03d]}\n", p, p, p)
	}
	fmt.Fprintln(b, "registrations:")
	for i := range w.pairs {
		p := &w.pairs[i]
		fmt.Fprintf(b, "  - partner: %s\n    feature: %s\n    revisions:\n", p.partnerName(), p.featureName())
		for n, v := range p.windows {
			if n == 0 {
				fmt.Fprintf(b, "      - {recorded: %s, by: platform, reason: launch, from: %s", stamp(v.from), stamp(v.from))
				fmt.Fprintf(b, ", scopes: [f%02d.*]", p.feature)
				if p.grace {
					fmt.Fprint(b, ", grace: 30d")
				}
				if !p.pause.from.IsZero() {
					fmt.Fprintf(b, ", pauses: [{from: %s, until: %s, why: under review}]", stamp(p.pause.from), stamp(p.pause.until))
				}
			} else {
				fmt.Fprintf(b, "      - {recorded: %s, effective: %s, by: platform, reason: renewed", stamp(v.from), stamp(v.from))
			}
			switch {
			case !v.until.IsZero():
				fmt.Fprintf(b, ", sunset: %s", stamp(v.until))
			case n > 0:
				fmt.Fprint(b, ", sunset: null")
			}
			fmt.Fprintln(b, "}")
		}
	}
	return b.Flush()
}

// gaps writes when accesses of a pair lie after a sunset, a row for each gap: the
// registrations in the form that is best to join with. The pair is that of answers.
func (w *world) gaps(to io.Writer) error {
	b := bufio.NewWriter(to)
	fmt.Fprintln(b, "pair,principal,feature,gap_from,gap_until")
	for i := range w.pairs {
		p := &w.pairs[i]
		for n, v := range p.windows {
			if v.until.IsZero() {
				continue
			}
			until := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
			if n+1 < len(p.windows) {
				until = p.windows[n+1].from
			}
			fmt.Fprintf(b, "%d,%s,%s,%s,%s\n", i, p.principal(), p.featureName(), stamp(v.until), stamp(until))
		}
	}
	return b.Flush()
}

func stamp(t time.Time) string { return t.Format(time.RFC3339) }
