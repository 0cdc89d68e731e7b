package registry_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
	"sunsetwatch/rules/registry"
)

// at is an instant of the tests, `2015-07-01` or RFC 3339.
func at(t testing.TB, text string) access.Instant {
	t.Helper()
	switch text {
	case "beginning":
		return access.Beginning
	case "end":
		return access.End
	}
	if len(text) == len("2015-07-01") {
		text += "T00:00:00Z"
	}
	i, err := document.ParseInstant(text)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func readFile(t testing.TB, name string) (*registry.Snapshot, document.Problems) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return registry.Read([]registry.File{{Name: name, Data: data}}, registry.Options{Now: at(t, "2023-01-01")})
}

func mustRead(t testing.TB, name string) *registry.Snapshot {
	t.Helper()
	s, problems := readFile(t, name)
	if len(problems) > 0 {
		t.Fatal(problems.String())
	}
	return s
}

// The story's registrations: what holds at event time T as known at K.
func TestScenarios(t *testing.T) {
	type want struct{ sunset, grace, program, by string }
	none := want{"end", "end", "", ""}
	for _, c := range []struct {
		file, partner, feature, at, known string
		want                              want
	}{
		{"s1.yml", "netflix", "msg.recommend", "2014-06-01", "end", want{"2015-07-01", "2015-07-31", "", ""}},
		{"s1.yml", "netflix", "msg.recommend", "2017-03-31", "2015-07-15", want{"2015-07-01", "2015-07-31", "", ""}},

		{"s2.yml", "netflix", "msg.recommend", "2015-07-01", "2016-01-14", none},
		{"s2.yml", "netflix", "msg.recommend", "2015-07-01", "2016-01-14T23:59:00Z", none},
		{"s2.yml", "netflix", "msg.recommend", "2015-07-01", "2016-01-15", want{"2015-07-01", "2015-07-31", "", "audit"}},
		{"s2.yml", "netflix", "msg.recommend", "2014-01-01", "end", want{"2015-07-01", "2015-07-31", "", "audit"}},

		{"s6.yml", "bing", "search.social", "2017-06-30", "end", want{"2014-12-31", "2014-12-31", "instant_personalization", "policy"}},
		{"s6.yml", "bing", "search.social", "2017-06-30", "2014-11-30", none},
		{"s6.yml", "pandora", "music.social", "2014-01-01", "end", want{"2014-12-31", "2014-12-31", "instant_personalization", "policy"}},
		{"s6.yml", "rotten-tomatoes", "reviews.social", "2014-01-01", "2014-12-01", want{"2014-12-31", "2014-12-31", "instant_personalization", "policy"}},

		{"s15.yml", "quiz", "friends.quiz", "2022-03-03T23:59:00Z", "end", want{"2022-03-15", "2022-03-15", "", ""}},
		{"s15.yml", "quiz", "friends.quiz", "2022-03-04", "end", want{"end", "end", "", "policy"}},
		{"s15.yml", "quiz", "friends.quiz", "2022-03-15", "2022-03-03", want{"2022-03-15", "2022-03-15", "", ""}},
		{"s15-variant.yml", "quiz", "friends.quiz", "2022-03-16", "2022-03-19T23:59:00Z", want{"2022-03-15", "2022-03-15", "", ""}},
		{"s15-variant.yml", "quiz", "friends.quiz", "2022-03-16", "2022-03-20", want{"end", "end", "", "policy"}},
	} {
		s := mustRead(t, c.file)
		r := s.Registration(c.partner, c.feature)
		terms, ok := s.TermsAt(r, at(t, c.at), at(t, c.known))
		if !ok {
			t.Errorf("%s: %s does not exist at %s as known at %s", c.file, c.partner, c.at, c.known)
			continue
		}
		by := ""
		if d := terms.Decided[registry.Sunset]; d != nil {
			by = d.By
		}
		if terms.Sunset != at(t, c.want.sunset) || terms.GraceUntil != at(t, c.want.grace) || terms.Program != c.want.program || by != c.want.by {
			t.Errorf("%s: %s at %s as known at %s: got sunset %s, grace until %s, program %q, by %q, want %+v",
				c.file, c.partner, c.at, c.known, terms.Sunset, terms.GraceUntil, terms.Program, by, c.want)
		}
	}
}

// The brownouts of S15 are taken back with effect from 2022-03-04.
func TestScenarioPauses(t *testing.T) {
	for _, file := range []string{"s15.yml", "s15-variant.yml"} {
		s := mustRead(t, file)
		r := s.Registration("quiz", "friends.quiz")
		before, _ := s.TermsAt(r, at(t, "2022-03-01"), access.End)
		after, _ := s.TermsAt(r, at(t, "2022-03-08"), access.End)
		if len(before.Pauses) != 2 || before.Pauses[0].Until-before.Pauses[0].From != 12*access.Hour || len(after.Pauses) != 0 {
			t.Errorf("%s: pauses %v, then %v", file, before.Pauses, after.Pauses)
		}
	}
}

// S7 retires a scope for everybody while the feature lives on.
func TestScenarioRetiredScope(t *testing.T) {
	s := mustRead(t, "s7.yml")
	if r := s.Retirements(at(t, "2014-04-29T23:59:00Z"), access.End); len(r) != 0 {
		t.Errorf("retired before the sunset: %v", r)
	}
	r := s.Retirements(at(t, "2014-04-30"), access.End)
	if len(r) != 1 || r[0].Name != "user.global_id" || r[0].GraceUntil != r[0].Sunset.Plus(365*24*time.Hour) || r[0].Decided == nil {
		t.Errorf("retired: %+v", r)
	}
	if r := s.Retirements(at(t, "2014-04-30"), at(t, "2014-04-29")); len(r) != 0 {
		t.Errorf("retired before that was recorded: %v", r)
	}
}

// S20: a sunset without a zone is refused with line and column.
func TestScenarioNoZone(t *testing.T) {
	s, problems := readFile(t, "s20.yml")
	const want = `s20.yml:12:15: error: sunset has no zone: write 2015-07-01T00:00:00Z
   12 |       sunset: 2015-07-01
      |               ^
`
	if got := problems.String(); s != nil || got != want {
		t.Errorf("got snapshot %v and\n%s\nwant none and\n%s", s != nil, got, want)
	}
}

// The example of the documentation is good, but for what it says itself.
func TestExample(t *testing.T) {
	s := mustRead(t, "example.yml")
	if n := len(s.Registrations()); n != 2 {
		t.Errorf("%d registrations", n)
	}
	for _, c := range []struct {
		at, partner string
		current     bool
	}{
		{"2014-08-31T23:59:00Z", "", false},
		{"2014-09-01", "netflix", true},
		{"2015-12-31T23:59:00Z", "netflix", true},
		{"2016-01-01", "netflix", false},
		{"end", "netflix", false},
	} {
		if p, current := s.Owner("app-netflix-tv", at(t, c.at)); p != c.partner || current != c.current {
			t.Errorf("owner at %s: %q %v", c.at, p, current)
		}
	}
	if p, current := s.Owner("app-bing", access.End); p != "bing" || !current {
		t.Errorf("app-bing belongs to %q %v", p, current)
	}
}
