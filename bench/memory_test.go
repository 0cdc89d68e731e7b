package bench

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"sunsetwatch/bench/child"
)

var memoryFlag = flag.Int("memory-events", 1_000_000, "events of the smaller topic of BenchmarkMemory; the larger one has five times as many")

// steady is the shape that memory is measured with: one busy hour of 2,000
// cells, in which every minute of every cell and all of its people are met many
// times, whether it is a million events or five. What could still grow is then
// what grows with the number of events, and nothing should.
func steady(events int) world {
	return world{
		Seed: 7, Events: events, Partners: 25, Features: 10, Pairs: 250, People: 5_000_000, PerPair: 80,
		Start: time.Date(2018, 6, 1, 12, 0, 0, 0, time.UTC), Span: time.Hour, Late: 5 * time.Minute,
		Ended: 0.3, Fewer: 1, Even: true, Plain: true,
	}
}

// BenchmarkMemory runs the built program on a topic of a million events of 2,000
// cells, and on one of five million of the same, and prints its resident set
// after both with their ratio.
func BenchmarkMemory(b *testing.B) {
	binary(b)
	var rss, peak [2]int64
	for b.Loop() {
		for i, times := range []int{1, 5} {
			events := *memoryFlag * times
			rss[i], peak[i] = resident(b, events)
			fmt.Fprintf(os.Stderr, "%9d events: resident set %d MB, peak %d MB\n", events, rss[i]>>20, peak[i]>>20)
		}
	}
	b.ReportMetric(float64(rss[1])/float64(rss[0]), "rss-ratio")
	b.ReportMetric(float64(peak[1])/float64(peak[0]), "peak-ratio")
	b.ReportMetric(0, "ns/op")
}

// resident is the memory of the program after it has read a topic.
func resident(b *testing.B, events int) (rss, peak int64) {
	t, want := prepare(b, steady(events))
	p := startProgram(b, t.Broker, t.Registrations)
	p.counted(events)
	if got := p.found(); got.Wrong != want.Wrong || got.Records != want.Records {
		b.Fatalf("findings hold %d events and %d records, want %d and %d", got.Wrong, got.Records, want.Wrong, want.Records)
	}
	rss, peak = child.Memory(b, p.cmd.Process.Pid)
	var status struct{ Ledger struct{ Cells int } }
	p.get("/api/v1/status", &status)
	fmt.Fprintf(os.Stderr, "%9d events: %d cells, CPU %.2f s\n", events, status.Ledger.Cells, p.stop().cpu.Seconds())
	return rss, peak
}
