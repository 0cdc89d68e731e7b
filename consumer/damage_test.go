package consumer

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sunsetwatch/consumer/fetch"
	"sunsetwatch/consumer/fetch/fetchtest"
	"sunsetwatch/rules/access"
)

const (
	batchCount = 6
	batchSize  = 10
)

// disk is the log of partition 0 of access as a broker with a bad disk serves
// it: batches of batchSize events, some of them damaged.
type disk struct {
	mu      sync.Mutex
	batches [][]byte
	reads   [batchCount]int // how often each was the first of an answer
	// damage, where set, gives what is read of a batch for the nth time, or an
	// error code.
	damage func(i, n int, batch []byte) ([]byte, int16)
}

func newDisk(k *cluster) *disk {
	d := &disk{}
	for i := range batchCount {
		k.produce("access", 0, i*batchSize, batchSize) // for offsets and for the end
		d.batches = append(d.batches, craft(i, fetchtest.None, 0))
	}
	k.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		return d.serve(kreq.(*kmsg.FetchRequest))
	})
	return d
}

// craft is the ith batch; its last event is followed by padding spaces.
func craft(i, codec, padding int) []byte {
	b := fetchtest.Batch{Base: int64(i * batchSize), Codec: codec, Time: eventTime(0).UnixMilli()}
	for n := range batchSize {
		value := event(0, i*batchSize+n)
		if n == batchSize-1 {
			value = append(value, make([]byte, padding)...)
			for j := len(value) - padding; j < len(value); j++ {
				value[j] = ' '
			}
		}
		b.Records = append(b.Records, fetchtest.Record{Delta: int32(n), Time: int64(i*batchSize+n) * 1000, Value: value})
	}
	return b.Bytes()
}

func (d *disk) serve(req *kmsg.FetchRequest) (kmsg.Response, error, bool) {
	if len(req.Topics) != 1 || len(req.Topics[0].Partitions) != 1 {
		return nil, nil, false
	}
	asked := req.Topics[0].Partitions[0]
	first := int(asked.FetchOffset / batchSize)
	if asked.Partition != 0 || first >= batchCount {
		return nil, nil, false
	}
	resp := req.ResponseKind().(*kmsg.FetchResponse)
	rt := kmsg.NewFetchResponseTopic()
	rt.Topic = req.Topics[0].Topic
	rp := kmsg.NewFetchResponseTopicPartition()
	rp.HighWatermark, rp.LastStableOffset, rp.LogStartOffset = batchCount*batchSize, batchCount*batchSize, 0
	rp.RecordBatches = []byte{}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads[first]++
	for i := first; i < batchCount; i++ {
		batch, code := d.batches[i], int16(0)
		if d.damage != nil {
			batch, code = d.damage(i, d.reads[i], slices.Clone(batch))
		}
		if code != 0 && i > first || i > first && len(rp.RecordBatches)+len(batch) > int(asked.PartitionMaxBytes) {
			break
		}
		if rp.ErrorCode = code; code != 0 {
			break
		}
		rp.RecordBatches = append(rp.RecordBatches, batch...)
	}
	rt.Partitions = append(rt.Partitions, rp)
	resp.Topics = append(resp.Topics, rt)
	return resp, nil, true
}

// Ways to damage a batch.
func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte { b[at] ^= 1 << 6; return b }
}

