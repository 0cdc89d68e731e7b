package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"sunsetwatch/detector/exporter"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testTopic = "partner-access"

// world is a fake broker and a directory with a configuration, in which
// instances run.
type world struct {
	t       *testing.T
	dir     string
	cluster *kfake.Cluster
	writer  *kafka.Writer
	logged  *observer.ObservedLogs
	log     *zap.Logger
	now     func() time.Time
	broker  string

	topic       string // that is read; empty: testTopic
	acceptEmpty bool
	withRules   bool // the configuration names a rule file
}

func newWorld(t *testing.T, partitions int32, registrations string) *world {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, testTopic))
	if err != nil {
		t.Fatal(err)
	}
	core, logged := observer.New(zapcore.DebugLevel)
	transport := &kafka.Transport{}
	w := &world{t: t, dir: t.TempDir(), cluster: cluster, logged: logged, log: zap.New(core), now: time.Now, broker: cluster.ListenAddrs()[0],
		writer: &kafka.Writer{Addr: kafka.TCP(cluster.ListenAddrs()...), Topic: testTopic, Balancer: &kafka.RoundRobin{},
			BatchTimeout: time.Millisecond, BatchSize: 5000, Compression: kafka.Zstd, Transport: transport}}
	t.Cleanup(func() {
		w.writer.Close()
		transport.CloseIdleConnections()
		w.cluster.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	w.register(registrations)
	return w
}

// register replaces the registrations.
func (w *world) register(yaml string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, "registrations.yml"), []byte(yaml), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// rule replaces the rule file.
func (w *world) rule(yaml string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, "rules.yml"), []byte(yaml), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

const warnLevel = zapcore.WarnLevel

// running is an instance in this process.
type running struct {
	*world
	url    string
	cancel context.CancelFunc
	done   chan error
	ended  bool
}

// run starts an instance with a state directory and a group of that name, and
// waits until it is ready.
func (w *world) run(state string) *running {
	w.t.Helper()
	r := w.start(state)
	r.until("readiness", func() bool { _, status := r.get("/-/ready"); return status == http.StatusOK })
	return r
}

// start is run without waiting for readiness.
func (w *world) start(state string) *running {
	w.t.Helper()
	yaml := fmt.Sprintf("kafka: {brokers: [%q], topics: [%s], group: %s}\nregistrations: [registrations.yml]\nstate: {dir: %s, save_every: 1s}\nsubjects: {key_file: subject.key}\n",
		w.broker, cmp.Or(w.topic, testTopic), state, state)
	if w.withRules {
		yaml += "rules: rules.yml\n"
	}
	if err := os.WriteFile(filepath.Join(w.dir, "subject.key"), []byte("000102030405060708090a0b0c0d0e0f\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	config, problems := LoadConfig(filepath.Join(w.dir, "sunsetwatch.yml"), []byte(yaml), os.LookupEnv)
	if err := problems.Err(); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	addresses := make(chan []net.Addr, 1)
	r := &running{world: w, cancel: cancel, done: make(chan error, 1)}
	go func() {
		r.done <- Run(ctx, Options{
			Config: config, Listen: []string{"127.0.0.1:0"}, Lifecycle: true, AcceptEmpty: w.acceptEmpty,
			Log: w.log, Now: w.now, Build: exporter.Build{Version: "test"},
			Listening: func(a []net.Addr) { addresses <- a },
		})
	}()
	w.t.Cleanup(func() {
		if err := r.stop(); err != nil {
			w.t.Error(err)
		}
	})
	select {
	case a := <-addresses:
		r.url = "http://" + a[0].String()
	case err := <-r.done:
		r.done <- err
		w.t.Fatal(err)
	}
	return r
}

// stop ends the instance; a second stop does nothing.
func (r *running) stop() error {
	r.cancel()
	return r.wait()
}

// wait waits until the instance ends, once.
func (r *running) wait() error {
	if r.ended {
		return nil
	}
	r.ended = true
	return <-r.done
}

// committed are the offsets that the group has committed.
func (w *world) committed(group string) []int64 {
	w.t.Helper()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(w.broker), Transport: transport}
	resp, err := client.OffsetFetch(context.Background(), &kafka.OffsetFetchRequest{GroupID: group})
	if err != nil {
		w.t.Fatal(err)
	}
	var all []int64
	for _, p := range resp.Topics[testTopic] {
		all = append(all, p.CommittedOffset)
	}
	return all
}

func (r *running) get(path string) (string, int) {
	r.t.Helper()
	resp, err := http.Get(r.url + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(body), resp.StatusCode
}

// until polls with a deadline.
func (w *world) until(what string, done func() bool) {
	w.t.Helper()
	deadline := time.NewTimer(60 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline.C:
			for _, e := range w.logged.All() {
				w.t.Log(e.Level, e.Message, e.ContextMap())
			}
			w.t.Fatalf("%s: not within a minute", what)
		case <-tick.C:
		}
	}
}

// counted waits until n events are counted, judged and saved.
func (r *running) counted(n int) {
	r.t.Helper()
	want := fmt.Sprintf("sunsetwatch_events_counted_total{topic=%q} %d\n", testTopic, n)
	r.until(want, func() bool {
		body, _ := r.get("/metrics")
		if strings.Contains(body, want) {
			return true
		}
		// Large numbers are written with an exponent.
		return n >= 1_000_000 && strings.Contains(body, fmt.Sprintf("sunsetwatch_events_counted_total{topic=%q} %v\n", testTopic, float64(n)))
	})
}

func (r *running) findings(query string) []*rules.Finding {
	r.t.Helper()
	body, status := r.get("/api/v1/findings?limit=1000&" + query)
	var answer struct {
		Findings []*rules.Finding
		Total    int
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK || answer.Total != len(answer.Findings) {
		r.t.Fatalf("%d %v %s", status, err, body)
	}
	return answer.Findings
}

func (r *running) finding(query string) *rules.Finding {
	r.t.Helper()
	all := r.findings(query)
	if len(all) != 1 {
		r.t.Fatalf("%s: %d findings, want 1", query, len(all))
	}
	return all[0]
}

// event is one event in the native format.
type event struct {
	Time      time.Time `json:"time"`
	ID        string    `json:"id,omitempty"`
	Principal string    `json:"principal"`
	Feature   string    `json:"feature"`
	Operation string    `json:"operation"`
	Scopes    []string  `json:"scopes,omitempty"`
	Subject   string    `json:"subject,omitempty"`
	Grantor   string    `json:"grantor,omitempty"`
	Outcome   string    `json:"outcome,omitempty"`
}

func (w *world) produce(events ...event) {
	w.t.Helper()
	messages := make([]kafka.Message, len(events))
	for i, e := range events {
		value, err := json.Marshal(e)
		if err != nil {
			w.t.Fatal(err)
		}
		messages[i].Value = value
	}
	if err := w.writer.WriteMessages(context.Background(), messages...); err != nil {
		w.t.Fatal(err)
	}
}

// daily are n events a day at equal distances from 00:00 UTC, first and last day
// included; with makes each from its number.
func daily(n int, first, last string, with func(i int) event) []event {
	from, until := day(first), day(last).AddDate(0, 0, 1)
	var events []event
	for d := from; d.Before(until); d = d.AddDate(0, 0, 1) {
		for k := range n {
			e := with(len(events))
			e.Time = d.Add(24 * time.Hour / time.Duration(n) * time.Duration(k))
			events = append(events, e)
		}
	}
	return events
}

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

// An event of long ago is no fresh one.
func TestSecondsSince(t *testing.T) {
	now := access.At(day("2026-01-01"))
	for event, want := range map[access.Instant]float64{
		now:                          0,
		now - 1500*access.Minute/1e3: 90,
		now + access.Minute:          0,
		access.At(day("1700-01-01")): 10287561600,
	} {
		if got := secondsSince(event, now); got < want-1e-3 || got > want+1e-3 {
			t.Errorf("%s is %v s ago, want %v", event, got, want)
		}
	}
}
