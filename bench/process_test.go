package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"sunsetwatch/bench/child"
)

const (
	// roleVariable makes a process of the test binary something else.
	roleVariable = "SUNSETWATCH_BENCH_ROLE"
	taskVariable = "SUNSETWATCH_BENCH_TASK"
	partitions   = 4
	topic        = "partner-access"
)

// task is what a contender is asked to do.
type task struct {
	Broker        string
	Events        int
	Registrations string // a file
	State         string // a directory; empty: nothing is saved
	Profile       string // a file; empty: none
}

// result is what a contender found.
type result struct {
	Events   uint64
	Wrong    uint64 // events of all findings
	Records  uint64 // records of all findings
	Findings int
	Cells    int
	Saves    int
	Judging  float64 // seconds of wall time
	Saving   float64 // seconds of wall time
}

var roles = map[string]func(task) (result, error){
	bareReader: readByReader,
	"live":     readLive,
}

func TestMain(m *testing.M) {
	if child.Serve(partitions, topic) {
		return
	}
	role := os.Getenv(roleVariable)
	if role == "" {
		code := m.Run()
		if programDir != "" {
			os.RemoveAll(programDir)
		}
		os.Exit(code)
	}
	var t task
	err := json.Unmarshal([]byte(os.Getenv(taskVariable)), &t)
	var r result
	if err == nil {
		r, err = roles[role](t)
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, role+":", err)
		os.Exit(1)
	}
}

// fill produces the events of a world, in zstd batches, once.
func fill(tb testing.TB, broker string, p *plan) answer {
	tb.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.ZstdCompression()), kgo.ProducerLinger(100*time.Millisecond), kgo.MaxBufferedRecords(20_000))
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close()
	var failed error
	n := 0
	a := p.events(func(value []byte) {
		r := &kgo.Record{Topic: topic, Partition: int32(n % partitions), Value: append([]byte(nil), value...)}
		c.Produce(tb.Context(), r, func(_ *kgo.Record, err error) {
			if err != nil {
				failed = err
			}
		})
		n++
	})
	if err := c.Flush(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	if failed != nil {
		tb.Fatal(failed)
	}
	return a
}

// usage is what a process took.
type usage struct {
	cpu  time.Duration // user and system
	wall time.Duration
}

// compete runs a contender as a process of its own.
func compete(tb testing.TB, role string, t task) (result, usage) {
	tb.Helper()
	return competeAs(tb, os.Args[0], role, t)
}

// competeAs is compete with the test binary of another tree.
func competeAs(tb testing.TB, binary, role string, t task) (result, usage) {
	tb.Helper()
	data, err := json.Marshal(t)
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, taskVariable+"="+string(data))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = child.DiesWithParent()
	begin := time.Now()
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("%s: %v", role, err)
	}
	var r result
	if err := json.Unmarshal(out, &r); err != nil {
		tb.Fatalf("%s: %v: %s", role, err, out)
	}
	return r, usage{cpu: child.CPU(cmd), wall: time.Since(begin)}
}
