package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"sunsetwatch/consumer/fetch"
	"sunsetwatch/consumer/fetch/fetchtest"
	"sunsetwatch/rules/access"
)

func newCluster(t testing.TB, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

func newClient(t testing.TB, cluster *kfake.Cluster) *fetch.Client {
	t.Helper()
	transport := &kafka.Transport{MetadataTTL: 100 * time.Millisecond, ClientID: "test"}
	t.Cleanup(transport.CloseIdleConnections)
	return fetch.NewClient(fetch.Options{Addr: kafka.TCP(cluster.ListenAddrs()...), Transport: transport})
}

func newProducer(t testing.TB, cluster *kfake.Cluster, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	p, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// produce sends n records in each of the batches.
func produce(t testing.TB, p *kgo.Client, topic string, partition int32, batches, n int) {
	t.Helper()
	for b := range batches {
		var records []*kgo.Record
		for i := range n {
			records = append(records, &kgo.Record{Topic: topic, Partition: partition, Timestamp: time.UnixMilli(int64(1000*b + i)),
				Key:     fmt.Appendf(nil, "key %d", i),
				Value:   fmt.Appendf(nil, "%d/%d %s", b, i, strings.Repeat("x", 1+i*7%200)),
				Headers: []kgo.RecordHeader{{Key: "h", Value: []byte{byte(i)}}, {Key: "none"}}})
		}
		if err := p.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// transact produces in transactions, of which every second one is aborted.
func transact(t testing.TB, cluster *kfake.Cluster, topic string, transactions, n int) {
	t.Helper()
	p := newProducer(t, cluster, kgo.TransactionalID("tx-"+topic), kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	for i := range transactions {
		if err := p.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		produce(t, p, topic, 0, 3, n)
		end := kgo.TryCommit
		if i%2 == 0 {
			end = kgo.TryAbort
		}
		if err := p.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAgreesWithFranz(t *testing.T) {
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	for name, codec := range codecs {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(t, kfake.SeedTopics(2, "t"))
			p := newProducer(t, cluster, kgo.ProducerBatchCompression(codec))
			produce(t, p, "t", 0, 5, 300)
			produce(t, p, "t", 1, 3, 1)
			got := fetchtest.Compare(t, cluster.ListenAddrs(), "t")
			if got[0].Coverage.Records != 1500 || got[1].Coverage.Records != 3 {
				t.Errorf("%+v", got)
			}
			if err := cluster.DeleteRecords("t", 0, 733); err != nil {
				t.Fatal(err)
			}
			if got := fetchtest.Compare(t, cluster.ListenAddrs(), "t")[0]; got.Start != 733 || got.Coverage.Records != 1500-733 {
				t.Errorf("%+v", got)
			}
		})
	}
	t.Run("transactions", func(t *testing.T) {
		cluster := newCluster(t, kfake.SeedTopics(1, "t"))
		transact(t, cluster, "t", 9, 100)
		produce(t, newProducer(t, cluster), "t", 0, 1, 10)
		got := fetchtest.Compare(t, cluster.ListenAddrs(), "t")[0]
		if c := got.Coverage; c.Records != 4*300+10 || c.Ignored[access.IgnoreAborted] != 5*300 || c.Ignored[access.IgnoreControl] != 9 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("compaction", func(t *testing.T) {
		cluster := newCluster(t)
		if err := cluster.CreateTopic("t", 1, map[string]string{"cleanup.policy": "compact", "retention.ms": "-1"}); err != nil {
			t.Fatal(err)
		}
		transact(t, cluster, "t", 4, 50)
		produce(t, newProducer(t, cluster, kgo.ProducerBatchCompression(kgo.Lz4Compression())), "t", 0, 10, 50)
		produce(t, newProducer(t, cluster), "t", 0, 10, 20)
		cluster.Compact()
		got := fetchtest.Compare(t, cluster.ListenAddrs(), "t")[0]
		if got.Coverage.Ignored[access.IgnoreCompacted] == 0 {
			t.Errorf("nothing was compacted: %+v", got)
		}
	})
}

func TestLayout(t *testing.T) {
	cluster := newCluster(t, kfake.NumBrokers(3), kfake.SeedTopics(4, "b", "a"))
	c := newClient(t, cluster)
	l, err := c.Layout(t.Context(), []string{"b", "none", "a"})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Brokers) != 3 || len(l.Partitions) != 9 {
		t.Fatalf("%+v", l)
	}
	for i, p := range l.Partitions {
		topic, partition := "b", int32(i)
		switch {
		case i == 4:
			if p.Topic != "none" || p.Partition != -1 || p.Leader != -1 || !errors.Is(p.Err, kafka.UnknownTopicOrPartition) {
				t.Errorf("%+v", p)
			}
			continue
		case i > 4:
			topic, partition = "a", int32(i-5)
		}
		if p.Topic != topic || p.Partition != partition || p.Leader != cluster.LeaderFor(topic, partition) || p.Err != nil {
			t.Errorf("%+v", p)
		}
	}
	// What the transport remembers is not asked.
	to := (cluster.LeaderFor("a", 0) + 1) % 3
	if err := cluster.MoveTopicPartition("a", 0, to); err != nil {
		t.Fatal(err)
	}
	if l, err = c.Layout(t.Context(), []string{"a"}); err != nil || l.Partitions[0].Leader != to {
		t.Errorf("%+v %v", l, err)
	}
	// The old leader says so, the new one answers, however old the transport's layout is.
	ask := &fetch.Request{Broker: to, MaxBytes: 1 << 20, Partitions: []fetch.Ask{{Topic: "a", MaxBytes: 1 << 20}}}
	if resp, err := c.Fetch(t.Context(), ask); err != nil || resp.Partitions[0].Err != nil {
		t.Errorf("%+v %v", resp, err)
	}
	ask.Broker = (to + 1) % 3
	if resp, err := c.Fetch(t.Context(), ask); err != nil || resp.Partitions[0].Err != kafka.NotLeaderForPartition {
		t.Errorf("%+v %v", resp, err)
	}
	ask.Broker = 99
	if _, err := c.Fetch(t.Context(), ask); !errors.Is(err, kafka.BrokerNotAvailable) {
		t.Error(err)
	}
	if _, _, err := c.Offsets(t.Context(), "none", 0); !errors.Is(err, kafka.UnknownTopicOrPartition) {
		t.Error(err)
	}
	if _, _, err := c.Offsets(t.Context(), "a", 77); !errors.Is(err, kafka.UnknownTopicOrPartition) {
		t.Error(err)
	}
}

func TestOffsets(t *testing.T) {
	cluster := newCluster(t, kfake.SeedTopics(1, "t"))
	c := newClient(t, cluster)
	ctx := t.Context()
	if start, end, err := c.Offsets(ctx, "t", 0); start != 0 || end != 0 || err != nil {
		t.Error(start, end, err)
	}
	produce(t, newProducer(t, cluster), "t", 0, 4, 100)
	if err := cluster.DeleteRecords("t", 0, 50); err != nil {
		t.Fatal(err)
	}
	if start, end, err := c.Offsets(ctx, "t", 0); start != 50 || end != 400 || err != nil {
		t.Error(start, end, err)
	}
	for _, tt := range []struct {
		at   time.Time
		want int64
	}{
		{time.UnixMilli(2005), 205}, {time.UnixMilli(2005).Add(time.Nanosecond), 206}, {time.UnixMilli(1500), 200},
		{time.UnixMilli(3099), 399}, {time.UnixMilli(3100), 400}, {time.Now(), 400}, {time.Unix(-1e9, 0), 50},
	} {
		if got, err := c.OffsetAt(ctx, "t", 0, tt.at); got != tt.want || err != nil {
			t.Errorf("at %v: %d, want %d: %v", tt.at.UTC(), got, tt.want, err)
		}
	}
}

func TestFingerprintAt(t *testing.T) {
	cluster := newCluster(t, kfake.SeedTopics(1, "t"))
	c := newClient(t, cluster)
	transact(t, cluster, "t", 2, 10) // offsets 0-29 aborted, 30 a marker, 31-60, 61 a marker
	want := map[int64]access.Fingerprint{}
	resp, err := c.Fetch(t.Context(), &fetch.Request{MaxBytes: 1 << 20, Partitions: []fetch.Ask{{Topic: "t", MaxBytes: 1 << 20}}})
	if err != nil {
		t.Fatal(err)
	}
	r := fetch.NewReader(0)
	for r.Reset(&resp.Partitions[0], 0); r.Next(); {
		want[r.Record().Offset] = r.Record().Fingerprint()
	}
	resp.Release()
	if len(want) != 30 {
		t.Fatal(len(want))
	}
	for offset := int64(0); offset < 65; offset++ {
		got, err := c.FingerprintAt(t.Context(), 0, "t", 0, offset)
		if err != nil || got != want[offset] || got.Known != (offset > 30 && offset < 61) {
			t.Errorf("offset %d: %+v, want %+v: %v", offset, got, want[offset], err)
		}
	}
	if err := cluster.DeleteRecords("t", 0, 40); err != nil {
		t.Fatal(err)
	}
	if got, err := c.FingerprintAt(t.Context(), 0, "t", 0, 35); err != nil || got.Known {
		t.Errorf("%+v %v", got, err)
	}
}

func TestCommit(t *testing.T) {
	cluster := newCluster(t, kfake.SeedTopics(2, "t", "u"))
	c := newClient(t, cluster)
	ctx := t.Context()
	if any, err := c.Committed(ctx, "g", []string{"t"}); any || err != nil {
		t.Error(any, err)
	}
	if err := c.Commit(ctx, "g", map[string]map[int32]int64{"t": {0: 5, 1: 7}}); err != nil {
		t.Fatal(err)
	}
	for topic, want := range map[string]bool{"t": true, "u": false, "none": false} {
		if any, err := c.Committed(ctx, "g", []string{topic}); any != want || err != nil {
			t.Error(topic, any, err)
		}
	}
	if any, err := c.Committed(ctx, "other", []string{"t"}); any || err != nil {
		t.Error(any, err)
	}
	err := c.Commit(ctx, "g", map[string]map[int32]int64{"t": {0: 6}, "none": {3: 1}})
	if !errors.Is(err, kafka.UnknownTopicOrPartition) || !strings.Contains(err.Error(), "none/3") || strings.Contains(err.Error(), "t/0") {
		t.Error(err)
	}
	cluster.Fault(kfake.Fault{Group: "g", Count: -1})
	if err := c.Commit(ctx, "g", map[string]map[int32]int64{"t": {0: 6}}); err == nil {
		t.Error("committed")
	}
	if err := c.Commit(ctx, "g", nil); err != nil {
		t.Error(err)
	}
}

func TestFetchOutOfRange(t *testing.T) {
	cluster := newCluster(t, kfake.SeedTopics(1, "t"))
	c := newClient(t, cluster)
	produce(t, newProducer(t, cluster), "t", 0, 1, 100)
	if err := cluster.DeleteRecords("t", 0, 50); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{10, 500} {
		resp, err := c.Fetch(t.Context(), &fetch.Request{MaxBytes: 1 << 20, Partitions: []fetch.Ask{{Topic: "t", Offset: offset, MaxBytes: 1 << 20}}})
		if err != nil || !errors.Is(resp.Partitions[0].Err, kafka.OffsetOutOfRange) {
			t.Errorf("offset %d: %+v %v", offset, resp, err)
		}
	}
}

// TestFetchCancelled cancels fetches that wait, and reads on with the same
// client: the buffers of the cancelled ones must not come back.
func TestFetchCancelled(t *testing.T) {
	cluster := newCluster(t, kfake.SeedTopics(1, "t"))
	c := newClient(t, cluster)
	produce(t, newProducer(t, cluster), "t", 0, 10, 100)
	for i := range 30 {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			resp, err := c.Fetch(ctx, &fetch.Request{MaxWait: 200 * time.Millisecond, MinBytes: 1, MaxBytes: 1 << 20,
				Partitions: []fetch.Ask{{Topic: "t", Offset: int64(i % 2 * 1000), MaxBytes: 1 << 20}}})
			if err == nil {
				resp.Release()
			}
			done <- err
		}()
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		resp, err := c.Fetch(t.Context(), &fetch.Request{MaxBytes: 1 << 20, Partitions: []fetch.Ask{{Topic: "t", MaxBytes: 1 << 20}}})
		if err != nil {
			t.Fatal(err)
		}
		r := fetch.NewReader(0)
		n := 0
		for r.Reset(&resp.Partitions[0], 0); r.Next(); {
			n++
		}
		if n != 1000 || r.Err() != nil {
			t.Errorf("%d records, %v", n, r.Err())
		}
		resp.Release()
	}
}

func TestFetchDeadline(t *testing.T) {
	cluster := newCluster(t, kfake.SeedTopics(1, "t"))
	c := newClient(t, cluster)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Fetch(ctx, &fetch.Request{MaxWait: time.Minute, MinBytes: 1, MaxBytes: 1 << 20, Partitions: []fetch.Ask{{Topic: "t", MaxBytes: 1 << 20}}})
	if err == nil {
		t.Error("no error after the deadline")
	}
}

func TestFrameCap(t *testing.T) {
	cluster := newCluster(t, kfake.SeedTopics(1, "t"))
	produce(t, newProducer(t, cluster), "t", 0, 1, 100)
	transport := new(kafka.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	c := fetch.NewClient(fetch.Options{Addr: kafka.TCP(cluster.ListenAddrs()...), Transport: transport, MaxFrameBytes: 1000})
	_, err := c.Fetch(t.Context(), &fetch.Request{MaxBytes: 1 << 20, Partitions: []fetch.Ask{{Topic: "t", MaxBytes: 1 << 20}}})
	if !errors.Is(err, fetch.ErrFrameTooLarge) {
		t.Error(err)
	}
	if _, end, err := c.Offsets(t.Context(), "t", 0); end != 100 || err != nil {
		t.Error(end, err)
	}
}

func TestNobodyListens(t *testing.T) {
	transport := &kafka.Transport{MetadataTTL: 50 * time.Millisecond}
	t.Cleanup(transport.CloseIdleConnections)
	c := fetch.NewClient(fetch.Options{Addr: kafka.TCP("127.0.0.1:1"), Transport: transport})
	if _, err := c.Layout(t.Context(), []string{"t"}); err == nil {
		t.Error("a layout of nobody")
	}
	if _, err := c.Fetch(t.Context(), &fetch.Request{}); !errors.Is(err, kafka.BrokerNotAvailable) {
		t.Error(err)
	}
}

// Something else that listens on the port is told from a broker by its first word,
// before a length is believed.
func TestNoBroker(t *testing.T) {
	for _, says := range []string{"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n400 Bad Request", "\x15\x03\x01\x00\x02\x02\x16", "\xff\xff\xff\xff\x00\x00"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				for i := range says { // in the smallest pieces
					_, _ = conn.Write([]byte{says[i]})
				}
				conn.Close()
			}
		}()
		transport := &kafka.Transport{Dial: fetch.Dial}
		c := fetch.NewClient(fetch.Options{Addr: l.Addr(), Transport: transport})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err = c.Committed(ctx, "g", []string{"t"})
		if err == nil || !strings.Contains(err.Error(), l.Addr().String()+" answers, but not as a broker does") {
			t.Errorf("%q gives %v", says, err)
		}
		cancel()
		transport.CloseIdleConnections()
		l.Close()
		<-done
	}
}
