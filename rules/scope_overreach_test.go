package rules

import (
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

func TestScopeOverreach(t *testing.T) {
	grants := func(scopes ...string) func(*registry.Terms) {
		return func(t *registry.Terms) { t.Scopes = append([]string{}, scopes...) }
	}
	touches := func(scopes ...string) func(*Case) { return func(c *Case) { c.Scopes = scopes } }
	beyond := func(scopes ...string) []func(*Match) {
		return found(func(m *Match) { m.Decided, m.Scopes = m.Terms.Decided[registry.Scopes], scopes })
	}
	verdicts(t, ScopeOverreach, []verdict{
		{name: "granted", terms: grants("messages.read"), not: "granted: messages.read"},
		{name: "not restricted", not: "scopes are not restricted"},
		{name: "none", terms: grants("messages.read"), with: touches(), not: "it names no scope"},
		{name: "none, and none is granted", terms: grants(), with: touches(), not: "it names no scope"},
		{name: "none is granted", terms: grants(), want: beyond("messages.read")},
		{name: "everything is granted", terms: grants("*"), with: touches("a", "b.c"), not: "granted: a and b.c"},
		{name: "many are granted", terms: grants("*"), with: touches("a", "b b", "c", "d", "e"), not: `granted: a, "b b", c and 2 more`},
		{name: "what lies below is granted", terms: grants("messages.*"), with: touches("messages.a.b", "messages.read"), not: "granted: messages.a.b and messages.read"},
		{name: "the name itself does not lie below", terms: grants("messages.*"), with: touches("messages", "messages.read"), want: beyond("messages")},
		{name: "a longer word does not lie below", terms: grants("messages.*"), with: touches("messagesx.read"), want: beyond("messagesx.read")},
		{name: "only the offending ones, once", terms: grants("a", "c"), with: touches("a", "b", "c", "d"), want: beyond("b", "d")},
		{name: "scopes that are not known", terms: grants("a"), with: func(c *Case) { c.Folded, c.Scopes = true, []string{"_other"} }, not: "its scopes are not known"},
		{name: "scopes that are not known, and no list of them", terms: grants("a"), with: func(c *Case) { c.Folded, c.Scopes = true, nil }, not: "its scopes are not known"},
		{name: "a scope of that name is known", terms: grants("a"), with: touches("_other"), want: beyond("_other")},
		{name: "before the start", time: "2013-01-01", terms: grants(), also: []string{BeforeStart}},
		{name: "the instant before the sunset", time: "2015-06-30T23:59:59.999999999Z", terms: grants(), want: beyond("messages.read")},
		{name: "at the sunset", time: "2015-07-01", terms: grants(), also: []string{AccessAfterSunset}},
		{name: "in a pause", time: "2015-03-01", terms: grants(), also: []string{AccessDuringPause}},
		{name: "beside another kind", terms: func(t *registry.Terms) { grants()(t); t.Operations = []access.Operation{access.Write} },
			want: beyond("messages.read"), also: []string{OperationOverreach}},
	})
	severities(t, ScopeOverreach, map[Severity][]Finding{Warning: anyFinding()})
	sentences(t, ScopeOverreach, []sentence{
		{func(f *Finding, last *Match) {
			f.Scopes = map[string]uint64{"thread.participants": 2560}
			last.Terms = terms(grants("messages.read"))
		}, "netflix read thread.participants for msg.recommend 2,560 times about 500 people, and is granted only messages.read, from 2015-07-01 to 2017-03-31. Team partner-platform: refuse what is not granted to app-netflix-web, or agree on it."},
		{func(f *Finding, last *Match) {
			once(f)
			nobody(f)
			f.Principals = []string{"a", "b"}
			last.Terms = terms(grants("a", "b", "c c", "d", "e"))
		}, `netflix read messages.read for msg.recommend once about 1 person, and is granted only a, b, "c c" and 2 more, on 2015-07-01. Refuse what is not granted to a and b, or agree on it.`},
		{func(f *Finding, last *Match) { last.Terms = terms(grants()); f.Team = "" },
			"netflix read messages.read for msg.recommend 2,560 times about 500 people, and is granted no scope, from 2015-07-01 to 2017-03-31. partnerships@example.com: refuse what is not granted to app-netflix-web, or agree on it."},
		{func(_ *Finding, last *Match) { last.Terms = nil },
			"netflix read messages.read for msg.recommend 2,560 times about 500 people, and is granted other scopes, from 2015-07-01 to 2017-03-31. Team partner-platform: refuse what is not granted to app-netflix-web, or agree on it."},
	})
}
