package report

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"sunsetwatch/cmd/internal/timeline"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

func at(t *testing.T, s string) access.Instant {
	t.Helper()
	v, err := time.Parse("2006-01-02", s)
	if err != nil {
		t.Fatal(err)
	}
	return access.At(v)
}

// daysOf are n accesses on each of the days from first on, wrong from sunset on.
func daysOf(first access.Instant, count int, n uint64, sunset access.Instant) *timeline.Timeline {
	tl := &timeline.Timeline{Exact: true, Bands: []timeline.Band{
		{Stage: timeline.Granted, From: access.Beginning, Until: sunset},
		{Stage: timeline.Ended, From: sunset, Until: access.End},
	}}
	for i := range count {
		from := first + access.Instant(i)*access.OneDay
		a := timeline.Accesses{Stage: timeline.Granted, From: from, Until: from + access.OneDay, Events: n}
		if from >= sunset {
			a.Stage, a.Found, a.Wrong = timeline.Ended, n, n
		}
		tl.Accesses = append(tl.Accesses, a)
	}
	return tl
}

func findingAt(first, last, sunset access.Instant) *rules.Finding {
	return &rules.Finding{
		Kind: rules.AccessAfterSunset, Partner: "p", Feature: "f", Since: sunset, Sunset: sunset, GraceUntil: sunset, Events: 1,
		FirstEvent: rules.Coordinate{Time: first, Source: "x", Offset: 1}, LastEvent: rules.Coordinate{Time: last, Source: "x", Offset: 2},
	}
}

// A picture of many years stays readable: a bar is a week, or a month.
func TestBarsAreAggregated(t *testing.T) {
	for _, test := range []struct {
		days int
		unit string
		peak string
	}{
		{20, "day", "3 accesses on 2014-01-01"},
		{370, "day", "3 accesses on 2014-01-01"},
		{500, "week", "21 accesses in the week of 2014-01-06"},
		{2500, "week", "21 accesses in the week of 2014-01-06"},
		{3650, "month", "93 accesses in 2014-01"},
	} {
		first := at(t, "2014-01-01")
		sunset := first + access.Instant(test.days/2)*access.OneDay
		last := first + access.Instant(test.days-1)*access.OneDay
		p := draw(daysOf(first, test.days, 3, sunset), findingAt(sunset, last, sunset), last)
		if p.Unit != test.unit || p.Peak != test.peak {
			t.Errorf("%d days: a bar is a %s, the highest %s", test.days, p.Unit, p.Peak)
		}
		bars := 0
		for _, l := range p.Layers {
			bars += strings.Count(l.Path, "M")
		}
		if bars > mostBars+10 || len(p.Layers) != 2 || p.Sunset == nil {
			t.Errorf("%d days: %d bars in %d layers", test.days, bars, len(p.Layers))
		}
		if n := len(p.Ticks); n < 3 || n > 14 {
			t.Errorf("%d days: %d ticks", test.days, n)
		}
		checkPlot(t, fmt.Sprint(test.days), p)
	}
}

func TestWeeksBeginOnMondays(t *testing.T) {
	for _, d := range []string{"1969-12-29", "1970-01-05", "2015-06-29", "1900-01-01"} {
		monday := at(t, d)
		for i := range 7 {
			if got := byWeek.start(monday + access.Instant(i)*access.OneDay + 5); got != monday {
				t.Errorf("%s and %d days: %s", d, i, got)
			}
		}
	}
}

var digits = regexp.MustCompile(`-?[0-9.]+`)

// checkPlot looks for what would lie outside the plot.
func checkPlot(t *testing.T, name string, p *picture) {
	t.Helper()
	num := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("%s: %q is no number", name, s)
		}
		return v
	}
	for _, b := range p.Bands {
		if x, w := num(b.X), num(b.W); x < 0 || w <= 0 || x+w > plotWidth+2 {
			t.Errorf("%s: a band from %v, %v wide", name, x, w)
		}
	}
	for _, l := range p.Layers {
		for _, bar := range strings.Split(l.Path, "z") {
			n := digits.FindAllString(bar, -1)
			if len(n) == 0 {
				continue
			}
			x, y, w, h := num(n[0]), num(n[1]), num(n[2]), num(n[3])
			if x < 0 || x+w > plotWidth+5 || y < 9 || y+h > plotHeight+0.1 || h <= 0 || w <= 0 {
				t.Errorf("%s: a bar at %v, %v of %v by %v", name, x, y, w, h)
			}
		}
	}
	for _, k := range p.Ticks {
		if x := num(k.X); x < 0 || x > 91 {
			t.Errorf("%s: a tick at %v", name, x)
		}
	}
	if p.Sunset != nil {
		if x := num(p.Sunset.X); x < 0 || x > 100 {
			t.Errorf("%s: the sunset at %v", name, x)
		}
	}
}

// Events say when they were: a picture holds whatever they say.
func TestPicturesOfOddTimes(t *testing.T) {
	early, late := at(t, "1678-01-02"), at(t, "2261-12-30")
	now := at(t, "2018-01-01")
	none := &rules.Finding{Kind: rules.DormantGrant, Since: access.Beginning, Sunset: access.End, GraceUntil: access.End}
	empty := &timeline.Timeline{Bands: []timeline.Band{{Stage: timeline.Granted, From: access.Beginning, Until: access.End}}}
	for name, p := range map[string]*picture{
		"whole range": draw(&timeline.Timeline{Exact: true, Bands: empty.Bands, Accesses: []timeline.Accesses{
			{Stage: timeline.Granted, From: early, Until: early + access.OneDay, Events: 1},
			{Stage: timeline.Granted, From: late, Until: late + access.OneDay, Events: math.MaxUint32, Found: 1, Wrong: 1},
		}}, findingAt(early, late, now), now),
		"early":      draw(daysOf(early, 5, 1, early), findingAt(early, early, early), early),
		"late":       draw(daysOf(late-5*access.OneDay, 5, 1, late), findingAt(late, late, late), late),
		"nothing":    draw(empty, none, access.Beginning),
		"no events":  draw(empty, none, now),
		"one moment": draw(empty, findingAt(now, now, now), now),
		"centuries":  draw(daysOf(at(t, "1850-01-01"), 40000, 2, now), findingAt(early, late, now), now),
	} {
		checkPlot(t, name, p)
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		number(0): "0", number(uint64(999)): "999", number(1000): "1,000", number(uint64(1234567)): "1,234,567", number(-1234): "-1,234",
		plural(1, "day", "days"): "1 day", plural(2000, "day", "days"): "2,000 days",
		span(1): "1 second", span(3600): "60 minutes", span(90000): "25 hours", span(17107200): "198 days",
		moment(access.Beginning): "–", moment(access.End): "–", moment(at(t, "2015-07-01")): "2015-07-01",
		moment(at(t, "2015-07-01") + access.Hour): "2015-07-01 01:00", moment(at(t, "2015-07-01") + 1500000000): "2015-07-01 00:00:01",
		text("a b\tc\u200b\u202eé漢"): `a b\tc\u200b\u202eé漢`, list([]string{"a"}): "a", list([]string{"a", "b", "c"}): "a, b and c",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
