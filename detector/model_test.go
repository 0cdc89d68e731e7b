package detector

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// model judges a list of calls, each by the sentences of the rules, and adds up
// what is found by walking through the list for every number.
func model(b *book, calls []call, now access.Instant) []*rules.Finding {
	type verdict struct {
		kind, partner        string
		since, sunset, grace access.Instant
		program              string
		decided              *registry.Revision
	}
	judge := func(c *call) verdict {
		v := verdict{since: access.Beginning, sunset: access.End, grace: access.End}
		owner, belongs := b.Owner(c.principal, c.time)
		v.partner = cmp.Or(owner, rules.Unregistered)
		var terms *registry.Terms
		if r := b.Registration(v.partner, c.feature); r != nil {
			terms, _ = b.TermsAt(r, c.time, access.End)
		}
		switch {
		case terms == nil:
			v.kind = "no_registration"
		case !belongs:
			v.kind = "no_registration"
			for _, a := range b.Partner(owner).Principals {
				if a.Principal == c.principal && a.Until <= c.time {
					v.since = max(v.since, a.Until)
				}
			}
		case c.time < terms.From:
			v.kind, v.decided = "before_start", terms.Decided[registry.From]
		case c.time >= terms.Sunset:
			v.kind, v.decided = "access_after_sunset", terms.Decided[registry.Sunset]
			v.since, v.sunset, v.grace, v.program = terms.Sunset, terms.Sunset, terms.GraceUntil, terms.Program
		}
		return v
	}
	type bucket struct {
		id       rules.Identity
		served   []call
		attempts uint64
	}
	var buckets []*bucket
	for _, c := range calls {
		v := judge(&c)
		if v.kind == "" {
			continue
		}
		id := rules.Identity{Kind: v.kind, Partner: v.partner, Feature: c.feature}
		if v.partner == rules.Unregistered {
			id.Principal = c.principal
		}
		i := slices.IndexFunc(buckets, func(b *bucket) bool { return b.id == id })
		if i < 0 {
			i = len(buckets)
			buckets = append(buckets, &bucket{id: id})
		}
		if c.outcome == access.Served {
			buckets[i].served = append(buckets[i].served, c)
		} else {
			buckets[i].attempts++
		}
	}
	var findings []*rules.Finding
	for _, k := range buckets {
		if len(k.served) == 0 {
			continue
		}
		slices.SortFunc(k.served, func(a, b call) int {
			return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.source, b.source), cmp.Compare(a.offset, b.offset))
		})
		first, last := &k.served[0], &k.served[len(k.served)-1]
		f := &rules.Finding{
			ID: k.id.ID(), Kind: k.id.Kind, Partner: k.id.Partner, Feature: k.id.Feature,
			Severity:   rules.Warning,
			Since:      judge(first).since,
			Sunset:     judge(last).sunset,
			GraceUntil: judge(last).grace,
			Program:    judge(last).program,
			FirstEvent: rules.Coordinate{Time: first.time, Source: sourceName(first.source), Offset: first.offset},
			LastEvent:  rules.Coordinate{Time: last.time, Source: sourceName(last.source), Offset: last.offset},
			Events:     uint64(len(k.served)),
			Attempts:   k.attempts,
			Operations: map[string]uint64{},
			ClosedAt:   access.Beginning,

			PeopleExact: true, GrantorsExact: true,
		}
		if now-last.time >= access.OneDay {
			f.State = rules.Quiet
		}
		if d := judge(last).decided; d != nil {
			f.DecidedBy = &rules.Decision{Recorded: d.Recorded, By: d.By, Reason: d.Reason, Ticket: d.Ticket}
		}
		if p := b.Partner(f.Partner); p != nil {
			f.Team, f.Owner = p.Team, p.Owner
		}
		days, people, grantors, principals := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
		var late uint64
		for i := range k.served {
			c := &k.served[i]
			days[c.time.Time().Format(time.DateOnly)] = true
			principals[c.principal] = true
			f.Records += c.records
			f.Bytes += c.bytes
			f.Operations[c.operation.String()]++
			for _, s := range c.scopes {
				if f.Scopes == nil {
					f.Scopes = map[string]uint64{}
				}
				f.Scopes[s]++
			}
			if c.subject != "" {
				people[c.subject] = true
			}
			if g := cmp.Or(c.grantor, c.subject); g != "" {
				grantors[g] = true
			}
			if c.subject != "" && c.grantor != "" && c.subject != c.grantor {
				f.ThirdPartyEvents++
			}
			if c.time >= judge(c).grace {
				late++
			}
		}
		f.Days, f.People, f.Grantors = uint64(len(days)), uint64(len(people)), uint64(len(grantors))
		for p := range principals {
			f.Principals = append(f.Principals, p)
		}
		slices.Sort(f.Principals)
		switch f.Kind {
		case "access_after_sunset":
			f.EventsAfterGrace = &late
			if late > 0 {
				f.Severity = rules.Critical
			}
		case "no_registration":
			f.Severity = rules.Critical
		}
		findings = append(findings, f)
	}
	slices.SortFunc(findings, rules.Compare)
	return findings
}

