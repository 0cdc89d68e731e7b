package consumer

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/consumer/fetch"
	"sunsetwatch/rules/access"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// cluster is an embedded broker and a producer for it.
type cluster struct {
	*kfake.Cluster
	t        testing.TB
	producer *kgo.Client
}

func newCluster(t testing.TB, opts ...kfake.Opt) *cluster {
	t.Helper()
	k, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return &cluster{Cluster: k, t: t, producer: newProducer(t, k.ListenAddrs())}
}

func newProducer(t testing.TB, addrs []string) *kgo.Client {
	producer, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(10*time.Millisecond), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	return producer
}

// client is a fetch.Client for the cluster.
func (k *cluster) client() *fetch.Client { return newClient(k.t, k.ListenAddrs()...) }

func newClient(t testing.TB, addrs ...string) *fetch.Client {
	transport := &kafka.Transport{MetadataTTL: 100 * time.Millisecond, DialTimeout: time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	return fetch.NewClient(fetch.Options{Addr: kafka.TCP(addrs...), Transport: transport})
}

// produce appends events first to first+n-1 to a partition, as one batch.
func (k *cluster) produce(topic string, partition int32, first, n int) {
	k.t.Helper()
	var records []*kgo.Record
	for i := first; i < first+n; i++ {
		records = append(records, &kgo.Record{Topic: topic, Partition: partition, Value: event(partition, i), Timestamp: eventTime(i)})
	}
	k.send(records...)
}

// batches appends n batches of size events each.
func (k *cluster) batches(topic string, partition int32, n, size int) {
	k.t.Helper()
	for i := range n {
		k.produce(topic, partition, i*size, size)
	}
}

func (k *cluster) send(records ...*kgo.Record) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := k.producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
		k.t.Fatal(err)
	}
}

func eventTime(i int) time.Time {
	return time.Date(2015, 7, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Second)
}

func event(partition int32, i int) []byte {
	return fmt.Appendf(nil, `{"time":%q,"principal":"app-netflix-web","feature":"msg.recommend","operation":"read","id":%q,"subject":"u%d"}`,
		eventTime(i).Format(time.RFC3339), eventID(partition, i), i%500)
}

func eventID(partition int32, i int) string { return fmt.Sprintf("%d-%d", partition, i) }

// memory is the saved state of a consumer: a sink for each partition, which
// checks that what it is told adds up.
type memory struct {
	t testing.TB

	mu         sync.Mutex
	partitions map[key]*account
	changed    chan struct{} // closed and replaced at every Advance
	advance    func(key, Progress) error
	add        func(key, *access.Event)
}

func newMemory(t testing.TB) *memory {
	return &memory{t: t, partitions: make(map[key]*account), changed: make(chan struct{})}
}

// account is what is saved of one partition.
type account struct {
	m     *memory
	key   key
	saved Position
	known bool

	start     int64 // where the history at hand began
	covered   access.Coverage
	recreated int
	events    []string // ids, in order, of what was advanced over
	offsets   []int64
	progress  []Progress

	fresh        []string // not advanced over yet
	freshOffsets []int64
	rejected     uint64
}

func (m *memory) open(topic string, partition int32) (Position, bool, Sink, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.partitions[key{topic, partition}]
	if a == nil {
		a = &account{m: m, key: key{topic, partition}}
		m.partitions[a.key] = a
	}
	// What was not advanced over before a kill is not in the saved state.
	a.fresh, a.freshOffsets, a.rejected = nil, nil, 0
	return a.saved, a.known, a, nil
}

func (a *account) Add(ev *access.Event, at access.Position) {
	if a.m.add != nil {
		a.m.add(a.key, ev)
	}
	a.m.mu.Lock()
	defer a.m.mu.Unlock()
	a.fresh = append(a.fresh, string(ev.ID))
	a.freshOffsets = append(a.freshOffsets, at.Offset)
}

func (a *account) Reject(*codec.Rejection, access.Position) {
	a.m.mu.Lock()
	defer a.m.mu.Unlock()
	a.rejected++
}

func (a *account) Advance(p Progress) error {
	if a.m.advance != nil {
		if err := a.m.advance(a.key, p); err != nil {
			return err
		}
	}
	a.m.mu.Lock()
	defer a.m.mu.Unlock()
	a.check(p)
	if p.Recreated {
		a.recreated++
		a.events, a.offsets, a.covered = nil, nil, access.Coverage{}
	}
	if p.Recreated || !a.known {
		a.start = p.From
	}
	a.covered.Add(&p.Coverage)
	a.events = append(a.events, a.fresh...)
	a.offsets = append(a.offsets, a.freshOffsets...)
	a.fresh, a.freshOffsets, a.rejected = nil, nil, 0
	a.saved, a.known = Position{Next: p.Next, Fingerprint: p.Fingerprint}, true
	a.progress = append(a.progress, p)
	close(a.m.changed)
	a.m.changed = make(chan struct{})
	return nil
}

