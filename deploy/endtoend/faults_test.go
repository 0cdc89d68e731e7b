package endtoend

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/sys/unix"

	"sunsetwatch/bench/child"
	"sunsetwatch/deploy/components"
)

// fakeBroker is a fake broker with a topic of two partitions.
func fakeBroker(t *testing.T, topic string) (addr string, w *kafka.Writer) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	addr = cluster.ListenAddrs()[0]
	w = &kafka.Writer{Addr: kafka.TCP(addr), Topic: topic, Balancer: &kafka.RoundRobin{}, BatchTimeout: time.Millisecond}
	t.Cleanup(func() { w.Close() })
	return addr, w
}

// violations are n accesses of netflix after the sunset of beforeRegistrations.
func violations(from, n int) []kafka.Message {
	var all []kafka.Message
	for i := from; i < from+n; i++ {
		all = append(all, message(0, &event{Time: time.Date(2015, 7, 2, 0, i, 0, 0, time.UTC), Principal: "app-netflix", Feature: "msg.recommend", Operation: "read", Subject: "u1"}))
	}
	return all
}

// counts waits until the program shows n events.
func (p *program) counts(n int) {
	p.t.Helper()
	waitFor(p.t, 60*time.Second, fmt.Sprintf("%d events counted", n), func() (bool, string) {
		s, err := p.scrape()
		return err == nil && s.sum("sunsetwatch_events_counted_total") == float64(n), fmt.Sprint(s.sum("sunsetwatch_events_counted_total"), err)
	})
}

// Disk full: judging goes on and is shown, the old save is kept, and the failure
// is a metric; when there is room again, everything is saved.
func TestDiskFull(t *testing.T) {
	addr, w := fakeBroker(t, "full")
	p := newProgram(t, addr, "full", beforeRegistrations, "state: {save_every: 1s}\n")
	p.start()
	p.ready()
	if err := w.WriteMessages(deadline(t, 10*time.Second), violations(0, 100)...); err != nil {
		t.Fatal(err)
	}
	p.counts(100)

	// Files of the process must not grow beyond a byte: every write fails.
	limit := func(max uint64) {
		t.Helper()
		l := unix.Rlimit{Cur: max, Max: unix.RLIM_INFINITY}
		if err := unix.Prlimit(p.cmd.Process.Pid, syscall.RLIMIT_FSIZE, &l, nil); err != nil {
			t.Fatal(err)
		}
	}
	limit(1)
	if err := w.WriteMessages(deadline(t, 10*time.Second), violations(100, 100)...); err != nil {
		t.Fatal(err)
	}
	p.counts(200)
	waitFor(t, 30*time.Second, "a failed save", func() (bool, string) {
		s, err := p.scrape()
		return err == nil && s["sunsetwatch_state_save_failures_total"] > 0, fmt.Sprint(s["sunsetwatch_state_save_failures_total"], err)
	})
	if f, err := p.findings(); err != nil || len(f) != 1 || f[0].Events != 200 {
		t.Errorf("findings are %+v, %v", f, err)
	}

	limit(unix.RLIM_INFINITY)
	s, err := p.scrape()
	if err != nil {
		t.Fatal(err)
	}
	before := s["sunsetwatch_state_last_save_timestamp_seconds"]
	waitFor(t, 30*time.Second, "a save", func() (bool, string) {
		s, err := p.scrape()
		return err == nil && s["sunsetwatch_state_last_save_timestamp_seconds"] > before, fmt.Sprint(err)
	})
	p.kill()
	p.start()
	p.counts(200)
}

// The broker dies and comes back: the program stays, shows what it knew, and
// reads on.
func TestBrokerDies(t *testing.T) {
	t.Parallel()
	broker := components.Kafka(t)
	w := newTopic(t, broker.Addr, "dies", 2)
	p := newProgram(t, broker.Addr, "dies", beforeRegistrations, "state: {save_every: 1s}\n")
	p.start()
	p.ready()
	if err := w.WriteMessages(deadline(t, 20*time.Second), violations(0, 100)...); err != nil {
		t.Fatal(err)
	}
	p.counts(100)
	broker.Kill()
	waitFor(t, 60*time.Second, "a log line about the broker", func() (bool, string) { return strings.Contains(p.log.String(), "warn"), "" })
	p.counts(100)
	if _, status, err := get(p.url("/-/healthy")); err != nil || status != 200 {
		t.Errorf("/-/healthy answers %d, %v", status, err)
	}
	broker.Start()
	waitFor(t, 60*time.Second, "producing", func() (bool, string) {
		err := w.WriteMessages(deadline(t, 10*time.Second), violations(100, 50)...)
		return err == nil, fmt.Sprint(err)
	})
	waitFor(t, 60*time.Second, "the events after it", func() (bool, string) {
		s, err := p.scrape()
		return err == nil && s.sum("sunsetwatch_events_counted_total") >= 150, fmt.Sprint(s.sum("sunsetwatch_events_counted_total"), err)
	})
	if n := strings.Count(p.log.String(), "\n"); n > 60 {
		t.Errorf("%d log lines: a storm", n)
	}
}

// A second instance on the same state directory is refused, with a clear error
// and exit code 2.
func TestStateIsLocked(t *testing.T) {
	addr, _ := fakeBroker(t, "locked")
	p := newProgram(t, addr, "locked", beforeRegistrations, "")
	p.start()
	p.ready()
	second := &program{t: t, dir: p.dir, addr: child.FreeAddress(t), log: &logs{}}
	second.start()
	err := second.cmd.Wait()
	second.cmd = nil
	if err == nil || second.exitCode(err) != 2 || !strings.Contains(second.log.String(), filepath.Join(p.dir, "state")) {
		t.Errorf("the second instance ended with %v and said %s", err, second.log)
	}
}

// SIGHUP loads the registrations anew; SIGTERM stops in order, with exit code 0,
// and what was counted is committed to the group as a hint.
func TestSignals(t *testing.T) {
	addr, w := fakeBroker(t, "signals")
	p := newProgram(t, addr, "signals", beforeRegistrations, "")
	p.start()
	p.ready()
	if err := w.WriteMessages(deadline(t, 10*time.Second), violations(0, 10)...); err != nil {
		t.Fatal(err)
	}
	p.counts(10)
	p.cmd.Process.Signal(syscall.SIGHUP)
	waitFor(t, 20*time.Second, "a reload", func() (bool, string) {
		return strings.Contains(p.log.String(), "registrations loaded"), ""
	})
	p.stop()
	admin := kadm.NewClient(newClient(t, addr))
	committed, err := admin.FetchOffsets(deadline(t, 10*time.Second), "sunsetwatch")
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	committed.Each(func(o kadm.OffsetResponse) { sum += max(0, o.At) })
	if sum != 10 {
		t.Errorf("the group has committed %d offsets, want 10", sum)
	}
}
