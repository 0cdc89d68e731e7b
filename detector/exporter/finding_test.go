package exporter

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// start is the wall time from which tests count minutes.
var start = access.At(time.Date(2018, 12, 19, 9, 0, 0, 0, time.UTC))

func minute(n int) access.Instant { return start + access.Instant(n)*access.Minute }

// lived is a finding with a history of entries `minute state severity`.
func lived(entries ...rules.Change) *rules.Finding {
	f := &rules.Finding{Kind: "access_after_sunset", OpenedAt: entries[0].At, History: entries}
	last := entries[len(entries)-1]
	f.State, f.Severity = last.State, last.Severity
	return f
}

func entry(m int, s rules.State, v rules.Severity) rules.Change {
	return rules.Change{At: minute(m), State: s, Severity: v}
}

// appearance renders what appear yields: "warning=0 critical=1".
func appearance(f *rules.Finding, now access.Instant) string {
	text := ""
	appear(f, now, DefaultHold, func(s rules.Severity, on bool) {
		value := 0
		if on {
			value = 1
		}
		if text != "" {
			text += " "
		}
		text += fmt.Sprintf("%s=%d", s, value)
	})
	return text
}

func TestAppear(t *testing.T) {
	const o, q, c, w = rules.Open, rules.Quiet, rules.Closed, rules.Withdrawn
	const info, warning, critical = rules.Info, rules.Warning, rules.Critical
	exception := "an exception"
	suppressed := func(f *rules.Finding) *rules.Finding {
		f.SuppressedBy = &exception
		return f
	}
	tests := []struct {
		name string
		f    *rules.Finding
		at   map[int]string // minute: appearance
	}{
		{"open", lived(entry(0, o, warning)),
			map[int]string{0: "warning=1", 600: "warning=1"}},
		{"quiet is still 1", lived(entry(0, o, warning), entry(1, q, warning)),
			map[int]string{1: "warning=1", 600: "warning=1"}},
		{"withdrawn at once stays for the hold, then an hour as 0", lived(entry(0, o, warning), entry(0, w, warning)),
			map[int]string{0: "warning=1", 14: "warning=1", 15: "warning=0", 74: "warning=0", 75: ""}},
		{"ended after the hold", lived(entry(0, o, critical), entry(30, q, critical), entry(100, c, critical)),
			map[int]string{100: "critical=0", 159: "critical=0", 160: ""}},
		{"risen: the lower one is 0 at once", lived(entry(0, o, warning), entry(1, o, critical)),
			map[int]string{1: "warning=0 critical=1", 60: "warning=0 critical=1", 61: "critical=1"}},
		{"risen and withdrawn at once", lived(entry(0, o, warning), entry(1, o, critical), entry(1, w, critical)),
			map[int]string{1: "warning=0 critical=1", 15: "warning=0 critical=1", 16: "warning=0 critical=0", 76: ""}},
		{"rises while long open: held from the rise", lived(entry(0, o, warning), entry(100, o, critical), entry(101, w, critical)),
			map[int]string{114: "warning=0 critical=1", 115: "warning=0 critical=0"}},
		{"fallen: the higher one is held", lived(entry(0, o, critical), entry(1, o, warning)),
			map[int]string{1: "warning=1 critical=1", 15: "warning=1 critical=0", 75: "warning=1"}},
		{"relapse is held", lived(entry(0, o, critical), entry(60, c, critical), entry(100, o, critical), entry(101, c, critical)),
			map[int]string{101: "critical=1", 114: "critical=1", 115: "critical=0", 175: ""}},
		{"ended as a warning, opened again as critical", lived(entry(0, o, warning), entry(1, w, warning), entry(2, o, critical)),
			map[int]string{2: "warning=0 critical=1", 61: "critical=1"}},
		{"info", lived(entry(0, o, info)), map[int]string{0: "info=1"}},
		{"suppressed", suppressed(lived(entry(0, o, warning))),
			map[int]string{0: "warning=0", 600: "warning=0"}},
		{"suppressed and ended", suppressed(lived(entry(0, o, warning), entry(1, c, warning))),
			map[int]string{1: "warning=0", 74: "warning=0", 75: ""}},
		{"no history", &rules.Finding{Severity: warning, OpenedAt: minute(0)},
			map[int]string{0: "warning=1", 600: "warning=1"}},
		{"no history, withdrawn", &rules.Finding{Severity: warning, State: w, OpenedAt: minute(0)},
			map[int]string{14: "warning=1", 15: "warning=0", 75: ""}},
		{"history behind the finding", &rules.Finding{Severity: critical, State: o, OpenedAt: minute(0),
			History: []rules.Change{entry(0, o, warning)}},
			map[int]string{1: "warning=0 critical=1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for m, want := range tt.at {
				if got := appearance(tt.f, minute(m)); got != want {
					t.Errorf("at minute %d: %q, want %q", m, got, want)
				}
			}
		})
	}
}

