package detector

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// at is the instant of an RFC 3339 time or of a date.
func at(s string) access.Instant {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return access.At(t)
		}
	}
	panic("no time: " + s)
}

// call is one event as the tests make them.
type call struct {
	time      access.Instant
	source    int
	offset    int64
	principal string
	feature   string
	operation access.Operation
	outcome   access.Outcome
	scopes    []string // sorted
	subject   string
	grantor   string
	records   uint64
	bytes     uint64
}

func (c *call) event() *access.Event {
	e := &access.Event{
		Time: c.time, Principal: []byte(c.principal), Feature: []byte(c.feature),
		Operation: c.operation, Outcome: c.outcome, Records: c.records, Bytes: c.bytes,
	}
	for _, s := range c.scopes {
		e.Scopes = append(e.Scopes, []byte(s))
	}
	if c.subject != "" {
		e.Subject = []byte(c.subject)
	}
	if c.grantor != "" {
		e.Grantor = []byte(c.grantor)
	}
	return e
}

func sourceName(n int) string { return fmt.Sprintf("partner-access/%d", n) }

// feeder counts calls in a ledger.
type feeder struct {
	t      testing.TB
	ledger *ledger.Ledger
	folds  map[int]*ledger.Fold
	next   map[int]int64
}

func newFeeder(t testing.TB, terms ledger.Terms) *feeder {
	return &feeder{t, ledger.New(ledger.Options{Terms: terms}), map[int]*ledger.Fold{}, map[int]int64{}}
}

// feed counts calls, which are in rising order of offset in each source, in one
// batch of each source.
func (f *feeder) feed(calls []call) {
	f.t.Helper()
	froms := map[int]int64{}
	for i := range calls {
		c := &calls[i]
		fold := f.folds[c.source]
		if fold == nil {
			fold = f.ledger.NewFold(ledger.Source{Name: sourceName(c.source), Topic: "partner-access", Partition: int32(c.source)})
			f.folds[c.source] = fold
		}
		if _, begun := froms[c.source]; !begun {
			froms[c.source] = f.next[c.source]
		}
		if c.offset != f.next[c.source] {
			f.t.Fatalf("source %d: offset %d after %d", c.source, c.offset, f.next[c.source])
		}
		fold.Add(c.event(), access.Position{Offset: c.offset})
		f.next[c.source]++
	}
	for source, from := range froms {
		n := uint64(f.next[source] - from)
		p := ledger.Progress{From: from, Next: f.next[source], Coverage: access.Coverage{Records: n, Events: n}}
		if err := f.ledger.Merge(f.folds[source], p); err != nil {
			f.t.Fatal(err)
		}
	}
}

// batches cuts calls, in any order of sources but each source in its order, into
// batches of random size.
func batches(r *rand.Rand, calls []call) [][]call {
	queues := map[int][]call{}
	var sources []int
	for _, c := range calls {
		if queues[c.source] == nil {
			sources = append(sources, c.source)
		}
		queues[c.source] = append(queues[c.source], c)
	}
	var all [][]call
	for len(sources) > 0 {
		i := r.IntN(len(sources))
		q := queues[sources[i]]
		n := min(len(q), 1+r.IntN(40))
		all = append(all, q[:n])
		if queues[sources[i]] = q[n:]; n == len(q) {
			sources = slices.Delete(sources, i, i+1)
		}
	}
	return all
}

// numbered are calls with their offsets, in the order in which they stand.
func numbered(calls []call) []call {
	next := map[int]int64{}
	for i := range calls {
		calls[i].offset = next[calls[i].source]
		next[calls[i].source]++
	}
	return calls
}

// book is a registry written as a list that is searched from scratch.
type book struct {
	partners      []*registry.Partner
	registrations []*bookRegistration
	programs      map[string][]statement
}

type bookRegistration struct {
	registry.Registration
	statements []statement
}

// statement is a revision in recorded order; nil fields are not named by it.
type statement struct {
	registry.Revision
	from, sunset *access.Instant
	grace        *time.Duration
}

