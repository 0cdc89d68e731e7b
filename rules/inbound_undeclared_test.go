package rules

import (
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

func TestInboundUndeclared(t *testing.T) {
	in := func(c *Case) { c.Direction = access.In }
	undeclared := found(func(m *Match) { m.Decided = m.Terms.Decided[registry.Inbound] })
	verdicts(t, InboundUndeclared, []verdict{
		{name: "in", with: in, want: undeclared},
		{name: "out", not: "data flows out"},
		{name: "out, though declared", terms: func(t *registry.Terms) { t.Inbound = true }, not: "data flows out"},
		{name: "declared", terms: func(t *registry.Terms) { t.Inbound = true }, with: in, not: "the terms declare that data flows in"},
		{name: "no revision speaks of it", terms: func(t *registry.Terms) { t.Decided[registry.Inbound] = nil }, with: in,
			want: found(func(*Match) {})},
		{name: "scopes that are not known", with: func(c *Case) { in(c); c.Folded, c.Scopes = true, []string{"_other"} }, want: undeclared},
		{name: "the instant before the start", time: "2013-12-31T23:59:59.999999999Z", with: in, also: []string{BeforeStart}},
		{name: "at the start", time: "2014-01-01", with: in, want: undeclared},
		{name: "the instant before the sunset", time: "2015-06-30T23:59:59.999999999Z", with: in, want: undeclared},
		{name: "at the sunset", time: "2015-07-01", with: in, also: []string{AccessAfterSunset}},
		{name: "in a pause", time: "2015-03-01", with: in, also: []string{AccessDuringPause}},
	})
	severities(t, InboundUndeclared, map[Severity][]Finding{Warning: anyFinding()})
	sentences(t, InboundUndeclared, []sentence{
		{func(*Finding, *Match) {},
			"netflix fed in messages.read for msg.recommend 2,560 times about 500 people, which its terms do not declare, from 2015-07-01 to 2017-03-31. Team partner-platform: refuse what app-netflix-web feeds in, or declare it with inbound: true."},
		{func(f *Finding, last *Match) {
			once(f)
			nobody(f)
			f.Principals, f.Scopes, last.Terms = []string{"a", "b"}, nil, nil
		}, "netflix fed in data for msg.recommend once about 1 person, which its terms do not declare, on 2015-07-01. Refuse what a and b feed in, or declare it with inbound: true."},
	})
}
