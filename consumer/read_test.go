package consumer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"sunsetwatch/rules/access"
)

func TestReadsEveryEventOnce(t *testing.T) {
	k := newCluster(t, kfake.NumBrokers(2), kfake.SeedTopics(4, "access"))
	for p := range int32(4) {
		k.batches("access", p, 50, 20)
	}
	m := newMemory(t)
	r := start(t, k.client(), m, Options{})
	for p := range int32(4) {
		m.await("access", p, 1000)
		k.produce("access", p, 1000, 5) // and what comes while it runs
		m.await("access", p, 1005)
	}
	st := r.Status()
	if len(st.Missing) != 0 || len(st.Partitions) != 4 {
		t.Fatalf("status: missing %v, %d partitions", st.Missing, len(st.Partitions))
	}
	for i, p := range st.Partitions {
		if p.Partition != int32(i) || !p.Opened || !p.Connected || p.Leader < 0 || p.Position != 1005 || p.LogStart != 0 {
			t.Errorf("status of partition %d: %+v", i, p)
		}
		eventually(t, "lag is 0", func() bool { p := r.Status().Partitions[i]; return p.Lag() == 0 && p.StableLag() == 0 })
	}
	r.halt()
	for p := range int32(4) {
		m.wantEvents("access", p, 0, 1005)
	}
}

func TestRejectedEventsKeepTheirPlace(t *testing.T) {
	k := newCluster(t, kfake.SeedTopics(1, "access"))
	k.produce("access", 0, 0, 2)
	k.send(&kgo.Record{Topic: "access", Value: []byte(`{"time":`)}, &kgo.Record{Topic: "access"})
	k.produce("access", 0, 2, 1)
	m := newMemory(t)
	start(t, k.client(), m, Options{}).await(m, 5).halt()
	m.wantEvents("access", 0, 0, 3)
	want := access.Coverage{Records: 5, Events: 5}
	want.Rejected[access.Syntax], want.Rejected[access.Empty] = 1, 1
	if got := m.read("access", 0).covered; got != want {
		t.Errorf("covered %+v, want %+v", got, want)
	}
}

// await waits for partition 0 of access.
func (r *running) await(m *memory, next int64) *running {
	r.t.Helper()
	m.await("access", 0, next)
	return r
}

func TestSlowPartitionStopsNoOther(t *testing.T) {
	k := newCluster(t, kfake.SeedTopics(3, "access"))
	for p := range int32(3) {
		k.batches("access", p, 300, 20)
	}
	release := make(chan struct{})
	m := newMemory(t)
	m.advance = func(at key, p Progress) error {
		if at.partition == 1 && p.Next > p.From {
			<-release
		}
		return nil
	}
	// Small budgets, so that all of them are reached many times.
	r := start(t, k.client(), m, Options{PartitionBytes: 8 << 10, QueueBytes: 32 << 10, HeldBytes: 64 << 10})
	m.await("access", 0, 6000)
	m.await("access", 2, 6000)
	if a := m.read("access", 1); a.saved.Next != 0 {
		t.Errorf("the slow partition was read up to %d", a.saved.Next)
	}
	r.mu.Lock()
	slow := r.partitions[key{"access", 1}]
	// One response beyond the budget, of at most one batch more than asked for
	// of each partition.
	if bound := int64(32<<10 + 3*(8<<10+4<<10)); slow.charge > bound {
		t.Errorf("%d bytes are queued, the budget is %d", slow.charge, bound)
	}
	r.mu.Unlock()
	close(release)
	m.await("access", 1, 6000)
	r.halt()
	for p := range int32(3) {
		m.wantEvents("access", p, 0, 6000)
	}
}

func TestStopIsQuickWhileMuchIsQueued(t *testing.T) {
	k := newCluster(t, kfake.SeedTopics(1, "access"))
	k.batches("access", 0, 40, 5000)
	m := newMemory(t)
	r := start(t, k.client(), m, Options{})
	m.until("it reads", func() bool { a := m.partitions[key{"access", 0}]; return a != nil && a.saved.Next > 0 })
	r.halt()
	a := m.read("access", 0)
	m.wantEvents("access", 0, 0, int(a.saved.Next))
	start(t, k.client(), m, Options{}).await(m, 200_000).halt()
	m.wantEvents("access", 0, 0, 200_000)
}

