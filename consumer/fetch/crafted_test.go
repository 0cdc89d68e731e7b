package fetch_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sunsetwatch/consumer/fetch"
	. "sunsetwatch/consumer/fetch/fetchtest"
	"sunsetwatch/rules/access"
)

// stored is a batch as a broker has it on disk: what it sends, and the offsets
// at which it finds it.
type stored struct {
	first, last int64
	data        []byte
	err         int16 // instead of data
}

func put(b Batch) stored {
	last := b.Base + int64(b.LastDelta)
	for _, r := range b.Records {
		last = max(last, b.Base+int64(r.Delta))
	}
	return stored{first: b.Base, last: last, data: b.Bytes()}
}

// serve answers Fetch and ListOffsets for all partitions out of log, as a
// broker does: whole batches from the one that holds the asked offset on, at
// least one, up to the size that was asked.
func serve(cluster *kfake.Cluster, log []stored, aborted ...fetch.Aborted) {
	end := log[len(log)-1].last + 1
	cluster.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		req := kreq.(*kmsg.FetchRequest)
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		resp.ThrottleMillis = 30
		for _, rt := range req.Topics {
			st := kmsg.NewFetchResponseTopic()
			st.Topic = rt.Topic
			for _, rp := range rt.Partitions {
				sp := kmsg.NewFetchResponseTopicPartition()
				sp.Partition, sp.HighWatermark, sp.LastStableOffset, sp.LogStartOffset = rp.Partition, end, end, log[0].first
				sp.RecordBatches = []byte{}
				for _, a := range aborted {
					sp.AbortedTransactions = append(sp.AbortedTransactions, kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: a.ProducerID, FirstOffset: a.FirstOffset})
				}
				for _, b := range log {
					if b.last < rp.FetchOffset {
						continue
					}
					if len(sp.RecordBatches) > 0 && len(sp.RecordBatches)+len(b.data) > int(rp.PartitionMaxBytes) || b.err != 0 && len(sp.RecordBatches) > 0 {
						break
					}
					if sp.ErrorCode = b.err; b.err != 0 {
						break
					}
					sp.RecordBatches = append(sp.RecordBatches, b.data...)
				}
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
	cluster.ControlKey(int16(kmsg.ListOffsets), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		req := kreq.(*kmsg.ListOffsetsRequest)
		resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, rt := range req.Topics {
			st := kmsg.NewListOffsetsResponseTopic()
			st.Topic = rt.Topic
			for _, rp := range rt.Partitions {
				sp := kmsg.NewListOffsetsResponseTopicPartition()
				if sp.Partition, sp.Offset = rp.Partition, end; rp.Timestamp == -2 {
					sp.Offset = log[0].first
				}
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
}

// TestCraftedAgreesWithFranz holds the logs on which kafka-go goes wrong
// against franz-go.
func TestCraftedAgreesWithFranz(t *testing.T) {
	large := make([]byte, 20<<10) // a batch larger than one piece of Compare
	tests := []struct {
		name    string
		log     []stored
		aborted []fetch.Aborted
		want    access.Coverage
	}{
		{"B1: zstd, then empty batches", []stored{
			put(Batch{Base: 0, Records: values("a b c"), Codec: Zstd}), put(Batch{Base: 3, LastDelta: 4}), put(Batch{Base: 8, LastDelta: 0}),
			put(Batch{Base: 9, Records: values("d"), Codec: Zstd})}, nil, coverage(4, 0, 0, 6, 0, 0)},
		{"B2: an empty batch last", []stored{put(Batch{Base: 0, Records: values("a b c d e")}), put(Batch{Base: 5, LastDelta: 3})}, nil,
			coverage(5, 0, 0, 4, 0, 0)},
		{"B3: a compressed batch without its tail last", []stored{put(Batch{Base: 0, Records: values("a b"), Codec: Gzip, LastDelta: 20})}, nil,
			coverage(2, 0, 0, 19, 0, 0)},
		{"B4: nothing but an empty batch", []stored{put(Batch{Base: 0, LastDelta: 9})}, nil, coverage(0, 0, 0, 10, 0, 0)},
		{"B4: a commit marker last", []stored{
			put(Batch{Base: 0, Records: values("a"), Producer: 3, Attributes: Transactional}),
			put(Batch{Base: 1, Records: []Record{Marker(true)}, Producer: 3, Attributes: Transactional | Control})}, nil, coverage(1, 1, 0, 0, 0, 0)},
		{"B5, B6: aborted beside committed", []stored{
			put(Batch{Base: 0, Records: values("a b"), Producer: 3, Attributes: Transactional, Codec: LZ4}),
			put(Batch{Base: 2, Records: values("c"), Producer: 4, Attributes: Transactional, Codec: Snappy}),
			put(Batch{Base: 3, Records: []Record{Marker(false)}, Producer: 3, Attributes: Transactional | Control}),
			put(Batch{Base: 4, Records: []Record{Marker(true)}, Producer: 4, Attributes: Transactional | Control}),
			put(Batch{Base: 5, Records: values("d e"), Producer: 3, Attributes: Transactional}),
			put(Batch{Base: 7, Records: []Record{Marker(true)}, Producer: 3, Attributes: Transactional | Control})},
			[]fetch.Aborted{{ProducerID: 3}}, coverage(3, 3, 2, 0, 0, 0)},
		{"holes inside and between", []stored{
			put(Batch{Base: 4, Records: at(values("a b c"), 2, 3, 9), LastDelta: 12, Codec: Zstd}),
			put(Batch{Base: 30, Records: at(values("d"), 5), LastDelta: 5})}, nil, coverage(4, 0, 0, 28, 0, 0)},
		{"a large batch", []stored{
			put(Batch{Base: 0, Records: []Record{{Value: large}}}), put(Batch{Base: 1, Records: values("b")})}, nil, coverage(2, 0, 0, 0, 0, 0)},
		{"snappy of java", []stored{put(Batch{Base: 0, Records: values("a b c"), Codec: Snappy, Payload: javaSnappy(Payload(values("a b c")), 5)})}, nil,
			coverage(3, 0, 0, 0, 0, 0)},
		{"time of append", []stored{put(Batch{Base: 0, Records: values("a b c"), Attributes: LogAppendTime, Time: 5, MaxTime: 77})}, nil, coverage(3, 0, 0, 0, 0, 0)},
		{"no time", []stored{put(Batch{Base: 0, Records: values("a b c"), Time: -1, MaxTime: -1})}, nil, coverage(3, 0, 0, 0, 0, 0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cluster := newCluster(t, kfake.SeedTopics(1, "t"))
			serve(cluster, tt.log, tt.aborted...)
			got := Compare(t, cluster.ListenAddrs(), "t")[0]
			if got.Coverage != tt.want {
				t.Errorf("covered %+v, want %+v", got.Coverage, tt.want)
			}
		})
	}
}

// TestCraftedDamage reads over what franz-go cannot read either.
func TestCraftedDamage(t *testing.T) {
	flipped := put(Batch{Base: 2, Records: values("c d")})
	flipped.data[len(flipped.data)-2] ^= 1
	noLength := put(Batch{Base: 2, Records: values("c d e f g h i j k")})
	noLength.data[8] = 0x7f
	refused := noLength
	refused.err = 2 // CORRUPT_MESSAGE
	bomb := stored{first: 2, last: 11, data: Batch{Base: 2, Codec: Gzip, Payload: bytes.Repeat(gzipOf(make([]byte, 1<<20)), 70), Count: 10, LastDelta: 9}.Bytes()}
	for _, tt := range []struct {
		name string
		bad  stored
		want access.Coverage
		end  bool // it does not tell where it ends
	}{
		{"B7: a flipped bit", flipped, coverage(4, 0, 0, 0, 2, 0), false},
		{"a length of nonsense", noLength, coverage(4, 0, 0, 0, 9, 0), true},
		{"the broker cannot read it", refused, coverage(4, 0, 0, 0, 9, 0), true},
		{"a bomb", bomb, coverage(4, 0, 0, 0, 0, 10), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cluster := newCluster(t, kfake.SeedTopics(1, "t"))
			next := tt.bad.last + 1
			serve(cluster, []stored{put(Batch{Base: 0, Records: values("a b")}), tt.bad, put(Batch{Base: next, Records: values("y")}), put(Batch{Base: next + 1, Records: values("z")})})
			c := newClient(t, cluster)
			r := fetch.NewReader(0)
			var covered access.Coverage
			for position := int64(0); position < next+2; {
				resp, err := c.Fetch(t.Context(), &fetch.Request{MaxBytes: 1 << 20, Partitions: []fetch.Ask{{Topic: "t", Offset: position, MaxBytes: 1 << 20}}})
				if err != nil {
					t.Fatal(err)
				}
				if resp.Throttle != 30*time.Millisecond {
					t.Errorf("throttle of %v", resp.Throttle)
				}
				r.Reset(&resp.Partitions[0], position)
				for r.Next() {
				}
				var bad *fetch.BadBatch
				lost := errors.Is(resp.Partitions[0].Err, kafka.InvalidMessage)
				if errors.As(r.Err(), &bad) {
					if lost = bad.Next == bad.From; lost != tt.end || bad.From != 2 {
						t.Errorf("%+v", bad)
					}
					r.Skip()
				}
				if lost {
					goOn, err := c.NextReadable(t.Context(), 0, "t", 0, r.Position(), next+2)
					if err != nil || goOn != next {
						t.Fatalf("the next readable offset is %d, want %d: %v", goOn, next, err)
					}
					r.SkipTo(goOn, access.SkipUnreadable)
				}
				position = r.Position()
				took := r.Take()
				covered.Add(&took)
				resp.Release()
			}
			if covered != tt.want {
				t.Errorf("covered %+v, want %+v", covered, tt.want)
			}
		})
	}
	t.Run("nothing behind it", func(t *testing.T) {
		cluster := newCluster(t, kfake.SeedTopics(1, "t"))
		serve(cluster, []stored{put(Batch{Base: 0, Records: values("a b")}), noLength})
		if got, err := newClient(t, cluster).NextReadable(t.Context(), 0, "t", 0, 2, 11); got != 11 || err != nil {
			t.Error(got, err)
		}
	})
}