func (b *book) Partner(name string) *registry.Partner {
	for _, p := range b.partners {
		if p.Name == name {
			return p
		}
	}
	return nil
}

func (b *book) Partners() []*registry.Partner { return b.partners }

func (b *book) Program(string) *registry.Program { return nil }

func (b *book) Registration(partner, feature string) *registry.Registration {
	for _, r := range b.registrations {
		if r.Partner == partner && r.Feature == feature {
			return &r.Registration
		}
	}
	return nil
}

func (b *book) Registrations() []*registry.Registration {
	var all []*registry.Registration
	for _, r := range b.registrations {
		all = append(all, &r.Registration)
	}
	return all
}

func (b *book) NextTerms(r *registry.Registration, t access.Instant) access.Instant {
	next := access.End
	for _, x := range b.registrations {
		for _, list := range [][]statement{x.statements, b.programs[x.Program]} {
			for i := range list {
				if e := list[i].Effective; x.Partner == r.Partner && x.Feature == r.Feature && e > t {
					next = min(next, e)
				}
			}
		}
	}
	return next
}

func (b *book) Retired([]string, access.Instant) []registry.Retired { return nil }

func (b *book) Owner(principal string, t access.Instant) (partner string, current bool) {
	last := access.Beginning
	for _, p := range b.partners {
		for _, a := range p.Principals {
			switch {
			case a.Principal != principal || t < a.From:
			case t < a.Until:
				return p.Name, true
			case partner == "" || a.Until > last:
				partner, last = p.Name, a.Until
			}
		}
	}
	return partner, false
}

func (b *book) TermsAt(r *registry.Registration, t, _ access.Instant) (*registry.Terms, bool) {
	terms := &registry.Terms{From: access.Beginning, Sunset: access.End, GraceUntil: access.End}
	end := func(list []statement) (sunset access.Instant, grace time.Duration, decided *registry.Revision) {
		sunset = access.End
		for i := range list {
			s := &list[i]
			if s.Effective > t {
				continue
			}
			if s.sunset != nil {
				sunset, decided = *s.sunset, &s.Revision
			}
			if s.grace != nil {
				grace = *s.grace
			}
		}
		return sunset, grace, decided
	}
	for _, x := range b.registrations {
		if x.Partner != r.Partner || x.Feature != r.Feature {
			continue
		}
		for i := range x.statements {
			if s := &x.statements[i]; s.Effective <= t && s.from != nil {
				terms.From, terms.Decided[registry.From] = *s.from, &s.Revision
			}
		}
		sunset, grace, decided := end(x.statements)
		if programSunset, programGrace, by := end(b.programs[x.Program]); programSunset < sunset {
			sunset, grace, decided = programSunset, programGrace, by
			terms.Program = x.Program
		}
		terms.Sunset, terms.GraceUntil = sunset, sunset.Plus(grace)
		terms.Decided[registry.Sunset] = decided
		return terms, true
	}
	return nil, false
}

// Instants are all instants of the book, whatever pair is asked for.
func (b *book) Instants(string, string, []string) []access.Instant {
	var all []access.Instant
	list := func(list []statement) {
		for _, s := range list {
			all = append(all, s.Recorded, s.Effective)
			if s.from != nil {
				all = append(all, *s.from)
			}
			for _, e := range list {
				if s.sunset != nil && e.grace != nil {
					all = append(all, s.sunset.Plus(*e.grace))
				}
			}
			if s.sunset != nil {
				all = append(all, *s.sunset)
			}
		}
	}
	for _, r := range b.registrations {
		list(r.statements)
	}
	for _, p := range b.programs {
		list(p)
	}
	for _, p := range b.partners {
		for _, a := range p.Principals {
			all = append(all, a.From, a.Until)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(t access.Instant) bool { return t == access.Beginning || t == access.End })
}

func (b *book) KnownPrincipal(principal string) bool {
	_, current := b.Owner(principal, access.Beginning)
	owner, _ := b.Owner(principal, access.End)
	return current || owner != ""
}

func (b *book) KnownFeature(string) bool { return true }
