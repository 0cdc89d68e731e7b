package rules

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sunsetwatch/rules/access"
)

func TestSentences(t *testing.T) {
	base := func(change func(f *Finding, last *Match)) (*Finding, *Match) {
		f := netflix()
		last := &Match{Since: f.Since, Until: access.End}
		change(f, last)
		return f, last
	}
	for _, c := range []struct {
		kind   string
		change func(f *Finding, last *Match)
		want   string
	}{
		{AccessAfterSunset, func(*Finding, *Match) {},
			"netflix read messages.read for msg.recommend 2,560 times about 500 people since its sunset on 2015-07-01, the last time on 2017-03-31; 2,440 of them after the grace period. Team partner-platform: revoke the credential of app-netflix-web."},
		{AccessAfterSunset, func(f *Finding, _ *Match) {
			f.Program, f.GraceUntil, f.Team = "instant_personalization", f.Sunset, ""
			f.Operations = map[string]uint64{"other": 1, "write": 3, "read": 2, "delete": 1, "list": 9}
			f.Scopes = map[string]uint64{"a": 1, "b": 1, "c": 5, "d": 7}
			f.People, f.PeopleExact = 1234567, false
			f.Bounds = &Bounds{}
		}, "netflix read, listed, wrote, deleted and used d, c, a and 1 more for msg.recommend at least 2,560 times about an estimated 1,234,567 people since the end of the program instant_personalization on 2015-07-01, the last time on 2017-03-31. partnerships@example.com: revoke the credential of app-netflix-web."},
		{AccessAfterSunset, func(f *Finding, _ *Match) {
			f.Events, f.People, f.EventsAfterGrace = 1, 1, pointer(uint64(0))
			f.LastEvent = f.FirstEvent
			f.Scopes, f.Team, f.Owner = nil, "", ""
			f.Since = at("2015-07-01T12:30:00Z")
			f.Principals = []string{"a", "b", "c", "d", "e"}
		}, "netflix read data for msg.recommend once about 1 person since its sunset on 2015-07-01 at 12:30 UTC, on 2015-07-01; all of them in the grace period, which ends on 2015-07-31. Revoke the credentials of a, b, c and 2 more."},
		{AccessAfterSunset, func(f *Finding, _ *Match) { f.EventsAfterGrace, f.People = pointer(f.Events), 0 },
			"netflix read messages.read for msg.recommend 2,560 times since its sunset on 2015-07-01, the last time on 2017-03-31; all of them after the grace period. Team partner-platform: revoke the credential of app-netflix-web."},
		{AccessAfterSunset, func(f *Finding, _ *Match) { f.Bounds = &Bounds{} },
			"netflix read messages.read for msg.recommend at least 2,560 times about 500 people since its sunset on 2015-07-01, the last time on 2017-03-31; at least 2,440 of them after the grace period. Team partner-platform: revoke the credential of app-netflix-web."},
		{NoRegistration, func(f *Finding, _ *Match) { f.Partner, f.Team, f.Owner = Unregistered, "", "" },
			"app-netflix-web, which belongs to no partner, read messages.read for msg.recommend 2,560 times about 500 people, from 2015-07-01 to 2017-03-31. Find out whose it is and register it, or revoke its credential."},
		{NoRegistration, func(_ *Finding, last *Match) { last.Since = at("2016-01-01") },
			"netflix read messages.read for msg.recommend 2,560 times about 500 people with a credential that it gave up on 2016-01-01, from 2015-07-01 to 2017-03-31. Team partner-platform: revoke the credential of app-netflix-web."},
		{NoRegistration, func(_ *Finding, last *Match) { last.Since = access.Beginning },
			"netflix read messages.read for msg.recommend 2,560 times about 500 people without a registration for it, from 2015-07-01 to 2017-03-31. Team partner-platform: register it or revoke the credential of app-netflix-web."},
		{BeforeStart, func(_ *Finding, last *Match) { last.Until = at("2018-01-01") },
			"netflix read messages.read for msg.recommend 2,560 times about 500 people before its start on 2018-01-01, from 2015-07-01 to 2017-03-31. Team partner-platform: correct the date of the registration, or find out how app-netflix-web had access before it."},
	} {
		f, last := base(c.change)
		for _, k := range Kinds() {
			if k.Name != c.kind {
				continue
			}
			if got := k.Why(f, last); got != c.want {
				t.Errorf("%s:\n got %s\nwant %s", c.kind, got, c.want)
			}
		}
	}
}

func TestPlain(t *testing.T) {
	for name, want := range map[string]string{
		"app-netflix_web.1":     "app-netflix_web.1",
		"arn:aws:iam::1/x@y":    "arn:aws:iam::1/x@y",
		"":                      `""`,
		"two words":             `"two words"`,
		"a. Team b: rejoice":    `"a. Team b: rejoice"`,
		"\x1b[31mred":           `"\x1b[31mred"`,
		"right\u202eleft":       `"right\u202eleft"`,
		"line\nbreak":           `"line\nbreak"`,
		`say "hi"`:              `"say \"hi\""`,
		"é":                     `"é"`,
		strings.Repeat("x", 65): strings.Repeat("x", 64) + "…",
		strings.Repeat("é", 40): `"` + strings.Repeat("é", 32) + `"…`,
	} {
		if got := plain(name); got != want {
			t.Errorf("plain(%q): %s, want %s", name, got, want)
		}
	}
}

// Whatever events say, a sentence is one line of bounded length.
func TestSentencesAreHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.String(), 1, 6)
		f := netflix()
		f.Principals = names.Draw(t, "principals")
		f.Feature = rapid.String().Draw(t, "feature")
		f.Scopes = map[string]uint64{}
		for _, s := range names.Draw(t, "scopes") {
			f.Scopes[s]++
		}
		for _, k := range Kinds() {
			why := k.Why(f, &Match{})
			if !utf8.ValidString(why) || len(why) > 4096 {
				t.Fatalf("%q", why)
			}
			for _, r := range why {
				if !unicode.IsPrint(r) {
					t.Fatalf("%q in %q", r, why)
				}
			}
		}
	})
}

func TestNumber(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 12345678: "12,345,678", 1<<64 - 1: "18,446,744,073,709,551,615"} {
		if got := number(n); got != want {
			t.Errorf("number(%d): %s, want %s", n, got, want)
		}
	}
}
