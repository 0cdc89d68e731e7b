package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
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

// Who waits is told at once for what and until when, and in the end what to check.
func TestBrokersThatDoNotServe(t *testing.T) {
	k := newCluster(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	silent, refused := taken.Addr().String(), closed.Addr().String()
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { web.Close() })
	go func() {
		for {
			conn, err := web.Accept()
			if err != nil {
				return
			}
			conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			t.Cleanup(func() { conn.Close() })
		}
	}()
	brokers := strings.Join(k.ListenAddrs(), ",")
	for name, c := range map[string]struct {
		broker, topic string
		said, want    []string
	}{
		"nobody listens": {refused, "access",
			[]string{"note: kafka://" + refused + "/access: no answer yet (", "connection refused", "); trying until 20"},
			[]string{"no broker at " + refused + " answered about topic access for 1s (", "connection refused): check host and port"}},
		"nobody answers": {silent, "access",
			[]string{"note: kafka://" + silent + "/access: no answer yet; trying until 20"},
			[]string{"no broker at " + silent + " answered about topic access for 1s (", "without TLS and credentials"}},
		"no broker": {web.Addr().String(), "access",
			[]string{"answers, but not as a broker does"},
			[]string{"answers, but not as a broker does"}},
		"no such topic": {brokers, "other", nil,
			[]string{"the brokers at " + brokers + " have no topic other: check its name"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			o := options(t, "kafka://"+c.broker+"/"+c.topic)
			o.Patience, o.Progress.To = time.Second, &said
			_, err := Run(context.Background(), o)
			var wrong *BadInput
			if !errors.As(err, &wrong) {
				t.Fatalf("got %v", err)
			}
			for _, want := range append(c.want, "kafka://"+c.broker+"/"+c.topic+": ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %s", err, want)
				}
			}
			if strings.Count(said.String(), "\n") > 1 || c.said == nil && said.Len() > 0 {
				t.Errorf("said %s", &said)
			}
			for _, want := range c.said {
				if !strings.Contains(said.String(), want) {
					t.Errorf("said %q, want %s", &said, want)
				}
			}
		})
	}
}

// A leader that the brokers name, and that does not answer.
func TestLeaderThatDoesNotAnswer(t *testing.T) {
	k := newCluster(t)
	k.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		return nil, errors.New("closed"), true
	})
	o := options(t, k.address)
	o.Patience = time.Second
	_, err := Run(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "advertised.listeners") || !strings.Contains(err.Error(), "of topic access") {
		t.Errorf("got %v", err)
	}
}

// What of a range cannot be read is told by its offset.
func TestRangeThatIsGone(t *testing.T) {
	k := newCluster(t)
	r := rand.New(rand.NewPCG(12, 1))
	k.produce(t, eventLines(r, 30))
	k.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		ask := req.(*kmsg.FetchRequest)
		if ask.Topics[0].Partitions[0].Partition != 1 {
			return nil, nil, false
		}
		resp := ask.ResponseKind().(*kmsg.FetchResponse)
		p := kmsg.NewFetchResponseTopicPartition()
		p.Partition, p.ErrorCode = 1, 1
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.Partitions = ask.Topics[0].Topic, []kmsg.FetchResponseTopicPartition{p}
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	got := mustRun(t, options(t, k.address))
	want := "access/1 was not read from offset 0 on: the broker deleted the rest of the range meanwhile"
	if len(got.Lacks) != 1 || got.Lacks[0] != want {
		t.Errorf("got %q, want %s", got.Lacks, want)
	}
}
