package endtoend

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"sunsetwatch/consumer/fetch/fetchtest"
	"sunsetwatch/deploy/components"
	"sunsetwatch/rules/access"
)

// On a real Kafka, our fetch and record-batch reader give the same offsets and
// bytes as franz-go, or the counter that accounts for the difference.
func TestDifferential(t *testing.T) {
	t.Parallel()
	broker := components.Kafka(t, "log.cleaner.backoff.ms=200", "log.retention.check.interval.ms=500", "log.cleaner.min.compaction.lag.ms=0",
		"transaction.state.log.min.isr=1", "transaction.state.log.replication.factor=1")
	addrs := []string{broker.Addr}
	sum := func(all map[int32]fetchtest.Outcome) (c access.Coverage) {
		for _, o := range all {
			c.Add(&o.Coverage)
		}
		return c
	}

	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			newTopic(t, broker.Addr, name, 3)
			produceRecords(t, broker.Addr, name, 5000, codec)
			if c := sum(fetchtest.Compare(t, addrs, name)); c.Records != 5000 || c.Offsets() != 5000 {
				t.Errorf("covered %+v, want 5,000 records", c)
			}
		})
	}

	t.Run("transactions", func(t *testing.T) {
		newTopic(t, broker.Addr, "transactions", 2)
		client := newClient(t, broker.Addr, kgo.TransactionalID("tx"), kgo.DefaultProduceTopic("transactions"), kgo.ProducerLinger(0))
		ctx := deadline(t, time.Minute)
		committed := 0
		for i := range 20 {
			if err := client.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			var records []*kgo.Record
			for k := range 50 {
				records = append(records, kgo.StringRecord(fmt.Sprintf("%d/%d", i, k)))
			}
			if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
				t.Fatal(err)
			}
			commit := kgo.TransactionEndTry(i%3 != 0)
			if commit {
				committed += 50
			}
			if err := client.EndTransaction(ctx, commit); err != nil {
				t.Fatal(err)
			}
		}
		c := sum(fetchtest.Compare(t, addrs, "transactions"))
		if c.Records != uint64(committed) || c.Ignored[access.IgnoreAborted] != uint64(1000-committed) || c.Ignored[access.IgnoreControl] == 0 {
			t.Errorf("covered %+v, want %d records and %d aborted", c, committed, 1000-committed)
		}
	})

	t.Run("compacted", func(t *testing.T) {
		newTopic(t, broker.Addr, "compacted", 1, config("cleanup.policy", "compact"), config("segment.ms", "300"),
			config("min.cleanable.dirty.ratio", "0.01"), config("delete.retention.ms", "0"))
		client := newClient(t, broker.Addr, kgo.DefaultProduceTopic("compacted"), kgo.ProducerBatchCompression(kgo.ZstdCompression()))
		ctx := deadline(t, 2*time.Minute)
		n := 0
		write := func() {
			for range 200 {
				// Most keys are written again and again; the last of a batch is a
				// tombstone, so that tails are removed.
				r := &kgo.Record{Key: []byte(fmt.Sprint(n % 7)), Value: []byte(fmt.Sprintf("value %d %01000d", n, n))}
				if n%10 == 9 {
					r = &kgo.Record{Key: []byte(fmt.Sprint("gone", n%3))}
				}
				n++
				if err := client.ProduceSync(ctx, r).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
		}
		waitFor(t, 90*time.Second, "compaction", func() (bool, string) {
			write()
			c := countRecords(t, broker.Addr, "compacted")
			return c < n/2, fmt.Sprintf("%d of %d records are left", c, n)
		})
		// The cleaner must rest while two clients are compared.
		alter(t, broker.Addr, "compacted", "min.compaction.lag.ms", "3600000")
		c := sum(fetchtest.Compare(t, addrs, "compacted"))
		if c.Ignored[access.IgnoreCompacted] == 0 || c.Offsets() != uint64(n) {
			t.Errorf("covered %+v of %d offsets, want some compacted", c, n)
		}
	})

	t.Run("deleted leading records", func(t *testing.T) {
		newTopic(t, broker.Addr, "deleted", 1)
		produceRecords(t, broker.Addr, "deleted", 3000, kgo.ZstdCompression())
		deleteBefore(t, broker.Addr, "deleted", 1234)
		outcome := fetchtest.Compare(t, addrs, "deleted")[0]
		if outcome.Start != 1234 || outcome.Coverage.Records != 3000-1234 {
			t.Errorf("the outcome is %+v, want %d records from 1234 on", outcome, 3000-1234)
		}
	})

	t.Run("re-created", func(t *testing.T) {
		newTopic(t, broker.Addr, "recreated", 1)
		produceRecords(t, broker.Addr, "recreated", 2000, kgo.GzipCompression())
		admin := kadm.NewClient(newClient(t, broker.Addr))
		if _, err := admin.DeleteTopics(deadline(t, time.Minute), "recreated"); err != nil {
			t.Fatal(err)
		}
		waitFor(t, 30*time.Second, "deletion", func() (bool, string) {
			topics, err := admin.ListTopics(deadline(t, 5*time.Second), "recreated")
			return err == nil && !topics.Has("recreated"), fmt.Sprint(topics, err)
		})
		newTopic(t, broker.Addr, "recreated", 1)
		produceRecords(t, broker.Addr, "recreated", 700, kgo.Lz4Compression())
		if c := sum(fetchtest.Compare(t, addrs, "recreated")); c.Records != 700 {
			t.Errorf("covered %+v, want the 700 records of the new topic", c)
		}
	})
}

