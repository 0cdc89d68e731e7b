package fetch_test

import (
	"bytes"
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"sunsetwatch/bench/child"
	"sunsetwatch/consumer/fetch"
	. "sunsetwatch/consumer/fetch/fetchtest"
)

// accessValue has the size of an ordinary event.
func accessValue(i int) []byte {
	return fmt.Appendf(nil, `{"time":"2016-03-01T12:%02d:%02d.%03dZ","principal":"app-%d","feature":"msg.recommend","operation":"read","scopes":["messages.read","user.id"],`+
		`"subject":"user-%08d","id":"%016x","records":%d,"bytes":%d,"outcome":"served","consent":"granted","pad":"%s"}`,
		i/60%60, i%60, i%1000, i%50, i*7919%1_000_000, i*2654435761, i%9, i*31%9000, bytes.Repeat([]byte("p"), 100))
}

// BenchmarkReader walks one response of 2,000 records in one batch: checksum,
// inflation, key and value. ns/record times a million is CPU-s per million.
func BenchmarkReader(b *testing.B) {
	var records []Record
	for i := range 2000 {
		records = append(records, Record{Delta: int32(i), Key: fmt.Appendf(nil, "key-%016d", i), Value: accessValue(i)})
	}
	for codec, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		p := fetch.Partition{HighWatermark: 1, Records: Batch{Records: records, Codec: codec}.Bytes()}
		b.Run(name, func(b *testing.B) {
			r := fetch.NewReader(0)
			sum := 0
			b.ReportAllocs()
			for b.Loop() {
				for r.Reset(&p, 0); r.Next(); {
					sum += len(r.Record().Value)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(records)), "ns/record")
		})
	}
}

// BenchmarkTopic reads a topic of 500,000 records from a broker in another
// process. cpu-s/M is the CPU of this process, system included, per million
// records; compare the readers of one run with each other.
func BenchmarkTopic(b *testing.B) {
	const total = 500_000
	broker := child.Broker(b)
	for name, codec := range map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "zstd": kgo.ZstdCompression()} {
		fill(b, broker, name, codec, total)
		readers := []struct {
			name string
			read func(testing.TB, string, string, int)
		}{{"fetch", readByFetch}, {"franz", readByFranz}, {"kafka.Reader", readByReader}}
		for _, r := range readers {
			b.Run(name+"/"+r.name, func(b *testing.B) {
				before := cpu(b)
				for b.Loop() {
					r.read(b, broker, name, total)
				}
				b.ReportMetric((cpu(b)-before).Seconds()/float64(b.N)/total*1e6, "cpu-s/M")
			})
		}
	}
}

func fill(b *testing.B, broker, topic string, codec kgo.CompressionCodec, total int) {
	b.Helper()
	p, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(50*time.Millisecond))
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	for i := range total {
		p.Produce(b.Context(), &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "key-%016d", i), Value: accessValue(i)}, nil)
	}
	if err := p.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func readByFetch(t testing.TB, broker, topic string, total int) {
	transport := new(kafka.Transport)
	defer transport.CloseIdleConnections()
	c := fetch.NewClient(fetch.Options{Addr: kafka.TCP(broker), Transport: transport})
	r := fetch.NewReader(0)
	for n, position := 0, int64(0); n < total; {
		resp, err := c.Fetch(t.Context(), &fetch.Request{MaxWait: time.Second, MinBytes: 1, MaxBytes: 8 << 20,
			Partitions: []fetch.Ask{{Topic: topic, Offset: position, MaxBytes: 8 << 20}}})
		if err != nil {
			t.Fatal(err)
		}
		for r.Reset(&resp.Partitions[0], position); r.Next(); {
			n++
		}
		position = r.Position()
		resp.Release()
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
	}
}

func readByFranz(t testing.TB, broker, topic string, total int) {
	c, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxPartitionBytes(8<<20), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for n := 0; n < total; {
		fetches := c.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(*kgo.Record) { n++ })
	}
}

func readByReader(t testing.TB, broker, topic string, total int) {
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{broker}, Topic: topic, MinBytes: 1, MaxBytes: 8 << 20})
	defer r.Close()
	for range total {
		if _, err := r.ReadMessage(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
}
