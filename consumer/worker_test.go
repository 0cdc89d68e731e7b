package consumer

import (
	"testing"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/consumer/fetch"
	"sunsetwatch/consumer/fetch/fetchtest"
	"sunsetwatch/consumer/records"
	"sunsetwatch/rules/access"
)

// tally is a sink that counts.
type tally struct {
	events, rejected int
	subjects         int // bytes
	last             Progress
}

func (s *tally) Add(ev *access.Event, _ access.Position) { s.events++; s.subjects += len(ev.Subject) }
func (s *tally) Reject(*codec.Rejection, access.Position) {
	s.rejected++
}
func (s *tally) Advance(p Progress) error { s.last = p; return nil }

// standalone is a worker without a loop around it, for records of one
// partition.
func standalone(t testing.TB, mapping codec.Mapping, sink Sink) *worker {
	t.Helper()
	compiled, err := codec.Compile(mapping)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Options{Client: &scripted{}, Topics: []string{"access"}, Codec: compiled,
		Open: func(string, int32) (Position, bool, Sink, error) { return Position{}, false, sink, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return &worker{c: c, p: newPartition(key{"access", 0}), sink: sink, reader: fetch.NewReader(0), decoder: records.NewDecoder(compiled, sink)}
}

func TestNoAllocationPerEvent(t *testing.T) {
	for _, c := range []struct {
		name    string
		mapping codec.Mapping
		codec   int
	}{
		{"native", codec.Mapping{}, fetchtest.None},
		{"zstd", codec.Mapping{}, fetchtest.Zstd},
		{"headers", codec.Mapping{Fields: map[string]codec.Rule{"subject": {Path: "header:user"}}}, fetchtest.None},
	} {
		t.Run(c.name, func(t *testing.T) {
			const events = 5000
			b := fetchtest.Batch{Codec: c.codec, Time: eventTime(0).UnixMilli()}
			for i := range events {
				b.Records = append(b.Records, fetchtest.Record{Delta: int32(i), Time: int64(i) * 1000, Value: event(0, i)})
			}
			part := &fetch.Partition{Topic: "access", HighWatermark: events, LastStable: events, Records: b.Bytes()}
			sink := &tally{}
			w := standalone(t, c.mapping, sink)
			perBatch := testing.AllocsPerRun(20, func() {
				w.next = 0
				if err := w.read(t.Context(), parcel{part: part}); err != nil {
					t.Fatal(err)
				}
			})
			if sink.last.Next != events || sink.events != 21*events {
				t.Fatalf("read %d events up to %d", sink.events, sink.last.Next)
			}
			if perBatch > 10 {
				t.Errorf("%v allocations in a batch of %d events", perBatch, events)
			}
		})
	}
}

// However much one fetch brings, a sink is told to count it now and then.
func TestLargeBatchIsHandedOverInParts(t *testing.T) {
	const events = 2*largestBatch + largestBatch/2
	b := fetchtest.Batch{Codec: fetchtest.Zstd, Time: eventTime(0).UnixMilli()}
	for i := range events {
		b.Records = append(b.Records, fetchtest.Record{Delta: int32(i), Value: event(0, 0)})
	}
	part := &fetch.Partition{Topic: "access", HighWatermark: events, LastStable: events, Records: b.Bytes()}
	sink := &parts{}
	w := standalone(t, codec.Mapping{}, sink)
	if err := w.read(t.Context(), parcel{part: part}); err != nil {
		t.Fatal(err)
	}
	if sink.events != events || sink.last.Next != events {
		t.Fatalf("%d events up to %d in parts of %d", sink.events, sink.last.Next, sink.sizes)
	}
	for _, n := range sink.sizes {
		if n > largestBatch+recordsPerLook {
			t.Errorf("parts of %d events", sink.sizes)
		}
	}
}

// parts is a sink that notes how large the stretches are.
type parts struct {
	tally
	sizes []uint64
}

func (s *parts) Advance(p Progress) error {
	s.sizes = append(s.sizes, p.Coverage.Events)
	return s.tally.Advance(p)
}

// FuzzExtent holds the quick look at the headers against the reader: where it
// is sure of whole and sound batches, both end at the same offset.
func FuzzExtent(f *testing.F) {
	log := fetchtest.Join(craft(0, fetchtest.None, 0), craft(1, fetchtest.Gzip, 10), fetchtest.Batch{Base: 20, LastDelta: 7}.Bytes(), craft(3, fetchtest.Zstd, 0))
	f.Add(log, int64(0))
	f.Add(log[:len(log)-5], int64(5))
	f.Add(log[:50], int64(0))
	f.Fuzz(func(t *testing.T, records []byte, from int64) {
		if from < 0 {
			t.Skip()
		}
		next, sure := extent(records, from)
		if !sure {
			if next != from {
				t.Errorf("not sure, and %d", next)
			}
			return
		}
		r := fetch.NewReader(1 << 20)
		r.Reset(&fetch.Partition{HighWatermark: -1, Records: records}, from)
		for r.Next() {
		}
		if r.Err() == nil && r.Position() != next {
			t.Errorf("extent %d, read up to %d", next, r.Position())
		}
	})
}

// BenchmarkWorker is the way of a batch from fetched bytes to the sink.
func BenchmarkWorker(b *testing.B) {
	for _, c := range []struct {
		name  string
		codec int
	}{{"none", fetchtest.None}, {"zstd", fetchtest.Zstd}} {
		b.Run(c.name, func(b *testing.B) {
			const events = 5000
			batch := fetchtest.Batch{Codec: c.codec, Time: eventTime(0).UnixMilli()}
			for i := range events {
				batch.Records = append(batch.Records, fetchtest.Record{Delta: int32(i), Time: int64(i) * 1000, Value: event(0, i)})
			}
			part := &fetch.Partition{Topic: "access", HighWatermark: events, LastStable: events, Records: batch.Bytes()}
			w := standalone(b, codec.Mapping{}, &tally{})
			b.ReportAllocs()
			for b.Loop() {
				w.next = 0
				if err := w.read(b.Context(), parcel{part: part}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
		})
	}
}
