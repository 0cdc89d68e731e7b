package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"sunsetwatch/cmd/internal/replay"
	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// The stories, exported in each format that events are kept in, replay to the same
// bytes but for the places of events.

// exported is an event of a story as files and topics hold it.
type exported struct {
	row
	line      []byte // with its end
	written   access.Instant
	partition int32
}

// row is an event in a table with the names of the native format.
type row struct {
	Time      time.Time `parquet:"time,timestamp(nanosecond)"`
	Principal string    `parquet:"principal,dict"`
	Feature   string    `parquet:"feature,dict"`
	Operation string    `parquet:"operation,dict"`
	ID        *string   `parquet:"id,optional"`
	Scopes    []string  `parquet:"scopes,list,dict"`
	Direction string    `parquet:"direction,dict"`
	Subject   *string   `parquet:"subject,optional,dict"`
	Grantor   *string   `parquet:"grantor,optional,dict"`
	Consent   string    `parquet:"consent,dict"`
	Indicator string    `parquet:"indicator,dict"`
	Outcome   string    `parquet:"outcome,dict"`
	Records   int64     `parquet:"records"`
	Bytes     int64     `parquet:"bytes"`
	Probe     *string   `parquet:"probe,optional,dict"`
}

func rowOf(ev *access.Event) row {
	optional := func(b []byte) *string {
		if len(b) == 0 {
			return nil
		}
		s := string(b)
		return &s
	}
	r := row{Time: ev.Time.Time(), Principal: string(ev.Principal), Feature: string(ev.Feature), Operation: ev.Operation.String(),
		ID: optional(ev.ID), Direction: ev.Direction.String(), Subject: optional(ev.Subject), Grantor: optional(ev.Grantor),
		Consent: ev.Consent.String(), Indicator: ev.Indicator.String(), Outcome: ev.Outcome.String(),
		Records: int64(ev.Records), Bytes: int64(ev.Bytes)}
	for _, scope := range ev.Scopes {
		r.Scopes = append(r.Scopes, string(scope))
	}
	if ev.Probe != access.NoProbe {
		word := ev.Probe.String()
		r.Probe = &word
	}
	return r
}

// export is the events of a story in the order of their arrival.
func (s *Scenario) export() []exported {
	var all []exported
	told := s.stream(false)
	for t := told.next(); t != nil; t = told.next() {
		all = append(all, exported{rowOf(t.event), append(codec.AppendJSON(nil, t.event), '\n'), t.written, t.partition})
	}
	return all
}

func joined(events []exported) []byte {
	var b []byte
	for i := range events {
		b = append(b, events[i].line...)
	}
	return b
}

// pieces cuts b into n of about the same length, which end anywhere in a line.
func pieces(b []byte, n int) [][]byte {
	if len(b) < n {
		return [][]byte{b}
	}
	return slices.Collect(slices.Chunk(b, len(b)/n+1))
}

// formats are ways to write events into a file. None of the names says which.
var formats = []struct {
	name string
	pack func(t *testing.T, events []exported) []byte
}{
	{"jsonl", func(_ *testing.T, events []exported) []byte { return joined(events) }},
	{"gzip", func(t *testing.T, events []exported) []byte {
		var out bytes.Buffer
		for _, member := range pieces(joined(events), 2) {
			w, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(member); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		return out.Bytes()
	}},
	{"zstd", func(t *testing.T, events []exported) []byte {
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<17))
		if err != nil {
			t.Fatal(err)
		}
		defer enc.Close()
		var out []byte
		for _, frame := range pieces(joined(events), 5) {
			out = enc.EncodeAll(frame, out)
		}
		return out
	}},
	{"parquet", func(t *testing.T, events []exported) []byte {
		var out bytes.Buffer
		w := parquet.NewGenericWriter[row](&out, parquet.MaxRowsPerRowGroup(int64(len(events)/3+1)), parquet.PageBufferSize(1<<14), parquet.Compression(&parquet.Snappy))
		rows := make([]row, len(events))
		for i := range events {
			rows[i] = events[i].row
		}
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}},
}

