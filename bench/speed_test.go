package bench

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sunsetwatch/bench/child"
)

var (
	eventsFlag  = flag.Int("events", 1_000_000, "events in the topic")
	shapeFlag   = flag.String("shape", "nine-years", "nine-years or hour: how the events lie in event time")
	roundsFlag  = flag.Int("rounds", 5, "rounds in which the contenders take turns")
	onlyFlag    = flag.String("only", "", "only these contenders, by names with commas between")
	beforeFlag  = flag.String("before", "", "the test binary of an earlier tree, whose live is a contender too")
	profileFlag = flag.String("live-profile", "", "write the processor profile of the contender live to this file")
)

const bareReader = "kafka.Reader"

// contender reads the topic once.
type contender struct {
	name string
	run  func(testing.TB) (result, usage)
	cpu  []float64 // seconds for a million events, by round
	wall []float64
	last result
}

// contenders are all of them, the bare reader first. live-profile is of live.
func contenders(t task) []*contender {
	all := []*contender{
		{name: bareReader, run: func(tb testing.TB) (result, usage) { return compete(tb, bareReader, t) }},
		{name: "live", run: func(tb testing.TB) (result, usage) {
			plain := t
			plain.Profile = *profileFlag
			return compete(tb, "live", plain)
		}},
		{name: "live+saves", run: func(tb testing.TB) (result, usage) {
			saving := t
			saving.State = tb.TempDir()
			return compete(tb, "live", saving)
		}},
		{name: "program", run: func(tb testing.TB) (result, usage) {
			p := startProgram(tb, t.Broker, t.Registrations)
			p.counted(t.Events)
			r := p.found()
			r.Events = uint64(t.Events)
			return r, p.stop()
		}},
	}
	if *beforeFlag != "" {
		all = slices.Insert(all, 1, &contender{name: "before", run: func(tb testing.TB) (result, usage) { return competeAs(tb, *beforeFlag, "live", t) }})
	}
	return all
}

// check holds what a contender found against the events that were produced.
func (c *contender) check(tb testing.TB, r result, want answer) {
	tb.Helper()
	if r.Events != want.Events {
		tb.Fatalf("%s: %d events, want %d", c.name, r.Events, want.Events)
	}
	if c.name != bareReader && (r.Wrong != want.Wrong || r.Records != want.Records) {
		tb.Fatalf("%s: findings hold %d events and %d records, want %d and %d", c.name, r.Wrong, r.Records, want.Wrong, want.Records)
	}
}

// TestContenders has every contender read a small topic.
func TestContenders(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	asked, want := prepare(t, nineYears(20_000))
	for _, c := range contenders(asked) {
		r, _ := c.run(t)
		c.check(t, r, want)
	}
}

// prepare fills a topic with a world.
func prepare(tb testing.TB, w world) (task, answer) {
	tb.Helper()
	binary(tb) // before the broker, which is then left alone
	p := w.plan()
	t := task{Broker: child.Broker(tb), Events: w.Events, Registrations: filepath.Join(tb.TempDir(), "registrations.yml")}
	if err := os.WriteFile(t.Registrations, []byte(p.registrations()), 0o600); err != nil {
		tb.Fatal(err)
	}
	return t, fill(tb, t.Broker, p)
}

// BenchmarkLive has the contenders read the same topic from a broker in another
// process, in turns. cpu-s/M are the seconds of processor time, user and system,
// of the whole process of a contender from its start to its end, for a million
// events.
func BenchmarkLive(b *testing.B) {
	shapes := map[string]func(int) world{"nine-years": nineYears, "hour": steady}
	if shapes[*shapeFlag] == nil {
		b.Fatalf("-shape %s is none of nine-years, hour", *shapeFlag)
	}
	t, want := prepare(b, shapes[*shapeFlag](*eventsFlag))
	contenders := contenders(t)
	if *onlyFlag != "" {
		only := strings.Split(*onlyFlag, ",")
		contenders = slices.DeleteFunc(contenders, func(c *contender) bool { return !slices.Contains(only, c.name) })
	}
	for b.Loop() {
		for range *roundsFlag {
			for _, c := range contenders {
				r, u := c.run(b)
				c.last = r
				c.cpu = append(c.cpu, u.cpu.Seconds()*1e6/float64(want.Events))
				c.wall = append(c.wall, u.wall.Seconds())
				c.check(b, r, want)
			}
		}
	}
	fmt.Fprintf(os.Stderr, "\n%d events of %.0f bytes, %d wrong (%.1f %%), %d denied\n",
		want.Events, float64(want.Bytes)/float64(want.Events), want.Wrong, 100*float64(want.Wrong)/float64(want.Events), want.Denied)
	fmt.Fprintf(os.Stderr, "%-14s %8s %8s %8s %8s   CPU-s per million events; ratio of medians; wall s\n", "", "min", "median", "ratio", "wall")
	reader := median(contenders[0].cpu)
	for _, c := range contenders {
		fmt.Fprintf(os.Stderr, "%-14s %8.2f %8.2f %8.2f %8.1f   %.2f\n", c.name, slices.Min(c.cpu), median(c.cpu), reader/median(c.cpu), median(c.wall), c.cpu)
		if r := c.last; r.Cells > 0 {
			fmt.Fprintf(os.Stderr, "%-14s %d cells, %d findings; %d saves in %.2f s of wall time, judging in %.2f s\n", "", r.Cells, r.Findings, r.Saves, r.Saving, r.Judging)
		}
		b.ReportMetric(slices.Min(c.cpu), c.name+"-cpu-s/M")
	}
	for _, c := range contenders[1:] {
		b.ReportMetric(slices.Min(contenders[0].cpu)/slices.Min(c.cpu), c.name+"-x")
	}
	b.ReportMetric(0, "ns/op")
}

func median(list []float64) float64 {
	s := slices.Sorted(slices.Values(list))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
