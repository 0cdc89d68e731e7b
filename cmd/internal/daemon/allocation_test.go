package daemon

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/consumer/fetch"
	"sunsetwatch/consumer/fetch/fetchtest"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

// From fetched bytes to merged facts nothing is allocated per event.
func TestNothingIsAllocatedPerEvent(t *testing.T) {
	const events = 2000
	batch := fetchtest.Batch{Codec: fetchtest.Zstd, Time: day("2015-07-02").UnixMilli(), MaxTime: day("2015-07-02").UnixMilli()}
	for i := range events {
		id := "" // counted each time
		if i%4 == 0 {
			id = fmt.Sprint("id-", i) // counted once, and then a duplicate
		}
		value, err := json.Marshal(event{
			Time: day("2015-07-01").Add(time.Duration(i) * time.Second), ID: id, Principal: fmt.Sprint("app-", i%10), Feature: "msg.recommend",
			Operation: "read", Scopes: []string{"profile.basic", "messages.read"}, Subject: fmt.Sprint("u", i%200), Grantor: fmt.Sprint("g", i%100),
		})
		if err != nil {
			t.Fatal(err)
		}
		batch.Records = append(batch.Records, fetchtest.Record{Delta: int32(i), Value: value})
	}
	partition := &fetch.Partition{HighWatermark: events, LastStable: events, Records: batch.Bytes()}
	reader := fetch.NewReader(0)
	compiled, err := codec.Compile(codec.Mapping{})
	if err != nil {
		t.Fatal(err)
	}
	decoder := compiled.NewDecoder()
	l := ledger.New(ledger.Options{})
	fold := l.NewFold(ledger.Source{Name: "t/0", Topic: "t"})
	var record codec.Record
	var from int64
	run := func() {
		reader.Reset(partition, 0)
		read := uint64(0)
		for reader.Next() {
			r := reader.Record()
			record = codec.Record{Key: r.Key, Value: r.Value, Timestamp: access.Instant(r.Timestamp) * 1_000_000}
			decoder.Reset(&record)
			for {
				ev, rejection, ok := decoder.Next()
				if !ok {
					break
				}
				if rejection != nil {
					t.Fatal(rejection.Detail)
				}
				fold.Add(ev, access.Position{Offset: from + r.Offset})
			}
			read++
		}
		if err := reader.Err(); err != nil || read != events {
			t.Fatalf("%d records, %v", read, err)
		}
		reader.Take()
		p := ledger.Progress{From: from, Next: from + events}
		p.Coverage.Records, p.Coverage.Events = events, events
		if err := l.Merge(fold, p); err != nil {
			t.Fatal(err)
		}
		from += events
	}
	for range 4 {
		run()
	}
	// A handful a batch is what buffers and maps cost now and then.
	if n := testing.AllocsPerRun(20, run); n > 5 {
		t.Errorf("%v allocations for %d events", n, events)
	}
	if s := l.Sources()[0]; s.Counted < 20*events*3/4 || s.Duplicate < 20*events/4 {
		t.Errorf("only %d counted and %d duplicates", s.Counted, s.Duplicate)
	}
}
