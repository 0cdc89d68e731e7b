// Package story tells nine years of accesses of a dozen partners, with what was
// found in them: for the tests of what shows findings.
//
// The package is imported by tests only. It refuses to be random: each telling is
// the same.
//
// Concurrency: each Story belongs to who asked for it.
package story

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"sunsetwatch/detector"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Registrations and Rules are the files of the story.
//
//go:embed registrations.yml
var Registrations []byte

//go:embed rules.yml
var ruleFile []byte

// Markup is the name of a principal that nobody registered, who would like to be
// more than a name.
const Markup = `</td><script>document.title="owned"</script><img src=x onerror=alert(1)>"'&{{.}}`

// Reversed is a name with characters that would turn the text around it.
const Reversed = "app-\u202egnitset\u202c-\x1b[31m"

// Story is what came of it.
type Story struct {
	Registry *registry.Snapshot
	Rules    *rules.RuleSet
	Facts    *ledger.Ledger
	Findings []*rules.Finding
	Now      access.Instant
	Events   uint64
}

// Options of Tell.
type Options struct {
	Days   bool // keep accesses by day
	Months bool // keep buckets
	Life   bool // keep the histories of findings, as a running system would
}

// Tell counts the events and judges them.
func Tell(o Options) (*Story, error) {
	set, problems := registry.Read([]registry.File{{Name: "registrations.yml", Data: Registrations}}, registry.Options{Now: access.End})
	if set == nil {
		return nil, fmt.Errorf("registrations of the story: %v", problems)
	}
	ruleSet, problems := rules.ReadRules(registry.File{Name: "rules.yml", Data: ruleFile}, set, rules.RuleOptions{Now: access.End})
	if ruleSet == nil {
		return nil, fmt.Errorf("rules of the story: %v", problems)
	}
	s := &Story{Registry: set, Rules: ruleSet}
	s.Facts = ledger.New(ledger.Options{Terms: detector.Cuts(set, ruleSet)})
	options := ledger.PiecesOptions{Months: o.Months}
	if o.Days {
		options.Daily = s.wrong
	}
	pieces := s.Facts.NewPieces(options)
	pieces.From(ledger.Source{Name: "archive/2010-2018.jsonl.zst"})
	for _, t := range tales() {
		t.tell(func(ev *access.Event) {
			s.Events++
			pieces.Add(ev, access.Position{Offset: int64(s.Events)})
		})
	}
	s.Now = s.Facts.Latest()
	d, err := detector.New(detector.Options{Facts: s.Facts})
	if err != nil {
		return nil, err
	}
	d.Reload(set, ruleSet, access.End-1)
	for _, f := range d.Findings() {
		g := *f
		if o.Life {
			g.OpenedAt, g.History = live(f)
			delay := int64((g.OpenedAt - g.FirstEvent.Time) / access.Instant(time.Second))
			g.DetectionDelay = &delay
		} else {
			g.OpenedAt, g.DetectionDelay, g.History = access.Beginning, nil, nil
		}
		s.Findings = append(s.Findings, &g)
	}
	return s, nil
}

// live is a life as a system that ran all the time would have seen it.
func live(f *rules.Finding) (access.Instant, []rules.Change) {
	opened := f.FirstEvent.Time
	if f.DecidedBy != nil {
		opened = max(opened, f.DecidedBy.Recorded)
	}
	h := []rules.Change{{At: opened, State: rules.Open, Severity: f.Severity, Why: "the first access"}}
	if f.State != rules.Open {
		quiet := max(opened, f.LastEvent.Time+access.OneDay)
		h = append(h, rules.Change{At: quiet, State: rules.Quiet, Severity: f.Severity, Why: "no access for a day"})
	}
	if f.State == rules.Closed {
		h = append(h, rules.Change{At: max(f.ClosedAt, h[len(h)-1].At), State: rules.Closed, Severity: f.Severity, Why: f.Closure.Why})
	}
	return opened, h
}

// wrong says whether the accesses of a cell around an instant are in a finding; of
// what is judged inside a window, the story knows scopes alone.
func (s *Story) wrong(c *ledger.Cell, at access.Instant) bool {
	owner, belongs := s.Registry.Owner(c.Principal(), at)
	r := s.Registry.Registration(owner, c.Feature())
	if r == nil || !belongs {
		return true
	}
	terms, _ := s.Registry.TermsAt(r, at, access.End)
	if terms.LifecycleAt(at) != registry.Active {
		return true
	}
	covered := func(scope string) bool {
		return terms.Scopes == nil || slices.ContainsFunc(terms.Scopes, func(p string) bool { return registry.Covers(p, scope) })
	}
	for _, scope := range c.Scopes() {
		if !covered(scope) {
			return true
		}
	}
	return len(s.Registry.Retired(c.Scopes(), at)) > 0
}

// tale is what one principal did.
type tale struct {
	principal, feature, scopes string
	from, until                string
	every                      time.Duration
	people                     int
	operation                  access.Operation
	outcome                    access.Outcome
	also                       func(n int, ev *access.Event) // changes an event
}

func instant(s string) access.Instant {
	t, err := time.Parse("2006-01-02T15:04", s)
	if err != nil {
		panic(err) // a constant of this file
	}
	return access.At(t)
}

