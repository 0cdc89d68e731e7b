package model

import (
	"fmt"
	"slices"
	"time"

	"sunsetwatch/rules/access"
)

// millisecond is the grain of record timestamps.
const millisecond = access.Instant(time.Millisecond)

// pair is who calls for what.
type pair struct{ principal, feature string }

// events are 20 to 200, in the order in which they arrive.
func (g *generator) events(set Registry, rules Rules, files bool) []Event {
	for _, s := range g.sunsets {
		for _, d := range g.graces {
			if g.chance(0.5) {
				g.edges = append(g.edges, s+access.Instant(d))
			}
		}
	}
	principals := []string{"ghost-1", "ghost-2"}
	for _, p := range set.Partners {
		for _, a := range p.Principals {
			principals = append(principals, a.ID)
		}
	}
	var pairs []pair
	for range 1 + g.r.IntN(3) {
		pairs = append(pairs, pair{pick(g, principals...), pick(g, features...)})
	}
	for range 2 + g.r.IntN(6) {
		if len(set.Registrations) == 0 {
			break
		}
		r := pick(g, set.Registrations...)
		if p := set.partner(r.Partner); len(p.Principals) > 0 {
			pairs = append(pairs, pair{pick(g, p.Principals...).ID, r.Feature})
		}
	}
	served := pick(g, 0.3, 0.8, 0.95)
	probes := pick(g, 0, 0.1, 0.5, 0.9)
	var all []Event
	n, burst := 20+g.r.IntN(181), 0
	if g.chance(0.5) {
		burst = 1 + g.r.IntN(12) // at the end
	}
	for i := range n {
		e := g.event(pick(g, pairs...), served, probes)
		e.Time = g.eventTime(all, rules)
		if i >= n-burst {
			e.Time = max(latest(all), g.start+g.span) + access.Instant(g.r.Int64N(int64(access.OneDay)/8))
		}
		switch {
		case len(all) > 0 && g.chance(0.04):
			e = pick(g, all...) // a duplicate, if it has an id
		case len(all) > 0 && g.chance(0.02):
			e.ID = pick(g, all...).ID // the same id with other content
		case g.chance(0.5):
			e.ID = fmt.Sprint("id-", len(all))
		}
		all = append(all, e)
	}
	if g.chance(0.4) {
		// N is close to an edge: what comes later is left out, if enough remains.
		end := pick(g, g.edges...) + pick(g, 0, 1, access.Minute, access.Hour)
		if early := slices.DeleteFunc(slices.Clone(all), func(e Event) bool { return e.Time > end }); len(early) >= 20 {
			all = early
		}
	}
	return g.carried(all, files)
}

// event is one at no time.
func (g *generator) event(p pair, served, probes float64) Event {
	e := Event{Principal: p.principal, Feature: p.feature, Records: 1}
	if g.chance(probes) {
		e.Probe = pick(g, access.ProbeEnabled, access.ProbeEnabled, access.ProbeEnabled, access.ProbeDisabled)
		return e
	}
	if !g.chance(served) {
		e.Outcome = pick(g, access.Denied, access.Failed)
	}
	e.Operation = pick(g, access.Read, access.Read, access.List, access.Write, access.Delete, access.Other)
	e.Direction = pick(g, access.Out, access.Out, access.Out, access.In)
	e.Consent = pick(g, access.ConsentUnknown, access.ConsentGranted, access.ConsentAbsent)
	e.Indicator = pick(g, access.IndicatorUnset, access.IndicatorShown, access.IndicatorHidden)
	e.Scopes = some(g, g.r.IntN(4), touched...)
	if len(e.Scopes) > 0 && g.chance(0.1) {
		e.Scopes = append(e.Scopes, e.Scopes[0]) // a set: counts once
	}
	e.Subject = pick(g, "", "u1", "u2", "u3", fmt.Sprint("u", g.r.IntN(50)))
	e.Grantor = pick(g, "", "", "u1", "g1", e.Subject)
	if g.chance(0.3) {
		e.Records, e.Bytes = uint64(g.r.IntN(5)), uint64(g.r.IntN(1000))
	}
	return e
}

// eventTime lies close to an edge, or a telling distance from an event before.
func (g *generator) eventTime(before []Event, rules Rules) access.Instant {
	const day = access.OneDay
	hair := pick[access.Instant](g, -1, 0, 1)
	switch {
	case g.chance(0.5):
		return pick(g, g.edges...) + hair + pick(g, 0, 0, 0, 0, -access.Minute, access.Minute, -day, day)
	case len(before) > 0 && g.chance(0.7):
		apart := pick(g, 0, access.Hour, day, day, 2*day, rules.after(), rules.closingPeriod(AccessAfterSunset),
			rules.closingPeriod(pick(g, allKinds()...)))
		return pick(g, before...).Time + apart + hair
	}
	return g.start + access.Instant(g.r.Int64N(int64(g.span)))
}

// carried puts the events into partitions or files, more or less in order, some
// late; one source may fall silent early.
func (g *generator) carried(all []Event, files bool) []Event {
	names := []string{"partner-access/0", "partner-access/1", "partner-access/2", "partner-access/3"}
	if files {
		names = []string{"a.jsonl", "b.jsonl"}
	}
	names = names[:1+g.r.IntN(len(names))]
	if g.chance(0.7) {
		slices.SortStableFunc(all, func(a, b Event) int { return order(Event{Time: a.Time}, Event{Time: b.Time}) })
	}
	silent := access.End
	if len(names) > 1 && g.chance(0.4) {
		silent = pick(g, all...).Time
	}
	for i := range all {
		e := &all[i]
		e.Written = access.Beginning
		if !files {
			e.Written = e.Time - e.Time%millisecond + pick(g, 0, 0, 0, millisecond, access.Hour, access.Hour+millisecond, 9*access.OneDay, -4*access.Minute)
		}
		if e.Source = pick(g, names...); e.Source == names[0] && e.Time > silent {
			e.Source = names[1]
		}
	}
	return Lay(all, files)
}

// Lay gives the events of each source offsets without holes: from 0 for
// partitions, from 1 for the lines of files.
func Lay(events []Event, files bool) []Event {
	next := map[string]int64{}
	for i := range events {
		e := &events[i]
		e.Offset, e.Index = next[e.Source], 0
		if files {
			e.Offset++
		}
		next[e.Source]++
	}
	return events
}
