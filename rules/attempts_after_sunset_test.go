package rules

import (
	"slices"
	"testing"

	"sunsetwatch/rules/access"
)

// Its attempts are those of access_after_sunset, by whose table they are judged.
func TestAttemptsAfterSunset(t *testing.T) {
	k := kindOf(t, AttemptsAfterSunset)
	if k.Basis != ByAttempts || k.Window != AfterEnd || k.Window != kindOf(t, AccessAfterSunset).Window {
		t.Errorf("it consists of %d in window %d", k.Basis, k.Window)
	}
	for _, when := range []string{"2013-01-01", "2015-01-01", "2015-03-01", "2015-06-30T23:59:59.999999999Z", "2015-07-01", "2016-01-01"} {
		c := lawful(terms(nil))
		c.Time = at(when)
		for _, c.Probe = range []access.Probe{access.NoProbe, access.ProbeEnabled, access.ProbeDisabled} {
			if slices.ContainsFunc(Judge(Kinds(), c, nil), func(m Match) bool { return m.Kind.Name == AttemptsAfterSunset }) {
				t.Errorf("it judges a case by itself, at %s", when)
			}
		}
	}
	severities(t, AttemptsAfterSunset, map[Severity][]Finding{Info: anyFinding()})
	knocking := func(f *Finding) {
		f.Events, f.People, f.Attempts = 0, 0, 3
		f.FirstEvent.Time, f.LastEvent.Time = at("2017-04-03"), at("2017-04-05")
	}
	sentences(t, AttemptsAfterSunset, []sentence{
		{func(f *Finding, _ *Match) { knocking(f) },
			"netflix tried to use msg.recommend 3 times since its sunset on 2015-07-01, and was never served, from 2017-04-03 to 2017-04-05. Team partner-platform: ask the partner to stop, and remove the credential of app-netflix-web."},
		{func(f *Finding, _ *Match) {
			knocking(f)
			nobody(f)
			f.Attempts, f.LastEvent = 1, f.FirstEvent
			f.Program, f.Principals = "umbrella", []string{"a", "b"}
		}, "netflix tried to use msg.recommend once since the end of the program umbrella on 2015-07-01, and was not served, on 2017-04-03. Ask the partner to stop, and remove the credentials of a and b."},
		{func(f *Finding, _ *Match) { knocking(f); f.Bounds, f.Team = &Bounds{}, "" },
			"netflix tried to use msg.recommend at least 3 times since its sunset on 2015-07-01, and was never served, from 2017-04-03 to 2017-04-05. partnerships@example.com: ask the partner to stop, and remove the credential of app-netflix-web."},
	})
}
