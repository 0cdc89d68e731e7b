package scenario

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Expectations are rewritten where they differ, and stand as they were where they
// do not.
func TestUpdate(t *testing.T) {
	for _, c := range []struct{ name, steps, before, after string }{
		{"flow", "", "- {kind: access_after_sunset, partner: bing, events: 3, first_event: 2013-01-01T00:00:00Z}\n",
			"- {kind: access_after_sunset, partner: bing, events: 2, first_event: 2014-07-01T00:00:00Z}\n"},
		{"block, with comments", "", `# Before all.
- kind: access_after_sunset # what
  partner: bing
  # how often
  events: 3  # times
  why: bing read ...
  operations:
    write: 3
    # nothing else
  people: 0
# After all.
`, `# Before all.
- kind: access_after_sunset # what
  partner: bing
  # how often
  events: 2  # times
  why: bing read ...
  operations: {read: 2}
    # nothing else
  people: 0
# After all.
`},
		{"as it was written", "live expect findings\n", `- kind: access_after_sunset
  partner: bing
  state: closed
  events: about 100 within 5%
  last_event: {time: 2013-01-01T00:00:00Z, offset: 7}
  first_event.offset: 3
  principals: [x]
  decided_by: {by: jo}
  detection_delay: 5d
  sunset: null
  history:
    - {state: quiet}
  why: x
  pages: 7
`, `- kind: access_after_sunset
  partner: bing
  state: open
  events: about 2 within 5%
  last_event: {time: 2014-07-01T12:00:00Z, offset: 1}
  first_event.offset: 0
  principals: [app-bing]
  decided_by: {by: null}
  detection_delay: 0
  sunset: 2014-07-01T00:00:00Z
  history: [{state: open}]
  why: "bing read data for search 2 times since its sunset on 2014-07-01, the last time on 2014-07-01. search@example.com: revoke the credential of app-bing."
  pages: 1
`},
		{"missing and new", "", "# nothing else\n- kind: before_start\n  partner: bing\n", `- kind: access_after_sunset
  partner: bing
  feature: search
  severity: critical
  state: open
  events: 2
  days: 1
  people: 0
  first_event: 2014-07-01T00:00:00Z
  last_event: 2014-07-01T12:00:00Z
`},
		{"others stay allowed", "", "- kind: before_start\n- others: allowed\n", "- others: allowed\n"},
		{"none", "judge before 2014-07-01T00:00:00Z expect findings\n", "# Lawful.\n- kind: before_start\n", "[]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := small(twoReads, c.steps, c.before)
			got := updated(t, outcomeOf(t, before))
			if want := small(twoReads, c.steps, c.after); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			again := outcomeOf(t, got)
			if !again.Passed() || updated(t, again) != got {
				t.Errorf("after update\n%s", again.Checks[0].differences("x"))
			}
		})
	}
}

// Every scenario of the product, emptied, is filled in so that it passes; and
// what passes is not touched.
func TestUpdateRoundTrip(t *testing.T) {
	for _, name := range corpus(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s, problems := Parse(name, text)
		if s == nil {
			t.Fatal(problems)
		}
		if s.events() > 3_000 {
			continue // the smaller ones have every form
		}
		empty := string(text)
		for section := range s.expected {
			body := string(s.section(section).data)
			replacement := "[]\n"
			if partOf(section) == problemsPart {
				replacement = ""
			}
			empty = strings.Replace(empty, "-- "+section+" --\n"+body, "-- "+section+" --\n"+replacement, 1)
		}
		filled := outcomeOf(t, updated(t, outcomeOf(t, empty)))
		for i := range filled.Checks {
			if c := &filled.Checks[i]; !c.Passed() {
				t.Errorf("%s", c.differences(name))
			}
		}
	}
}

func TestUpdateWritesTheFile(t *testing.T) {
	dir := three(t)
	name := filepath.Join(dir, "b-differs.txtar")
	var out bytes.Buffer
	if err := Test(context.Background(), Options{Paths: []string{name}, Update: true, Out: &out, Err: &out}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), "  updated\n") {
		t.Error(out.String())
	}
	out.Reset()
	if err := Test(context.Background(), Options{Paths: []string{name}, Update: true, Out: &out, Err: &out}); err != nil || strings.Contains(out.String(), "updated") {
		t.Error(out.String(), err)
	}
}

// Two steps that found different things cannot share what they expect.
func TestUpdateOfASharedSection(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "x.txtar")
	before := small(twoReads, "live before 2014-07-01T01:00:00Z expect findings\nlive expect findings\n", "[]\n")
	if err := os.WriteFile(name, []byte(before), 0o666); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	err := Test(context.Background(), Options{Paths: []string{name}, Update: true, Out: &out, Err: &errs})
	if err != ErrDiffer || !strings.HasSuffix(errs.String(), "finds other things than another step that expects findings: give each a section of its own, with [] in it\n") || !strings.Contains(out.String(), "  not updated\n") {
		t.Error(err, errs.String(), out.String())
	}
	if after, _ := os.ReadFile(name); string(after) != before {
		t.Errorf("the file is written:\n%s", after)
	}
}
