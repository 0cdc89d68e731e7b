package fetch

import (
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// answer is the body of a Fetch response as franz-go encodes it.
func answer(change func(*kmsg.FetchResponse)) []byte {
	r := kmsg.NewPtrFetchResponse()
	r.Version = fetchVersion
	r.ThrottleMillis = 250
	for _, topic := range []string{"a", "b"} {
		t := kmsg.NewFetchResponseTopic()
		t.Topic = topic
		for i := range int32(2) {
			p := kmsg.NewFetchResponseTopicPartition()
			p.Partition, p.HighWatermark, p.LastStableOffset, p.LogStartOffset = i, 100, 90, 10
			p.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 7, FirstOffset: 20}}
			p.RecordBatches = []byte("records")
			t.Partitions = append(t.Partitions, p)
		}
		r.Topics = append(r.Topics, t)
	}
	change(r)
	return r.AppendTo(nil)
}

var askedFor = []Ask{{Topic: "a"}, {Topic: "a", Partition: 1}, {Topic: "b", Partition: 1}, {Topic: "b"}}

func TestResponseDecode(t *testing.T) {
	tests := []struct {
		name   string
		change func(*kmsg.FetchResponse)
		err    error
		ok     bool
	}{
		{"as asked", func(*kmsg.FetchResponse) {}, nil, true},
		{"another order", func(r *kmsg.FetchResponse) { r.Topics[0], r.Topics[1] = r.Topics[1], r.Topics[0] }, nil, true},
		{"without one", func(r *kmsg.FetchResponse) { r.Topics[0].Partitions = r.Topics[0].Partitions[:1] }, nil, true},
		{"nothing", func(r *kmsg.FetchResponse) { r.Topics = nil }, nil, true},
		{"an error of all", func(r *kmsg.FetchResponse) { r.ErrorCode = 70 }, kafka.FetchSessionIDNotFound, false},
		{"not asked for", func(r *kmsg.FetchResponse) { r.Topics[0].Partitions[0].Partition = 5 }, nil, false},
		{"twice", func(r *kmsg.FetchResponse) { r.Topics[0].Partitions[0].Partition = 1 }, nil, false},
		{"another topic", func(r *kmsg.FetchResponse) { r.Topics[0].Topic = "c" }, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r Response
			err := r.decode(answer(tt.change), askedFor)
			if (err == nil) != tt.ok || tt.err != nil && err != tt.err {
				t.Fatal(err)
			}
			for _, p := range r.Partitions {
				if p.HighWatermark != 100 || p.LastStable != 90 || p.LogStart != 10 || string(p.Records) != "records" ||
					len(p.Aborted) != 1 || p.Aborted[0] != (Aborted{7, 20}) {
					t.Errorf("%+v", p)
				}
			}
		})
	}
	body := answer(func(r *kmsg.FetchResponse) {
		r.Topics[1].Partitions[1].ErrorCode = 1
		r.Topics[1].Partitions[1].AbortedTransactions = nil
		r.Topics[1].Partitions[1].RecordBatches = nil
	})
	var r Response
	if err := r.decode(body, askedFor); err != nil {
		t.Fatal(err)
	}
	if p := r.Partitions[3]; p.Err != kafka.OffsetOutOfRange || p.Records != nil || p.Topic != "b" || p.Partition != 1 {
		t.Errorf("%+v", p)
	}
	for n := range body {
		if new(Response).decode(body[:n], askedFor) == nil {
			t.Errorf("cut at %d of %d: no error", n, len(body))
		}
	}
}

// FuzzFetchResponse decodes arbitrary bodies of all the responses that are
// decoded here: no panic, and nothing out of proportion is allocated.
func FuzzFetchResponse(f *testing.F) {
	f.Add(answer(func(*kmsg.FetchResponse) {}))
	f.Add(answer(func(r *kmsg.FetchResponse) { r.Topics[1].Partitions[0].ErrorCode = 1 }))
	m := kmsg.NewPtrMetadataResponse()
	m.Version = metadataVersion
	m.Brokers = []kmsg.MetadataResponseBroker{{NodeID: 1, Host: "h", Port: 9092}}
	topic := "a"
	m.Topics = []kmsg.MetadataResponseTopic{{Topic: &topic, Partitions: []kmsg.MetadataResponseTopicPartition{{Partition: 1, Leader: 1, Replicas: []int32{1}, ISR: []int32{1}}}}}
	f.Add(m.AppendTo(nil))
	l := kmsg.NewPtrListOffsetsResponse()
	l.Version = listOffsetsVersion
	l.Topics = []kmsg.ListOffsetsResponseTopic{{Topic: "a", Partitions: []kmsg.ListOffsetsResponseTopicPartition{{Partition: 1, Offset: 5}}}}
	f.Add(l.AppendTo(nil))
	f.Fuzz(func(t *testing.T, body []byte) {
		var r Response
		if r.decode(body, askedFor) == nil && len(r.Partitions) > len(askedFor) {
			t.Errorf("%d partitions of %d", len(r.Partitions), len(askedFor))
		}
		if l, _ := decodeLayout(body); len(l.Brokers)+len(l.Partitions) > len(body) {
			t.Errorf("%d brokers, %d partitions from %d bytes", len(l.Brokers), len(l.Partitions), len(body))
		}
		_, _ = decodeOffset(body, "a", 1)
	})
}

func TestFrameClasses(t *testing.T) {
	class, capacity := classOf(1)
	for n := 1; n < 1<<20; n += 1 + n/97 {
		c, size := classOf(n)
		if size < n || size > 1<<smallestFrame && size > n+n/4+1 {
			t.Fatalf("%d bytes in a frame of %d", n, size)
		}
		if c < class || c == class && size != capacity || c > class && size <= capacity {
			t.Fatalf("%d bytes: class %d of %d after class %d of %d", n, c, size, class, capacity)
		}
		class, capacity = c, size
	}
	var f frames
	fr := f.get(1 << 30)
	if len(fr.data) != 1<<30 || fr.class >= len(f.pools) {
		t.Errorf("%d bytes of class %d", len(fr.data), fr.class)
	}
}

func TestResponseHolds(t *testing.T) {
	panics := func(f func()) (yes bool) {
		defer func() { yes = recover() != nil }()
		f()
		return false
	}
	var f frames
	r := &Response{frame: f.get(10), frames: &f}
	r.holds.Store(1)
	r.Retain()
	r.Release()
	if r.frame == nil {
		t.Fatal("given back while held")
	}
	r.Release()
	if r.frame != nil {
		t.Fatal("not given back")
	}
	if !panics(r.Release) || !panics(r.Retain) {
		t.Error("a released response is held again")
	}
}
