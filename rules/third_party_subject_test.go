package rules

import (
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

func TestThirdPartySubject(t *testing.T) {
	requires := func(t *registry.Terms) { t.Requires = registry.RequireOwnData }
	friend := func(c *Case) { c.Relation = access.ThirdParty }
	third := found(func(m *Match) { m.Decided = m.Terms.Decided[registry.Requires] })
	verdicts(t, ThirdPartySubject, []verdict{
		{name: "a friend's data", terms: requires, with: friend, want: third},
		{name: "own data", terms: requires, not: "it does not say that another person than the subject authorised the call"},
		{name: "not required", with: friend, not: "the terms do not require own data"},
		{name: "other things are required", terms: func(t *registry.Terms) { t.Requires = registry.RequireConsent | registry.RequireIndicator },
			with: friend, not: "the terms do not require own data"},
		{name: "the instant before the start", time: "2013-12-31T23:59:59.999999999Z", terms: requires, with: friend, also: []string{BeforeStart}},
		{name: "at the start", time: "2014-01-01", terms: requires, with: friend, want: third},
		{name: "the instant before the sunset", time: "2015-06-30T23:59:59.999999999Z", terms: requires, with: friend, want: third},
		{name: "at the sunset", time: "2015-07-01", terms: requires, with: friend, also: []string{AccessAfterSunset}},
		{name: "in a pause", time: "2015-03-01", terms: requires, with: friend, also: []string{AccessDuringPause}},
	})
	severities(t, ThirdPartySubject, map[Severity][]Finding{Critical: anyFinding()})
	sentences(t, ThirdPartySubject, []sentence{
		{func(*Finding, *Match) {},
			"netflix read messages.read for msg.recommend 2,560 times about 500 people who did not authorise it, and its terms require own data, from 2015-07-01 to 2017-03-31. Team partner-platform: serve app-netflix-web only data of the person who authorised the call."},
		{func(f *Finding, last *Match) {
			once(f)
			nobody(f)
			f.Principals, last.Terms = []string{"a", "b"}, nil
		}, "netflix read messages.read for msg.recommend once about 1 person who did not authorise it, and its terms require own data, on 2015-07-01. Serve a and b only data of the person who authorised the call."},
		{func(f *Finding, _ *Match) { f.Bounds, f.People = &Bounds{}, 0 },
			"netflix read messages.read for msg.recommend at least 2,560 times about people who did not authorise it, and its terms require own data, from 2015-07-01 to 2017-03-31. Team partner-platform: serve app-netflix-web only data of the person who authorised the call."},
	})
}