// packed writes events into files of a directory of their own, those of file i in
// format(i).
func packed(t *testing.T, events []exported, files int, format func(i int) int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range files {
		data := formats[format(i)].pack(t, events[i*len(events)/files:(i+1)*len(events)/files])
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("part-%03d", i)), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func always(format int) func(int) int { return func(int) int { return format } }

func shuffled(events []exported, r *rand.Rand) []exported {
	all := slices.Clone(events)
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

var sourceAndOffset = regexp.MustCompile(`,"source":"[^"]*","offset":\d+`)

// linesOf are the lines of findings.ndjson, without sources and offsets.
func linesOf(findings []byte) []string {
	return strings.SplitAfter(sourceAndOffset.ReplaceAllString(string(findings), ""), "\n")
}

// apart are findings without some fields. Of kinds that are said of what did not
// happen there is nothing.
func apart(t *testing.T, lines []string, names ...string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, line := range lines {
		if line == "" {
			continue
		}
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if m["late_reason"] == "late_events" {
			m["late_reason"] = nil // files do not say when an event was written down
		}
		if m["kind"] == rules.DormantGrant && len(names) > 0 {
			continue // waits for each partition, as closing does
		}
		for _, name := range names {
			delete(m, name)
		}
		all = append(all, m)
	}
	return all
}

// closingAndLife are the fields that tell when a finding was closed, for which
// each partition is waited.
var closingAndLife = append([]string{"history"}, closing...)

// topics is a fake Kafka, and who produces to it.
type topics struct {
	*kfake.Cluster
	client *kgo.Client
}

func newTopics(t *testing.T, seeds ...kfake.Opt) *topics {
	t.Helper()
	c, err := kfake.NewCluster(append(seeds, kfake.NumBrokers(1))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &topics{c, client}
}

// produce gives the address of what was produced.
func (k *topics) produce(t *testing.T, topic string, events []exported, partition func(i int) int32) string {
	t.Helper()
	records := make([]*kgo.Record, len(events))
	for i := range events {
		e := &events[i]
		records[i] = &kgo.Record{Topic: topic, Partition: partition(i), Value: bytes.TrimSuffix(e.line, []byte("\n")), Timestamp: e.written.Time()}
	}
	if err := k.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return "kafka://" + strings.Join(k.ListenAddrs(), ",") + "/" + topic
}

func ofStory(t *testing.T, name string) (*Scenario, *runner) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	s, problems := Parse(name, text)
	if s == nil {
		t.Fatal(problems)
	}
	return s, &runner{Scenario: s, ctx: context.Background(), registrations: registrationsName}
}

// A story with so many events is told in fewer ways, or in short tests not at all.
const (
	manyEvents  = 20_000
	shortEvents = 1000
)

func TestScenariosInEveryFormat(t *testing.T) {
	for _, name := range corpus(t) {
		base := strings.TrimSuffix(filepath.Base(name), Ext)
		if base == "broken-pipe" {
			continue // TestBrokenPipeOnKafka
		}
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			s, r := ofStory(t, name)
			if testing.Short() && s.events() > shortEvents {
				t.Skip("many events")
			}
			var steps []*step
			for i := range s.steps {
				if s.steps[i].verb == judgeStep {
					steps = append(steps, &s.steps[i])
				}
			}
			if len(steps) == 0 {
				return // TestScenarios tells it
			}
			c := comparison{runner: r, events: s.export()}
			dirs := make([]string, len(formats))
			for format := range formats {
				dirs[format] = packed(t, c.events, 1, always(format))
			}
			for i, st := range steps {
				c.step = st
				c.want = c.ask(t, dirs[0], 1)
				whole := st.before == access.End && st.asOf == access.End
				for format := range formats {
					for workers := 1; workers <= 4; workers *= 2 {
						if whole || workers == 1<<((format+i)%3) {
							c.same(t, fmt.Sprintf("%s, %d workers", formats[format].name, workers), c.ask(t, dirs[format], workers))
						}
					}
				}
				switch {
				case !whole:
				case s.events() > manyEvents:
					// Each part goes on for some blocks, in which it is interrupted.
					c.interrupted(t, 1, len(formats), 1000)
					c.shuffled(t)
					c.onKafka(t)
				default:
					c.shuffled(t)
					// A file is one block: as many are read in a run as there are workers.
					c.interrupted(t, 1, interruptions+1, 1)
					if !testing.Short() && !st.asThen {
						c.interrupted(t, 4, 4*(interruptions+1), 1)
					}
					c.onKafka(t)
				}
			}
		})
	}
}

