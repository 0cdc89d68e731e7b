package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"sunsetwatch/consumer"
	"sunsetwatch/consumer/codec"
	"sunsetwatch/consumer/fetch"
	"sunsetwatch/detector"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/detector/ledger/store"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// live is the way of an event without the program around it: consumer, codec,
// fold, ledger and detector, joined as cmd/internal/daemon joins them.
type live struct {
	mu       sync.Mutex
	ledger   *ledger.Ledger
	detector *detector.Detector
	store    *store.Store // nil: nothing is saved
	read     atomic.Int64
	done     context.CancelFunc
	task     task
	result   result
}

// sink folds one partition.
type sink struct {
	*live
	fold *ledger.Fold
}

func (s *sink) Add(ev *access.Event, at access.Position) { s.fold.Add(ev, at) }

func (s *sink) Reject(*codec.Rejection, access.Position) {}

func (s *sink) Advance(p consumer.Progress) error {
	s.mu.Lock()
	err := s.ledger.Merge(s.fold, ledger.Progress(p))
	s.mu.Unlock()
	if s.read.Add(int64(p.Coverage.Events)) == int64(s.task.Events) {
		s.done()
	}
	return err
}

func (l *live) open(topic string, partition int32) (consumer.Position, bool, consumer.Sink, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := fmt.Sprintf("%s/%d", topic, partition)
	return consumer.Position{}, false, &sink{l, l.ledger.NewFold(ledger.Source{Name: name, Topic: topic, Partition: partition})}, nil
}

func readLive(t task) (result, error) {
	if t.Profile != "" {
		f, err := os.Create(t.Profile)
		if err != nil {
			return result{}, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return result{}, err
		}
		defer pprof.StopCPUProfile()
	}
	ctx, done := context.WithCancel(context.Background())
	l := &live{task: t, done: done}
	data, err := os.ReadFile(t.Registrations)
	if err != nil {
		return result{}, err
	}
	snapshot, problems := registry.Read([]registry.File{{Name: t.Registrations, Data: data}}, registry.Options{Now: access.At(time.Now())})
	if err := problems.Err(); err != nil {
		return result{}, err
	}
	l.ledger = ledger.New(ledger.Options{Terms: snapshot})
	if l.detector, err = detector.New(detector.Options{Facts: l.ledger}); err != nil {
		return result{}, err
	}
	l.detector.Reload(snapshot, nil, access.At(time.Now()))
	if t.State != "" {
		if l.store, err = store.Open(t.State, store.Options{Now: time.Now()}); err != nil {
			return result{}, err
		}
		defer l.store.Close()
	}
	compiled, err := codec.Compile(codec.Mapping{})
	if err != nil {
		return result{}, err
	}
	transport := &kafka.Transport{MetadataTopics: []string{topic}, MetadataTTL: 2 * time.Second}
	defer transport.CloseIdleConnections()
	c, err := consumer.New(consumer.Options{
		Client: fetch.NewClient(fetch.Options{Addr: kafka.TCP(t.Broker), Transport: transport}),
		Topics: []string{topic}, Codec: compiled, Open: l.open, QueueBytes: 4 << 20, PartitionBytes: 4 << 20,
	})
	if err != nil {
		return result{}, err
	}
	judged := make(chan error, 1)
	go func() { judged <- l.judge(ctx) }()
	if err := c.Run(ctx); err != nil {
		return result{}, err
	}
	if err := <-judged; err != nil {
		return result{}, err
	}
	for _, s := range l.ledger.Sources() {
		l.result.Events += s.Counted
	}
	for _, f := range l.detector.Findings() {
		if f.State != rules.Withdrawn {
			l.result.Findings++
			l.result.Wrong += f.Events
			l.result.Records += f.Records
		}
	}
	l.result.Cells, _ = l.ledger.Size()
	if t.Profile != "" {
		f, err := os.Create(t.Profile + ".heap")
		if err != nil {
			return result{}, err
		}
		defer f.Close()
		if err := pprof.WriteHeapProfile(f); err != nil {
			return result{}, err
		}
	}
	return l.result, nil
}

// judge judges every second, and saves every ten seconds and whenever a page is
// due, until ctx ends; then for the last time.
func (l *live) judge(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	saved := time.Now()
	for last := false; !last; {
		select {
		case <-ctx.Done():
			last = true
		case <-tick.C:
		}
		begin := time.Now()
		l.mu.Lock()
		turns := l.detector.Judge(access.At(begin))
		l.mu.Unlock()
		l.result.Judging += time.Since(begin).Seconds()
		due := last || time.Since(saved) >= 10*time.Second
		for _, t := range turns {
			due = due || t.Pages()
		}
		if l.store == nil || !due {
			continue
		}
		begin = time.Now()
		if err := l.save(); err != nil {
			return err
		}
		l.result.Saving += time.Since(begin).Seconds()
		l.result.Saves++
		saved = time.Now()
	}
	return nil
}

func (l *live) save() error {
	facts := ledger.Changes{}
	var changes store.Changes
	l.mu.Lock()
	l.ledger.TakeChanges(facts)
	for _, f := range l.detector.TakeChanged() {
		value, err := json.Marshal(f)
		if err != nil {
			l.mu.Unlock()
			return err
		}
		changes.Put(store.Findings, []byte(f.ID), value)
	}
	l.mu.Unlock()
	changes.Set(store.Ledger, facts)
	return l.store.Save(&changes)
}