// A topic that is deleted and created again while the program runs, and while it
// is down, is read from its new beginning and told of.
func TestRecreatedTopic(t *testing.T) {
	t.Parallel()
	broker := components.Kafka(t)
	newTopic(t, broker.Addr, "recreated", 1)
	events := func(n int) {
		w := &kafka.Writer{Addr: kafka.TCP(broker.Addr), Topic: "recreated", BatchTimeout: 5 * time.Millisecond, RequiredAcks: kafka.RequireAll}
		defer w.Close()
		var messages []kafka.Message
		for i := range n {
			messages = append(messages, message(0, &event{Time: time.Date(2015, 7, 2, 0, i, 0, 0, time.UTC), Principal: "app-netflix", Feature: "msg.recommend", Operation: "read", Subject: fmt.Sprint("u", i)}))
		}
		waitFor(t, 30*time.Second, "producing", func() (bool, string) {
			err := w.WriteMessages(deadline(t, 10*time.Second), messages...)
			return err == nil, fmt.Sprint(err)
		})
	}
	p := newProgram(t, broker.Addr, "recreated", beforeRegistrations, "state: {save_every: 1s}\n")
	counted := func(n int) {
		t.Helper()
		waitFor(t, 60*time.Second, fmt.Sprintf("%d events counted", n), func() (bool, string) {
			s, err := p.scrape()
			return err == nil && s.sum("sunsetwatch_events_counted_total") == float64(n), fmt.Sprint(s.sum("sunsetwatch_events_counted_total"), err)
		})
	}
	recreate := func() {
		t.Helper()
		admin := kadm.NewClient(newClient(t, broker.Addr))
		if _, err := admin.DeleteTopics(deadline(t, time.Minute), "recreated"); err != nil {
			t.Fatal(err)
		}
		waitFor(t, 30*time.Second, "the topic again", func() (bool, string) {
			resp, err := admin.CreateTopic(deadline(t, 10*time.Second), 1, 1, nil, "recreated")
			return err == nil && resp.Err == nil, fmt.Sprint(err)
		})
	}
	events(100)
	p.start()
	counted(100)
	recreate() // while it runs
	events(40)
	counted(140)
	p.stop()
	recreate() // while it is down, and longer than before
	events(150)
	p.start()
	counted(290)
	f, err := p.findings()
	if err != nil || len(f) != 1 || f[0].Events != 290 {
		t.Errorf("findings are %+v, %v", f, err)
	}
}

func newClient(t *testing.T, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addr)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func deadline(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func config(name, value string) kafka.ConfigEntry {
	return kafka.ConfigEntry{ConfigName: name, ConfigValue: value}
}

// produceRecords writes n records with keys and headers, in many batches.
func produceRecords(t *testing.T, addr, topic string, n int, codec kgo.CompressionCodec) {
	t.Helper()
	client := newClient(t, addr, kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(codec), kgo.ProducerBatchMaxBytes(20_000))
	var records []*kgo.Record
	for i := range n {
		r := &kgo.Record{Value: fmt.Appendf(nil, `{"n":%d,"text":"%0*d"}`, i, i%300, i)}
		if i%3 == 0 {
			r.Key = fmt.Appendf(nil, "key %d", i%50)
		}
		if i%5 == 0 {
			r.Headers = []kgo.RecordHeader{{Key: "x-user", Value: fmt.Appendf(nil, "u%d", i)}, {Key: "empty"}}
		}
		records = append(records, r)
	}
	if err := client.ProduceSync(deadline(t, time.Minute), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// countRecords are the records that a topic still holds.
func countRecords(t *testing.T, addr, topic string) int {
	t.Helper()
	ctx := deadline(t, 20*time.Second)
	admin := kadm.NewClient(newClient(t, addr))
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	end, _ := ends.Lookup(topic, 0)
	client := newClient(t, addr, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	n := 0
	for {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		last := int64(-1)
		fetches.EachRecord(func(r *kgo.Record) { n++; last = r.Offset })
		if last >= end.Offset-1 {
			return n
		}
	}
}

func alter(t *testing.T, addr, topic, name, value string) {
	t.Helper()
	admin := kadm.NewClient(newClient(t, addr))
	_, err := admin.AlterTopicConfigs(deadline(t, 20*time.Second), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: &value}}, topic)
	if err != nil {
		t.Fatal(err)
	}
}

func deleteBefore(t *testing.T, addr, topic string, offset int64) {
	t.Helper()
	admin := kadm.NewClient(newClient(t, addr))
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, 0, offset, -1)
	if _, err := admin.DeleteRecords(deadline(t, 20*time.Second), offsets); err != nil {
		t.Fatal(err)
	}
}