// comparison is a step of a story, whose answers must be the same.
type comparison struct {
	*runner
	events []exported
	step   *step
	want   []string
}

func (c *comparison) ask(t *testing.T, inputs string, workers int) []string {
	t.Helper()
	var b bytes.Buffer
	if err := replay.WriteFindings(&b, c.replayed(t, c.step, inputs, workers, "").Findings); err != nil {
		t.Fatal(err)
	}
	return linesOf(b.Bytes())
}

func (c *comparison) same(t *testing.T, what string, got []string) {
	t.Helper()
	if diff := gocmp.Diff(c.want, got); diff != "" {
		t.Errorf("%s, %s (-JSONL +it):\n%s", c.step.text, what, diff)
	}
}

// shuffled shuffles lines and files ten times, in files of all formats.
func (c *comparison) shuffled(t *testing.T) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(len(c.events)), 10))
	for n := range 10 {
		files, first, workers := 1+n, r.IntN(len(formats)), 1<<(n%3)
		dir := packed(t, shuffled(c.events, r), files, func(i int) int { return (first + i) % len(formats) })
		c.same(t, fmt.Sprintf("shuffle %d, %d files, %d workers", n, files, workers), c.ask(t, dir, workers))
	}
}

func (c *comparison) onKafka(t *testing.T) {
	t.Helper()
	k := newTopics(t, kfake.SeedTopics(1, "one"), kfake.SeedTopics(4, "four"))
	for _, topic := range []struct {
		name       string
		partitions int
		without    []string
	}{{"one", 1, nil}, {"four", 4, closingAndLife}} {
		address := k.produce(t, topic.name, c.events, func(i int) int32 { return int32(i % topic.partitions) })
		for workers := 1; workers <= 4; workers *= 2 {
			if diff := gocmp.Diff(apart(t, c.want, topic.without...), apart(t, c.ask(t, address, workers), topic.without...)); diff != "" {
				t.Errorf("%s, %d partitions, %d workers (-JSONL +it):\n%s", c.step.text, topic.partitions, workers, diff)
			}
		}
	}
}

// interruptions are how often a run is interrupted, where there are as many events.
const interruptions = 20

// interrupted goes through files of all formats, interrupted after most events or
// fewer, from where each worker goes on to the end of its block.
func (c *comparison) interrupted(t *testing.T, workers, files, most int) {
	t.Helper()
	files = min(len(c.events), files)
	dir := packed(t, c.events, files, func(i int) int { return i % len(formats) })
	out := t.TempDir()
	r := rand.New(rand.NewPCG(uint64(len(c.events)), 20))
	stops := 0
	for {
		ctx, cancel := context.WithCancel(context.Background())
		o := c.options(t, c.step, dir, workers, out)
		o.Resume = stops > 0
		if left := int64(1 + r.IntN(most)); stops < interruptions {
			var told atomic.Int64
			o.Tick = func() {
				if told.Add(1) >= left {
					cancel()
				}
			}
		}
		_, err := replay.Run(ctx, o)
		cancel()
		if err == nil {
			break
		}
		var stopped *replay.Interrupted
		if !errors.As(err, &stopped) || !stopped.Kept {
			t.Fatal(err)
		}
		stops++
	}
	if least := min(interruptions, (len(c.events)-1)/workers); stops < least {
		t.Errorf("only %d interruptions in %d files, want %d", stops, files, least)
	}
	findings, err := os.ReadFile(filepath.Join(out, replay.FindingsName))
	if err != nil {
		t.Fatal(err)
	}
	c.same(t, fmt.Sprintf("%d interruptions, %d workers", stops, workers), linesOf(findings))
}

