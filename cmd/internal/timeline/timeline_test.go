package timeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sunsetwatch/cmd/internal/timeline"
	"sunsetwatch/cmd/internal/timeline/story"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

func told(t *testing.T, o story.Options) *story.Story {
	t.Helper()
	s, err := story.Tell(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func finding(t *testing.T, s *story.Story, kind, partner string) *rules.Finding {
	t.Helper()
	i := slices.IndexFunc(s.Findings, func(f *rules.Finding) bool { return f.Kind == kind && f.Partner == partner })
	if i < 0 {
		t.Fatalf("no finding %s of %s", kind, partner)
	}
	return s.Findings[i]
}

func bands(tl *timeline.Timeline) string {
	var b strings.Builder
	for _, band := range tl.Bands {
		fmt.Fprintf(&b, "%s %s to %s", band.Stage, band.From, band.Until)
		if band.Why != "" {
			fmt.Fprintf(&b, " (%s)", band.Why)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestBands(t *testing.T) {
	s := told(t, story.Options{Days: true})
	want := `planned - to 2014-06-01T00:00:00Z
granted 2014-06-01T00:00:00Z to 2014-12-24T00:00:00Z
paused 2014-12-24T00:00:00Z to 2015-01-07T00:00:00Z (brownout <em>over</em> the holidays)
granted 2015-01-07T00:00:00Z to 2015-07-01T00:00:00Z
grace 2015-07-01T00:00:00Z to 2015-07-31T00:00:00Z
ended 2015-07-31T00:00:00Z to -
`
	if got := bands(timeline.OfRegistration(s.Registry, s.Facts, s.Registry.Registration("netflix", "msg.recommend"))); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got, want := bands(timeline.OfFinding(s.Registry, s.Facts, finding(t, s, "no_registration", rules.Unregistered))), "unregistered - to -\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Terms that hold from an event time on, and a sunset that lies before from.
func TestBandsOverRevisions(t *testing.T) {
	set, problems := registry.Read([]registry.File{{Name: "r.yml", Data: []byte(`
version: 1
partners: [{name: p, principals: [app]}]
programs: [{name: g, sunset: 2012-01-01T00:00:00Z, grace: 1d}]
registrations:
  - partner: p
    feature: f
    revisions:
      - {recorded: 2010-01-01T00:00:00Z, sunset: 2014-01-01T00:00:00Z, pauses: [{from: 2013-12-31T00:00:00Z, until: 2014-06-01T00:00:00Z, why: late}]}
      - {recorded: 2013-01-01T00:00:00Z, effective: 2013-06-01T00:00:00Z, sunset: null, from: 2013-07-01T00:00:00Z}
      - {recorded: 2013-01-01T00:00:00Z, effective: 2015-01-01T00:00:00Z, sunset: 2015-01-02T00:00:00Z}
  - {partner: p, feature: late, program: g, from: 2012-06-01T00:00:00Z}
`)}}, registry.Options{Now: access.End})
	if set == nil {
		t.Fatal(problems)
	}
	facts := ledger.New(ledger.Options{Terms: set})
	for feature, want := range map[string]string{
		"f": `granted - to 2013-06-01T00:00:00Z
planned 2013-06-01T00:00:00Z to 2013-07-01T00:00:00Z
granted 2013-07-01T00:00:00Z to 2013-12-31T00:00:00Z
paused 2013-12-31T00:00:00Z to 2014-06-01T00:00:00Z (late)
granted 2014-06-01T00:00:00Z to 2015-01-02T00:00:00Z
ended 2015-01-02T00:00:00Z to -
`,
		"late": `planned - to 2012-06-01T00:00:00Z
ended 2012-06-01T00:00:00Z to -
`,
	} {
		if got := bands(timeline.OfRegistration(set, facts, set.Registration("p", feature))); got != want {
			t.Errorf("%s: got\n%swant\n%s", feature, got, want)
		}
	}
}

// Of each finding of accesses, the days add up to its number.
func TestAccessesOfFindingsAddUp(t *testing.T) {
	for _, o := range []story.Options{{Days: true}, {Days: true, Months: true}, {Months: true}} {
		s := told(t, o)
		for _, f := range s.Findings {
			tl := timeline.OfFinding(s.Registry, s.Facts, f)
			var found uint64
			for i, a := range tl.Accesses {
				found += a.Found
				if a.Found > a.Events || a.From >= a.Until || i > 0 && a.From < tl.Accesses[i-1].From {
					t.Errorf("%s: %+v", f.Kind, a)
				}
				if f.Kind == rules.AccessAfterSunset && a.Stage != timeline.Unregistered && (a.Found > 0) != (a.From >= f.Sunset) {
					t.Errorf("%s of %s: %d found in %s to %s, with its sunset on %s", f.Kind, f.Partner, a.Found, a.From, a.Until, f.Sunset)
				}
			}
			inside := f.Kind == rules.ScopeOverreach || f.Kind == rules.ScopeRetired
			if !o.Days && inside {
				if tl.Exact {
					t.Errorf("%s of %s: no facts tell its accesses from others", f.Kind, f.Partner)
				}
				continue
			}
			if !tl.Exact || found != f.Events {
				t.Errorf("%+v: %s of %s: %d found of %d", o, f.Kind, f.Partner, found, f.Events)
			}
		}
	}
}

// Where facts keep neither days nor buckets, there is nothing to show.
func TestWithoutDays(t *testing.T) {
	s := told(t, story.Options{})
	tl := timeline.OfFinding(s.Registry, s.Facts, finding(t, s, rules.AccessAfterSunset, "bing"))
	if len(tl.Accesses) > 0 || tl.Exact || len(tl.Bands) == 0 {
		t.Errorf("%+v", tl)
	}
}

// A sunset at noon parts its day.
func TestADayIsPartedWhereTermsChange(t *testing.T) {
	s := told(t, story.Options{Days: true})
	f := finding(t, s, rules.AccessAfterSunset, "royal_bank")
	for _, a := range timeline.OfFinding(s.Registry, s.Facts, f).Accesses {
		if a.Found > 0 && (a.From != f.Sunset || a.Until != (f.Sunset.Day()+1).Start()) {
			t.Errorf("%s to %s: %d found", a.From, a.Until, a.Found)
		}
	}
}
