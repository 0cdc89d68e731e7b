package rules

import (
	"testing"

	"sunsetwatch/rules/registry"
)

func TestAccessAfterSunset(t *testing.T) {
	after := func(m *Match) {
		m.Since, m.Sunset, m.GraceUntil = at("2015-07-01"), at("2015-07-01"), at("2015-07-31")
		m.Decided = m.Terms.Decided[registry.Sunset]
	}
	afterGrace := func(m *Match) { after(m); m.AfterGrace = true }
	graceless := func(t *registry.Terms) { t.GraceUntil = t.Sunset }
	verdicts(t, AccessAfterSunset, []verdict{
		{name: "the instant before", time: "2015-06-30T23:59:59.999999999Z"},
		{name: "at the sunset", time: "2015-07-01", want: found(after)},
		{name: "the instant after", time: "2015-07-01T00:00:00.000000001Z", want: found(after)},
		{name: "before the end of grace", time: "2015-07-30T23:59:59.999999999Z", want: found(after)},
		{name: "at the end of grace", time: "2015-07-31", want: found(afterGrace)},
		{name: "years later", time: "2099-01-01", want: found(afterGrace)},
		{name: "without grace, at the sunset", time: "2015-07-01", terms: graceless, want: found(func(m *Match) {
			afterGrace(m)
			m.GraceUntil = m.Sunset
		})},
		{name: "without a sunset", time: "2099-01-01", terms: open},
		{name: "by the program", time: "2015-07-01", terms: func(t *registry.Terms) { t.Program = "umbrella" },
			want: found(func(m *Match) { after(m); m.Program = "umbrella" })},
		{name: "in a pause as well", time: "2015-07-01", terms: func(t *registry.Terms) {
			t.Pauses = []registry.Pause{{From: at("2015-06-01"), Until: at("2015-08-01")}}
		}, want: found(after)},
		{name: "terms that it breaks are not judged", time: "2015-07-01", terms: func(t *registry.Terms) {
			t.Scopes = []string{}
			t.Requires = registry.RequireConsent
		}, want: found(after)},
		{name: "a credential that was given up", time: "2015-07-01", with: func(c *Case) { c.Belongs = false },
			also: []string{NoRegistration}},
		{name: "scopes that are not known", time: "2015-07-01", with: func(c *Case) { c.Folded, c.Scopes = true, []string{"_other"} },
			want: found(after)},
	})
	severities(t, AccessAfterSunset, map[Severity][]Finding{
		Warning:  {{}, {Events: 9, EventsAfterGrace: pointer(uint64(0))}},
		Critical: {{EventsAfterGrace: pointer(uint64(1))}, *netflix()},
	})
	sentences(t, AccessAfterSunset, []sentence{
		{func(*Finding, *Match) {},
			"netflix read messages.read for msg.recommend 2,560 times about 500 people since its sunset on 2015-07-01, the last time on 2017-03-31; 2,440 of them after the grace period. Team partner-platform: revoke the credential of app-netflix-web."},
		{func(f *Finding, _ *Match) {
			f.Program, f.GraceUntil, f.Team = "instant_personalization", f.Sunset, ""
			f.Operations = map[string]uint64{"other": 1, "write": 3, "read": 2, "delete": 1, "list": 9}
			f.Scopes = map[string]uint64{"a": 1, "b": 1, "c": 5, "d": 7}
			f.People, f.PeopleExact = 1234567, false
			f.Bounds = &Bounds{}
		}, "netflix read, listed, wrote, deleted and used d, c, a and 1 more for msg.recommend at least 2,560 times about an estimated 1,234,567 people since the end of the program instant_personalization on 2015-07-01, the last time on 2017-03-31. partnerships@example.com: revoke the credential of app-netflix-web."},
		{func(f *Finding, _ *Match) {
			once(f)
			nobody(f)
			f.EventsAfterGrace, f.Scopes = pointer(uint64(0)), nil
			f.Since = at("2015-07-01T12:30:00Z")
			f.Principals = []string{"a", "b", "c", "d", "e"}
		}, "netflix read data for msg.recommend once about 1 person since its sunset on 2015-07-01 at 12:30 UTC, on 2015-07-01; it was in the grace period, which ends on 2015-07-31. Revoke the credentials of a, b, c and 2 more."},
		{func(f *Finding, _ *Match) { once(f); f.EventsAfterGrace = pointer(uint64(1)) },
			"netflix read messages.read for msg.recommend once about 1 person since its sunset on 2015-07-01, on 2015-07-01; it was after the grace period. Team partner-platform: revoke the credential of app-netflix-web."},
		{func(f *Finding, _ *Match) { f.EventsAfterGrace = pointer(uint64(0)) },
			"netflix read messages.read for msg.recommend 2,560 times about 500 people since its sunset on 2015-07-01, the last time on 2017-03-31; all of them in the grace period, which ends on 2015-07-31. Team partner-platform: revoke the credential of app-netflix-web."},
		{func(f *Finding, _ *Match) { f.EventsAfterGrace, f.People = pointer(f.Events), 0 },
			"netflix read messages.read for msg.recommend 2,560 times since its sunset on 2015-07-01, the last time on 2017-03-31; all of them after the grace period. Team partner-platform: revoke the credential of app-netflix-web."},
		{func(f *Finding, _ *Match) { f.Bounds = &Bounds{} },
			"netflix read messages.read for msg.recommend at least 2,560 times about 500 people since its sunset on 2015-07-01, the last time on 2017-03-31; at least 2,440 of them after the grace period. Team partner-platform: revoke the credential of app-netflix-web."},
		{func(f *Finding, _ *Match) { f.Bounds, f.EventsAfterGrace = &Bounds{}, pointer(uint64(0)) },
			"netflix read messages.read for msg.recommend at least 2,560 times about 500 people since its sunset on 2015-07-01, the last time on 2017-03-31. Team partner-platform: revoke the credential of app-netflix-web."},
		{func(f *Finding, _ *Match) {
			f.Partner, f.Feature, f.Principals = "two words", "a. Team b: rejoice", []string{"line\nbreak"}
		}, `"two words" read messages.read for "a. Team b: rejoice" 2,560 times about 500 people since its sunset on 2015-07-01, the last time on 2017-03-31; 2,440 of them after the grace period. Team partner-platform: revoke the credential of "line\nbreak".`},
	})
}
