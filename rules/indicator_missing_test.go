package rules

import (
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

func TestIndicatorMissing(t *testing.T) {
	requires := func(t *registry.Terms) { t.Requires = registry.RequireIndicator }
	says := func(v access.Indicator) func(*Case) { return func(c *Case) { c.Indicator = v } }
	hidden := says(access.IndicatorHidden)
	missing := found(func(m *Match) { m.Decided = m.Terms.Decided[registry.Requires] })
	verdicts(t, IndicatorMissing, []verdict{
		{name: "hidden", terms: requires, with: hidden, want: missing},
		{name: "shown", terms: requires, with: says(access.IndicatorShown), not: "the indicator is shown"},
		{name: "unset is not judged", terms: requires, not: "the indicator is unset"},
		{name: "not required", with: hidden, not: "the terms do not require an indicator"},
		{name: "other things are required", terms: func(t *registry.Terms) { t.Requires = registry.RequireConsent | registry.RequireOwnData },
			with: hidden, not: "the terms do not require an indicator"},
		{name: "the instant before the start", time: "2013-12-31T23:59:59.999999999Z", terms: requires, with: hidden, also: []string{BeforeStart}},
		{name: "at the start", time: "2014-01-01", terms: requires, with: hidden, want: missing},
		{name: "the instant before the sunset", time: "2015-06-30T23:59:59.999999999Z", terms: requires, with: hidden, want: missing},
		{name: "at the sunset", time: "2015-07-01", terms: requires, with: hidden, also: []string{AccessAfterSunset}},
		{name: "in a pause", time: "2015-03-01", terms: requires, with: hidden, also: []string{AccessDuringPause}},
	})
	severities(t, IndicatorMissing, map[Severity][]Finding{Warning: anyFinding()})
	sentences(t, IndicatorMissing, []sentence{
		{func(*Finding, *Match) {},
			"netflix read messages.read for msg.recommend 2,560 times about 500 people with the indicator hidden that its terms require, from 2015-07-01 to 2017-03-31. Team partner-platform: have the partner show people that app-netflix-web uses their data."},
		{func(f *Finding, last *Match) {
			once(f)
			nobody(f)
			f.Principals, last.Terms = []string{"a", "b"}, nil
		}, "netflix read messages.read for msg.recommend once about 1 person with the indicator hidden that its terms require, on 2015-07-01. Have the partner show people that a and b use their data."},
	})
}
