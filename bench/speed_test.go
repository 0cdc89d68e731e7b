package bench

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	eventsFlag  = flag.Int("events", 1_000_000, "events in the topic")
	shapeFlag   = flag.String("shape", "nine-years", "nine-years or hour: how the events lie in event time")
	roundsFlag  = flag.Int("rounds", 5, "rounds in which the contenders take turns")
	onlyFlag    = flag.String("only", "", "only these contenders, by names with commas between")
	profileFlag = flag.String("live-profile", "", "write the processor profile of the contender live to this file")
)

// contender reads the topic once.
type contender struct {
	name string
	run  func(b *testing.B) (result, usage)
	cpu  []float64 // seconds for a million events, by round
	wall []float64
	last result
}

// BenchmarkLive has the contenders read the same topic from a broker in another
// process, in turns. cpu-s/M are the seconds of processor time, user and system,
// of the whole process of a contender from its start to its end, for a million
// events.
func BenchmarkLive(b *testing.B) {
	binary(b)
	broker := startBroker(b)
	shapes := map[string]func(int) world{"nine-years": nineYears, "hour": steady}
	if shapes[*shapeFlag] == nil {
		b.Fatalf("-shape %s is none of nine-years, hour", *shapeFlag)
	}
	p := shapes[*shapeFlag](*eventsFlag).plan()
	registrations := filepath.Join(b.TempDir(), "registrations.yml")
	if err := os.WriteFile(registrations, []byte(p.registrations()), 0o600); err != nil {
		b.Fatal(err)
	}
	want := fill(b, broker, p)
	t := task{Broker: broker, Events: *eventsFlag, Registrations: registrations}
	contenders := []*contender{
		{name: "kafka.Reader", run: func(b *testing.B) (result, usage) { return compete(b, "kafka.Reader", t) }},
		{name: "live", run: func(b *testing.B) (result, usage) {
			plain := t
			plain.Profile = *profileFlag
			return compete(b, "live", plain)
		}},
		{name: "live+saves", run: func(b *testing.B) (result, usage) {
			saving := t
			saving.State = b.TempDir()
			return compete(b, "live", saving)
		}},
		{name: "program", run: func(b *testing.B) (result, usage) {
			p := startProgram(b, broker, registrations)
			p.counted(*eventsFlag)
			r := p.found()
			r.Events = uint64(*eventsFlag)
			return r, p.stop()
		}},
	}
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
				if r.Events != want.Events {
					b.Fatalf("%s: %d events, want %d", c.name, r.Events, want.Events)
				}
				if c.name != "kafka.Reader" && (r.Wrong != want.Wrong || r.Records != want.Records) {
					b.Fatalf("%s: findings hold %d events and %d records, want %d and %d", c.name, r.Wrong, r.Records, want.Wrong, want.Records)
				}
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
