package endtoend

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/segmentio/kafka-go"

	"sunsetwatch/deploy/components"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/detector/ledger/store"
)

// Kills of the kill test, and the records that flow meanwhile.
const (
	kills       = 24
	killRecords = 1_000_000
)

// After any number of kills, also inside a save, the facts equal a
// single-threaded count over the log, the two equations hold, no counter of the
// ledger was ever shown above the truth or stepping back, and replays of the topic
// and of an archive of it give the findings of the running program.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	const partitions = 4
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	broker := components.Kafka(t)
	w := newTopic(t, broker.Addr, "killed", partitions)
	p := newProgram(t, broker.Addr, "killed", killRegistrations(), "state: {save_every: 1s}\n")

	var sent atomic.Int64 // handed to the writer: an upper bound of the truth
	produced := make(chan error, 1)
	go func() { produced <- produce(w, seed, killRecords, partitions, &sent) }()

	watch := newMonotone(p, func() float64 { return float64(sent.Load()) })
	scraping, stopScraping := context.WithCancel(context.Background())
	var scraper sync.WaitGroup
	scraper.Go(func() { watch.run(scraping) })
	defer func() { stopScraping(); scraper.Wait() }()

	r := rand.New(rand.NewPCG(seed, 2))
	inside := 0
	for n := range kills {
		p.start()
		p.ready()
		// Every second kill comes at the first write to the state after a while.
		if wait := time.Duration(r.Int64N(int64(2500 * time.Millisecond))); n%2 == 0 {
			<-time.After(wait)
		} else if killAtWrite(t, p, wait) {
			inside++
		}
		p.kill()
	}
	if inside < kills/3 {
		t.Errorf("only %d kills came inside a save", inside)
	}
	p.start()
	if err := <-produced; err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "killed.jsonl.zst")
	var want *answer
	writeZstd(t, archive, func(w io.Writer) { want = countLog(t, broker.Addr, "killed", killRecords, w) })
	waitFor(t, 2*time.Minute, "all events are counted", func() (bool, string) {
		s, err := p.scrape()
		if err != nil {
			return false, err.Error()
		}
		got := s.sum("sunsetwatch_events_counted_total")
		return got == float64(want.counted), fmt.Sprintf("%.0f of %d", got, want.counted)
	})
	stopScraping()
	scraper.Wait()
	for _, complaint := range watch.complaints {
		t.Error(complaint)
	}
	t.Logf("%d kills, %d of them inside a save, %d scrapes", kills, inside, watch.scrapes)
	s, err := p.scrape()
	if err != nil {
		t.Fatal(err)
	}
	for metric, n := range map[string]uint64{
		"sunsetwatch_records_read_total":     killRecords,
		"sunsetwatch_events_read_total":      want.counted + want.duplicate + want.rejected,
		"sunsetwatch_events_duplicate_total": want.duplicate,
		"sunsetwatch_events_rejected_total":  want.rejected,
		"sunsetwatch_partner_events_total":   want.counted,
		"sunsetwatch_offsets_skipped_total":  0,
	} {
		if got := s.sum(metric); got != float64(n) {
			t.Errorf("%s is %.0f, want %d", metric, got, n)
		}
	}
	checkReplay(t, p, "kafka://"+broker.Addr+"/killed", archive)
	p.stop()
	checkFacts(t, filepath.Join(p.dir, "state"), want)
}

// killRegistrations leave most of the traffic of randomEvents lawful, and let it
// do something wrong of most kinds.
func killRegistrations() string {
	var b strings.Builder
	b.WriteString("version: 1\npartners:\n")
	for i := range 20 { // five principals belong to nobody
		fmt.Fprintf(&b, "  - {name: partner-%d, owner: o@example.com, team: t, principals: [app-%d]}\n", i, i)
	}
	b.WriteString("registrations:\n")
	for i := range 20 {
		for f := range 3 {
			fmt.Fprintf(&b, "  - {partner: partner-%d, feature: feature-%d", i, f)
			b.WriteString(killTerms(i))
			b.WriteString("}\n")
		}
	}
	b.WriteString("  - {partner: partner-1, feature: feature-3, from: 2010-01-01T00:00:00Z}\n") // nobody uses it
	return b.String()
}

func killTerms(partner int) string {
	const always = ", from: 2010-01-01T00:00:00Z"
	switch {
	case partner%5 == 0:
		return always + ", sunset: 2015-02-03T04:05:00Z, grace: 30d"
	case partner == 1:
		return always + ", pauses: [{from: 2014-05-01T00:00:00Z, until: 2014-05-08T00:00:00Z}]"
	case partner == 2:
		return always + ", scopes: [messages.read]"
	case partner == 3:
		return always + ", operations: [read, list]"
	case partner == 4:
		return ", from: 2014-06-01T00:00:00Z"
	case partner == 6: // written down late
		return ", revisions: [{from: 2010-01-01T00:00:00Z}, {recorded: 2016-03-01T00:00:00Z, by: audit, sunset: 2015-12-30T00:00:00Z}]"
	}
	return always
}