// drawLife draws a finding with a random history over a few hours, and the
// minute of its last entry.
func drawLife(t *rapid.T) (*rules.Finding, int) {
	var entries []rules.Change
	at := 0
	for range rapid.IntRange(1, 8).Draw(t, "entries") {
		state := rules.State(rapid.IntRange(0, 3).Draw(t, "state"))
		if len(entries) == 0 {
			state = rules.Open
		}
		entries = append(entries, entry(at, state, rules.Severity(rapid.IntRange(0, 2).Draw(t, "severity"))))
		at += rapid.SampledFrom([]int{0, 1, 7, 30, 200}).Draw(t, "minutes")
	}
	return lived(entries...), int((entries[len(entries)-1].At - start) / access.Minute)
}

// TestAppearNeverHidesAnAlert is the promise of DESIGN section 7: for the hold
// after a finding opens, relapses or rises, a series of that severity or above
// is 1, whatever happens since.
func TestAppearNeverHidesAnAlert(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, last := drawLife(t)
		now := last + rapid.IntRange(0, 100).Draw(t, "later")
		shown := map[rules.Severity]bool{}
		appear(f, minute(now), DefaultHold, func(s rules.Severity, on bool) {
			if _, twice := shown[s]; twice {
				t.Fatalf("severity %s twice", s)
			}
			shown[s] = on
		})
		highest := rules.Info
		for s, on := range shown {
			if on {
				highest = max(highest, s)
			}
		}
		lives := func(s rules.State) bool { return s == rules.Open || s == rules.Quiet }
		for i, h := range f.History {
			began := lives(h.State) && (i == 0 || !lives(f.History[i-1].State) || f.History[i-1].Severity < h.Severity)
			if began && minute(now) < h.At.Plus(DefaultHold) {
				if len(shown) == 0 || highest < h.Severity || !anyOn(shown) {
					t.Fatalf("entry %d is not shown at minute %d: %v", i, now, shown)
				}
			}
		}
		if lives(f.State) != (shown[f.Severity] && lives(f.State)) {
			t.Fatalf("%s as %s is not 1: %v", f.State, f.Severity, shown)
		}
		if !lives(f.State) && now >= last+15+60 && len(shown) > 0 {
			t.Fatalf("still shown: %v", shown)
		}
	})
}

func anyOn(shown map[rules.Severity]bool) bool {
	for _, on := range shown {
		if on {
			return true
		}
	}
	return false
}

func TestCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ranks := rapid.SliceOf(rapid.Uint8Range(0, uint8(rankZero))).Draw(t, "ranks")
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		rows := make([]row, len(ranks))
		alerts := 0
		for i, r := range ranks {
			rows[i] = row{id: metricID(i % 3), rank: rank(r), value: float64(i)}
			if rank(r) == rankAlert {
				alerts++
			}
		}
		kept, capped := cut(slices.Clone(rows), limit)
		if want := min(len(rows), max(limit, alerts)); len(kept) != want {
			t.Fatalf("kept %d, want %d", len(kept), want)
		}
		left := 0
		for _, n := range capped {
			left += int(n)
		}
		if left+len(kept) != len(rows) {
			t.Fatalf("kept %d and counted %d of %d", len(kept), left, len(rows))
		}
		stays := map[float64]bool{}
		var worst rank
		for _, r := range kept {
			stays[r.value] = true
			worst = max(worst, r.rank)
		}
		for _, r := range rows {
			if !stays[r.value] && r.rank < worst {
				t.Fatalf("rank %d was left out before rank %d", r.rank, worst)
			}
		}
	})
}
