package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// cluster is a fake Kafka with a topic of four partitions, the last of which never
// held a record.
type cluster struct {
	*kfake.Cluster
	address string
	client  *kgo.Client
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "access"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	k := &cluster{Cluster: c, address: "kafka://" + strings.Join(c.ListenAddrs(), ",") + "/access"}
	k.client, err = kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.client.Close)
	return k
}

func (k *cluster) produce(t *testing.T, lines []string) {
	t.Helper()
	var records []*kgo.Record
	for i, line := range lines {
		records = append(records, &kgo.Record{Topic: "access", Partition: int32(i % 3), Value: []byte(line), Timestamp: time.Date(2020, 1, 1, 0, i, 0, 0, time.UTC)})
	}
	if err := k.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// requests counts those of a key from now on.
func (k *cluster) requests(key kmsg.Key) *atomic.Int64 {
	n := &atomic.Int64{}
	k.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		n.Add(1)
		return nil, nil, false
	})
	return n
}

func findingsOf(t *testing.T, r *Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteFindings(&b, r.Findings); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRangeOfATopic(t *testing.T) {
	k := newCluster(t)
	r := rand.New(rand.NewPCG(5, 1))
	lines := eventLines(r, 3000)
	k.produce(t, lines)
	groups := []*atomic.Int64{k.requests(kmsg.JoinGroup), k.requests(kmsg.OffsetCommit), k.requests(kmsg.FindCoordinator), k.requests(kmsg.OffsetFetch)}

	o := options(t, k.address)
	o.Workers = 2
	whole := mustRun(t, o)
	s := whole.Summary
	if s.EventsRead != uint64(len(lines)) || s.EventsRead != s.EventsCounted+s.EventsDuplicate+s.rejected()+s.EventsOutOfRange {
		t.Errorf("%d records: %+v", len(lines), s)
	}
	if len(s.Inputs) != 4 || s.Inputs[3].Events != 0 {
		t.Errorf("inputs %+v", s.Inputs)
	}
	want := findingsOf(t, whole)

	// A partition that never held a record keeps nothing from closing; one whose
	// range holds none does.
	if !strings.Contains(want, `access/3, which never held a record`) {
		t.Errorf("no finding says which partition never held a record:\n%s", want)
	}

	// The ends are those of the beginning: what comes meanwhile does not count.
	o = options(t, k.address)
	more := atomic.Bool{}
	o.Tick = func() {
		if more.CompareAndSwap(false, true) {
			k.produce(t, lines[:30])
		}
	}
	if got := findingsOf(t, mustRun(t, o)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}

	// By offset and by time of records.
	half := len(lines) / 3 / 2
	before := mustRun(t, options(t, fmt.Sprintf("%s?to=%d", k.address, half)))
	after := mustRun(t, options(t, fmt.Sprintf("%s?from=%d&to=%s", k.address, half, "2020-03-01T00:00:00Z")))
	if before.Summary.EventsRead != uint64(3*half) || before.Summary.EventsRead+after.Summary.EventsRead != uint64(len(lines)+30) {
		t.Errorf("%d + %d events, want %d", before.Summary.EventsRead, after.Summary.EventsRead, len(lines)+30)
	}

	for _, n := range groups {
		if n.Load() > 0 {
			t.Error("the group API was called")
		}
	}
}

// The same records would be counted twice.
func TestOverlappingRanges(t *testing.T) {
	k := newCluster(t)
	r := rand.New(rand.NewPCG(9, 1))
	k.produce(t, eventLines(r, 300))
	for _, inputs := range [][]string{
		{k.address, k.address},
		{k.address, k.address + "?from=10"},
		{k.address + "?to=11", k.address + "?from=10"},
		{k.address, strings.Replace(k.address, "/access", ",localhost:1/access", 1)},
	} {
		_, err := Run(context.Background(), options(t, inputs...))
		var wrong *BadInput
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "of access/0 are in both: their events would be counted twice") {
			t.Errorf("%v: got %v", inputs, err)
		}
	}
	whole := mustRun(t, options(t, k.address))
	parts := mustRun(t, options(t, k.address+"?to=10", k.address+"?from=10"))
	if whole.Summary.EventsRead != parts.Summary.EventsRead {
		t.Errorf("%d events, want %d", parts.Summary.EventsRead, whole.Summary.EventsRead)
	}
}

func TestInterruptedRange(t *testing.T) {
	k := newCluster(t)
	r := rand.New(rand.NewPCG(6, 1))
	lines := eventLines(r, 20_000)
	k.produce(t, lines)
	o := options(t, k.address)
	o.Out = t.TempDir()
	mustRun(t, o)
	want := output(t, o.Out)
	o.Out = t.TempDir()
	stops := 0
	for ; ; stops++ {
		ctx, cancel := context.WithCancel(context.Background())
		o.Resume = stops > 0
		left := int64(1 + r.IntN(400))
		o.Workers = 1
		o.Tick = func() {
			if left--; left == 0 && stops < 20 {
				cancel()
			}
		}
		_, err := Run(ctx, o)
		cancel()
		var stopped *Interrupted
		if err == nil {
			break
		}
		if !errors.As(err, &stopped) || !stopped.Kept {
			t.Fatal(err)
		}
		if stops == 3 {
			k.produce(t, lines[:100]) // is behind the ends
		}
	}
	if stops < 20 {
		t.Errorf("only %d interruptions", stops)
	}
	if got := output(t, o.Out); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTopicThatIsNotThere(t *testing.T) {
	k := newCluster(t)
	_, err := Run(context.Background(), options(t, strings.Replace(k.address, "/access", "/other", 1)))
	var wrong *BadInput
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "/other") {
		t.Errorf("got %v", err)
	}
}