func produce(w *kafka.Writer, seed uint64, n, partitions int, sent *atomic.Int64) error {
	var batch []kafka.Message
	var failed error
	flush := func() {
		sent.Add(int64(len(batch)))
		failed = w.WriteMessages(context.Background(), batch...)
		batch = batch[:0]
	}
	randomEvents(seed, n, partitions, func(m kafka.Message) bool {
		if batch = append(batch, m); len(batch) == 10_000 {
			flush()
		}
		return failed == nil
	})
	if failed == nil {
		flush()
	}
	return failed
}

// killAtWrite waits, and then for the next write to the state file. It is false
// where none came.
func killAtWrite(t *testing.T, p *program, wait time.Duration) bool {
	t.Helper()
	<-time.After(wait)
	w, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Add(filepath.Join(p.dir, "state", "state.db")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.Events:
		return true
	case <-time.After(5 * time.Second):
		return false
	}
}

// monotone scrapes on and on, and complains about a counter of the ledger that
// steps back or exceeds the truth.
type monotone struct {
	p          *program
	truth      func() float64
	last       series
	scrapes    int
	complaints []string
}

func newMonotone(p *program, truth func() float64) *monotone {
	return &monotone{p: p, truth: truth, last: series{}}
}

func (m *monotone) run(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s, err := m.p.scrape()
		if err != nil {
			continue // it is down
		}
		m.scrapes++
		truth := m.truth()
		for _, metric := range []string{"sunsetwatch_events_counted_total", "sunsetwatch_partner_events_total", "sunsetwatch_events_read_total"} {
			if v := s.sum(metric); v > truth {
				m.complain("%s is %.0f, only %.0f were produced", metric, v, truth)
			}
		}
		for name, v := range s {
			if !isLedgerCounter(name) {
				continue
			}
			if before, ok := m.last[name]; ok && v < before {
				m.complain("%s steps back from %.0f to %.0f", name, before, v)
			}
			m.last[name] = math.Max(v, m.last[name])
		}
	}
}

func (m *monotone) complain(format string, args ...any) {
	if len(m.complaints) < 20 {
		m.complaints = append(m.complaints, fmt.Sprintf(format, args...))
	}
}

func isLedgerCounter(name string) bool {
	for _, prefix := range []string{"sunsetwatch_records_", "sunsetwatch_events_", "sunsetwatch_event_id_", "sunsetwatch_offsets_",
		"sunsetwatch_partner_events_total", "sunsetwatch_finding_events", "sunsetwatch_partition_position"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// checkFacts compares the saved ledger with a count from scratch, cell by cell,
// and looks at the equations of every source.
func checkFacts(t *testing.T, dir string, want *answer) {
	t.Helper()
	key, err := store.ReadKey(filepath.Join(dir, store.KeyName))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(dir, store.Options{Now: time.Now(), KeyID: key.ID()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	loader := ledger.NewLoader(ledger.Options{Key: ledger.Key(key)})
	err = s.Load(func(b store.Bucket, key, value []byte) error {
		if b != store.Ledger {
			return nil
		}
		return loader.Load(key, value)
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := loader.Ledger(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, src := range l.Sources() {
		if src.Earlier+uint64(src.Next-src.Start) != src.Coverage.Offsets() {
			t.Errorf("%s: end - first offset = %d, but %d are accounted for", src.Name, src.Next-src.Start, src.Coverage.Offsets())
		}
		var rejected uint64
		for _, n := range src.Coverage.Rejected {
			rejected += n
		}
		if src.Coverage.Events != src.Counted+src.Duplicate+rejected {
			t.Errorf("%s: %d events read, but %d counted, %d duplicate and %d rejected", src.Name, src.Coverage.Events, src.Counted, src.Duplicate, rejected)
		}
	}
	cells := 0
	for principal, feature := range l.Pairs() {
		for _, c := range l.Cells(principal, feature) {
			cells++
			a := c.Attributes()
			k := cell{principal, feature, a.Operation.String(), a.Outcome.String(), fmt.Sprint(c.Scopes())}
			w := want.cells[k]
			if w == nil {
				t.Errorf("%v is not in the log", k)
				continue
			}
			var got count
			var days ledger.Days
			var people ledger.People
			for s := range c.Stretches() {
				first, last := placeOf(l, s.First), placeOf(l, s.Last)
				if got.events == 0 || first.before(got.first) {
					got.first = first
				}
				if got.events == 0 || got.last.before(last) {
					got.last = last
				}
				got.events += s.Events
				got.records += s.Records
				days.Union(&s.Days)
				people.Union(s.People)
			}
			if got.events != w.events || got.records != w.records || got.first != w.first || got.last != w.last || days.Count() != len(w.days) {
				t.Errorf("%v: %d events, %d records, %d days, %v to %v; want %d, %d, %d, %v to %v", k,
					got.events, got.records, days.Count(), got.first, got.last, w.events, w.records, len(w.days), w.first, w.last)
			}
			n, exact := people.Count()
			if off := math.Abs(float64(n)-float64(len(w.people))) / math.Max(1, float64(len(w.people))); exact && off != 0 || off > 0.05 {
				t.Errorf("%v: %d people (exact: %v), want %d", k, n, exact, len(w.people))
			}
		}
	}
	if cells != len(want.cells) {
		t.Errorf("%d cells, want %d", cells, len(want.cells))
	}
}

func placeOf(l *ledger.Ledger, m ledger.Mark) mark {
	return mark{m.Time, l.SourceName(m.Source), m.Offset}
}
