package ledger

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"sunsetwatch/rules/access"
)

// happening is one event as the tests make them.
type happening struct {
	source    int
	offset    int64
	time      access.Instant
	principal string
	feature   string
	scopes    []string
	attr      Attributes
	id        string
	subject   string
	grantor   string
	records   uint64
}

func (h *happening) event() *access.Event {
	ev := &access.Event{
		Time: h.time, Principal: []byte(h.principal), Feature: []byte(h.feature),
		Operation: h.attr.Operation, Direction: h.attr.Direction, Outcome: h.attr.Outcome,
		Consent: h.attr.Consent, Indicator: h.attr.Indicator, Records: h.records, Bytes: 3 * h.records,
	}
	for _, s := range h.scopes {
		ev.Scopes = append(ev.Scopes, []byte(s))
	}
	if h.id != "" {
		ev.ID = []byte(h.id)
	}
	if h.subject != "" {
		ev.Subject = []byte(h.subject)
	}
	if h.grantor != "" {
		ev.Grantor = []byte(h.grantor)
	}
	return ev
}

// cutTerms cuts every pair at the same instants and knows every name.
type cutTerms []access.Instant

func (t cutTerms) Instants(string, string, []string) []access.Instant { return t }
func (cutTerms) KnownPrincipal(string) bool                           { return true }
func (cutTerms) KnownFeature(string) bool                             { return true }

const testSources = 3

// randomLog is a log of n events over span of event time, in rising order but
// for a few minutes, spread over sources.
func randomLog(r *rand.Rand, n int, span access.Instant) []happening {
	start, _ := parse("2015-03-05T00:00:00Z")
	next := [testSources]int64{}
	log := make([]happening, n)
	for i := range log {
		h := &log[i]
		h.source = r.IntN(testSources)
		h.offset = next[h.source]
		next[h.source]++
		h.time = start + span/access.Instant(n)*access.Instant(i) - access.Instant(r.Int64N(int64(5*access.Minute)))
		if r.IntN(50) == 0 { // late
			h.time -= access.Instant(r.Int64N(int64(span/4) + 1))
		}
		h.principal = fmt.Sprintf("app-%d", r.IntN(3))
		h.feature = fmt.Sprintf("f%d", r.IntN(2))
		if r.IntN(2) == 0 {
			h.scopes = []string{"a.b", "c"}[:1+r.IntN(2)]
		}
		h.attr.Operation = access.Operation(r.IntN(3))
		if r.IntN(5) == 0 {
			h.attr.Outcome = access.Denied
		}
		if r.IntN(4) != 0 {
			h.subject = fmt.Sprintf("u%d", r.IntN(60))
		}
		if r.IntN(4) == 0 {
			h.grantor = fmt.Sprintf("u%d", r.IntN(60))
		}
		h.attr.Relation = h.event().Relation()
		h.records = r.Uint64N(5)
		if r.IntN(3) == 0 {
			h.id = fmt.Sprint(r.IntN(n))
		}
	}
	return log
}

func parse(s string) (access.Instant, error) {
	t, err := timeParse(s)
	return access.At(t), err
}

// deliver hands a log to a ledger: sources interleaved at random, in batches of
// random size, each source in its order.
func deliver(t *testing.T, r *rand.Rand, l *Ledger, log []happening, between func(l *Ledger) *Ledger) *Ledger {
	t.Helper()
	var queues [testSources][]happening
	for _, h := range log {
		queues[h.source] = append(queues[h.source], h)
	}
	name := func(s int) string { return fmt.Sprintf("events/%d", s) }
	folds := [testSources]*Fold{}
	for {
		left := []int{}
		for s := range queues {
			if len(queues[s]) > 0 {
				left = append(left, s)
			}
		}
		if len(left) == 0 {
			return l
		}
		s := left[r.IntN(len(left))]
		n := 1 + r.IntN(min(len(queues[s]), 200))
		if folds[s] == nil {
			folds[s] = l.NewFold(Source{Name: name(s), Topic: "events", Partition: int32(s)})
		}
		batch := queues[s][:n]
		queues[s] = queues[s][n:]
		for i := range batch {
			folds[s].Add(batch[i].event(), access.Position{Offset: batch[i].offset})
		}
		p := Progress{From: batch[0].offset, Next: batch[n-1].offset + 1}
		p.Coverage.Records, p.Coverage.Events = uint64(n), uint64(n)
		if err := l.Merge(folds[s], p); err != nil {
			t.Fatal(err)
		}
		if between != nil {
			if after := between(l); after != l {
				l = after
				folds = [testSources]*Fold{}
			}
		}
	}
}

