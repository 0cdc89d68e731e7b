package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"sunsetwatch/consumer"
	"sunsetwatch/consumer/codec"
	"sunsetwatch/consumer/fetch"
	"sunsetwatch/detector/exporter"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/detector/ledger/store"
	"sunsetwatch/rules/access"
)

// newTransport looks for new leaders more often than kafka-go does by itself,
// since requests are routed by what it knows.
func newTransport(c *Config) *kafka.Transport {
	return &kafka.Transport{
		Dial:           fetch.Dial,
		ClientID:       "sunsetwatch",
		DialTimeout:    5 * time.Second,
		IdleTimeout:    time.Minute,
		MetadataTTL:    2 * time.Second,
		MetadataTopics: c.Kafka.Topics,
	}
}

// What is asked of a partition at a time, and may wait for its worker. Cells are
// merged once for each part that is fetched, so that larger parts cost less.
const (
	partitionBytes = 4 << 20
	queueBytes     = 4 << 20
)

func (d *instance) newConsumer() (*consumer.Consumer, error) {
	k := &d.config.Kafka
	d.client = fetch.NewClient(fetch.Options{Addr: kafka.TCP(k.Brokers...), Transport: d.transport})
	return consumer.New(consumer.Options{
		Client: d.client,
		Topics: k.Topics,
		Codec:  d.config.Codec,
		Open:   d.open,
		Log:    d.Log,
		Start:  k.Start,
		OnGap:  k.OnGap,
		Group:  k.Group,
		// One response in work keeps a worker busy; more would only be memory while
		// the program catches up.
		PartitionBytes: partitionBytes,
		QueueBytes:     queueBytes,
	})
}

// read reads the topics until ctx is done.
func (d *instance) read(ctx context.Context) error {
	if err := d.refuseEmpty(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	return d.consumer.Run(ctx)
}

// refuseEmpty is an error where the group has committed positions and the state
// holds none of the topics: findings are never forgotten in silence. Brokers that do not answer
// are waited for.
func (d *instance) refuseEmpty(ctx context.Context) error {
	if d.lack == "" || d.AcceptEmpty {
		return nil
	}
	wait := 50 * time.Millisecond
	for said := false; ; wait = min(2*wait, 5*time.Second) {
		any, err := d.client.Committed(ctx, d.config.Kafka.Group, d.config.Kafka.Topics)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil && any:
			return &BadConfig{fmt.Errorf("the state in %s %s, but group %q has committed positions of these topics: "+
				"facts and findings would be forgotten. Give the right state.dir, or restore the directory, or start once with --state.accept-empty to begin anew",
				d.config.StateDir, d.lack, d.config.Kafka.Group)}
		case err == nil:
			d.unasked.Store(nil)
			return nil
		}
		d.unasked.Store(new(err.Error()))
		if !said {
			said = true
			d.Log.Warn("Kafka does not tell the group's positions, without which an empty state does not begin; trying until it does",
				zap.Strings("brokers", d.config.Kafka.Brokers), zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// open is the saved position of a partition and its sink.
func (d *instance) open(topic string, partition int32) (consumer.Position, bool, consumer.Sink, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := fmt.Sprintf("%s/%d", topic, partition)
	next, fingerprint, known := d.ledger.Position(name)
	s := &sink{
		instance:  d,
		topic:     topic,
		partition: partition,
		fold:      d.ledger.NewFold(ledger.Source{Name: name, Topic: topic, Partition: partition}),
		delay:     d.collector.Delay(topic),
	}
	return consumer.Position{Next: next, Fingerprint: fingerprint}, known, s, nil
}

// sink folds one partition; its worker alone calls it.
type sink struct {
	*instance
	topic     string
	partition int32
	fold      *ledger.Fold
	delay     prometheus.Observer
}

// Add is that of consumer.Sink.
func (s *sink) Add(ev *access.Event, at access.Position) { s.fold.Add(ev, at) }

// Reject is that of consumer.Sink.
func (s *sink) Reject(rej *codec.Rejection, at access.Position) {
	s.rejections.Add(s.Now(), store.Rejection{
		Topic: s.topic, Partition: s.partition, Position: at,
		Reason: rej.Reason, Field: rej.Field, Byte: rej.Byte, Detail: rej.Detail,
	})
}

// Advance is that of consumer.Sink.
func (s *sink) Advance(p consumer.Progress) error {
	earliest, latest, any := s.fold.Span()
	s.mu.Lock()
	err := s.ledger.Merge(s.fold, ledger.Progress{
		From: p.From, Next: p.Next, Coverage: p.Coverage, Fingerprint: p.Fingerprint, Recreated: p.Recreated,
	})
	s.mu.Unlock()
	if any {
		// Two observations a batch, its freshest event and its most delayed one:
		// an observation per event would cost as much as counting it.
		now := access.At(s.Now())
		s.delay.Observe(secondsSince(latest, now))
		s.delay.Observe(secondsSince(earliest, now))
	}
	return err
}

// secondsSince is the time from an event to now, 0 for one ahead of our clock. It
// may be longer than a time.Duration.
func secondsSince(event, now access.Instant) float64 {
	return max(0, float64(now)-float64(event)) / 1e9
}

// partitions is where reading stands, for the lag metrics. Positions are those
// of the last save, so that they never step back.
func (d *instance) partitions() []exporter.Partition {
	state := d.published.Load()
	if state == nil {
		return nil
	}
	status := d.consumer.Status()
	var all []exporter.Partition
	for _, p := range status.Partitions {
		e := exporter.Partition{Topic: p.Topic, Partition: p.Partition, Position: -1, HighWatermark: -1, LastStable: -1, JudgedTo: access.Beginning}
		// What a broker said that does not answer any more may be old: a lag of 0
		// must not outlive it.
		if p.Connected {
			e.HighWatermark, e.LastStable = p.HighWatermark, p.LastStable
		}
		for i := range state.Sources {
			if s := &state.Sources[i]; s.Topic == p.Topic && s.Partition == p.Partition {
				e.Position, e.JudgedTo = s.Next, s.JudgedTo
			}
		}
		all = append(all, e)
	}
	return all
}

// What can stand between the instance and readiness.
const (
	lackRegistrations = "registrations are not loaded"
	lackState         = "the state is not restored"
	lackPartitions    = "the partitions are not found"
)

// lacks is what stands between the instance and readiness; where that is Kafka,
// with what it answers.
func (d *instance) lacks() []string {
	all := d.missing.list()
	i := slices.Index(all, lackPartitions)
	if i < 0 || d.published.Load() == nil {
		return all
	}
	status := d.consumer.Status()
	why := status.Err
	if asked := d.unasked.Load(); asked != nil {
		why = *asked
	}
	if why != "" {
		all[i] += ": " + strings.Join(status.Missing, ", ") + ": " + why
	}
	return all
}

// missing is what stands between the instance and readiness.
type missing struct {
	mu    sync.Mutex
	lacks []string
}

// set is for before anybody asks.
func (m *missing) set(lacks ...string) { m.lacks = lacks }

func (m *missing) found(lack string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lacks = slices.DeleteFunc(m.lacks, func(l string) bool { return l == lack })
}

func (m *missing) list() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.lacks)
}
