package demo

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"sunsetwatch/rules"
)

// run runs the demo at a speed, calls look with the URL once the story is told,
// and returns the narration.
func run(t *testing.T, speed float64, look func(url string)) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	defer stop()
	var out strings.Builder
	told := false
	err := Run(ctx, Options{
		Listen: []string{"127.0.0.1:0"}, Speed: speed, Out: &out, Log: zap.NewNop(), Now: time.Now,
		Told: func(url string) {
			told = true
			look(url)
			stop()
		},
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !told {
		t.Fatalf("the story was not told to its end:\n%s", out.String())
	}
	return out.String()
}

// scrape is what /metrics shows: the value of each series by its name and
// labels as they are written.
func scrape(t *testing.T, url string) map[string]float64 {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]float64{}
	for line := range strings.Lines(string(body)) {
		line = strings.TrimSpace(line)
		name, value, ok := cutLast(line, " ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if series[name], err = strconv.ParseFloat(value, 64); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	return series
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// labels of a series of a finding that are looked at.
var labels = regexp.MustCompile(`^(\w+)\{.*\bfeature="([^"]*)".*\bkind="([^"]*)".*\bpartner="([^"]*)"`)

// partners are the owners of the story's principals, and the sunsets that hold
// for them, as a person reads them in the registrations.
var partners = map[string]struct {
	name   string
	kind   string    // of what is wrong, where anything is
	sunset time.Time // zero: all of its access is wrong, or none
}{
	"app-netflix":         {"netflix", rules.AccessAfterSunset, date(2015, 7, 1)},
	"app-yahoo":           {"yahoo", rules.AccessAfterSunset, date(2013, 1, 1)},
	"app-bing":            {"bing", rules.AccessAfterSunset, date(2014, 12, 31)},
	"app-pandora":         {"pandora", rules.AccessAfterSunset, date(2014, 12, 31)},
	"app-rotten-tomatoes": {"rotten-tomatoes", rules.AccessAfterSunset, date(2014, 12, 31)},
	"app-rbc":             {"royal-bank-of-canada", rules.NoRegistration, time.Time{}},
	"app-nytimes":         {"new-york-times", rules.AccessAfterSunset, date(2013, 3, 1)},
	"app-spotify":         {name: "spotify"},
	"app-apple":           {name: "apple"},
	"app-huawei":          {name: "huawei"},
}

// tally is an independent count of one partner's accesses that are wrong.
type tally struct {
	events int
	people map[string]bool
	days   map[time.Time]bool
}

// truth counts the whole story from the sentence: an access that was served at
// or after the sunset is wrong, and so is one that nobody registered.
func truth() (wrong map[string]*tally, lawful, all int) {
	wrong = map[string]*tally{}
	for d := storyBegins; d.Before(storyEnds); d = d.AddDate(0, 0, 1) {
		for e := range day(d) {
			all++
			p := partners[e.Principal]
			if e.Outcome == "denied" || p.kind == "" || e.Time.Before(p.sunset) {
				lawful++
				continue
			}
			w := wrong[p.name]
			if w == nil {
				w = &tally{people: map[string]bool{}, days: map[time.Time]bool{}}
				wrong[p.name] = w
			}
			w.events++
			w.people[e.Subject] = true
			w.days[d] = true
		}
	}
	return wrong, lawful, all
}

// The acceptance of the demo: what it shows is what the story contains.
func TestShowsTheStory(t *testing.T) {
	wrong, lawful, all := truth()
	if len(wrong) < 6 || lawful*10 < all*8 {
		t.Fatalf("%d partners go wrong, %d of %d events are lawful: the story has at least six, and a lawful majority", len(wrong), lawful, all)
	}
	narration := run(t, 60, func(url string) {
		open, counted := map[string]float64{}, map[string]int{}
		for name, value := range scrape(t, url) {
			m := labels.FindStringSubmatch(name)
			if m == nil {
				continue
			}
			metric, kind, partner := m[1], m[3], m[4]
			w := wrong[partner]
			switch metric {
			case "sunsetwatch_finding_open":
				open[partner] = max(open[partner], value)
				if value == 1 && (w == nil || kindOf(partner) != kind) {
					t.Errorf("%s is 1", name)
				}
			case "sunsetwatch_finding_events":
				counted[partner]++
				if w == nil || value != float64(w.events) {
					t.Errorf("%s is %v", name, value)
				}
			case "sunsetwatch_finding_people":
				counted[partner]++
				if w == nil || !about(value, len(w.people)) {
					t.Errorf("%s is %v", name, value)
				}
			}
		}
		for _, p := range partners {
			want := 0.0
			if wrong[p.name] != nil {
				want = 1
			}
			if got, shown := open[p.name]; !shown || got != want {
				t.Errorf("sunsetwatch_finding_open of %s is %v (shown: %v), want %v", p.name, got, shown, want)
			}
		}
		for partner := range wrong {
			if counted[partner] != 2 {
				t.Errorf("%d of sunsetwatch_finding_events and _people of %s, want one each", counted[partner], partner)
			}
		}
		var n int
		for _, f := range newFindings(t, url) {
			n++
			if w := wrong[f.Partner]; w == nil || f.Days != uint64(len(w.days)) || f.Events != uint64(w.events) {
				t.Errorf("%s: %d accesses on %d days", f.Partner, f.Events, f.Days)
			}
		}
		if n != len(wrong) {
			t.Errorf("%d findings, want %d", n, len(wrong))
		}
	})
	for _, m := range milestones() {
		if !strings.Contains(narration, fmt.Sprintf("%s  %-8s %s\n", m.at.Format(time.DateOnly), m.word, m.text)) {
			t.Errorf("the narration does not say %q", m.text)
		}
	}
	for partner, w := range wrong {
		if !regexp.MustCompile(`FINDING +` + kindOf(partner) + `, \w+: ` + partner + ` `).MatchString(narration) {
			t.Errorf("the narration does not say that the finding of %s opens", partner)
		}
		if !regexp.MustCompile(`(?m)^critical +` + partner + ` .* ` + number(uint64(w.events)) + ` +` + number(uint64(len(w.days))) + ` +`).MatchString(narration) {
			t.Errorf("the summary lacks %s with %d accesses on %d days", partner, w.events, len(w.days))
		}
	}
	if !strings.Contains(narration, number(uint64(all))+" events") {
		t.Errorf("the narration does not say that there were %d events", all)
	}
	if t.Failed() {
		t.Log(narration)
	}
}

func kindOf(partner string) string {
	for _, p := range partners {
		if p.name == partner {
			return p.kind
		}
	}
	return ""
}

// about reports whether a number of people is right: exact up to 1,024, within
// 2 % above.
func about(got float64, want int) bool {
	if want <= 1024 {
		return got == float64(want)
	}
	return math.Abs(got-float64(want)) <= 0.02*float64(want)
}

func newFindings(t *testing.T, url string) []finding {
	n := newNarrator(io.Discard, url)
	defer n.close()
	return n.findings(t.Context())
}

// A newcomer waits five seconds at most for the first finding, at speed 1.
func TestFirstFindingComesSoon(t *testing.T) {
	const (
		judging = time.Second            // of the daemon: facts are judged, and an opening is saved and shown at once
		reading = 500 * time.Millisecond // of the consumer: the longest that a broker lets it wait
	)
	var c clock
	var told time.Duration // wall time until the first wrong access is produced
	for day := storyBegins; !firstWrong(day, c.next(1)); told += step {
		day = storyBegins.AddDate(0, 0, int(c))
	}
	if at := told + step + reading + 2*judging; at > 5*time.Second {
		t.Errorf("the first finding comes after %v", at)
	}
}

// firstWrong reports whether [from, until) holds an access that is wrong.
func firstWrong(from, until time.Time) bool {
	for d := from; d.Before(until); d = d.AddDate(0, 0, 1) {
		for e := range day(d) {
			if p := partners[e.Principal]; p.kind != "" && !e.Time.Before(p.sunset) {
				return true
			}
		}
	}
	return false
}

// The clock tells every day once, whatever the speed, and comes to an end.
func TestClock(t *testing.T) {
	for _, speed := range []float64{1, 0.01, 3, 60, 1e9} {
		var c clock
		at := storyBegins
		steps := 0
		for ; at.Before(storyEnds); steps++ {
			next := c.next(speed)
			if next.Before(at) || next.After(storyEnds) {
				t.Fatalf("speed %v: %v after %v", speed, next, at)
			}
			at = next
		}
		if want := max(1, float64(storyLength/step)/speed); math.Abs(float64(steps)-want) > 1+want/1000 {
			t.Errorf("speed %v: %d steps, want %v", speed, steps, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		o    Options
		want string
	}{
		{"speed 0", Options{Speed: 0}, "--speed: 0 is not a number above 0"},
		{"speed below 0", Options{Speed: -1}, "--speed: -1 is not"},
		{"no number", Options{Speed: math.NaN()}, "--speed: NaN is not"},
		{"endless speed", Options{Speed: math.Inf(1)}, "--speed: +Inf is not"},
		{"duration below 0", Options{Speed: 1, Duration: -time.Second}, "--duration: -1s is less than 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := Run(t.Context(), test.o); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// A port in use is said with what to do about it, before anything is told.
func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var out strings.Builder
	err = Run(t.Context(), Options{Listen: []string{l.Addr().String()}, Speed: 1, Out: &out, Log: zap.NewNop(), Now: time.Now})
	if err == nil || !strings.Contains(err.Error(), "--web.listen-address=127.0.0.1:0") {
		t.Errorf("got %v", err)
	}
	if out.Len() > 0 {
		t.Errorf("told: %s", out.String())
	}
}

// Ctrl-C and the end of --duration are no errors, wherever the story is.
func TestStops(t *testing.T) {
	for name, duration := range map[string]time.Duration{"at the start": time.Millisecond, "in the story": 1500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			err := Run(t.Context(), Options{Listen: []string{"127.0.0.1:0"}, Duration: duration, Speed: 1, Out: &out, Log: zap.NewNop(), Now: time.Now})
			if err != nil {
				t.Error(err)
			}
			if !strings.HasSuffix(out.String(), "Stopped. Nothing of the demo is kept.\n") {
				t.Errorf("told: %s", out.String())
			}
		})
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 12228: "12,228", 1234567: "1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
