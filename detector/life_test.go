package detector

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

func TestNothingIsJudgedWithoutARegistry(t *testing.T) {
	s := snapshot(t, netflixKnown)
	f := newFeeder(t, s)
	d := newDetector(t, f.ledger)
	f.feed(numbered(daily(1, "2016-01-01", "2016-01-03", 1, netflixCall)))
	equal(t, "turns", len(d.Judge(at("2016-01-04"))), 0)
	equal(t, "findings", len(d.Findings()), 0)
	equal(t, "turns of the first registry", len(d.Reload(s, nil, at("2016-01-04"))), 1)
	equal(t, "events", only(t, d, "access_after_sunset", "netflix").Events, 3)
}

// The time of judgement is the earlier of wall time and latest event.
func TestWallTimeAloneAgesNothing(t *testing.T) {
	f, d := begin(t, snapshot(t, netflixKnown))
	one := netflixCall
	one.time = at("2016-01-01T12:00:00Z")
	f.feed(numbered([]call{one}))
	d.Judge(one.time)
	state := func() rules.State { return only(t, d, "access_after_sunset", "netflix").State }
	equal(t, "state", state(), rules.Open)
	equal(t, "turns when only the wall goes on", len(d.Judge(at("2017-01-01"))), 0)
	equal(t, "state when only the wall goes on", state(), rules.Open)

	tick := func(offset int64, time, wall string) []Turn {
		c := otherCall
		c.time, c.offset = at(time), offset
		f.feed([]call{c})
		return d.Judge(at(wall))
	}
	equal(t, "turns an instant before a day", len(tick(1, "2016-01-02T11:59:59.999999999Z", "2016-01-03")), 0)
	equal(t, "turns when the wall is behind", len(tick(2, "2016-01-02T12:00:00Z", "2016-01-02T11:00:00Z")), 0)
	turns := d.Judge(at("2016-01-02T12:00:00Z"))
	equal(t, "turns after a day", len(turns), 1)
	equal(t, "state after a day", state(), rules.Quiet)
	equal(t, "pages after a day", turns[0].Pages(), false)
	equal(t, "turns when the wall steps back", len(d.Judge(at("2016-01-01"))), 0)

	again := netflixCall
	again.time, again.offset = at("2016-01-02T18:00:00Z"), 3
	f.feed([]call{again})
	turns = d.Judge(at("2016-01-02T19:00:00Z"))
	equal(t, "turns when it goes on", len(turns), 1)
	equal(t, "pages when it goes on", turns[0].Pages(), false)
	equal(t, "state when it goes on", state(), rules.Open)

	var history []string
	for _, c := range turns[0].Is.History {
		history = append(history, fmt.Sprintf("%s %s %s: %s", c.At, c.State, c.Severity, c.Why))
	}
	want := []string{
		"2016-01-01T12:00:00Z open critical: access at 2016-01-01T12:00:00Z",
		"2016-01-02T12:00:00Z quiet critical: no access for a day after 2016-01-01T12:00:00Z",
		"2016-01-02T19:00:00Z open critical: access at 2016-01-02T18:00:00Z",
	}
	if !reflect.DeepEqual(history, want) {
		t.Errorf("history\n%s\nwant\n%s", strings.Join(history, "\n"), strings.Join(want, "\n"))
	}
}

// What was handed out stays as it was.
func TestFindingsAreNeverChanged(t *testing.T) {
	f, d := begin(t, snapshot(t, netflixKnown))
	story := netflixStory()
	handed := map[*rules.Finding]string{}
	for len(story) > 0 {
		n := min(700, len(story))
		run(f, d, story[:n])
		story = story[n:]
		for _, x := range d.Findings() {
			handed[x] = fmt.Sprintf("%+v", *x)
		}
	}
	if len(handed) < 3 {
		t.Fatalf("%d findings were handed out", len(handed))
	}
	for x, was := range handed {
		if is := fmt.Sprintf("%+v", *x); is != was {
			t.Errorf("was %s\nis  %s", was, is)
		}
	}
}

func TestTakeChanged(t *testing.T) {
	f, d := begin(t, snapshot(t, netflixKnown))
	f.feed(numbered(daily(1, "2016-01-01", "2016-01-01", 1, netflixCall)))
	d.Judge(at("2016-01-02"))
	changed := d.TakeChanged()
	equal(t, "changed", len(changed), 1)
	equal(t, "changed again", len(d.TakeChanged()), 0)
	d.PutBack(changed)
	equal(t, "changed after it was put back", len(d.TakeChanged()), 1)

	lawful := otherCall
	lawful.time, lawful.offset = at("2016-01-01T01:00:00Z"), 1
	f.feed([]call{lawful})
	d.Judge(at("2016-01-02"))
	equal(t, "changed by a lawful event", len(d.TakeChanged()), 0)
	more := netflixCall
	more.time, more.offset = at("2016-01-01T02:00:00Z"), 2
	f.feed([]call{more})
	equal(t, "turns of an amendment", len(d.Judge(at("2016-01-02"))), 0)
	equal(t, "changed by an amendment", len(d.TakeChanged()), 1)
}

