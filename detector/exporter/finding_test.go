package exporter

import (
	"encoding/json"
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

// lived is a finding with a history of entries.
func lived(entries ...rules.Change) *rules.Finding {
	f := &rules.Finding{Kind: "access_after_sunset", OpenedAt: entries[0].At, History: entries}
	last := entries[len(entries)-1]
	f.State, f.Severity = last.State, last.Severity
	if last.Suppressed {
		f.SuppressedBy = new(string)
	}
	return f
}

func entry(m int, s rules.State, v rules.Severity) rules.Change {
	return rules.Change{At: minute(m), State: s, Severity: v}
}

// excepted is an entry of a finding whose page an exception suppresses.
func excepted(m int, s rules.State, v rules.Severity) rules.Change {
	c := entry(m, s, v)
	c.Suppressed = true
	return c
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
		{"opened and closed in one judgement", lived(entry(0, o, warning), entry(0, c, warning)),
			map[int]string{0: "warning=1", 14: "warning=1", 15: "warning=0", 74: "warning=0", 75: ""}},
		{"relapsed and closed in one judgement", lived(entry(0, o, warning), entry(60, c, warning), entry(200, o, warning), entry(200, c, warning)),
			map[int]string{200: "warning=1", 214: "warning=1", 215: "warning=0", 275: ""}},
		{"relapse that was never seen closed is held", lived(entry(0, o, critical), entry(100, o, critical), entry(101, c, critical)),
			map[int]string{114: "critical=1", 115: "critical=0", 175: ""}},
		{"relapse that was quiet before and is quiet", lived(entry(0, o, critical), entry(1, q, critical), entry(100, q, critical), entry(100, c, critical)),
			map[int]string{114: "critical=1", 115: "critical=0"}},
		{"relapse as another severity", lived(entry(0, o, critical), entry(30, c, critical), entry(40, o, warning), entry(41, c, warning)),
			map[int]string{41: "warning=1 critical=0", 54: "warning=1 critical=0", 55: "warning=0 critical=0", 90: "warning=0", 115: ""}},
		{"suppressed", lived(excepted(0, o, warning)),
			map[int]string{0: "warning=0", 600: "warning=0"}},
		{"suppressed and ended", lived(excepted(0, o, warning), excepted(1, c, warning)),
			map[int]string{1: "warning=0", 60: "warning=0", 61: ""}},
		{"suppressed later: not held", lived(entry(0, o, warning), excepted(1, o, warning)),
			map[int]string{1: "warning=0", 600: "warning=0"}},
		{"suppressed while held, and the exception is taken back: closed is closed", lived(entry(0, o, warning), excepted(1, c, warning), entry(2, c, warning)),
			map[int]string{2: "warning=0", 60: "warning=0", 61: ""}},
		{"closed while suppressed, and then the exception expires", lived(excepted(0, o, warning), excepted(5, c, warning), entry(6, c, warning)),
			map[int]string{6: "warning=0", 64: "warning=0", 65: ""}},
		{"the exception expires: 1 again", lived(excepted(0, o, warning), entry(100, o, warning)),
			map[int]string{100: "warning=1", 600: "warning=1"}},
		{"the exception expires and it ends at once: held", lived(excepted(0, o, warning), entry(100, q, warning), entry(101, c, warning)),
			map[int]string{101: "warning=1", 114: "warning=1", 115: "warning=0", 174: "warning=0", 175: ""}},
		{"the severity rises while suppressed, and then the exception expires", lived(excepted(0, o, warning), excepted(10, o, critical), entry(20, o, critical)),
			map[int]string{20: "warning=0 critical=1", 69: "warning=0 critical=1", 70: "critical=1"}},
		{"the severity rises and the exception expires at once", lived(excepted(0, o, warning), entry(10, o, critical), entry(10, c, critical)),
			map[int]string{10: "warning=0 critical=1", 24: "warning=0 critical=1", 25: "warning=0 critical=0", 85: ""}},
		{"by a rule file: info becomes critical, then info again", lived(entry(0, q, info), entry(100, q, critical), entry(200, q, info)),
			map[int]string{200: "info=1 critical=0", 259: "info=1 critical=0", 260: "info=1"}},
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
	suppressed := rapid.SampledFrom([]bool{false, false, true})
	var entries []rules.Change
	at := 0
	for range rapid.IntRange(1, 8).Draw(t, "entries") {
		state := rules.State(rapid.IntRange(0, 3).Draw(t, "state"))
		if len(entries) == 0 {
			state = rules.Open
		}
		e := entry(at, state, rules.Severity(rapid.IntRange(0, 2).Draw(t, "severity")))
		e.Suppressed = suppressed.Draw(t, "suppressed")
		entries = append(entries, e)
		at += rapid.SampledFrom([]int{0, 1, 7, 30, 200}).Draw(t, "minutes")
	}
	return lived(entries...), int((entries[len(entries)-1].At - start) / access.Minute)
}

// TestAppearNeverHidesAnAlert is the promise of DESIGN section 7: for the hold
// after a finding opens, relapses, rises, or goes on without an exception, a
// series of that severity or above is 1, whatever happens since but an exception.
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
			excepted := slices.ContainsFunc(f.History[i:], func(c rules.Change) bool { return c.Suppressed })
			if lives(h.State) && !excepted && minute(now) < h.At.Plus(DefaultHold) {
				if len(shown) == 0 || highest < h.Severity || !anyOn(shown) {
					t.Fatalf("entry %d is not shown at minute %d: %v", i, now, shown)
				}
			}
		}
		suppressed := f.SuppressedBy != nil
		if lives(f.State) && (shown[f.Severity] == suppressed) {
			t.Fatalf("%s as %s, suppressed %t: %v", f.State, f.Severity, suppressed, shown)
		}
		if suppressed && anyOn(shown) {
			t.Fatalf("suppressed, and shown: %v", shown)
		}
		if !lives(f.State) && now >= last+15+60 && len(shown) > 0 {
			t.Fatalf("still shown: %v", shown)
		}
	})
}

// TestAppearAfterARestart: what was saved and read again is shown as before.
func TestAppearAfterARestart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, last := drawLife(t)
		saved, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		restored := &rules.Finding{}
		if err := json.Unmarshal(saved, restored); err != nil {
			t.Fatal(err)
		}
		for now := last; now < last+100; now += 5 {
			if before, after := appearance(f, minute(now)), appearance(restored, minute(now)); before != after {
				t.Fatalf("at minute %d: %q, restored %q", now, before, after)
			}
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
