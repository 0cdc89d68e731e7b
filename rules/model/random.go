package model

import (
	"math/rand/v2"
	"slices"
	"time"

	"sunsetwatch/rules/access"
)

// Case is one thing to compare: what a user could have given, and the question.
type Case struct {
	Seed     uint64
	Registry Registry
	Rules    Rules
	Events   []Event // in the order in which they arrive; in each source by offset, without holes
	Question Question
}

// Random is the case of a seed: small, valid and nasty. Its events lie close to
// the instants at which something changes, and to each other. It is one of
// Kafka (Question.Dedupe is DedupeSources, records have timestamps) or of files.
func Random(seed uint64) Case {
	g := &generator{r: rand.New(rand.NewPCG(seed, 0x5ca1ab1e))}
	g.start = access.At(time.Date(2012+g.r.IntN(6), 1, 1, 0, 0, 0, 0, time.UTC)) + access.Instant(g.r.IntN(365))*access.OneDay
	g.span = access.Instant(30+g.r.IntN(1000)) * access.OneDay
	for range 4 {
		g.instant()
	}
	c := Case{Seed: seed, Registry: g.registry(), Question: Everything()}
	c.Rules = g.thresholds()
	files := g.chance(0.4)
	c.Events = g.events(c.Registry, c.Rules, files)
	g.words(&c)
	if files {
		c.Question.Files = true
		c.Question.Dedupe = pick(g, DedupeOff, DedupeOff, DedupeAll)
	} else {
		c.Question.Dedupe = DedupeSources
	}
	g.question(&c.Question, c.Rules, c.Events)
	return c
}

// generator draws from one source of chance.
type generator struct {
	r           *rand.Rand
	start, span access.Instant
	edges       []access.Instant // whole minutes at which something may change
	sunsets     []access.Instant
	graces      []time.Duration
}

func (g *generator) chance(p float64) bool { return g.r.Float64() < p }

func pick[T any](g *generator, from ...T) T { return from[g.r.IntN(len(from))] }

// some are n of the values, in their order.
func some[T any](g *generator, n int, from ...T) []T {
	at := g.r.Perm(len(from))[:min(n, len(from))]
	slices.Sort(at)
	out := []T{}
	for _, i := range at {
		out = append(out, from[i])
	}
	return out
}

// instant is a whole minute: often one that is used already, or close to it, so
// that different things happen at once.
func (g *generator) instant() access.Instant {
	var i access.Instant
	switch {
	case len(g.edges) >= 4 && g.chance(0.25):
		return pick(g, g.edges...)
	case len(g.edges) >= 4 && g.chance(0.3):
		i = pick(g, g.edges...) + pick(g, -access.OneDay, -access.Minute, access.Minute, access.OneDay, 10*access.OneDay)
	default:
		i = g.start + access.Instant(g.r.Int64N(int64(g.span)))
		i -= (i - g.start) % pick(g, access.OneDay, access.OneDay, access.Hour, access.Minute)
	}
	g.edges = append(g.edges, i)
	return i
}

// interval is half-open and not empty.
func (g *generator) interval() (from, until access.Instant) {
	from = g.instant()
	for until = g.instant(); until == from; until = g.instant() {
	}
	return min(from, until), max(from, until)
}

func (g *generator) grace() time.Duration {
	d := pick(g, 0, time.Minute, 12*time.Hour, day, 36*time.Hour, 30*day, 90*day)
	g.graces = append(g.graces, d)
	return d
}

// thresholds are those of the rule file.
func (g *generator) thresholds() Rules {
	r := Rules{Kinds: map[string]KindRules{}}
	for _, kind := range allKinds() {
		var k KindRules
		k.Disabled = g.chance(0.03)
		if g.chance(0.05) {
			k.Severity = pick(g, Critical, Warning, Info)
		}
		switch kind {
		case DormantGrant:
			if g.chance(0.7) {
				k.After = pick(g, 2*day, 3*day+12*time.Hour, 10*day, 30*day, 120*day)
			}
		case RetainedCapability:
		default:
			if g.chance(0.5) {
				k.ClosingPeriod = pick(g, 2*day, 3*day, 60*time.Hour+time.Minute, 10*day, 45*day)
			}
		}
		if k != (KindRules{}) {
			r.Kinds[kind] = k
		}
	}
	return r
}

