package rules

import (
	"testing"

	"sunsetwatch/rules/registry"
)

func TestBeforeStart(t *testing.T) {
	early := found(func(m *Match) { m.Until, m.Decided = at("2014-01-01"), m.Terms.Decided[registry.From] })
	verdicts(t, BeforeStart, []verdict{
		{name: "the instant before", time: "2013-12-31T23:59:59.999999999Z", want: early},
		{name: "at the start", time: "2014-01-01"},
		{name: "the instant after", time: "2014-01-01T00:00:00.000000001Z"},
		{name: "long before", time: "1700-01-01", want: early},
		{name: "open at its start", time: "1700-01-01", terms: open},
		{name: "no revision set it", time: "2013-01-01", terms: func(t *registry.Terms) { t.Decided[registry.From] = nil },
			want: found(func(m *Match) { m.Until = at("2014-01-01") })},
		{name: "a program that ended before that", time: "2013-01-01", terms: func(t *registry.Terms) { t.Sunset = at("2012-01-01") }, want: early},
		{name: "in a pause as well", time: "2013-01-01", terms: func(t *registry.Terms) { t.Pauses[0].From = at("2012-01-01") }, want: early},
		{name: "terms that it breaks are not judged", time: "2013-01-01", terms: func(t *registry.Terms) { t.Scopes = []string{} }, want: early},
		{name: "belongs to nobody", time: "2013-01-01", with: func(c *Case) { c.Belongs, c.Partner, c.Terms = false, "", nil },
			also: []string{NoRegistration}},
	})
	severities(t, BeforeStart, map[Severity][]Finding{Warning: anyFinding()})
	sentences(t, BeforeStart, []sentence{
		{func(_ *Finding, last *Match) { last.Until = at("2018-01-01") },
			"netflix read messages.read for msg.recommend 2,560 times about 500 people before its start on 2018-01-01, from 2015-07-01 to 2017-03-31. Team partner-platform: correct the date of the registration, or find out how app-netflix-web had access before it."},
		{func(f *Finding, last *Match) {
			once(f)
			nobody(f)
			f.Principals = []string{"a", "b"}
			last.Until = at("2018-01-01T00:01:00Z")
		}, "netflix read messages.read for msg.recommend once about 1 person before its start on 2018-01-01 at 00:01 UTC, on 2015-07-01. Correct the date of the registration, or find out how a and b had access before it."},
	})
}
