package ledger

import (
	"bytes"
	"fmt"
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
		split := func(together bool) (map[string]sums, map[string]*crowd, map[string]rest, map[string][]Served) {
			l := pieced(rand.New(rand.NewPCG(seed, 5)), log, cuts, PiecesOptions{People: verdict, Daily: wrong, Together: together})
			all, _, _ := facts(l)
			for n, s := range all {
				s.people, s.peopleExact, s.grantors, s.grantorsExact, s.days = 0, false, 0, false, 0
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
		got, gotCrowds, gotRest, gotDaily := split(true)
		want, wantCrowds, wantRest, wantDaily := split(false)
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
			t.Fatalf("seed %d", seed)
		}
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
	for operation, want := range map[access.Operation]bool{access.Read: true, access.Write: false} {
		h.attr.Operation = operation
		a, ok := p.alikeOf(h.event(), access.Self, true)
		if !ok || p.lawful(&a, h.time) != want {
			t.Errorf("%s for anybody: want %t", operation, want)
		}
		if a, ok := p.alikeOf(h.event(), access.Self, false); !ok || !p.lawful(&a, h.time) {
			t.Errorf("%s for herself is not lawful", operation)
		}
	}
}