const (
	worldStart = "2015-02-10T00:00:00Z"
	worldDays  = 150
)

// randomInstant is a whole minute in the world's time, often the start of a day
// or of a month.
func randomInstant(r *rand.Rand) access.Instant {
	t := at(worldStart) + access.Instant(r.IntN(worldDays*24*60))*access.Minute
	switch r.IntN(4) {
	case 0:
		return t.Day().Start()
	case 1:
		y, m, _ := t.Time().Date()
		return access.At(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC))
	}
	return t
}

func randomBook(r *rand.Rand) *book {
	b := &book{programs: map[string][]statement{}}
	for _, name := range []string{"acme", "bolt", "crest"} {
		b.partners = append(b.partners, &registry.Partner{Name: name, Owner: name + "@example.com", Team: name + "-team"})
	}
	for i := range 5 {
		principal := fmt.Sprintf("app-%d", i)
		t := access.Beginning
		for t != access.End && r.IntN(5) > 0 {
			a := registry.Alias{Principal: principal, From: t, Until: access.End}
			if r.IntN(2) == 0 {
				a.From = max(t, randomInstant(r))
			}
			if r.IntN(2) == 0 {
				a.Until = max(t, randomInstant(r))
			}
			if a.From < a.Until {
				p := b.partners[r.IntN(len(b.partners))]
				p.Principals = append(p.Principals, a)
				t = a.Until
			}
		}
	}
	statements := func(n int, from bool) []statement {
		recorded := access.Beginning
		var list []statement
		for i := range n {
			s := statement{Revision: registry.Revision{Recorded: recorded, Effective: access.Beginning, By: fmt.Sprint("person ", i), Reason: "because"}}
			if i > 0 && r.IntN(3) == 0 {
				s.Effective = randomInstant(r)
			}
			if from && r.IntN(3) > 0 {
				t := randomInstant(r)
				s.from = &t
			}
			if r.IntN(3) > 0 {
				t := randomInstant(r)
				if r.IntN(4) == 0 {
					t = access.End
				}
				s.sunset = &t
			}
			if r.IntN(2) == 0 {
				d := time.Duration(r.IntN(40*24*60)) * time.Minute
				s.grace = &d
			}
			list = append(list, s)
			recorded = max(recorded, randomInstant(r))
		}
		return list
	}
	b.programs["umbrella"] = statements(1+r.IntN(2), false)
	for _, p := range b.partners {
		for _, feature := range features {
			if r.IntN(4) == 0 {
				continue
			}
			x := &bookRegistration{Registration: registry.Registration{Partner: p.Name, Feature: feature}}
			if r.IntN(3) == 0 {
				x.Program = "umbrella"
			}
			x.statements = statements(1+r.IntN(3), true)
			b.registrations = append(b.registrations, x)
		}
	}
	return b
}

var features = []string{"feed", "mail"}

// randomCalls happen in the world's time, some of them at instants of a book or
// next to one.
func randomCalls(r *rand.Rand, n int, b *book) []call {
	instants := b.Instants("", "", nil)
	calls := make([]call, n)
	for i := range calls {
		c := &calls[i]
		c.time = at(worldStart) + access.Instant(r.Int64N(int64(worldDays*access.OneDay)))
		if len(instants) > 0 && r.IntN(5) == 0 {
			c.time = instants[r.IntN(len(instants))] + access.Instant(r.IntN(3)-1)
		}
		c.source = r.IntN(3)
		c.principal = fmt.Sprintf("app-%d", r.IntN(6))
		c.feature = features[r.IntN(len(features))]
		c.operation = access.Operation(r.IntN(5))
		if r.IntN(6) == 0 {
			c.outcome = access.Outcome(1 + r.IntN(2))
		}
		if r.IntN(3) > 0 {
			c.scopes = []string{"a.b", "c.d"}[:1+r.IntN(2)]
		}
		if r.IntN(5) > 0 {
			c.subject = fmt.Sprintf("u%d", r.IntN(40))
		}
		if r.IntN(3) == 0 {
			c.grantor = fmt.Sprintf("u%d", r.IntN(40))
		}
		c.records, c.bytes = r.Uint64N(4), r.Uint64N(1000)
	}
	// Mostly in order of time, as a log is.
	slices.SortFunc(calls, func(a, b call) int { return cmp.Compare(a.time, b.time) })
	for range n / 10 {
		i, j := r.IntN(n), r.IntN(n)
		calls[i], calls[j] = calls[j], calls[i]
	}
	return numbered(calls)
}

// timeless is a finding without its life and its words.
func timeless(f *rules.Finding) rules.Finding {
	g := *f
	g.OpenedAt, g.DetectionDelay, g.History, g.Why = 0, nil, nil, ""
	return g
}

func latest(calls []call) access.Instant {
	t := access.Beginning
	for i := range calls {
		t = max(t, calls[i].time)
	}
	return t
}

func running(all []*rules.Finding) []*rules.Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f *rules.Finding) bool { return f.State == rules.Withdrawn })
}

func newDetector(t testing.TB, facts Facts) *Detector {
	t.Helper()
	d, err := New(Options{Facts: facts})
	if err != nil {
		t.Fatal(err)
	}
	return d
}
