package fetchtest

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"sunsetwatch/consumer/fetch"
	"sunsetwatch/rules/access"
)

// Outcome is what reading one partition from its start to its end came to.
type Outcome struct {
	Start, End int64 // offsets
	Coverage   access.Coverage
}

// Compare reads every partition of topic with package fetch and with franz-go,
// both under read_committed and in small pieces, and fails t unless they give
// the same records: offset, time, key, value and headers. Each offset that has
// no record must be in a counter, where franz-go's control records and end of
// reading agree with it. Nothing may be skipped. It works with any broker
// whose topic stands still; transactions that are open hold the end back.
func Compare(t testing.TB, brokers []string, topic string) map[int32]Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	transport := &kafka.Transport{MetadataTTL: time.Second}
	defer transport.CloseIdleConnections()
	client := fetch.NewClient(fetch.Options{Addr: kafka.TCP(brokers...), Transport: transport})
	franz, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.MaxVersions(kversion.V2_8_0()))
	if err != nil {
		t.Fatal(err)
	}
	defer franz.Close()

	layout, err := client.Layout(ctx, []string{topic})
	if err != nil {
		t.Fatal(err)
	}
	outcomes := make(map[int32]Outcome)
	for _, p := range layout.Partitions {
		if p.Err != nil {
			t.Fatalf("%s/%d: %v", p.Topic, p.Partition, p.Err)
		}
		start, end, err := client.Offsets(ctx, topic, p.Partition)
		if err != nil {
			t.Fatal(err)
		}
		want, wantNext := readFranz(ctx, t, franz, p, start)
		got, o := readOurs(ctx, t, client, p, start)
		if o.End > end {
			t.Errorf("%s/%d: read up to %d, the end is %d", topic, p.Partition, o.End, end)
		}
		same(t, fmt.Sprintf("%s/%d", topic, p.Partition), got, want)
		account(t, fmt.Sprintf("%s/%d", topic, p.Partition), o, want, wantNext)
		outcomes[p.Partition] = o
	}
	if len(outcomes) == 0 {
		t.Fatalf("%s has no partitions", topic)
	}
	return outcomes
}

const (
	piece    = 16 << 10        // small, so that reading goes on in the middle of batches
	mostTime = 5 * time.Second // for one request
)

// readOurs reads p up to its last stable offset.
func readOurs(ctx context.Context, t testing.TB, client *fetch.Client, p fetch.LeaderOf, start int64) ([]*kgo.Record, Outcome) {
	var records []*kgo.Record
	o := Outcome{Start: start, End: start}
	reader := fetch.NewReader(0)
	var headers []fetch.Header
	for {
		resp, err := client.Fetch(ctx, &fetch.Request{Broker: p.Leader, MaxBytes: 1 << 20,
			Partitions: []fetch.Ask{{Topic: p.Topic, Partition: p.Partition, Offset: o.End, MaxBytes: piece}}})
		if err != nil {
			t.Fatal(err)
		}
		part := &resp.Partitions[0]
		if part.Err != nil {
			t.Fatalf("%s/%d at %d: %v", p.Topic, p.Partition, o.End, part.Err)
		}
		reader.Reset(part, o.End)
		for reader.Next() {
			rec := reader.Record()
			r := &kgo.Record{Offset: rec.Offset, Timestamp: time.UnixMilli(rec.Timestamp), Key: bytes.Clone(rec.Key), Value: bytes.Clone(rec.Value)}
			headers = rec.AppendHeaders(headers[:0])
			for _, h := range headers {
				r.Headers = append(r.Headers, kgo.RecordHeader{Key: string(h.Key), Value: bytes.Clone(h.Value)})
			}
			records = append(records, r)
		}
		if err := reader.Err(); err != nil {
			t.Fatal(err)
		}
		moved := reader.Position() - o.End
		covered := reader.Take()
		if moved < 0 || covered.Offsets() != uint64(moved) {
			t.Errorf("%s/%d: moved over %d offsets from %d, covered %+v", p.Topic, p.Partition, moved, o.End, covered)
		}
		o.Coverage.Add(&covered)
		o.End += moved
		done := o.End >= part.LastStable || moved == 0
		if done && o.End < part.LastStable {
			t.Errorf("%s/%d: reading stays at %d before the last stable offset %d", p.Topic, p.Partition, o.End, part.LastStable)
		}
		resp.Release()
		if done {
			return records, o
		}
	}
}