func TestErrorsOfTheSinkAndOfOpenEndRun(t *testing.T) {
	k := newCluster(t, kfake.SeedTopics(2, "access"))
	k.produce("access", 1, 0, 10)
	broken := errors.New("disk full")
	m := newMemory(t)
	m.advance = func(_ key, p Progress) error {
		if p.Next > p.From {
			return broken
		}
		return nil
	}
	if err := start(t, k.client(), m, Options{}).end(); !errors.Is(err, broken) {
		t.Errorf("Run: %v, want the error of the sink", err)
	}
}

func TestStartPolicies(t *testing.T) {
	for _, c := range []struct {
		policy string
		first  int64
	}{
		{"earliest", 0}, {"latest", 30}, {"2015-07-01T00:00:12.5Z", 13}, {"2016-01-01T00:00:00Z", 30}, {"2010-01-01T00:00:00+02:00", 0},
	} {
		t.Run(c.policy, func(t *testing.T) {
			t.Parallel()
			var policy Start
			if err := policy.UnmarshalText([]byte(c.policy)); err != nil {
				t.Fatal(err)
			}
			k := newCluster(t, kfake.SeedTopics(1, "access"))
			for i := range 30 {
				k.produce("access", 0, i, 1)
			}
			m := newMemory(t)
			start(t, k.client(), m, Options{Start: policy}).await(m, max(c.first, 30)).halt()
			if c.first == 30 {
				// The choice was saved: what comes while it is down is read.
				k.produce("access", 0, 30, 2)
				start(t, k.client(), m, Options{Start: policy}).await(m, 32).halt()
				m.wantEvents("access", 0, 30, 2)
			} else {
				m.wantEvents("access", 0, int(c.first), 30-int(c.first))
			}
			if a := m.read("access", 0); a.start != c.first {
				t.Errorf("began at %d, want %d", a.start, c.first)
			}
		})
	}
}

func TestStartAndOnGapAreRead(t *testing.T) {
	for _, text := range []string{"earliest", "latest", "2015-07-01T00:00:00Z"} {
		var s Start
		if err := s.UnmarshalText([]byte(text)); err != nil || s.String() != text {
			t.Errorf("%s: %v, %v", text, s, err)
		}
	}
	for _, text := range []string{"continue", "stop"} {
		var g OnGap
		if err := g.UnmarshalText([]byte(text)); err != nil || g.String() != text {
			t.Errorf("%s: %v, %v", text, g, err)
		}
	}
	var s Start
	if err := s.UnmarshalText([]byte("2015-07-01")); err == nil || !strings.Contains(err.Error(), "earliest, latest or a time") {
		t.Errorf("a date without a zone: %v", err)
	}
	if err := new(OnGap).UnmarshalText([]byte("halt")); err == nil {
		t.Error("halt is no on_gap")
	}
}

func TestPartitionsThatAppearLaterAreReadFromTheirStart(t *testing.T) {
	k := newCluster(t, kfake.SeedTopics(1, "access"))
	k.produce("access", 0, 0, 10)
	m := newMemory(t)
	r := start(t, k.client(), m, Options{Start: Start{Latest: true}}).await(m, 10)
	k.grow("access", 3)
	for p := int32(1); p < 3; p++ {
		k.produce("access", p, 0, 7)
	}
	for p := int32(1); p < 3; p++ {
		m.await("access", p, 7)
	}
	r.halt()
	// One more while it is down: its siblings have positions, it has none.
	k.grow("access", 4)
	k.produce("access", 3, 0, 7)
	r = start(t, k.client(), m, Options{Start: Start{Latest: true}})
	m.await("access", 3, 7)
	r.halt()
	for p := int32(1); p < 4; p++ {
		m.wantEvents("access", p, 0, 7)
	}
}

