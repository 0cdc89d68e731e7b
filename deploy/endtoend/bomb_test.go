package endtoend

import (
	"bytes"
	"compress/gzip"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"sunsetwatch/bench/child"
	"sunsetwatch/consumer/fetch/fetchtest"
)

// A gzip batch of half a megabyte that inflates to half a gigabyte costs next to
// no memory, is counted as skipped, and the next record is judged.
func TestBomb(t *testing.T) {
	const zeros = 512 << 20
	addr, w := fakeBroker(t, "bomb")
	w.Balancer = kafka.BalancerFunc(func(kafka.Message, ...int) int { return 0 }) // before and behind the bomb
	p := newProgram(t, addr, "bomb", beforeRegistrations, "state: {save_every: 1s}\n")
	p.start()
	p.ready()
	if err := w.WriteMessages(deadline(t, 10*time.Second), violations(0, 100)...); err != nil {
		t.Fatal(err)
	}
	p.counts(100)
	before, _ := child.Memory(t, p.cmd.Process.Pid)

	payload := zeroRecord(t, zeros)
	if len(payload) > 600_000 {
		t.Fatalf("the bomb has %d bytes", len(payload))
	}
	produceBatch(t, addr, "bomb", fetchtest.Batch{Codec: fetchtest.Gzip, Payload: payload, Count: 1, Time: time.Now().UnixMilli(), MaxTime: time.Now().UnixMilli()}.Bytes())
	if err := w.WriteMessages(deadline(t, 10*time.Second), violations(100, 1)...); err != nil {
		t.Fatal(err)
	}
	p.counts(101)
	_, peak := child.Memory(t, p.cmd.Process.Pid)
	t.Logf("resident set %d MB before, %d MB at its peak", before>>20, peak>>20)
	if peak-before >= 100<<20 {
		t.Errorf("the bomb of %d bytes raised the resident set by %d MB, from %d MB", len(payload), (peak-before)>>20, before>>20)
	}
	s, err := p.scrape()
	if err != nil {
		t.Fatal(err)
	}
	if got := s[`sunsetwatch_offsets_skipped_total{reason="too_large",topic="bomb"}`]; got != 1 {
		t.Errorf("%v offsets are skipped as too large, want 1", got)
	}
	if f, err := p.findings(); err != nil || len(f) != 1 || f[0].Events != 101 {
		t.Errorf("findings are %+v, %v; want one of 101 events", f, err)
	}
}

// zeroRecord is a record whose value is n zeros, under gzip.
func zeroRecord(t *testing.T, n int) []byte {
	t.Helper()
	body := []byte{0, 0, 0, 1} // attributes, deltas of time and offset, no key
	body = kbin.AppendVarint(body, int32(n))
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	// A gzip.Writer over a bytes.Buffer does not fail.
	_, _ = z.Write(kbin.AppendVarint(nil, int32(len(body)+n+1)))
	_, _ = z.Write(body)
	part := make([]byte, 1<<20)
	for range n >> 20 {
		_, _ = z.Write(part)
	}
	_, _ = z.Write([]byte{0}) // no headers
	_ = z.Close()
	return out.Bytes()
}

// produceBatch sends a batch as it is to partition 0.
func produceBatch(t *testing.T, addr, topic string, batch []byte) {
	t.Helper()
	c := newClient(t, addr, kgo.MaxVersions(kversion.V3_7_0()))
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 5000
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Records = batch
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	// Topics have ids only in newer versions of the request.
	resp, err := c.Broker(0).Request(deadline(t, 10*time.Second), req)
	if err != nil {
		t.Fatal(err)
	}
	if p := resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0]; p.ErrorCode != 0 {
		t.Fatalf("the broker refuses the batch: code %d %v", p.ErrorCode, p.ErrorMessage)
	}
}
