package detector

import (
	"fmt"
	"reflect"
	"testing"

	"sunsetwatch/rules"
)

// The history says since when an exception suppresses the page, and since when
// none does, so that a restart shows what was shown before.
func TestHistorySaysWhatIsSuppressed(t *testing.T) {
	s := snapshot(t, netflixKnown)
	f, d := begin(t, s)
	set := &rules.RuleSet{Exceptions: []rules.Exception{{
		Kind: rules.AccessAfterSunset, Partner: "netflix", Feature: rules.Any,
		From: at("2016-01-01"), Until: at("2016-01-02"), ApprovedBy: "dpo", Reason: "migration",
	}}}
	d.Reload(s, set, at("2016-01-01"))
	var pages []bool
	judge := func(wall string) {
		for _, turn := range d.Judge(at(wall)) {
			pages = append(pages, turn.Pages())
		}
	}
	f.feed(numbered(daily(1, "2016-01-01", "2016-01-01", 1, netflixCall)))
	judge("2016-01-01T12:00:00Z")
	later := netflixCall
	later.time, later.offset = at("2016-01-02"), 1
	f.feed([]call{later})
	judge("2016-01-02")
	var got []string
	for _, c := range only(t, d, rules.AccessAfterSunset, "netflix").History {
		got = append(got, fmt.Sprint(c.At, " ", c.State, " ", c.Suppressed))
	}
	want := []string{"2016-01-01T12:00:00Z open true", "2016-01-02T00:00:00Z open false"}
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(pages, []bool{false, true}) {
		t.Errorf("history %q, pages %v, want %q, and a page when the exception ends", got, pages, want)
	}
}