func allKinds() []string {
	return []string{AccessAfterSunset, NoRegistration, BeforeStart, AccessDuringPause, AttemptsAfterSunset, OperationOverreach,
		ScopeOverreach, ScopeRetired, MissingConsent, ThirdPartySubject, IndicatorMissing, InboundUndeclared, DormantGrant, RetainedCapability}
}

// words are what persons say of findings that the case has: exceptions,
// closures and disputes, at most one dispute each.
func (g *generator) words(c *Case) {
	for range g.r.IntN(3) {
		e := Exception{Kind: pick(g, allKinds()...), Partner: "*", Feature: "*", ApprovedBy: "dpo", Reason: "migration"}
		e.Kind = pick(g, "*", e.Kind, AccessAfterSunset, NoRegistration)
		if g.chance(0.5) {
			e.Partner = pick(g, c.Registry.Partners...).Name
		}
		if len(c.Registry.Registrations) > 0 && g.chance(0.3) {
			// The rule file refuses a feature that nobody registered.
			e.Feature = pick(g, c.Registry.Registrations...).Feature
		}
		if g.chance(0.3) {
			e.Ticket = "X-1"
		}
		e.From, e.Until = g.interval()
		if g.chance(0.5) {
			e.Until += 5000 * access.OneDay
		}
		c.Rules.Exceptions = append(c.Rules.Exceptions, e)
	}
	found := slices.DeleteFunc(Judge(c.Registry, c.Rules, c.Events, Everything()), func(f Finding) bool { return f.Kind == DormantGrant })
	if len(found) == 0 {
		return
	}
	for range g.r.IntN(4) {
		f := pick(g, found...)
		after := pick(g, f.FirstEvent.Time, f.LastEvent.Time, f.LastEvent.Time, pick(g, c.Events...).Time)
		at := (after + access.Minute - 1).Minute() + pick(g, 0, 0, -access.Minute, access.Minute, access.Hour, access.OneDay, access.OneDay+access.Minute, 2*access.OneDay)
		// The rule file refuses a finding that is closed twice at the same time.
		if slices.ContainsFunc(c.Rules.Closures, func(o Closing) bool { return o.Finding == f.Key && o.At == at }) {
			continue
		}
		c.Rules.Closures = append(c.Rules.Closures, Closing{Finding: f.Key, By: pick(g, "jo", "kim"), Reason: "credential revoked", At: at})
	}
	for range g.r.IntN(3) {
		if f := pick(g, found...); c.Rules.dispute(f.Key) == nil {
			c.Rules.Disputes = append(c.Rules.Disputes, Dispute{Finding: f.Key, By: "partner-manager", Text: "the partner says no", At: g.instant()})
		}
	}
}

// question asks about part of it, now and then.
func (g *generator) question(q *Question, rules Rules, events []Event) {
	if g.chance(0.4) {
		return
	}
	near := func() access.Instant {
		if g.chance(0.5) {
			apart := pick(g, 0, 0, access.OneDay, rules.after(), rules.closingPeriod(pick(g, allKinds()...)))
			return pick(g, events...).Time + apart + pick[access.Instant](g, 0, 1, -1)
		}
		return pick(g, g.edges...) + pick(g, 0, 0, -1, 1, access.Minute)
	}
	if g.chance(0.6) {
		q.KnownAt = near()
	}
	if g.chance(0.3) {
		q.To = near()
	}
	if g.chance(0.2) {
		q.From = near()
	}
	if q.From >= q.To {
		q.From = access.Beginning
	}
}
