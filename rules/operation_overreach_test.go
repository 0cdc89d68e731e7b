package rules

import (
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

func TestOperationOverreach(t *testing.T) {
	grants := func(o ...access.Operation) func(*registry.Terms) {
		return func(t *registry.Terms) { t.Operations = append([]access.Operation{}, o...) }
	}
	does := func(o access.Operation) func(*Case) { return func(c *Case) { c.Operation = o } }
	beyond := found(func(m *Match) { m.Decided = m.Terms.Decided[registry.Operations] })
	verdicts(t, OperationOverreach, []verdict{
		{name: "granted", terms: grants(access.Read, access.List), not: "the operation read is granted"},
		{name: "the last of those granted", terms: grants(access.Read, access.List), with: does(access.List), not: "the operation list is granted"},
		{name: "not restricted", with: does(access.Delete), not: "operations are not restricted"},
		{name: "unknown, and not restricted", with: does(access.Other), not: "operations are not restricted"},
		{name: "not granted", terms: grants(access.Write), want: beyond},
		{name: "read grants no list", terms: grants(access.Read), with: does(access.List), want: beyond},
		{name: "nothing is granted", terms: grants(), want: beyond},
		{name: "unknown is never granted", terms: grants(access.Read, access.List, access.Write, access.Delete), with: does(access.Other), want: beyond},
		{name: "scopes that are not known", terms: grants(access.Write), with: func(c *Case) { c.Folded, c.Scopes = true, []string{"_other"} }, want: beyond},
		{name: "the default, by no revision", terms: func(t *registry.Terms) { grants(access.Write)(t); t.Decided[registry.Operations] = nil },
			want: found(func(*Match) {})},
		{name: "at the start", time: "2014-01-01", terms: grants(access.Write), want: beyond},
		{name: "the instant before", time: "2013-12-31T23:59:59.999999999Z", terms: grants(access.Write), also: []string{BeforeStart}},
		{name: "the instant before the sunset", time: "2015-06-30T23:59:59.999999999Z", terms: grants(access.Write), want: beyond},
		{name: "at the sunset", time: "2015-07-01", terms: grants(access.Write), also: []string{AccessAfterSunset}},
		{name: "in a pause", time: "2015-03-01", terms: grants(access.Write), also: []string{AccessDuringPause}},
		{name: "a probe", terms: grants(access.Write), with: func(c *Case) { c.Probe = access.ProbeEnabled }},
	})
	severities(t, OperationOverreach, map[Severity][]Finding{
		Warning: {{}, {Operations: map[string]uint64{"read": 7, "list": 1, "other": 3}}},
		Critical: {
			{Operations: map[string]uint64{"read": 1000, "write": 1}},
			{Operations: map[string]uint64{"delete": 1}},
		},
	})
	sentences(t, OperationOverreach, []sentence{
		{func(_ *Finding, last *Match) { last.Terms = terms(grants(access.Write)) },
			"netflix read messages.read for msg.recommend 2,560 times about 500 people, and is granted only write, from 2015-07-01 to 2017-03-31. Team partner-platform: refuse what is not granted to app-netflix-web, or agree on it."},
		{func(f *Finding, last *Match) {
			once(f)
			nobody(f)
			f.Principals, f.Operations = []string{"a", "b"}, map[string]uint64{"delete": 1}
			last.Terms = terms(grants(access.Read, access.List, access.Write))
		}, "netflix deleted messages.read for msg.recommend once about 1 person, and is granted only read, list and write, on 2015-07-01. Refuse what is not granted to a and b, or agree on it."},
		{func(f *Finding, last *Match) { last.Terms = terms(grants()); f.Team = "" },
			"netflix read messages.read for msg.recommend 2,560 times about 500 people, and is granted no operation, from 2015-07-01 to 2017-03-31. partnerships@example.com: refuse what is not granted to app-netflix-web, or agree on it."},
		{func(_ *Finding, last *Match) { last.Terms = nil },
			"netflix read messages.read for msg.recommend 2,560 times about 500 people, and is granted other operations, from 2015-07-01 to 2017-03-31. Team partner-platform: refuse what is not granted to app-netflix-web, or agree on it."},
	})
}
