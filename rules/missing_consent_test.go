package rules

import (
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

func TestMissingConsent(t *testing.T) {
	requires := func(t *registry.Terms) { t.Requires = registry.RequireConsent }
	says := func(v access.Consent) func(*Case) { return func(c *Case) { c.Consent = v } }
	absent := says(access.ConsentAbsent)
	missing := found(func(m *Match) { m.Decided = m.Terms.Decided[registry.Requires] })
	verdicts(t, MissingConsent, []verdict{
		{name: "absent", terms: requires, with: absent, want: missing},
		{name: "granted", terms: requires, with: says(access.ConsentGranted), not: "consent is granted"},
		{name: "unknown is not judged", terms: requires, not: "consent is unknown"},
		{name: "not required", with: absent, not: "the terms do not require consent"},
		{name: "other things are required", terms: func(t *registry.Terms) { t.Requires = registry.RequireOwnData | registry.RequireIndicator },
			with: absent, not: "the terms do not require consent"},
		{name: "beside other requirements", terms: func(t *registry.Terms) {
			t.Requires = registry.RequireConsent | registry.RequireOwnData | registry.RequireIndicator
		}, with: func(c *Case) { absent(c); c.Relation, c.Indicator = access.ThirdParty, access.IndicatorHidden },
			want: missing, also: []string{ThirdPartySubject, IndicatorMissing}},
		{name: "the instant before the start", time: "2013-12-31T23:59:59.999999999Z", terms: requires, with: absent, also: []string{BeforeStart}},
		{name: "at the start", time: "2014-01-01", terms: requires, with: absent, want: missing},
		{name: "the instant before the sunset", time: "2015-06-30T23:59:59.999999999Z", terms: requires, with: absent, want: missing},
		{name: "at the sunset", time: "2015-07-01", terms: requires, with: absent, also: []string{AccessAfterSunset}},
		{name: "in a pause", time: "2015-03-01", terms: requires, with: absent, also: []string{AccessDuringPause}},
	})
	severities(t, MissingConsent, map[Severity][]Finding{Critical: anyFinding()})
	sentences(t, MissingConsent, []sentence{
		{func(*Finding, *Match) {},
			"netflix read messages.read for msg.recommend 2,560 times about 500 people without the consent that its terms require, from 2015-07-01 to 2017-03-31. Team partner-platform: serve app-netflix-web no data of people without consent."},
		{func(f *Finding, last *Match) {
			once(f)
			nobody(f)
			f.Principals, last.Terms = []string{"a", "b"}, nil
		}, "netflix read messages.read for msg.recommend once about 1 person without the consent that its terms require, on 2015-07-01. Serve a and b no data of people without consent."},
	})
}