func TestDamagedBatches(t *testing.T) {
	const always = 1 << 30
	for _, c := range []struct {
		name   string
		harm   func([]byte) []byte
		code   int16
		times  int   // each batch is damaged when it is read for the first times
		which  []int // batches
		reason access.Skip
		lost   bool
	}{
		{name: "checksum, once", harm: flip(100), times: 1, which: []int{2}},
		{name: "checksum, three times", harm: flip(100), times: 3, which: []int{2}},
		{name: "checksum", harm: flip(100), times: always, which: []int{2}, reason: access.SkipUnreadable, lost: true},
		{name: "checksum of the first", harm: flip(100), times: always, which: []int{0}, reason: access.SkipUnreadable, lost: true},
		{name: "checksum of the last", harm: flip(100), times: always, which: []int{5}, reason: access.SkipUnreadable, lost: true},
		{name: "checksum of three", harm: flip(100), times: always, which: []int{1, 2, 3}, reason: access.SkipUnreadable, lost: true},
		{name: "last offset", harm: flip(lastOffsetDeltaAt), times: always, which: []int{2}, reason: access.SkipUnreadable, lost: true},
		{name: "length, once", harm: flip(batchLengthAt), times: 1, which: []int{2}},
		{name: "length", harm: flip(batchLengthAt), times: always, which: []int{2}, reason: access.SkipUnreadable, lost: true},
		{name: "length of two", harm: flip(batchLengthAt), times: always, which: []int{2, 3}, reason: access.SkipUnreadable, lost: true},
		{name: "length of the last two", harm: flip(batchLengthAt), times: always, which: []int{4, 5}, reason: access.SkipUnreadable, lost: true},
		{name: "magic", harm: flip(batchMagicAt), times: always, which: []int{1, 4}, reason: access.SkipUnreadable, lost: true},
		{name: "base offset", harm: flip(2), times: always, which: []int{3}, reason: access.SkipUnreadable, lost: true},
		{name: "the broker cannot read it, once", code: int16(kafka.InvalidMessage), times: 1, which: []int{2}},
		{name: "the broker cannot read it", code: int16(kafka.InvalidMessage), times: always, which: []int{2, 3}, reason: access.SkipUnreadable, lost: true},
		{name: "bomb", harm: func(b []byte) []byte {
			return craft(int(binary.BigEndian.Uint64(b))/batchSize, fetchtest.Gzip, 1<<20)
		}, times: always, which: []int{1, 2}, reason: access.SkipTooLarge, lost: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := newCluster(t, kfake.SeedTopics(1, "access"))
			d := newDisk(k)
			d.damage = func(i, n int, batch []byte) ([]byte, int16) {
				switch {
				case !slices.Contains(c.which, i) || n > c.times:
					return batch, 0
				case c.code != 0:
					return nil, c.code
				}
				return c.harm(batch), 0
			}
			m := newMemory(t)
			r := start(t, k.client(), m, Options{MaxInflated: 256 << 10, PartitionBytes: 4 << 10}).await(m, batchCount*batchSize)
			k.produce("access", 0, batchCount*batchSize, 1) // judged after all
			r.await(m, batchCount*batchSize+1).halt()

			want := access.Coverage{Records: batchCount*batchSize + 1}
			var ids []string
			for i := range batchCount*batchSize + 1 {
				if !c.lost || !slices.Contains(c.which, i/batchSize) {
					ids = append(ids, eventID(0, i))
				}
			}
			if c.lost {
				want.Skipped[c.reason] = uint64(len(c.which) * batchSize)
				want.Records -= want.Skipped[c.reason]
			}
			want.Events = want.Records
			a := m.read("access", 0)
			if a.covered != want {
				t.Errorf("covered %+v, want %+v", a.covered, want)
			}
			if !slices.Equal(a.events, ids) {
				t.Errorf("read %v, want %v", a.events, ids)
			}
			if lines := r.logged("records lost: batch skipped"); c.lost != (lines > 0) || lines > len(c.which) {
				t.Errorf("%d lines about lost records", lines)
			}
			if c.reason == access.SkipTooLarge && d.reads[c.which[0]] > 1 {
				t.Errorf("the bomb was fetched %d times", d.reads[c.which[0]])
			}
		})
	}
}

func TestBatchThatNoResponseHolds(t *testing.T) {
	k := newCluster(t, kfake.SeedTopics(3, "access"))
	for p := range int32(3) {
		k.batches("access", p, 3, 10)
	}
	huge := &kgo.Record{Topic: "access", Partition: 1, Value: append(event(1, 30), bytes.Repeat([]byte(" "), 300<<10)...)}
	k.send(huge)
	for p := range int32(3) {
		k.produce("access", p, 30, 10)
	}
	transport := &kafka.Transport{MetadataTTL: 100 * time.Millisecond}
	t.Cleanup(transport.CloseIdleConnections)
	client := fetch.NewClient(fetch.Options{Addr: kafka.TCP(k.ListenAddrs()...), Transport: transport, MaxFrameBytes: 100 << 10})
	m := newMemory(t)
	r := start(t, client, m, Options{PartitionBytes: 4 << 10})
	m.await("access", 0, 40)
	m.await("access", 1, 41)
	m.await("access", 2, 40)
	r.halt()
	want := access.Coverage{Records: 40, Events: 40}
	if a := m.read("access", 0); a.covered != want {
		t.Errorf("covered %+v, want %+v", a.covered, want)
	}
	want.Skipped[access.SkipTooLarge] = 1
	if a := m.read("access", 1); a.covered != want {
		t.Errorf("covered %+v, want %+v", a.covered, want)
	}
	m.wantEvents("access", 1, 0, 40)
}
