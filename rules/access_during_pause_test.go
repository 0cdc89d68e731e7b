package rules

import (
	"testing"

	"sunsetwatch/rules/registry"
)

func TestAccessDuringPause(t *testing.T) {
	paused := func(from, until string) []func(*Match) {
		return found(func(m *Match) {
			m.Since, m.Until, m.Decided = at(from), at(until), m.Terms.Decided[registry.Pauses]
		})
	}
	march := paused("2015-03-01", "2015-03-02")
	overlapping := func(t *registry.Terms) {
		t.Pauses = []registry.Pause{{From: at("2015-03-01"), Until: at("2015-03-10")}, {From: at("2015-03-05"), Until: at("2015-03-20")}}
	}
	verdicts(t, AccessDuringPause, []verdict{
		{name: "the instant before", time: "2015-02-28T23:59:59.999999999Z"},
		{name: "at its begin", time: "2015-03-01", want: march},
		{name: "at its last instant", time: "2015-03-01T23:59:59.999999999Z", want: march},
		{name: "at its end", time: "2015-03-02"},
		{name: "the earliest of two that overlap", time: "2015-03-07", terms: overlapping, want: paused("2015-03-01", "2015-03-10")},
		{name: "the other one, after that", time: "2015-03-10", terms: overlapping, want: paused("2015-03-05", "2015-03-20")},
		{name: "terms that it breaks are not judged", time: "2015-03-01", terms: func(t *registry.Terms) {
			t.Scopes = []string{}
			t.Requires = registry.RequireConsent
		}, want: march},
		{name: "after the sunset", time: "2015-03-01", terms: func(t *registry.Terms) { t.Sunset = at("2015-03-01") },
			also: []string{AccessAfterSunset}},
		{name: "before the start", time: "2015-03-01", terms: func(t *registry.Terms) { t.From = at("2015-03-02") },
			also: []string{BeforeStart}},
		{name: "a credential that was given up", time: "2015-03-01", with: func(c *Case) { c.Belongs = false },
			also: []string{NoRegistration}},
	})
	severities(t, AccessDuringPause, map[Severity][]Finding{Info: anyFinding()})
	sentences(t, AccessDuringPause, []sentence{
		{func(f *Finding, last *Match) {
			f.Since, last.Since, last.Until = at("2016-01-01"), at("2016-02-01"), at("2016-02-01T12:00:00Z")
		}, "netflix read messages.read for msg.recommend 2,560 times about 500 people during pauses, the last one from 2016-02-01 to 2016-02-01 at 12:00 UTC, from 2015-07-01 to 2017-03-31. Team partner-platform: find out why app-netflix-web was served."},
		{func(f *Finding, last *Match) {
			once(f)
			nobody(f)
			f.Principals = []string{"a", "b"}
			last.Until = at("2015-07-02")
		}, "netflix read messages.read for msg.recommend once about 1 person during the pause from 2015-07-01 to 2015-07-02, on 2015-07-01. Find out why a and b were served."},
	})
}