func (t *tale) tell(hear func(*access.Event)) {
	n := 0
	for at, until := instant(t.from), instant(t.until); at < until; at += access.Instant(t.every) {
		ev := &access.Event{
			Time: at, Principal: []byte(t.principal), Feature: []byte(t.feature),
			Operation: t.operation, Outcome: t.outcome, Records: 1 + uint64(n%7), Bytes: 1000 + uint64(n%11)*97,
		}
		for _, scope := range strings.Fields(t.scopes) {
			ev.Scopes = append(ev.Scopes, []byte(scope))
		}
		if t.people > 0 {
			ev.Subject = fmt.Appendf(nil, "person-%d", n*7919%t.people)
		}
		if t.also != nil {
			t.also(n, ev)
		}
		n++
		hear(ev)
	}
}

const day = 24 * time.Hour

func tales() []tale {
	all := []tale{
		// The feature was shut down in July 2015, and written down half a year later.
		{principal: "app-netflix-web", feature: "msg.recommend", scopes: "messages.write", from: "2014-06-01T08:00", until: "2015-07-01T00:00", every: 9 * time.Hour, people: 900, operation: access.Write},
		{principal: "app-netflix-web", feature: "msg.recommend", scopes: "messages.write", from: "2015-07-01T00:00", until: "2016-08-20T00:00", every: 7 * time.Hour, people: 900, operation: access.Write},
		{principal: "app-netflix-web", feature: "msg.recommend", scopes: "messages.write", from: "2016-08-20T06:00", until: "2017-03-31T19:00", every: 31 * time.Hour, people: 500, operation: access.Write},
		{principal: "app-netflix-tv", feature: "msg.recommend", scopes: "messages.write", from: "2015-02-01T08:00", until: "2015-12-24T00:00", every: 20 * time.Hour, people: 100, operation: access.Write},
		{principal: "app-netflix-tv", feature: "msg.recommend", from: "2016-02-01T08:00", until: "2016-02-09T00:00", every: 20 * time.Hour, people: 3, operation: access.Read},
		// A program that ended in 2014: one went on for years, one stopped.
		{principal: "app-bing", feature: "search.social", scopes: "friends.list", from: "2010-05-01T00:30", until: "2018-12-01T00:00", every: 11 * time.Hour, people: 40000, operation: access.Read},
		{principal: "app-rotten", feature: "reviews.social", scopes: "friends.list", from: "2011-05-01T00:30", until: "2014-12-30T00:00", every: 3 * day, people: 90, operation: access.Read},
		// Within its window, more than was granted.
		{principal: "app-spotify", feature: "music.share", scopes: "messages.write", from: "2013-01-01T10:00", until: "2016-06-01T00:00", every: 15 * time.Hour, people: 2000, operation: access.Write},
		{principal: "app-spotify", feature: "music.share", scopes: "messages.read messages.write", from: "2014-03-01T10:00", until: "2014-05-11T00:00", every: 6 * time.Hour, people: 300, operation: access.Write},
		{principal: "app-spotify", feature: "music.share", scopes: "messages.write", from: "2015-04-01T10:00", until: "2015-04-04T00:00", every: 2 * time.Hour, people: 30, operation: access.Write},
		// A scope that was retired for everybody.
		{principal: "app-yandex", feature: "identity", scopes: "profile.basic user.global_id", from: "2013-01-01T10:00", until: "2018-11-20T00:00", every: 2 * day, people: 700, operation: access.Read},
		// Still knocking.
		{principal: "app-pandora", feature: "radio.social", scopes: "friends.list", from: "2011-01-01T10:00", until: "2014-12-01T00:00", every: 2 * day, people: 70, operation: access.Read},
		{principal: "app-pandora", feature: "radio.social", scopes: "friends.list", from: "2015-02-01T10:00", until: "2018-11-30T00:00", every: 4 * day, people: 70, operation: access.Read, outcome: access.Denied},
		// One access, one minute after.
		{principal: "app-royal-bank", feature: "payments.msg", scopes: "messages.send", from: "2013-12-01T00:00", until: "2014-06-30T12:00", every: 5 * day, people: 12, operation: access.Write},
		{principal: "app-royal-bank", feature: "payments.msg", scopes: "messages.send", from: "2014-06-30T12:00", until: "2014-06-30T12:01", every: time.Hour, people: 1, operation: access.Write},
		// Nobody knows them.
		{principal: Markup, feature: `"><b>feature</b>`, scopes: "<i>scope</i>", from: "2018-11-01T10:00", until: "2018-11-30T00:00", every: 5 * time.Hour, people: 5, operation: access.Read},
		{principal: Reversed, feature: strings.Repeat("a-very-long-feature-name.", 10), scopes: strings.Repeat("long", 60), from: "2018-11-30T10:00", until: "2018-12-01T00:00", every: 5 * time.Hour, people: 5, operation: access.Read},
		// Too early, and then in good order.
		{principal: "app-airbnb", feature: "trips", scopes: "friends.list", from: "2016-12-01T00:00", until: "2018-11-30T00:00", every: 3 * day, people: 50, operation: access.Read},
		// In good order, and ended in silence.
		{principal: "app-lyft", feature: "rides", scopes: "friends.list", from: "2015-03-01T00:00", until: "2017-01-01T00:00", every: 3 * day, people: 50, operation: access.Read},
		{principal: "app-hulu", feature: "watch", scopes: "friends.list", from: "2016-03-01T00:00", until: "2018-12-01T00:00", every: 4 * day, people: 50, operation: access.Read},
	}
	all[5].also = func(n int, ev *access.Event) { // as busy as people are in summer
		if ev.Time.Time().Month() == time.August {
			ev.Records = 9
		}
	}
	return all
}
