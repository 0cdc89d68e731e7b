package rules

import (
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

func TestNoRegistration(t *testing.T) {
	plainly := found(func(*Match) {})
	given := func(c *Case) { c.Belongs, c.Left = false, at("2014-12-01") }
	verdicts(t, NoRegistration, []verdict{
		{name: "registered"},
		{name: "no registration of the feature", with: func(c *Case) { c.Terms = nil }, want: plainly},
		{name: "no partner ever", with: func(c *Case) { c.Belongs, c.Partner, c.Terms = false, "", nil }, want: plainly},
		{name: "given up", with: given, want: found(func(m *Match) { m.Since = at("2014-12-01") })},
		{name: "given up, and never registered: wrong before that as well", with: func(c *Case) { given(c); c.Terms = nil }, want: plainly},
		{name: "given up, before the start", time: "2013-01-01", with: given, want: found(func(m *Match) { m.Since = at("2014-12-01") })},
		{name: "given up, after the sunset", time: "2016-01-01", with: given, want: found(func(m *Match) { m.Since = at("2014-12-01") })},
		{name: "given up, in a pause", time: "2015-03-01", with: given, want: found(func(m *Match) { m.Since = at("2014-12-01") })},
		{name: "terms that it breaks are not judged", terms: func(t *registry.Terms) { t.Operations = []access.Operation{} }, with: given,
			want: found(func(m *Match) { m.Since = at("2014-12-01") })},
		{name: "a feature that a cap folded", with: func(c *Case) { c.Feature, c.Terms = "_other", nil }, want: plainly},
		{name: "scopes that are not known", with: func(c *Case) { c.Folded, c.Terms, c.Scopes = true, nil, []string{"_other"} }, want: plainly},
	})
	severities(t, NoRegistration, map[Severity][]Finding{Critical: anyFinding()})
	sentences(t, NoRegistration, []sentence{
		{func(f *Finding, last *Match) { last.Since = access.Beginning },
			"netflix read messages.read for msg.recommend 2,560 times about 500 people without a registration for it, from 2015-07-01 to 2017-03-31. Team partner-platform: register it or revoke the credential of app-netflix-web."},
		{func(f *Finding, last *Match) {
			once(f)
			nobody(f)
			f.Principals = []string{"a", "b"}
			last.Since, last.Terms = access.Beginning, nil
		}, "netflix read messages.read for msg.recommend once about 1 person without a registration for it, on 2015-07-01. Register it or revoke the credentials of a and b."},
		{func(f *Finding, _ *Match) { f.Partner = Unregistered; nobody(f) },
			"app-netflix-web, which belongs to no partner, read messages.read for msg.recommend 2,560 times about 500 people, from 2015-07-01 to 2017-03-31. Find out whose it is and register it, or revoke its credential."},
		{func(f *Finding, last *Match) { last.Since = at("2016-01-01"); f.Team = "" },
			"netflix read messages.read for msg.recommend 2,560 times about 500 people with a credential that it gave up on 2016-01-01, from 2015-07-01 to 2017-03-31. partnerships@example.com: revoke the credential of app-netflix-web."},
	})
}