// readFranz reads p up to its last stable offset, control records included.
func readFranz(ctx context.Context, t testing.TB, client *kgo.Client, p fetch.LeaderOf, start int64) (records []*kgo.Record, next int64) {
	for next = start; ; {
		req := kmsg.NewPtrFetchRequest()
		req.MaxWaitMillis, req.MaxBytes, req.IsolationLevel = 0, 1<<20, 1
		rp := kmsg.NewFetchRequestTopicPartition()
		rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = p.Partition, next, piece
		rt := kmsg.NewFetchRequestTopic()
		rt.Topic, rt.Partitions = p.Topic, append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		once, cancel := context.WithTimeout(ctx, mostTime)
		resp, err := client.Broker(int(p.Leader)).RetriableRequest(once, req)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		part := &resp.(*kmsg.FetchResponse).Topics[0].Partitions[0]
		if err := kerr.ErrorForCode(part.ErrorCode); err != nil {
			t.Fatalf("%s/%d at %d: franz-go: %v", p.Topic, p.Partition, next, err)
		}
		walked, after := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
			KeepControlRecords: true, Offset: next, IsolationLevel: kgo.ReadCommitted(), Topic: p.Topic, Partition: p.Partition,
		}, part, kgo.DefaultDecompressor(), nil)
		if walked.Err != nil {
			t.Fatalf("%s/%d at %d: franz-go: %v", p.Topic, p.Partition, next, walked.Err)
		}
		records = append(records, walked.Records...)
		if after >= part.LastStableOffset || after == next {
			return records, max(after, next)
		}
		next = after
	}
}

func same(t testing.TB, place string, got, want []*kgo.Record) {
	t.Helper()
	i := 0
	for _, w := range want {
		if w.Attrs.IsControl() {
			continue
		}
		if i >= len(got) {
			t.Errorf("%s: franz-go reads offset %d, we do not", place, w.Offset)
			return
		}
		if err := differ(got[i], w); err != nil {
			t.Errorf("%s: %v", place, err)
			return
		}
		i++
	}
	if i < len(got) {
		t.Errorf("%s: we read offset %d, franz-go does not", place, got[i].Offset)
	}
}

func differ(got, want *kgo.Record) error {
	switch {
	case got.Offset != want.Offset:
		return fmt.Errorf("offset %d, franz-go has %d", got.Offset, want.Offset)
	case !got.Timestamp.Equal(want.Timestamp):
		return fmt.Errorf("offset %d: time %v, franz-go has %v", got.Offset, got.Timestamp, want.Timestamp)
	case !bytes.Equal(got.Key, want.Key) || (got.Key == nil) != (want.Key == nil):
		return fmt.Errorf("offset %d: key %q, franz-go has %q", got.Offset, got.Key, want.Key)
	case !bytes.Equal(got.Value, want.Value) || (got.Value == nil) != (want.Value == nil):
		return fmt.Errorf("offset %d: value %q, franz-go has %q", got.Offset, got.Value, want.Value)
	case len(got.Headers) != len(want.Headers):
		return fmt.Errorf("offset %d: %d headers, franz-go has %d", got.Offset, len(got.Headers), len(want.Headers))
	}
	for i, h := range got.Headers {
		if w := want.Headers[i]; h.Key != w.Key || !bytes.Equal(h.Value, w.Value) {
			return fmt.Errorf("offset %d: header %q=%q, franz-go has %q=%q", got.Offset, h.Key, h.Value, w.Key, w.Value)
		}
	}
	return nil
}

// account holds the counters of one partition against what franz-go saw.
func account(t testing.TB, place string, o Outcome, want []*kgo.Record, wantNext int64) {
	t.Helper()
	var records, control uint64
	for _, w := range want {
		if w.Attrs.IsControl() {
			control++
		} else {
			records++
		}
	}
	c := &o.Coverage
	switch {
	case c.Records != records:
		t.Errorf("%s: %d records counted, franz-go read %d", place, c.Records, records)
	case c.Ignored[access.IgnoreControl] < control:
		t.Errorf("%s: %d control records counted, franz-go read %d", place, c.Ignored[access.IgnoreControl], control)
	case c.Skipped != [access.Skips]uint64{}:
		t.Errorf("%s: skipped %v", place, c.Skipped)
	case o.End != wantNext:
		t.Errorf("%s: reading goes on from %d, of franz-go from %d", place, o.End, wantNext)
	}
}