func TestRestoreRefusesDamage(t *testing.T) {
	good := func() *rules.Finding {
		f := &rules.Finding{Kind: "before_start", Partner: "netflix", Feature: "f", Principals: []string{"a"}}
		f.ID = f.Identity().ID()
		return f
	}
	other := good()
	other.Feature = "g"
	for name, list := range map[string][]*rules.Finding{
		"has the identity of": {other},
		"stands twice":        {good(), good()},
	} {
		err := newDetector(t, newFeeder(t, &book{}).ledger).Restore(list)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want one with %q", err, name)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	var h []rules.Change
	for i := range 3 * maxHistory {
		before := h
		copied := append([]rules.Change(nil), before...)
		h = extend(h, rules.Change{At: access.Instant(i)})
		if len(h) > maxHistory {
			t.Fatalf("%d entries", len(h))
		}
		if len(before) > 0 && !reflect.DeepEqual(before, copied) {
			t.Fatal("the history before was changed")
		}
	}
	for i, c := range h {
		want := access.Instant(i)
		if i >= keptOpening {
			want = access.Instant(2*maxHistory + i)
		}
		if c.At != want {
			t.Errorf("entry %d is number %d, want %d", i, c.At, want)
		}
	}
}

// A finding that moves to another kind says where its accesses went.
func TestMovedToAnotherKind(t *testing.T) {
	f, d := begin(t, snapshot(t, netflixKnown))
	f.feed(numbered(daily(1, "2015-07-02", "2015-07-02", 1, netflixCall)))
	d.Judge(at("2015-07-03"))
	next := snapshot(t, strings.Replace(strings.Replace(netflixKnown, "sunset: 2015-07-01", "sunset: 2016-07-01", 1), "from: 2014-06-01", "from: 2016-06-01", 1))
	f.ledger.SetTerms(next)
	turns := d.Reload(next, nil, at("2015-07-03"))
	equal(t, "turns", len(turns), 2)
	for _, turn := range turns {
		switch turn.Is.Kind {
		case "access_after_sunset":
			equal(t, "withdrawn", turn.Withdrawn(), true)
			h := turn.Is.History
			equal(t, "why", h[len(h)-1].Why, "no access is left in it under what is registered now; see before_start")
		default:
			equal(t, "opened", turn.Opened(), true)
			equal(t, "kind", turn.Is.Kind, "before_start")
		}
	}
}

// Once a cap folds facts together, the finding says so.
func TestIncomplete(t *testing.T) {
	s := snapshot(t, netflixKnown)
	f, d := begin(t, s)
	c := netflixCall
	c.principal, c.feature, c.time = "_other", "_other", at("2016-01-01")
	f.feed(numbered([]call{c}))
	d.Judge(at("2016-01-02"))
	equal(t, "incomplete", d.Findings()[0].Incomplete, true)
	equal(t, "partner", d.Findings()[0].Partner, rules.Unregistered)
}

// Closed by a person while a source was short of the closing period: when the
// source has caught up, the finding closed when the period ended, as if all had
// been read in one go.
func TestSourceCatchesUpAfterAClosing(t *testing.T) {
	id := rules.Identity{Kind: rules.AccessAfterSunset, Partner: "netflix", Feature: "msg.recommend"}.ID()
	wrong, elsewhere, late := netflixCall, otherCall, otherCall
	wrong.time = at("2016-01-01")
	elsewhere.time, elsewhere.source = at("2016-02-20"), 1
	late.time, late.offset = at("2016-02-21"), 1
	for _, person := range []string{"2016-02-10T00:00:00Z", "2016-01-31T00:00:00Z"} {
		s := snapshot(t, netflixKnown)
		f, d := begin(t, s)
		d.Reload(s, &rules.RuleSet{Closures: []rules.ClosureRule{{Finding: id, By: "jo", At: at(person), Reason: "revoked"}}}, at("2016-01-01"))
		for _, c := range []struct {
			call       call
			closed, by string
		}{{wrong, "-", ""}, {elsewhere, person, "jo"}, {late, "2016-01-31T00:00:00Z", ""}} {
			f.feed([]call{c.call})
			d.Judge(c.call.time)
			got := only(t, d, rules.AccessAfterSunset, "netflix")
			by := ""
			if got.Closure != nil {
				by = got.Closure.By
			}
			equal(t, "closed", got.ClosedAt.String(), c.closed)
			equal(t, "closed by", by, c.by)
		}
	}
}

// Events may lie further apart than a time.Duration is long.
func TestCenturiesApart(t *testing.T) {
	f, d := begin(t, snapshot(t, netflixKnown))
	old, now := netflixCall, netflixCall
	old.principal, now.principal = "app-nobody", "app-nobody"
	old.time, now.time, now.offset = at("1700-01-01"), at("2026-01-01"), 1
	f.feed([]call{old, now})
	d.Judge(at("2026-01-01T00:00:01Z"))
	is := only(t, d, "no_registration", rules.Unregistered)
	equal(t, "relapses", is.Relapses, 1)
	equal(t, "detection delay", *is.DetectionDelay, 326*365*86400+79*86400+1)

	// A clock of ours that is behind that of whoever wrote the event.
	f, d = begin(t, snapshot(t, netflixKnown))
	old.time = at("2026-01-01")
	f.feed([]call{old})
	d.Judge(at("2025-12-31T23:58:00Z"))
	equal(t, "detection delay with a slow clock", *only(t, d, "no_registration", rules.Unregistered).DetectionDelay, -120)
}
