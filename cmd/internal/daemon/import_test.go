package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sunsetwatch/cmd/internal/facts"
	"sunsetwatch/cmd/internal/registrations"
	"sunsetwatch/consumer/codec"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/detector/ledger/store"
	"sunsetwatch/detector/ledger/table"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// key is that of worlds.
func (w *world) key() string {
	w.t.Helper()
	path := filepath.Join(w.dir, "subject.key")
	if err := os.WriteFile(path, []byte("000102030405060708090a0b0c0d0e0f\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// pieces counts into a ledger as a replay does.
type pieces struct {
	t *testing.T
	*ledger.Ledger
	*ledger.Pieces
	decoder *codec.Decoder
}

func (w *world) pieces() *pieces {
	w.t.Helper()
	key, err := store.ReadKey(w.key())
	if err != nil {
		w.t.Fatal(err)
	}
	native, err := codec.Compile(codec.Mapping{})
	if err != nil {
		w.t.Fatal(err)
	}
	terms, _, problems, err := registrations.Read([]string{filepath.Join(w.dir, "registrations.yml")}, "", access.At(time.Now()))
	if err != nil || terms == nil {
		w.t.Fatal(err, problems)
	}
	l := ledger.New(ledger.Options{Key: ledger.Key(key), Terms: terms})
	return &pieces{w.t, l, l.NewPieces(ledger.PiecesOptions{Months: true}), native.NewDecoder()}
}

// count counts the event of one record.
func (p *pieces) count(value []byte, offset int64) {
	p.t.Helper()
	p.decoder.Reset(&codec.Record{Value: value, Timestamp: access.End})
	ev, rej, ok := p.decoder.Next()
	if rej != nil || !ok {
		p.t.Fatalf("rejected: %+v", rej)
	}
	p.Add(ev, access.Position{Offset: offset})
}

// file counts events as those of a file.
func (p *pieces) file(name string, events []event) {
	p.t.Helper()
	p.From(ledger.Source{Name: name})
	for i := range events {
		value, err := json.Marshal(events[i])
		if err != nil {
			p.t.Fatal(err)
		}
		p.count(value, int64(i+1))
	}
}

// write writes the ledger to a directory of the world.
func (w *world) write(name string, p *pieces) string {
	w.t.Helper()
	key, err := store.ReadKey(w.key())
	if err != nil {
		w.t.Fatal(err)
	}
	dir := filepath.Join(w.dir, name)
	if err := facts.Write(dir, p.Ledger, table.Header{KeyID: key.ID(), Tool: "test"}); err != nil {
		w.t.Fatal(err)
	}
	return dir
}

func before(events []event, t time.Time) []event {
	var all []event
	for _, e := range events {
		if e.Time.Before(t) {
			all = append(all, e)
		}
	}
	return all
}

func from(events []event, t time.Time) []event {
	var all []event
	for _, e := range events {
		if !e.Time.Before(t) {
			all = append(all, e)
		}
	}
	return all
}

// expectS1 is what S1 says.
func (r *running) expectS1() {
	r.t.Helper()
	r.expect(want{query: "kind=access_after_sunset", severity: rules.Critical, events: 2560, after: 2440, days: 640, people: 500, grantors: 500,
		first: "2015-07-01T00:00:00Z", last: "2017-03-31T18:00:00Z"})
}

// History of files, then the topic, which holds a part of it too: every event is
// counted once, over a restart.
func TestImportFromFiles(t *testing.T) {
	w := newWorld(t, 4, s1Registrations(", sunset: 2015-07-01T00:00:00Z, grace: 30d", ""))
	all := netflix("2014-06-01", "2017-03-31")
	start := day("2016-01-01")
	p := w.pieces()
	p.file("a.jsonl", before(all, day("2015-03-17")))
	p.file("b.jsonl", from(before(all, start), day("2015-03-17")))
	imported, err := Import(ImportOptions{Ledgers: []string{w.write("facts", p)}, StateDir: filepath.Join(w.dir, "state"), SubjectKeyFile: w.key(),
		From: access.At(start), Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if imported.Events != uint64(len(before(all, start))) {
		t.Errorf("%d events imported, want %d", imported.Events, len(before(all, start)))
	}
	topic := from(all, day("2015-08-01")) // what retention left
	w.produce(topic...)
	r := w.run("state")
	r.counted(len(from(all, start)))
	r.expectS1()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	w.produce(topic[:10]...)
	w.produce(event{Time: day("2017-03-31").Add(18 * time.Hour), Principal: "app-spotify", Feature: "msg.share", Operation: "write"})
	r = w.run("state")
	r.counted(len(from(all, start)) + 1)
	r.expectS1()
}

// Facts of a range of the topic carry positions: reading goes on there.
func TestImportFromATopic(t *testing.T) {
	w := newWorld(t, 2, s1Registrations(", sunset: 2015-07-01T00:00:00Z, grace: 30d", ""))
	all := netflix("2014-06-01", "2017-03-31")
	half := len(all) / 2
	w.produce(all[:half]...)
	p := w.pieces()
	counted := 0
	for partition := range 2 {
		p.From(ledger.Source{Name: fmt.Sprintf("%s/%d", testTopic, partition), Topic: testTopic, Partition: int32(partition)})
		reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{w.broker}, Topic: testTopic, Partition: partition, MaxWait: 100 * time.Millisecond})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		end, err := reader.ReadLag(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for range end {
			m, err := reader.ReadMessage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			p.count(m.Value, m.Offset)
			p.Advance(m.Offset + 1)
			counted++
		}
		cancel()
		reader.Close()
	}
	if counted != half {
		t.Fatalf("%d events read of the topic, want %d", counted, half)
	}
	w.produce(all[half:]...)
	imported, err := Import(ImportOptions{Ledgers: []string{w.write("facts", p)}, StateDir: filepath.Join(w.dir, "state"), SubjectKeyFile: w.key(),
		From: access.Beginning, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if len(imported.Positions) != 2 {
		t.Errorf("positions %+v, want two", imported.Positions)
	}
	r := w.run("state")
	r.counted(len(all) - half)
	r.expectS1()
}

func TestImportRefuses(t *testing.T) {
	w := newWorld(t, 1, s1Registrations("", ""))
	p := w.pieces()
	p.file("a.jsonl", netflix("2015-01-01", "2015-01-03"))
	dir := w.write("facts", p)
	good := ImportOptions{Ledgers: []string{dir}, StateDir: filepath.Join(w.dir, "state"), SubjectKeyFile: w.key(), From: access.At(day("2015-01-04")), Now: time.Now()}
	other := filepath.Join(w.dir, "other.key")
	if err := os.WriteFile(other, []byte("ffffffffffffffffffffffffffffffff\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		change func(o *ImportOptions)
		want   string
	}{
		{func(o *ImportOptions) { o.SubjectKeyFile = "" }, "copy the key that the ledger was made with to " + filepath.Join(w.dir, "state", "subject.key")},
		{func(o *ImportOptions) { o.SubjectKeyFile = other }, "hashed with another subject key"},
		{func(o *ImportOptions) { o.Ledgers = []string{w.dir} }, "is no ledger"},
		{func(o *ImportOptions) { o.Ledgers = []string{dir, dir} }, "counted twice"},
		{func(o *ImportOptions) { o.From = access.Beginning }, "say from when on the topic counts"},
		{func(o *ImportOptions) { o.From = access.At(day("2015-01-03")) }, "the facts of a.jsonl go to 2015-01-03T18:00:00Z, and the topic is to count from 2015-01-03T00:00:00Z on"},
	} {
		o := good
		test.change(&o)
		if _, err := Import(o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
		if _, err := os.Stat(good.StateDir); err == nil {
			t.Fatal("a refused import makes a state")
		}
	}
	if _, err := Import(good); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(good); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("a second import: %v", err)
	}
}
