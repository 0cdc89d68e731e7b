package endtoend

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"sunsetwatch/rules/access"
)

// event is one event in the native format.
type event struct {
	Time      time.Time `json:"time"`
	ID        string    `json:"id,omitempty"`
	Principal string    `json:"principal"`
	Feature   string    `json:"feature"`
	Operation string    `json:"operation"`
	Scopes    []string  `json:"scopes,omitempty"`
	Subject   string    `json:"subject,omitempty"`
	Outcome   string    `json:"outcome,omitempty"`
	Records   uint64    `json:"records"`
}

const malformed = `{"time":"2015-01-01T00:00:00Z","principal":"app-1","principal":"app-2"}`

// topic makes a topic with partitions, and a writer that puts a message into
// the partition that the first byte of its key says.
func newTopic(t *testing.T, addr, name string, partitions int, config ...kafka.ConfigEntry) *kafka.Writer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client := &kafka.Client{Addr: kafka.TCP(addr)}
	resp, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: name, NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: config,
	}}})
	if err == nil {
		err = resp.Errors[name]
	}
	if err != nil {
		t.Fatalf("creating topic %s: %v", name, err)
	}
	w := &kafka.Writer{
		Addr: kafka.TCP(addr), Topic: name,
		Balancer:     kafka.BalancerFunc(func(m kafka.Message, _ ...int) int { return int(m.Key[0]) }),
		BatchTimeout: 5 * time.Millisecond, BatchSize: 2000, Compression: kafka.Zstd, RequiredAcks: kafka.RequireAll,
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func message(partition int, e *event) kafka.Message {
	value, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return kafka.Message{Key: []byte{byte(partition)}, Value: value}
}

// randomEvents is a log of n records for the kill test: many partners and
// features, late events, repeated ones and malformed ones.
func randomEvents(seed uint64, n, partitions int, yield func(kafka.Message) bool) {
	r := rand.New(rand.NewPCG(seed, 1))
	start := time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC)
	span := 2 * 365 * 24 * time.Hour
	recent := make([][]kafka.Message, partitions)
	for i := range n {
		p := r.IntN(partitions)
		var m kafka.Message
		switch x := r.IntN(1000); {
		case x < 2:
			m = kafka.Message{Key: []byte{byte(p)}, Value: []byte(malformed)}
		case x < 20 && len(recent[p]) > 0:
			m = recent[p][r.IntN(len(recent[p]))]
		default:
			e := event{
				Time:      start.Add(span/time.Duration(n)*time.Duration(i) - time.Duration(r.Int64N(int64(5*time.Minute)))),
				Principal: fmt.Sprintf("app-%d", r.IntN(25)),
				Feature:   fmt.Sprintf("feature-%d", r.IntN(3)),
				Operation: []string{"read", "list", "write"}[r.IntN(3)],
				Scopes:    []string{"messages.read", "profile.basic"}[:1+r.IntN(2)],
				Subject:   fmt.Sprintf("subject-%d", r.IntN(3000)),
				Records:   r.Uint64N(9),
			}
			if r.IntN(30) == 0 {
				e.Outcome = "denied"
			}
			if r.IntN(2) == 0 {
				e.ID = fmt.Sprintf("id-%d", i)
			}
			m = message(p, &e)
			if e.ID != "" {
				if recent[p] = append(recent[p], m); len(recent[p]) > 1000 {
					recent[p] = recent[p][500:]
				}
			}
		}
		if !yield(m) {
			return
		}
	}
}

// answer is what a single-threaded count over the log says.
type answer struct {
	counted, duplicate, rejected uint64
	cells                        map[cell]*count
}

// cell names facts as the ledger keeps them.
type cell struct{ principal, feature, operation, outcome, scopes string }

type count struct {
	events, records uint64
	first, last     mark
	days            map[access.Day]bool
	people          map[string]bool
}

type mark struct {
	time   access.Instant
	source string
	offset int64
}

func (m mark) before(o mark) bool {
	if m.time != o.time {
		return m.time < o.time
	}
	if m.source != o.source {
		return m.source < o.source
	}
	return m.offset < o.offset
}

// countLog reads a topic with franz-go and encoding/json, counts from scratch, and
// writes the values of all records to archive, one a line.
func countLog(t *testing.T, addr, topic string, records int, archive io.Writer) *answer {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	a := &answer{cells: map[cell]*count{}}
	seen := map[string]bool{}
	var line []byte
	for read := 0; read < records; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			read++
			line = append(append(line[:0], r.Value...), '\n')
			if _, err := archive.Write(line); err != nil {
				t.Fatal(err)
			}
			var e event
			if string(r.Value) == malformed {
				a.rejected++
				return
			}
			if err := json.Unmarshal(r.Value, &e); err != nil {
				t.Fatal(err)
			}
			if e.ID != "" {
				k := fmt.Sprintf("%d %s", r.Partition, r.Value)
				if seen[k] {
					a.duplicate++
					return
				}
				seen[k] = true
			}
			a.counted++
			outcome := e.Outcome
			if outcome == "" {
				outcome = "served"
			}
			k := cell{e.Principal, e.Feature, e.Operation, outcome, fmt.Sprint(e.Scopes)}
			c := a.cells[k]
			m := mark{access.At(e.Time), fmt.Sprintf("%s/%d", topic, r.Partition), r.Offset}
			if c == nil {
				c = &count{first: m, last: m, days: map[access.Day]bool{}, people: map[string]bool{}}
				a.cells[k] = c
			}
			c.events++
			c.records += e.Records
			if m.before(c.first) {
				c.first = m
			}
			if c.last.before(m) {
				c.last = m
			}
			c.days[m.time.Day()] = true
			if outcome == "served" {
				c.people[e.Subject] = true
			}
		})
	}
	return a
}
