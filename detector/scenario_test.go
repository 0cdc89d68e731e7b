package detector

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// The cases of the story, with exact answers, from events to findings.

func snapshot(t testing.TB, yaml string) *registry.Snapshot {
	t.Helper()
	s, problems := registry.Read([]registry.File{{Name: "registrations.yml", Data: []byte(yaml)}}, registry.Options{Now: access.End})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return s
}

// daily is n calls at equal distances from 00:00 UTC on each day from first to
// last, all like c, with subjects cycling u1 to u<people>.
func daily(n int, first, last string, people int, c call) []call {
	var all []call
	for d := at(first).Day(); d <= at(last).Day(); d++ {
		for i := range n {
			c.time = d.Start() + access.Instant(i)*access.OneDay/access.Instant(n)
			c.subject = fmt.Sprint("u", len(all)%people+1)
			c.records = 1
			all = append(all, c)
		}
	}
	return all
}

// told sorts calls by time and spreads them over four sources.
func told(parts ...[]call) []call {
	all := slices.Concat(parts...)
	slices.SortStableFunc(all, func(a, b call) int { return cmp.Compare(a.time, b.time) })
	for i := range all {
		all[i].source = i % 4
	}
	return numbered(all)
}

// run feeds calls in batches and judges each, with a wall time of a minute after
// the latest event.
func run(f *feeder, d *Detector, calls []call) (turns []Turn) {
	const batch = 500
	for len(calls) > 0 {
		n := min(batch, len(calls))
		f.feed(calls[:n])
		turns = append(turns, d.Judge(f.ledger.Latest()+access.Minute)...)
		calls = calls[n:]
	}
	return turns
}

func begin(t testing.TB, s *registry.Snapshot) (*feeder, *Detector) {
	t.Helper()
	f := newFeeder(t, s)
	d := newDetector(t, f.ledger)
	d.Reload(s, nil, access.Beginning)
	return f, d
}