func TestTopicThatDoesNotExistYetIsWaitedFor(t *testing.T) {
	k := newCluster(t)
	m := newMemory(t)
	r := start(t, k.client(), m, Options{Start: Start{Latest: true}})
	const line = "topic does not exist; waiting for it"
	eventually(t, "the log says so", func() bool { return r.logged(line) > 0 })
	if st := r.Status(); len(st.Missing) != 1 || st.Missing[0] != "access" || !strings.Contains(st.Err, "Unknown Topic") {
		t.Errorf("missing: %v, %q", st.Missing, st.Err)
	}
	if err := k.CreateTopic("access", 1, nil); err != nil {
		t.Fatal(err)
	}
	k.produce("access", 0, 0, 3)
	r.await(m, 3).halt()
	m.wantEvents("access", 0, 0, 3)
	if n := r.logged(line); n != 1 {
		t.Errorf("the log says so %d times", n)
	}
	if st := r.Status(); len(st.Missing) != 0 || st.Err != "" {
		t.Errorf("missing: %v, %q", st.Missing, st.Err)
	}
}

func TestRestartsAtAnyPositionReadExactly(t *testing.T) {
	const events = 700
	restarts := 1000
	if testing.Short() {
		restarts = 100
	}
	k := newCluster(t, kfake.SeedTopics(1, "access"))
	rnd := rand.New(rand.NewPCG(1, 2))
	var ends []int64
	for n := 0; n < events; {
		size := min(1+rnd.IntN(40), events-n)
		k.produce("access", 0, n, size)
		n += size
		ends = append(ends, int64(n))
	}
	client := k.client()
	for range restarts {
		// A kill leaves any saved position behind; the rest is read once.
		at := rnd.Int64N(events)
		m := newMemory(t)
		a := &account{m: m, key: key{"access", 0}, known: true, saved: Position{Next: at}}
		m.partitions[a.key] = a
		r := start(t, client, m, Options{MaxWait: time.Millisecond})
		m.await("access", 0, events)
		r.halt()
		m.wantEvents("access", 0, int(at), events-int(at))
		if t.Failed() {
			t.Fatalf("from %d of batches that end at %v", at, ends)
		}
	}
}

func TestPositionsAreCommittedAsAHint(t *testing.T) {
	k := newCluster(t, kfake.SeedTopics(1, "access"))
	refused := 0
	k.ControlKey(8, k.refuse(&refused, 2, 16)) // not the coordinator
	m := newMemory(t)
	r := start(t, k.client(), m, Options{Group: "sunsetwatch"})
	r.Commit(map[string]map[int32]int64{"access": {0: 3}})
	r.Commit(map[string]map[int32]int64{"access": {0: 4}})
	committed := func() int64 {
		if g := k.GroupInfo("sunsetwatch"); g != nil {
			return g.Commits["access"][0].Offset
		}
		return 0
	}
	eventually(t, "the latest is committed", func() bool { return committed() == 4 })
	r.halt()
	r.Commit(map[string]map[int32]int64{"access": {0: 5}})
	r.Flush(t.Context())
	if got := committed(); got != 5 {
		t.Errorf("committed %d after Run, want 5", got)
	}
	if n := r.logs.FilterMessageSnippet("not committed").Len(); n != 0 {
		t.Errorf("%d lines about a commit that succeeded", n)
	}
}

func TestOptionsNameWhatIsMissing(t *testing.T) {
	for _, o := range []Options{{}, {Client: newClient(t, "localhost:1")}, {Client: newClient(t, "localhost:1"), Topics: []string{"a"}}} {
		if c, err := New(o); err == nil || c != nil {
			t.Errorf("New(%v): %v", o, err)
		}
	}
}

func ExampleStart() {
	var s Start
	fmt.Println(s)
	fmt.Println(s.UnmarshalText([]byte("yesterday")))
	// Output:
	// earliest
	// "yesterday" is no start: write earliest, latest or a time such as 2015-07-01T00:00:00Z
}
