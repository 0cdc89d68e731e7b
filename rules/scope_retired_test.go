package rules

import (
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

func TestScopeRetired(t *testing.T) {
	policy := &registry.Revision{By: "policy"}
	retired := func(name string) registry.Retired {
		return registry.Retired{Name: name, Sunset: at("2014-04-30"), GraceUntil: at("2015-04-30"), Decided: policy}
	}
	touches := func(scopes []string, names ...string) func(*Case) {
		return func(c *Case) {
			c.Scopes = scopes
			for _, name := range names {
				c.Retired = append(c.Retired, retired(name))
			}
		}
	}
	of := func(name string, scopes ...string) func(*Match) {
		return func(m *Match) {
			m.Since, m.Sunset, m.GraceUntil = at("2014-04-30"), at("2014-04-30"), at("2015-04-30")
			m.Decided, m.Scope, m.Scopes = policy, name, scopes
		}
	}
	afterGrace := func(m *Match) { of("user.global_id", "user.global_id")(m); m.AfterGrace = true }
	id := touches([]string{"profile.basic", "user.global_id"}, "user.global_id")
	// That a scope is not retired yet, the registry says: it is not in Case.Retired.
	verdicts(t, ScopeRetired, []verdict{
		{name: "none is retired by then", not: "none of its scopes was retired by then"},
		{name: "no scope", with: touches(nil), not: "it names no scope"},
		{name: "in grace", with: id, want: found(of("user.global_id", "user.global_id"))},
		{name: "before the end of grace", time: "2015-04-29T23:59:59.999999999Z", with: id, want: found(of("user.global_id", "user.global_id"))},
		{name: "at the end of grace", time: "2015-04-30", with: id, want: found(afterGrace)},
		{name: "after it", time: "2015-04-30T00:00:00.000000001Z", with: id, want: found(afterGrace)},
		{name: "the concrete scopes that the name covers", with: touches([]string{"a.b", "user.id", "user.name"}, "user.*"),
			want: found(of("user.*", "user.id", "user.name"))},
		{name: "two names are two findings", with: touches([]string{"user.id"}, "user.*", "user.id"),
			want: []func(*Match){of("user.*", "user.id"), of("user.id", "user.id")}},
		{name: "granted all the same", terms: func(t *registry.Terms) { t.Scopes = []string{"*"} }, with: id,
			want: found(of("user.global_id", "user.global_id"))},
		{name: "scopes that are not known", with: func(c *Case) { touches([]string{"_other"}, "*")(c); c.Folded = true }, not: "its scopes are not known"},
		{name: "scopes that are not known, and no list of them", with: func(c *Case) { c.Folded, c.Scopes = true, nil }, not: "its scopes are not known"},
		{name: "before the start", time: "2013-01-01", with: id, also: []string{BeforeStart}},
		{name: "at the sunset of the feature", time: "2015-07-01", with: id, also: []string{AccessAfterSunset}},
		{name: "in a pause", time: "2015-03-01", with: id, also: []string{AccessDuringPause}},
		{name: "a probe", with: func(c *Case) { id(c); c.Probe = access.ProbeEnabled }},
	})
	severities(t, ScopeRetired, map[Severity][]Finding{
		Warning:  {{}, {Events: 9, EventsAfterGrace: pointer(uint64(0))}},
		Critical: {{EventsAfterGrace: pointer(uint64(1))}},
	})
	yandex := func(f *Finding) {
		f.Scope, f.Scopes = "user.global_id", map[string]uint64{"user.global_id": 2560}
		f.Since, f.Sunset, f.GraceUntil = at("2014-04-30"), at("2014-04-30"), at("2015-04-30")
	}
	sentences(t, ScopeRetired, []sentence{
		{func(f *Finding, _ *Match) { yandex(f) },
			"netflix read user.global_id for msg.recommend 2,560 times about 500 people since user.global_id was retired for everybody on 2014-04-30, the last time on 2017-03-31; 2,440 of them after the grace period. Team partner-platform: stop serving user.global_id to app-netflix-web."},
		{func(f *Finding, _ *Match) {
			once(f)
			yandex(f)
			nobody(f)
			f.Scope, f.Principals, f.GraceUntil = "user.*", []string{"a", "b"}, f.Sunset
		}, "netflix read user.global_id for msg.recommend once about 1 person since user.* was retired for everybody on 2014-04-30, on 2015-07-01. Stop serving user.* to a and b."},
		{func(f *Finding, _ *Match) { once(f); yandex(f); f.EventsAfterGrace, f.Team = pointer(uint64(0)), "" },
			"netflix read user.global_id for msg.recommend once about 1 person since user.global_id was retired for everybody on 2014-04-30, on 2015-07-01; it was in the grace period, which ends on 2015-04-30. partnerships@example.com: stop serving user.global_id to app-netflix-web."},
	})
}
