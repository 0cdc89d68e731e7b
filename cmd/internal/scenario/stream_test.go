package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sunsetwatch/rules/access"
)

// everything that a file tells, as lines.
func everything(s *Scenario, byTime bool) []string {
	var all []string
	st := s.stream(byTime)
	for t := st.next(); t != nil; t = st.next() {
		e := t.event
		all = append(all, fmt.Sprintf("%s %s/%d %s %s %s %q %s>%s %s %s %s %s %s %d %d %q %v", e.Time, t.written, t.partition, e.Principal, e.Feature, e.Operation,
			e.Scopes, e.Subject, e.Grantor, e.Direction, e.Consent, e.Indicator, e.Outcome, e.Probe, e.Records, e.Bytes, e.ID, e.Late))
	}
	return all
}

func TestEvents(t *testing.T) {
	for _, c := range []struct{ name, events, want string }{
		{"one", "at 2014-01-01T00:00:00Z: principal=p feature=f operation=list\n", `
2014-01-01T00:00:00Z 2014-01-01T00:00:00Z/0 p f list [] > out unknown unset served  1 0 "" false
`},
		{"every field", "at 2014-01-01T00:00:00Z: principal=p feature=f operation=delete id=i scopes=b+a+b direction=in subject=s grantor=g consent=absent indicator=hidden outcome=denied records=7 bytes=8 partition=3 late=2h\n", `
2014-01-01T00:00:00Z 2014-01-01T02:00:00Z/3 p f delete ["a" "b"] s>g in absent hidden denied  7 8 "i" true
`},
		{"in turn, over lines", "# a comment\n3 times every 1h from 2014-01-01T00:00:00Z:\n  principal=p{1..2} feature=f\n\n  # and another\n  operation={read,write} subject={u,} records={1..3}\n", `
2014-01-01T00:00:00Z 2014-01-01T00:00:00Z/0 p1 f read [] u> out unknown unset served  1 0 "" false
2014-01-01T01:00:00Z 2014-01-01T01:00:00Z/0 p2 f write [] > out unknown unset served  2 0 "" false
2014-01-01T02:00:00Z 2014-01-01T02:00:00Z/0 p1 f read [] u> out unknown unset served  3 0 "" false
`},
		{"to is the last", "every 1h from 2014-01-01T00:00:00Z to 2014-01-01T01:59:59Z: principal=p feature=f probe=enabled\n", `
2014-01-01T00:00:00Z 2014-01-01T00:00:00Z/0 p f other [] > out unknown unset served enabled 1 0 "" false
2014-01-01T01:00:00Z 2014-01-01T01:00:00Z/0 p f other [] > out unknown unset served enabled 1 0 "" false
`},
		{"lines side by side, in the order of arrival", "every 2h from 2014-01-01T00:00:00Z to 2014-01-01T02:00:00Z: principal=a feature=f operation=read\nat 2013-01-01T00:00:00Z: principal=b feature=f operation=read written=2014-01-01T01:00:00Z\n" +
			`{"time":"2014-01-01T02:00:00Z","principal":"c","feature":"f","operation":"read","scopes":"y x","partition":2}` + "\n", `
2014-01-01T00:00:00Z 2014-01-01T00:00:00Z/0 a f read [] > out unknown unset served  1 0 "" false
2013-01-01T00:00:00Z 2014-01-01T01:00:00Z/0 b f read [] > out unknown unset served  1 0 "" true
2014-01-01T02:00:00Z 2014-01-01T02:00:00Z/0 a f read [] > out unknown unset served  1 0 "" false
2014-01-01T02:00:00Z 2014-01-01T02:00:00Z/2 c f read ["x" "y"] > out unknown unset served  1 0 "" false
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(everything(parsed(t, small(c.events, "", "[]\n")), false), "\n") + "\n"
			if want := strings.TrimPrefix(c.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// By time, late events come when they happened.
func TestEventsByTime(t *testing.T) {
	s := parsed(t, small("at 2014-01-02T00:00:00Z: principal=a feature=f operation=read\nat 2014-01-01T00:00:00Z: principal=b feature=f operation=read late=9d\n", "", "[]\n"))
	if got := everything(s, true); !strings.HasPrefix(got[0], "2014-01-01T00:00:00Z 2014-01-10T00:00:00Z/0 b ") {
		t.Error(got)
	}
}

// The number of events, their times, and what takes turns, against arithmetic.
func TestSeries(t *testing.T) {
	begin := access.At(time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC))
	rapid.Check(t, func(t *rapid.T) {
		type series struct {
			every, offset, span, people, ways int
		}
		var all []series
		var text strings.Builder
		want := 0
		for i := range rapid.IntRange(1, 4).Draw(t, "lines") {
			s := series{
				every: rapid.IntRange(1, 5000).Draw(t, "every"), offset: rapid.IntRange(0, 10_000).Draw(t, "offset"),
				span: rapid.IntRange(0, 100_000).Draw(t, "span"), people: rapid.IntRange(1, 3000).Draw(t, "people"), ways: rapid.IntRange(2, 7).Draw(t, "ways"),
			}
			all = append(all, s)
			from := begin + access.Instant(s.offset)*access.Minute
			var words []string
			for w := range s.ways {
				words = append(words, "f"+strconv.Itoa(w))
			}
			fmt.Fprintf(&text, "every %dm from %s to %s: principal=p%d feature={%s} operation=read subject=u{1..%d}\n",
				s.every, from, from+access.Instant(s.span)*access.Minute, i, strings.Join(words, ","), s.people)
			want += s.span/s.every + 1
		}
		s, problems := Parse("x", []byte(small(text.String(), "", "[]\n")))
		if s == nil {
			t.Fatal(problems)
		}
		if s.events() != want {
			t.Fatalf("%d events, want %d", s.events(), want)
		}
		n := make([]int, len(all))
		last := access.Beginning
		st := s.stream(false)
		for told := st.next(); told != nil; told = st.next() {
			e := told.event
			i, _ := strconv.Atoi(string(e.Principal[1:]))
			l := all[i]
			if e.Time < last {
				t.Fatalf("%s after %s", e.Time, last)
			}
			last = e.Time
			if at := begin + access.Instant(l.offset+n[i]*l.every)*access.Minute; e.Time != at {
				t.Fatalf("event %d of line %d at %s, want %s", n[i], i, e.Time, at)
			}
			if got, want := string(e.Subject), fmt.Sprintf("u%d", n[i]%l.people+1); got != want {
				t.Fatalf("event %d of line %d about %s, want %s", n[i], i, got, want)
			}
			if got, want := string(e.Feature), fmt.Sprintf("f%d", n[i]%l.ways); got != want {
				t.Fatalf("event %d of line %d for %s, want %s", n[i], i, got, want)
			}
			n[i]++
		}
		for i, l := range all {
			if n[i] != l.span/l.every+1 {
				t.Fatalf("%d events of line %d, want %d", n[i], i, l.span/l.every+1)
			}
		}
	})
}

// Telling a long story costs no memory for each event.
func TestEventsAreNotKept(t *testing.T) {
	s := parsed(t, small("20000 times every 1s from 2014-01-01T00:00:00Z: principal=a feature=f operation={read,write} scopes={a,b+c} subject=u{1..5000} grantor=g{1..3000}\n", "", "[]\n"))
	st := s.stream(false)
	for range 1000 {
		st.next()
	}
	if n := testing.AllocsPerRun(1000, func() { st.next() }); n > 0 {
		t.Errorf("%v allocations for each event", n)
	}
	if slices.Contains(everything(s, false), "") {
		t.Error("an empty line")
	}
}