// S19: on Kafka alone a replay knows partitions.
func TestBrokenPipeOnKafka(t *testing.T) {
	s, r := ofStory(t, "../../../rules/scenarios/broken-pipe.txtar")
	st := &s.steps[0]
	events := s.export()
	address := newTopics(t, kfake.SeedTopics(4, topic)).produce(t, topic, events, func(i int) int32 { return events[i].partition })
	judged, err := r.judge(st)
	if err != nil {
		t.Fatal(err)
	}
	var want []map[string]any
	for _, f := range judged {
		delete(f.values, "pages")
		want = append(want, plainObject(t, f.values))
	}
	for workers := 1; workers <= 4; workers *= 2 {
		result := r.replayed(t, st, address, workers, "")
		if diff := gocmp.Diff(byID(want), byID(asObjects(t, result.Findings))); diff != "" {
			t.Errorf("%d workers (-judge +Kafka):\n%s", workers, diff)
		}
		c := Check{step: st, expected: s.expected[st.expect]}
		for _, f := range result.Findings {
			x, err := decoded(f, 0)
			if err != nil {
				t.Fatal(err)
			}
			c.found = append(c.found, x)
		}
		if c.compare(); !c.Passed() {
			t.Errorf("%d workers:\n%s", workers, c.differences(s.Name))
		}
	}
}

func byID(all []map[string]any) map[string]map[string]any {
	m := map[string]map[string]any{}
	for _, f := range all {
		m[f["id"].(string)] = f
	}
	return m
}

// S22: two sets differ in the same over every format.
func TestDiffOverEveryFormat(t *testing.T) {
	s, r := ofStory(t, "../../../rules/scenarios/netflix-messages.txtar")
	events := s.export()
	old, err := r.read(registrationsName, r.initialRules())
	if err != nil {
		t.Fatal(err)
	}
	section := s.section(registrationsName)
	section.data = bytes.ReplaceAll(section.data, []byte("sunset: 2015-07-01"), []byte("sunset: 2015-10-01"))
	other, err := r.read(registrationsName, r.initialRules())
	if err != nil {
		t.Fatal(err)
	}
	k := newTopics(t, kfake.SeedTopics(1, "one"), kfake.SeedTopics(4, "four"))
	inputs := map[string]string{
		"one":  k.produce(t, "one", events, func(int) int32 { return 0 }),
		"four": k.produce(t, "four", events, func(i int) int32 { return int32(i % 4) }),
	}
	for format := range formats {
		inputs[formats[format].name] = packed(t, events, 2, always(format))
	}
	wanted := map[string]map[string]string{
		"access_after_sunset": {"events": "2560 2192", "events_after_grace": "2440 2072", "days": "640 548"},
		"operation_overreach": {"events": "1580 1948"},
	}
	for name, input := range inputs {
		o := r.options(t, &s.steps[0], input, 2, "")
		d, err := replay.Diff(context.Background(), replay.DiffOptions{Source: o.Source, Question: o.Question, Clock: o.Clock,
			Old: replay.Set{Registry: old.snapshot, Rules: old.rules}, New: replay.Set{Registry: other.snapshot, Rules: other.rules}})
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Gained) > 0 || len(d.Lost) > 0 || len(d.Changed) != len(wanted) {
			t.Errorf("%s: %d gained, %d lost, %d changed", name, len(d.Gained), len(d.Lost), len(d.Changed))
		}
		for _, c := range d.Changed {
			got := map[string]string{}
			for _, f := range c.Fields {
				if wanted[c.New.Kind][f.Field] != "" {
					got[f.Field] = string(f.Old) + " " + string(f.New)
				}
			}
			if diff := gocmp.Diff(wanted[c.New.Kind], got); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, c.New.Kind, diff)
			}
		}
	}
}