func only(t testing.TB, d *Detector, kind, partner string) *rules.Finding {
	t.Helper()
	var all []*rules.Finding
	for _, f := range d.Findings() {
		if f.Kind == kind && f.Partner == partner {
			all = append(all, f)
		}
	}
	if len(all) != 1 {
		t.Fatalf("%d findings %s of %s, want 1", len(all), kind, partner)
	}
	return all[0]
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

const netflix = `
version: 1
partners:
  - {name: netflix, owner: partnerships@example.com, team: partner-platform, principals: [app-netflix-web]}
  - {name: other, owner: other@example.com, principals: [app-other]}
registrations:
  - {partner: other, feature: feed, from: 2010-01-01T00:00:00Z}
  - partner: netflix
    feature: msg.recommend
`

const netflixKnown = netflix + `
    from: 2014-06-01T00:00:00Z
    operations: [write]
    sunset: 2015-07-01T00:00:00Z
    grace: 30d
`

const netflixBefore = netflix + `
    revisions:
      - {recorded: 2014-05-20T09:00:00Z, by: jo, reason: launch, from: 2014-06-01T00:00:00Z, operations: [write]}
`

const netflixLate = netflixBefore + `
      - {recorded: 2016-01-15T00:00:00Z, by: audit, reason: the feature was shut down in July 2015, ticket: PRIV-1, sunset: 2015-07-01T00:00:00Z, grace: 30d}
`

var (
	netflixCall = call{principal: "app-netflix-web", feature: "msg.recommend", operation: access.Read, scopes: []string{"messages.read"}}
	otherCall   = call{principal: "app-other", feature: "feed", operation: access.Read}
)

func netflixStory() []call {
	denied := netflixCall
	denied.outcome = access.Denied
	return told(
		daily(4, "2014-06-01", "2017-03-31", 500, netflixCall),
		daily(3, "2017-04-03", "2017-04-03", 500, denied),
		daily(1, "2014-06-01", "2017-06-30", 100, otherCall),
	)
}

func before(calls []call, t string) []call {
	return slices.DeleteFunc(slices.Clone(calls), func(c call) bool { return c.time >= at(t) })
}

func from(calls []call, t string) []call {
	return slices.DeleteFunc(slices.Clone(calls), func(c call) bool { return c.time < at(t) })
}

func TestS1MessageFeatureShutDown(t *testing.T) {
	f, d := begin(t, snapshot(t, netflixKnown))
	turns := run(f, d, netflixStory())
	equal(t, "findings", len(d.Findings()), 2)
	over := only(t, d, "operation_overreach", "netflix")
	equal(t, "overreach", over.Events, 1580)
	x := only(t, d, "access_after_sunset", "netflix")
	equal(t, "severity", x.Severity, rules.Critical)
	equal(t, "state", x.State, rules.Closed)
	equal(t, "closed at", x.ClosedAt, at("2017-04-30T18:00:00Z"))
	equal(t, "events", x.Events, 2560)
	equal(t, "events after grace", *x.EventsAfterGrace, 2440)
	equal(t, "attempts", x.Attempts, 3)
	equal(t, "records", x.Records, 2560)
	equal(t, "people", x.People, 500)
	equal(t, "people exact", x.PeopleExact, true)
	equal(t, "grantors", x.Grantors, 500)
	equal(t, "days", x.Days, 640)
	equal(t, "first", x.FirstEvent.Time, at("2015-07-01T00:00:00Z"))
	equal(t, "last", x.LastEvent.Time, at("2017-03-31T18:00:00Z"))
	equal(t, "since", x.Since, at("2015-07-01"))
	equal(t, "sunset", x.Sunset, at("2015-07-01"))
	equal(t, "grace until", x.GraceUntil, at("2015-07-31"))
	equal(t, "team", x.Team, "partner-platform")
	equal(t, "bounds", x.Bounds, nil)
	equal(t, "why", x.Why, "netflix read messages.read for msg.recommend 2,560 times about 500 people since its sunset on 2015-07-01, "+
		"the last time on 2017-03-31; 2,440 of them after the grace period. Team partner-platform: revoke the credential of app-netflix-web.")
	var pages []string
	for _, turn := range turns {
		if turn.Pages() && turn.Is.Kind == rules.AccessAfterSunset {
			pages = append(pages, turn.Is.Severity.String())
		}
	}
	equal(t, "pages", strings.Join(pages, " "), "warning critical")
}

func TestS1IsAWarningInGrace(t *testing.T) {
	f, d := begin(t, snapshot(t, netflixKnown))
	run(f, d, before(netflixStory(), "2015-07-15"))
	x := only(t, d, "access_after_sunset", "netflix")
	equal(t, "severity", x.Severity, rules.Warning)
	equal(t, "state", x.State, rules.Open)
	equal(t, "events", x.Events, 56)
	equal(t, "events after grace", *x.EventsAfterGrace, 0)
}

func TestS2ShutdownWrittenDownLate(t *testing.T) {
	f, d := begin(t, snapshot(t, netflixBefore))
	story := netflixStory()
	run(f, d, before(story, "2016-01-15"))
	equal(t, "overreach before", only(t, d, "operation_overreach", "netflix").Events, 2372)

	late := snapshot(t, netflixLate)
	f.ledger.SetTerms(late)
	wall := at("2016-01-15T00:05:00Z")
	turns := d.Reload(late, nil, wall)
	equal(t, "turns", len(turns), 2) // the other one closes
	equal(t, "pages", turns[0].Pages(), true)
	equal(t, "overreach after", only(t, d, "operation_overreach", "netflix").Events, 1580)
	x := only(t, d, "access_after_sunset", "netflix")
	equal(t, "events", x.Events, 792)
	equal(t, "days", x.Days, 198)
	equal(t, "people", x.People, 500)
	equal(t, "bounds", x.Bounds, nil)
	equal(t, "severity", x.Severity, rules.Critical)
	equal(t, "opened at", x.OpenedAt, wall)
	equal(t, "decided by", *x.DecidedBy, rules.Decision{Recorded: at("2016-01-15"), By: "audit", Reason: "the feature was shut down in July 2015", Ticket: "PRIV-1"})
	equal(t, "history", x.History[0], rules.Change{At: wall, State: rules.Open, Severity: rules.Critical, Why: "recorded by audit: the feature was shut down in July 2015"})
	equal(t, "first", x.FirstEvent.Time, at("2015-07-01"))

	run(f, d, from(story, "2016-01-15"))
	x = only(t, d, "access_after_sunset", "netflix")
	equal(t, "events in the end", x.Events, 2560)
	equal(t, "opened at in the end", x.OpenedAt, wall)

	// Taken back: withdrawn, with its last values; and back once more.
	f.ledger.SetTerms(snapshot(t, netflixBefore))
	turns = d.Reload(snapshot(t, netflixBefore), nil, at("2018-01-01"))
	equal(t, "turns when taken back", len(turns), 1)
	x = only(t, d, "access_after_sunset", "netflix")
	equal(t, "state", x.State, rules.Withdrawn)
	equal(t, "events when withdrawn", x.Events, 2560)
	f.ledger.SetTerms(late)
	turns = d.Reload(late, nil, at("2018-02-01"))
	equal(t, "turns when back", len(turns), 1)
	equal(t, "opened when back", turns[0].Opened(), true)
	x = only(t, d, "access_after_sunset", "netflix")
	equal(t, "state when back", x.State, rules.Closed)
	equal(t, "opened at when back", x.OpenedAt, wall)
	equal(t, "reload of the same", len(d.Reload(snapshot(t, netflixLate), nil, at("2018-03-01"))), 0)
}

func TestS6ProgramEnded(t *testing.T) {
	f, d := begin(t, snapshot(t, `
version: 1
partners:
  - {name: bing, owner: search@example.com, team: search, principals: [app-bing]}
  - {name: pandora, owner: music@example.com, principals: [app-pandora]}
  - {name: rottentomatoes, principals: [app-rotten]}
  - {name: other, owner: other@example.com, principals: [app-other]}
programs:
  - name: instant_personalization
    owner: policy@example.com
    team: policy
    revisions:
      - {recorded: 2014-12-01T00:00:00Z, by: policy, reason: discontinued, sunset: 2014-12-31T00:00:00Z}
registrations:
  - {partner: bing, feature: search.social, program: instant_personalization, from: 2010-04-21T00:00:00Z}
  - {partner: pandora, feature: music.social, program: instant_personalization, from: 2010-04-21T00:00:00Z}
  - {partner: rottentomatoes, feature: films.social, program: instant_personalization, from: 2010-04-21T00:00:00Z}
  - {partner: other, feature: feed, from: 2010-01-01T00:00:00Z}
`))
	read := func(principal, feature string) call {
		return call{principal: principal, feature: feature, operation: access.Read, scopes: []string{"profile.basic"}}
	}
	run(f, d, told(
		daily(2, "2014-01-01", "2017-06-30", 300, read("app-bing", "search.social")),
		daily(2, "2014-01-01", "2018-08-31", 300, read("app-pandora", "music.social")),
		daily(2, "2014-01-01", "2018-08-31", 300, read("app-rotten", "films.social")),
		daily(1, "2014-01-01", "2018-12-31", 300, otherCall),
	))
	equal(t, "findings", len(d.Findings()), 3)
	for _, c := range []struct {
		partner, team, owner, last string
		events, days               uint64
	}{
		{"bing", "search", "search@example.com", "2017-06-30T12:00:00Z", 1826, 913},
		{"pandora", "policy", "music@example.com", "2018-08-31T12:00:00Z", 2680, 1340},
		{"rottentomatoes", "policy", "policy@example.com", "2018-08-31T12:00:00Z", 2680, 1340},
	} {
		x := only(t, d, "access_after_sunset", c.partner)
		equal(t, c.partner+" events", x.Events, c.events)
		equal(t, c.partner+" events after grace", *x.EventsAfterGrace, c.events)
		equal(t, c.partner+" days", x.Days, c.days)
		equal(t, c.partner+" people", x.People, 300)
		equal(t, c.partner+" program", x.Program, "instant_personalization")
		equal(t, c.partner+" team", x.Team, c.team)
		equal(t, c.partner+" owner", x.Owner, c.owner)
		equal(t, c.partner+" last", x.LastEvent.Time, at(c.last))
		equal(t, c.partner+" reason", x.DecidedBy.Reason, "discontinued")
		equal(t, c.partner+" state", x.State, rules.Closed)
	}
}

func TestS8FriendsPosts(t *testing.T) {
	f, d := begin(t, snapshot(t, `
version: 1
partners:
  - {name: yahoo, owner: portal@example.com, principals: [app-yahoo]}
registrations:
  - {partner: yahoo, feature: social.bar, from: 2011-09-22T00:00:00Z, sunset: 2013-01-01T00:00:00Z}
`))
	calls := daily(40, "2013-01-01", "2018-07-31", 200000, call{principal: "app-yahoo", feature: "social.bar", operation: access.Read, scopes: []string{"posts"}})
	for i := range calls {
		calls[i].grantor = fmt.Sprint("g", i%80000+1)
	}
	run(f, d, told(calls))
	x := only(t, d, "access_after_sunset", "yahoo")
	equal(t, "severity", x.Severity, rules.Critical)
	equal(t, "events", x.Events, 81520)
	equal(t, "days", x.Days, 2038)
	equal(t, "third party events", x.ThirdPartyEvents, 81520)
	about(t, "people", x.People, 81520)
	about(t, "grantors", x.Grantors, 80000)
	equal(t, "exact", x.PeopleExact || x.GrantorsExact, false)
	equal(t, "bounds", x.Bounds, nil)
}

// about is within 2 %.
func about(t testing.TB, what string, got, want uint64) {
	t.Helper()
	if d := int64(got) - int64(want); max(d, -d)*50 > int64(want) {
		t.Errorf("%s: %d, want %d within 2 %%", what, got, want)
	}
}

func TestS14LateAndDamning(t *testing.T) {
	f, d := begin(t, snapshot(t, netflixKnown))
	story := netflixStory()
	story = slices.DeleteFunc(story, func(c call) bool { return c.time == at("2015-07-01") && c.principal == "app-netflix-web" })
	numbered(story)
	run(f, d, before(story, "2016-03-01"))
	x := only(t, d, "access_after_sunset", "netflix")
	equal(t, "first", x.FirstEvent.Time, at("2015-07-01T06:00:00Z"))
	late := netflixCall
	late.time, late.subject, late.source = at("2015-07-01T00:00:01Z"), "u9", 9
	turns := run(f, d, []call{late})
	equal(t, "turns", len(turns), 0)
	y := only(t, d, "access_after_sunset", "netflix")
	equal(t, "events", y.Events, x.Events+1)
	equal(t, "first", y.FirstEvent, rules.Coordinate{Time: late.time, Source: "partner-access/9"})
}

func TestS20Boundaries(t *testing.T) {
	f, d := begin(t, snapshot(t, netflixKnown))
	var calls []call
	for _, t := range []string{"2014-05-31T23:59:59.999999999Z", "2014-06-01T00:00:00Z",
		"2015-06-30T23:59:59.999999999Z", "2015-07-01T00:00:00Z", "2015-07-01T00:00:00.000000001Z",
		"2015-07-30T23:59:59.999999999Z"} {
		c := netflixCall
		c.time = at(t)
		calls = append(calls, c)
	}
	run(f, d, numbered(calls))
	x := only(t, d, "access_after_sunset", "netflix")
	equal(t, "events", x.Events, 3)
	equal(t, "first", x.FirstEvent, rules.Coordinate{Time: at("2015-07-01"), Source: "partner-access/0", Offset: 3})
	equal(t, "severity", x.Severity, rules.Warning)
	equal(t, "people", x.People, 0)
	equal(t, "before the start", only(t, d, "before_start", "netflix").Events, 1)

	end := netflixCall
	end.time, end.offset = at("2015-07-31T00:00:00Z"), 6
	turns := run(f, d, []call{end})
	equal(t, "turns at the end of grace", len(turns), 1)
	equal(t, "rose", turns[0].Rose(), true)
	equal(t, "after grace", *turns[0].Is.EventsAfterGrace, 1)
}

// A credential that was given up, one that nobody ever had, and a feature that
// was never registered.
func TestNoRegistration(t *testing.T) {
	f, d := begin(t, snapshot(t, `
version: 1
partners:
  - name: netflix
    owner: partnerships@example.com
    principals: [{id: app-tv, from: 2014-09-01T00:00:00Z, until: 2016-01-01T00:00:00Z}]
registrations:
  - {partner: netflix, feature: msg.recommend, from: 2014-01-01T00:00:00Z}
`))
	var calls []call
	for _, c := range []call{
		{time: at("2014-08-31T23:59:59Z"), principal: "app-tv", feature: "msg.recommend"}, // nobody's yet
		{time: at("2014-09-01T00:00:00Z"), principal: "app-tv", feature: "msg.recommend"},
		{time: at("2015-12-31T23:59:59Z"), principal: "app-tv", feature: "msg.recommend"},
		{time: at("2016-01-01T00:00:00Z"), principal: "app-tv", feature: "msg.recommend"},
		{time: at("2016-01-02T00:00:00Z"), principal: "app-tv", feature: "posts"},
		{time: at("2016-01-03T00:00:00Z"), principal: "app-x", feature: "msg.recommend"},
		{time: at("2016-01-03T00:00:00Z"), principal: "app-\x1b[31my", feature: "msg.recommend"},
	} {
		c.operation = access.Read
		calls = append(calls, c)
	}
	run(f, d, numbered(calls))
	var got []string
	for _, x := range d.Findings() {
		got = append(got, fmt.Sprintf("%s %s %q %d since %s: %s", x.Partner, x.Feature, x.Principals, x.Events, x.Since, x.Why))
	}
	want := []string{
		`_unregistered msg.recommend ["app-\x1b[31my"] 1 since -: "app-\x1b[31my", which belongs to no partner, read data for msg.recommend once, on 2016-01-03. Find out whose it is and register it, or revoke its credential.`,
		`_unregistered msg.recommend ["app-tv"] 1 since -: app-tv, which belongs to no partner, read data for msg.recommend once, on 2014-08-31. Find out whose it is and register it, or revoke its credential.`,
		`_unregistered msg.recommend ["app-x"] 1 since -: app-x, which belongs to no partner, read data for msg.recommend once, on 2016-01-03. Find out whose it is and register it, or revoke its credential.`,
		`netflix msg.recommend ["app-tv"] 1 since 2016-01-01T00:00:00Z: netflix read data for msg.recommend once with a credential that it gave up on 2016-01-01, on 2016-01-01. partnerships@example.com: revoke the credential of app-tv.`,
		`netflix posts ["app-tv"] 1 since -: netflix read data for posts once without a registration for it, on 2016-01-02. partnerships@example.com: register it or revoke the credential of app-tv.`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