// counted are the events of a log that are not duplicates.
func counted(log []happening) (kept []happening, duplicates int) {
	type id struct {
		source  int
		content string
	}
	had := map[id]bool{}
	for _, h := range log {
		if h.id != "" {
			content := h
			content.offset = 0
			k := id{h.source, fmt.Sprintf("%+v", content)}
			if had[k] {
				duplicates++
				continue
			}
			had[k] = true
		}
		kept = append(kept, h)
	}
	return kept, duplicates
}

// sums is what a test compares of one cell and stretch.
type sums struct {
	events, records, bytes     uint64
	first, last                Mark
	days                       int
	people, grantors           uint64
	peopleExact, grantorsExact bool
}

func nameOf(principal, feature string, scopes []string, a Attributes, from access.Instant) string {
	return fmt.Sprintf("%s %s %v %v %s", principal, feature, scopes, a, from)
}

// truth counts a log from scratch.
func truth(l *Ledger, log []happening, cuts []access.Instant) map[string]sums {
	type sets struct {
		sums
		days             map[access.Day]bool
		people, grantors map[string]bool
	}
	all := map[string]*sets{}
	for _, h := range log {
		from := access.Beginning
		for _, c := range cuts {
			if c <= h.time {
				from = c
			}
		}
		n := nameOf(h.principal, h.feature, h.scopes, h.attr, from)
		s := all[n]
		m := Mark{Time: h.time, Offset: h.offset, Source: l.sourceIDs[fmt.Sprintf("events/%d", h.source)]}
		if s == nil {
			s = &sets{days: map[access.Day]bool{}, people: map[string]bool{}, grantors: map[string]bool{}}
			s.first, s.last = m, m
			all[n] = s
		}
		if l.Before(m, s.first) {
			s.first = m
		}
		if l.Before(s.last, m) {
			s.last = m
		}
		s.events++
		s.records += h.records
		s.bytes += 3 * h.records
		s.days[h.time.Day()] = true
		if h.attr.Outcome == access.Served && h.subject != "" {
			s.people[h.subject] = true
		}
		if h.attr.Outcome == access.Served && h.grantor != "" && h.grantor != h.subject {
			s.grantors[h.grantor] = true
		}
	}
	out := map[string]sums{}
	for n, s := range all {
		s.sums.days = len(s.days)
		s.sums.people, s.peopleExact = uint64(len(s.people)), true
		s.sums.grantors, s.grantorsExact = uint64(len(s.grantors)), true
		out[n] = s.sums
	}
	return out
}

// facts reads a ledger; cut stretches are returned apart.
func facts(l *Ledger) (exact map[string]sums, cut []*Stretch, cutOf []*Cell) {
	exact = map[string]sums{}
	for _, c := range l.cells {
		for s := range c.Stretches() {
			if s.Cut {
				cut = append(cut, s)
				cutOf = append(cutOf, c)
				continue
			}
			v := sums{events: s.Events, records: s.Records, bytes: s.Bytes, first: s.First, last: s.Last, days: s.Days.Count()}
			v.people, v.peopleExact = s.People.Count()
			v.grantors, v.grantorsExact = s.Grantors.Count()
			exact[nameOf(c.Principal(), c.Feature(), c.Scopes(), c.Attributes(), s.From)] = v
		}
	}
	return exact, cut, cutOf
}

func equalSums(t *testing.T, got, want map[string]sums) {
	t.Helper()
	for n, w := range want {
		if g, ok := got[n]; !ok || g != w {
			t.Errorf("%s\n got %+v\nwant %+v", n, got[n], w)
			return
		}
	}
	for n := range got {
		if _, ok := want[n]; !ok {
			t.Errorf("%s is not in the log", n)
			return
		}
	}
}

func randomCuts(r *rand.Rand, span access.Instant) cutTerms {
	start, _ := parse("2015-03-05T00:00:00Z")
	var cuts cutTerms
	for range r.IntN(6) {
		cuts = append(cuts, (start - span/4 + access.Instant(r.Int64N(int64(span+span/4)))).Minute())
	}
	slices.Sort(cuts)
	return slices.Compact(cuts)
}

func spans(r *rand.Rand) access.Instant {
	return []access.Instant{2 * access.Hour, 10 * access.OneDay, 200 * access.OneDay, 3000 * access.OneDay}[r.IntN(4)]
}
