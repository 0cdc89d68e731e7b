package rules

import (
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

func TestRetainedCapability(t *testing.T) {
	enabled := func(c *Case) { c.Probe = access.ProbeEnabled }
	probes := func(change func(*Case)) func(*Case) { return func(c *Case) { enabled(c); change(c) } }
	// It lists no scopes, and has no sunset of its own: since says it.
	ended := func(m *Match) {
		m.Since, m.Decided, m.Scopes = at("2015-07-01"), m.Terms.Decided[registry.Sunset], nil
	}
	unknown := func(m *Match) { m.Scopes = nil }
	const allowed = "the access would have a registration, and be before its sunset"
	verdicts(t, RetainedCapability, []verdict{
		{name: "the instant before the sunset", time: "2015-06-30T23:59:59.999999999Z", with: enabled, not: allowed},
		{name: "at the sunset", time: "2015-07-01", with: enabled, want: found(ended)},
		{name: "the instant after", time: "2015-07-01T00:00:00.000000001Z", with: enabled, want: found(ended)},
		{name: "after grace", time: "2016-01-01", with: enabled, want: found(ended)},
		{name: "after the program's end", time: "2016-01-01", terms: func(t *registry.Terms) { t.Program = "umbrella" }, with: enabled,
			want: found(func(m *Match) { ended(m); m.Program = "umbrella" })},
		{name: "before the start", time: "2013-01-01", with: enabled, not: allowed},
		{name: "in a pause", time: "2015-03-01", with: enabled, not: allowed},
		{name: "inside", with: enabled, not: allowed},
		{name: "no registration", with: probes(func(c *Case) { c.Terms = nil }), want: found(unknown)},
		{name: "no partner ever", with: probes(func(c *Case) { c.Belongs, c.Partner, c.Terms = false, "", nil }), want: found(unknown)},
		{name: "given up", with: probes(func(c *Case) { c.Belongs, c.Left = false, at("2014-12-01") }),
			want: found(func(m *Match) { unknown(m); m.Since = at("2014-12-01") })},
		{name: "given up, and never registered", with: probes(func(c *Case) { c.Belongs, c.Left, c.Terms = false, at("2014-12-01"), nil }),
			want: found(unknown)},
		{name: "disabled", time: "2016-01-01", with: func(c *Case) { c.Probe = access.ProbeDisabled }, not: "the probe says disabled"},
		{name: "disabled, without a registration", with: func(c *Case) { c.Probe, c.Terms = access.ProbeDisabled, nil }, not: "the probe says disabled"},
		{name: "an access", time: "2016-01-01", also: []string{AccessAfterSunset}},
		{name: "probes break no terms", terms: func(t *registry.Terms) {
			t.Operations, t.Scopes, t.Requires = []access.Operation{}, []string{}, registry.RequireConsent
		}, with: probes(func(c *Case) { c.Consent, c.Direction = access.ConsentAbsent, access.In }), not: allowed},
	})
	severities(t, RetainedCapability, map[Severity][]Finding{Warning: anyFinding()})
	retained := func(f *Finding) {
		f.Events, f.People, f.Attempts = 0, 0, 0
		f.ProbeDays = pointer(uint64(2008))
	}
	sentences(t, RetainedCapability, []sentence{
		{func(f *Finding, _ *Match) { retained(f) },
			"netflix could still use msg.recommend with the credential of app-netflix-web, and must not since its sunset on 2015-07-01: probes said so on 2,008 days, from 2015-07-01 to 2017-03-31. No access was counted. Team partner-platform: revoke the credential of app-netflix-web."},
		{func(f *Finding, _ *Match) {
			retained(f)
			nobody(f)
			f.Program, f.Principals = "umbrella", []string{"a", "b"}
			f.ProbeDays, f.LastEvent = pointer(uint64(1)), f.FirstEvent
		}, "netflix could still use msg.recommend with the credentials of a and b, and must not since the end of the program umbrella on 2015-07-01: probes said so on 1 day, on 2015-07-01. No access was counted. Revoke the credentials of a and b."},
		{func(f *Finding, last *Match) { retained(f); last.Since, last.Terms = access.Beginning, nil },
			"netflix could still use msg.recommend with the credential of app-netflix-web, and has no registration for it: probes said so on 2,008 days, from 2015-07-01 to 2017-03-31. No access was counted. Team partner-platform: revoke the credential of app-netflix-web."},
		{func(f *Finding, last *Match) {
			retained(f)
			last.Since, f.Bounds, f.Team = at("2014-12-01"), &Bounds{}, ""
		},
			"netflix could still use msg.recommend with the credential of app-netflix-web, and gave it up on 2014-12-01: probes said so on at least 2,008 days, from 2015-07-01 to 2017-03-31. No access was counted. partnerships@example.com: revoke the credential of app-netflix-web."},
		{func(f *Finding, last *Match) {
			retained(f)
			f.Principals, last.Since, f.Bounds, f.ProbeDays = []string{"a", "b"}, at("2014-12-01"), &Bounds{}, pointer(uint64(1))
		}, "netflix could still use msg.recommend with the credentials of a and b, and gave them up on 2014-12-01: probes said so on at least 1 day, from 2015-07-01 to 2017-03-31. No access was counted. Team partner-platform: revoke the credentials of a and b."},
		{func(f *Finding, last *Match) { retained(f); nobody(f); f.Partner, last.Terms = Unregistered, nil },
			"app-netflix-web, which belongs to no partner, could still use msg.recommend: probes said so on 2,008 days, from 2015-07-01 to 2017-03-31. No access was counted. Find out whose it is and register it, or revoke its credential."},
		{func(f *Finding, last *Match) { retained(f); f.ProbeDays, last.Since = nil, access.Beginning },
			"netflix could still use msg.recommend with the credential of app-netflix-web, and has no registration for it: probes said so, from 2015-07-01 to 2017-03-31. No access was counted. Team partner-platform: revoke the credential of app-netflix-web."},
	})
}