// check holds what every Progress promises.
func (a *account) check(p Progress) {
	if a.known && !p.Recreated && p.From != a.saved.Next {
		a.m.t.Errorf("%v: stretch [%d, %d) does not follow on %d", a.key, p.From, p.Next, a.saved.Next)
	}
	if p.Next < p.From || uint64(p.Next-p.From) != p.Coverage.Offsets() {
		a.m.t.Errorf("%v: stretch [%d, %d) covers %d offsets", a.key, p.From, p.Next, p.Coverage.Offsets())
	}
	var rejected uint64
	for _, n := range p.Coverage.Rejected {
		rejected += n
	}
	if p.Coverage.Events != uint64(len(a.fresh))+a.rejected || rejected != a.rejected {
		a.m.t.Errorf("%v: %d events and %d rejected, added %d and rejected %d", a.key, p.Coverage.Events, rejected, len(a.fresh), a.rejected)
	}
	for _, o := range a.freshOffsets {
		if o < p.From || o >= p.Next {
			a.m.t.Errorf("%v: event at offset %d in stretch [%d, %d)", a.key, o, p.From, p.Next)
		}
	}
	if f := p.Fingerprint; f.Known && f.Offset >= p.Next {
		a.m.t.Errorf("%v: fingerprint at offset %d of position %d", a.key, f.Offset, p.Next)
	}
}

// read is a copy of the account of one partition.
func (m *memory) read(topic string, partition int32) account {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.partitions[key{topic, partition}]; a != nil {
		c := *a
		c.events, c.progress = slices.Clone(a.events), slices.Clone(a.progress)
		return c
	}
	return account{}
}

// await waits until a partition is read up to next.
func (m *memory) await(topic string, partition int32, next int64) {
	m.t.Helper()
	m.until(fmt.Sprintf("%s/%d read up to %d", topic, partition, next), func() bool {
		a := m.partitions[key{topic, partition}]
		return a != nil && a.known && a.saved.Next == next
	})
}

// until waits until what is so, which is asked at every Advance, with mu held.
func (m *memory) until(what string, so func() bool) {
	m.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		m.mu.Lock()
		ok, changed := so(), m.changed
		m.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			m.t.Fatalf("not in time: %s", what)
		}
	}
}

// wantEvents holds a partition to events first to first+n-1, exactly once and in
// order, from offset start.
func (m *memory) wantEvents(topic string, partition int32, first, n int) {
	m.t.Helper()
	a := m.read(topic, partition)
	var want []string
	for i := first; i < first+n; i++ {
		want = append(want, eventID(partition, i))
	}
	if !slices.Equal(a.events, want) {
		m.t.Errorf("%s/%d: read %d events %.80v, want %d %.80v", topic, partition, len(a.events), a.events, len(want), want)
	}
}

// running is a Consumer that runs.
type running struct {
	*Consumer
	t    testing.TB
	stop context.CancelFunc
	done chan error
	logs *observer.ObservedLogs
}

// start runs a consumer whose waits are short.
func start(t testing.TB, client Client, m *memory, o Options) *running {
	t.Helper()
	compiled, err := codec.Compile(codec.Mapping{})
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.InfoLevel)
	o.Client, o.Codec, o.Open, o.Log = client, compiled, m.open, zap.New(core, zap.Development())
	if len(o.Topics) == 0 {
		o.Topics = []string{"access"}
	}
	if o.MetadataInterval == 0 {
		o.MetadataInterval = 300 * time.Millisecond
	}
	if o.MaxWait == 0 {
		o.MaxWait = 50 * time.Millisecond
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Consumer: c, t: t, stop: cancel, done: make(chan error, 1), logs: logs}
	go func() { r.done <- c.Run(ctx) }()
	t.Cleanup(func() { cancel(); r.halt() })
	return r
}

// halt stops the consumer and waits for its end.
func (r *running) halt() {
	r.t.Helper()
	r.stop()
	if err := r.end(); err != nil {
		r.t.Errorf("Run: %v", err)
	}
}

// end is the error with which Run ended.
func (r *running) end() error {
	r.t.Helper()
	select {
	case err := <-r.done:
		r.done <- nil
		if r.held != 0 {
			r.t.Errorf("%d bytes are still held", r.held)
		}
		return err
	case <-time.After(patience):
		r.t.Fatal("Run does not end")
		return nil
	}
}

// eventually waits until so, which no channel tells.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// logged is how many lines of the log begin with message.
func (r *running) logged(message string) int { return r.logs.FilterMessage(message).Len() }
