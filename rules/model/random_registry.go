package model

import (
	"fmt"
	"slices"

	"sunsetwatch/rules/access"
)

// features, scopes and principals of random cases.
var (
	features = []string{"contacts", "feed", "friends", "messages"}
	touched  = []string{"messages", "messages.read", "messages.read.all", "user.id", "user.name", "profile"}
	patterns = []string{"messages", "messages.read", "messages.*", "messages.read.*", "user.*", "user.id", "profile", "*"}
)

func (g *generator) registry() Registry {
	var set Registry
	for _, name := range []string{"acme", "bolt", "corr", "dune"}[:2+g.r.IntN(3)] {
		p := Partner{Name: name}
		if g.chance(0.7) {
			p.Owner = name + "@example.com"
		}
		if g.chance(0.6) {
			p.Team = "team-" + name
		}
		set.Partners = append(set.Partners, p)
	}
	for i := range 2 + g.r.IntN(4) {
		g.aliases(&set, fmt.Sprint("app-", i))
	}
	for i := range g.r.IntN(3) {
		p := Program{Name: fmt.Sprint("program-", i), Revisions: g.revisions(g.sunsetRevision)}
		if g.chance(0.5) {
			p.Team = "policy"
		}
		if g.chance(0.5) {
			p.Owner = "policy@example.com"
		}
		set.Programs = append(set.Programs, p)
	}
	for _, name := range some(g, g.r.IntN(3), patterns...) {
		set.Scopes = append(set.Scopes, Scope{Name: name, Revisions: g.revisions(g.sunsetRevision)})
	}
	used := features[:2+g.r.IntN(3)]
	for _, p := range set.Partners {
		for _, feature := range used {
			if g.chance(0.4) {
				continue
			}
			r := Registration{Partner: p.Name, Feature: feature, Revisions: g.revisions(g.termsRevision)}
			if len(set.Programs) > 0 && g.chance(0.5) {
				r.Program = pick(g, set.Programs...).Name
			}
			set.Registrations = append(set.Registrations, r)
		}
	}
	return set
}

// aliases deals the life of one principal out to partners, with gaps.
func (g *generator) aliases(set *Registry, id string) {
	give := func(from, until access.Instant) {
		p := &set.Partners[g.r.IntN(len(set.Partners))]
		p.Principals = append(p.Principals, Alias{ID: id, From: from, Until: until})
	}
	if g.chance(0.5) {
		give(access.Beginning, access.End)
		return
	}
	cuts := []access.Instant{access.Beginning, access.End}
	for range 1 + g.r.IntN(4) {
		cuts = append(cuts, g.instant())
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for i := 1; i < len(cuts); i++ {
		if g.chance(0.7) {
			give(cuts[i-1], cuts[i])
		}
	}
}

// revisions are one to four, in recorded order.
func (g *generator) revisions(name func(*Revision)) []Revision {
	n := pick(g, 1, 1, 2, 3, 4)
	var recorded []access.Instant
	for range n {
		if g.chance(0.2) || len(recorded) == 0 && g.chance(0.5) {
			recorded = append(recorded, access.Beginning)
		} else {
			recorded = append(recorded, g.instant())
		}
	}
	slices.Sort(recorded)
	var all []Revision
	for i := range n {
		r := Revision{Recorded: recorded[i], Effective: access.Beginning}
		if i > 0 && g.chance(0.5) {
			r.Effective = g.instant()
		}
		if g.chance(0.8) {
			r.By, r.Reason = pick(g, "jo", "audit", "policy"), fmt.Sprint("revision ", i)
		}
		if g.chance(0.3) {
			r.Ticket = fmt.Sprint("PRIV-", i)
		}
		name(&r)
		all = append(all, g.sound(all, r))
	}
	return all
}

// sound takes away what would make the set invalid after those before it.
func (g *generator) sound(before []Revision, r Revision) Revision {
	valid := func() bool {
		none := true
		unsound(func(string, ...any) { none = false }, "", append(slices.Clone(before), r))
		return none
	}
	for _, drop := range []func(){
		func() {},
		func() { r.Deprecation = Field[access.Instant]{} },
		func() { r.Sunset = Field[access.Instant]{} },
		func() { r.From = Field[access.Instant]{} },
	} {
		if drop(); valid() {
			break
		}
	}
	if r.Sunset.given() {
		g.sunsets = append(g.sunsets, r.Sunset.Value)
	}
	if !r.From.Named && !r.Sunset.Named && !r.Grace.Named && !r.Pauses.Named && !r.Operations.Named &&
		!r.Scopes.Named && !r.Inbound.Named && !r.Requires.Named {
		r.Grace = Set(g.grace())
	}
	return r
}

// sunsetRevision names what programs and scopes may name.
func (g *generator) sunsetRevision(r *Revision) {
	name(g, 0.8, 0.15, &r.Sunset, g.instant)
	name(g, 0.5, 0.1, &r.Grace, g.grace)
}

// termsRevision names any fields of a registration.
func (g *generator) termsRevision(r *Revision) {
	name(g, 0.4, 0.15, &r.From, g.instant)
	name(g, 0.4, 0.2, &r.Sunset, g.instant)
	name(g, 0.2, 0.2, &r.Deprecation, g.instant)
	name(g, 0.4, 0.1, &r.Grace, g.grace)
	name(g, 0.4, 0.2, &r.Pauses, func() []Pause {
		all := []Pause{}
		for range g.r.IntN(4) {
			p := Pause{Why: pick(g, "", "brownout")}
			p.From, p.Until = g.interval()
			if g.chance(0.5) {
				p.Until = min(p.Until, p.From+access.OneDay)
			}
			all = append(all, p)
		}
		return all
	})
	name(g, 0.3, 0.2, &r.Operations, func() []access.Operation {
		return some(g, g.r.IntN(4), access.Read, access.List, access.Write, access.Delete)
	})
	name(g, 0.3, 0.2, &r.Scopes, func() []string { return some(g, g.r.IntN(4), patterns...) })
	name(g, 0.2, 0.2, &r.Inbound, func() bool { return g.chance(0.6) })
	name(g, 0.5, 0.2, &r.Requires, func() []string { return some(g, g.r.IntN(4), "consent", "own_data", "indicator") })
}

// name names a field with probability p, of these with null as null.
func name[T any](g *generator, p, null float64, f *Field[T], value func() T) {
	switch {
	case !g.chance(p):
	case g.chance(null):
		*f = Null[T]()
	default:
		*f = Set(value())
	}
}
