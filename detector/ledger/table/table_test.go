package table

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

var start = ledgerTime("2015-03-05T00:00:00Z")

func ledgerTime(s string) access.Instant {
	at, err := instant(s)
	if err != nil {
		panic(err)
	}
	return at
}

// cuts cuts every pair at the same instants and knows every name.
type cuts []access.Instant

func (c cuts) Instants(string, string, []string) []access.Instant { return c }
func (cuts) KnownPrincipal(string) bool                           { return true }
func (cuts) KnownFeature(string) bool                             { return true }

func randomCuts(r *rand.Rand, span access.Instant) cuts {
	var c cuts
	for range r.IntN(5) {
		c = append(c, (start + access.Instant(r.Int64N(int64(span)))).Minute())
	}
	slices.Sort(c)
	return slices.Compact(c)
}

// event is one event of a test, of a source.
type event struct {
	source int
	offset int64
	access.Event
}

const sources = 3

// randomEvents are n events over a span of time, of a few cells, one of which has
// more people than are counted exactly.
func randomEvents(r *rand.Rand, n int, span access.Instant) []event {
	all := make([]event, n)
	var next [sources]int64
	for i := range all {
		e := &all[i]
		e.source = r.IntN(sources)
		e.offset = next[e.source]
		next[e.source]++
		e.Time = start + access.Instant(r.Int64N(int64(span)))
		e.Principal = fmt.Appendf(nil, "app-%d", r.IntN(2))
		e.Feature = fmt.Appendf(nil, "f%d", r.IntN(2))
		for _, s := range []string{"a.b", "c"}[:r.IntN(3)] {
			e.Scopes = append(e.Scopes, []byte(s))
		}
		e.Operation = access.Operation(r.IntN(3))
		e.Outcome = access.Outcome(max(0, r.IntN(6)-3))
		e.Direction = access.Direction(r.IntN(2))
		e.Consent = access.Consent(max(0, r.IntN(8)-5))
		e.Late = r.IntN(4) == 0
		e.Records, e.Bytes = r.Uint64N(5), r.Uint64N(5000)
		if r.IntN(20) == 0 {
			e.Outcome, e.Probe = access.Served, access.ProbeDisabled
		}
		if r.IntN(4) > 0 {
			e.Subject = fmt.Appendf(nil, "u%d", r.IntN(40))
		}
		if string(e.Principal) == "app-1" && r.IntN(4) > 0 {
			e.Outcome, e.Probe = access.Served, access.NoProbe
			e.Subject = fmt.Appendf(nil, "v%d", i)
			e.Feature, e.Scopes, e.Operation, e.Direction, e.Consent = []byte("f1"), nil, access.Read, 0, 0
		}
		if r.IntN(4) == 0 {
			e.Grantor = fmt.Appendf(nil, "u%d", r.IntN(40))
		}
	}
	return all
}

// counted counts the events of some sources, as a replay does.
func counted(t testing.TB, events []event, terms ledger.Terms, of ...int) *ledger.Ledger {
	t.Helper()
	l := ledger.New(ledger.Options{Terms: terms, Key: ledger.Key{7}})
	p := l.NewPieces(ledger.PiecesOptions{Months: true})
	for _, s := range of {
		name := fmt.Sprintf("events/%d", s)
		topic := "events"
		if s == 0 {
			name, topic = "a.jsonl", ""
		}
		p.From(ledger.Source{Name: name, Topic: topic, Partition: int32(s)})
		n := int64(0)
		for i := range events {
			if e := &events[i]; e.source == s {
				p.Add(&e.Event, access.Position{Offset: e.offset, Index: int32(e.offset % 3)})
				n++
			}
		}
		if s > 0 {
			p.Advance(n + 1)
		}
	}
	return l
}

var header = Header{KeyID: "0badcafe", Tool: "test"}

func written(t testing.TB, l *ledger.Ledger) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, l, header); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(files ...[]byte) (*ledger.Ledger, error) {
	r := NewReader(Options{KeyID: header.KeyID})
	for i, f := range files {
		if err := r.Add(fmt.Sprintf("file %d", i), bytes.NewReader(f), int64(len(f))); err != nil {
			return nil, err
		}
	}
	return r.Ledger(nil)
}

func mustRead(t testing.TB, files ...[]byte) *ledger.Ledger {
	t.Helper()
	l, err := read(files...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// said is everything that a detector can read of a ledger, as text.
func said(l *ledger.Ledger) []string {
	var lines []string
	mark := func(m ledger.Mark) string {
		return fmt.Sprintf("%s %s %d %d %t", m.Time, l.SourceName(m.Source), m.Offset, m.Index(), m.Late())
	}
	people := func(p *ledger.People) string {
		hashes, exact := p.Hashes()
		return fmt.Sprint(exact, hashes, p.Sketch())
	}
	for principal, feature := range l.Pairs() {
		for _, c := range l.Cells(principal, feature) {
			for s := range c.Stretches() {
				line := fmt.Sprintf("%s %s %v %v %v [%s %s) cut %v: %d %d %d %v %s %s ", principal, feature, c.Scopes(), c.Attributes(), c.Folded(),
					s.From, s.Until, s.Cut, s.Events, s.Records, s.Bytes, s.Days.Runs(), people(s.People), people(s.Grantors))
				if s.Events > 0 {
					line += mark(s.First) + " " + mark(s.Last)
				} else {
					line += fmt.Sprint(s.First.Time, s.Last.Time)
				}
				lines = append(lines, line)
			}
		}
	}
	slices.Sort(lines)
	for _, s := range l.Statuses() {
		lines = append(lines, fmt.Sprintf("%+v", s))
	}
	return append(lines, fmt.Sprint(l.Earliest(), l.Latest()))
}

func equal(t *testing.T, got, want *ledger.Ledger) {
	t.Helper()
	g, w := said(got), said(want)
	if !slices.Equal(g, w) {
		for i := range min(len(g), len(w)) {
			if g[i] != w[i] {
				t.Fatalf("line %d\n got %.900s\nwant %.900s", i, g[i], w[i])
			}
		}
		t.Fatalf("%d lines, want %d", len(g), len(w))
	}
}

func trials() uint64 {
	if testing.Short() {
		return 4
	}
	return 20
}

// A ledger that is read equals the one that was written, whichever instants both
// are cut at after that.
func TestWhatIsReadEqualsWhatWasWritten(t *testing.T) {
	sketches := 0
	for seed := range trials() {
		r := rand.New(rand.NewPCG(seed, 1))
		span := []access.Instant{3 * access.OneDay, 100 * access.OneDay, 2000 * access.OneDay}[r.IntN(3)]
		terms := randomCuts(r, span)
		n := 100 + r.IntN(2000)
		if seed%4 == 0 {
			n = 8000
		}
		want := counted(t, randomEvents(r, n, span), terms, 0, 1, 2)
		file := written(t, want)
		got := mustRead(t, file)
		got.SetTerms(terms)
		equal(t, got, want)
		if !bytes.Equal(written(t, got), file) {
			t.Fatalf("seed %d: written again, the file is another", seed)
		}
		for range 2 {
			terms = randomCuts(r, span)
			got.SetTerms(terms)
			want.SetTerms(terms)
			equal(t, got, want)
			again := mustRead(t, written(t, got)) // with what is cut
			again.SetTerms(terms)
			equal(t, again, want)
		}
		for _, c := range want.Cells("app-1", "f1") {
			for s := range c.Stretches() {
				if s.People.Sketch() != nil {
					sketches++
				}
			}
		}
	}
	if sketches == 0 {
		t.Error("no ledger had a sketch")
	}
}

// Ledgers of parts, read together in any order, are the ledger of the whole.
func TestLedgersOfPartsMerge(t *testing.T) {
	for seed := range trials() {
		r := rand.New(rand.NewPCG(seed, 2))
		span := 300 * access.OneDay
		events := randomEvents(r, 2000, span)
		terms := randomCuts(r, span)
		a, b := written(t, counted(t, events, terms, 0)), written(t, counted(t, events, terms, 1, 2))
		whole := written(t, counted(t, events, terms, 2, 0, 1))
		for _, files := range [][][]byte{{a, b}, {b, a}} {
			if got := mustRead(t, files...); !bytes.Equal(written(t, got), whole) {
				equal(t, got, mustRead(t, whole))
				t.Fatal("the same ledger, and another file")
			}
		}
		// One that was read, absorbed by one that counts, as a replay of both does.
		got := counted(t, events, terms, 1, 2)
		other := mustRead(t, a)
		other.SetTerms(terms)
		got.Absorb(other)
		equal(t, got, counted(t, events, terms, 0, 1, 2))
	}
}

func TestAnEmptyLedger(t *testing.T) {
	l := mustRead(t, written(t, counted(t, nil, nil, 0)))
	if l.Earliest() != access.End || l.Latest() != access.Beginning || len(l.Statuses()) != 1 {
		t.Errorf("an empty ledger reads as %q", said(l))
	}
}

func TestRefused(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	l := counted(t, randomEvents(r, 50, access.OneDay), nil, 0, 1)
	good := written(t, l)
	var other bytes.Buffer
	if err := Write(&other, l, Header{KeyID: "00000001"}); err != nil {
		t.Fatal(err)
	}
	newer := bytes.Replace(good, []byte(keyFormat+"\x18\x011"), []byte(keyFormat+"\x18\x017"), 1)
	if bytes.Equal(newer, good) {
		t.Fatal("the format is not where the test looks")
	}
	for _, test := range []struct {
		name  string
		files [][]byte
		is    error
		want  string
	}{
		{"nothing", [][]byte{nil}, ErrNotFacts, "file 0: it is no file of facts"},
		{"text", [][]byte{[]byte("no parquet file at all")}, ErrNotFacts, "file 0: it is no file of facts"},
		{"newer", [][]byte{newer}, ErrFormat, "file 0: it was written by another version of sunsetwatch: it has format 7, this one reads format 1"},
		{"other key", [][]byte{other.Bytes()}, ErrOtherKey, `file 0: its people were hashed with another subject key: its id is "00000001", that of the key given is "0badcafe"`},
		{"twice", [][]byte{good, good}, nil, "file 1: the source \"a.jsonl\" is in two ledgers: its events would be counted twice"},
		{"cut short", [][]byte{good[:len(good)-1]}, ErrNotFacts, "file 0:"},
	} {
		_, err := read(test.files...)
		if err == nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	if !IsFacts(bytes.NewReader(newer), int64(len(newer))) || IsFacts(strings.NewReader("no"), 2) {
		t.Error("files of facts are not recognised")
	}
	// Without a key that is given, the files must agree.
	reader := NewReader(Options{})
	err := reader.Add("one", bytes.NewReader(good), int64(len(good)))
	if err == nil {
		err = reader.Add("two", bytes.NewReader(other.Bytes()), int64(other.Len()))
	}
	if err == nil || !strings.Contains(err.Error(), `two: its people were hashed with another subject key than those of one (ids "00000001" and "0badcafe")`) {
		t.Errorf("two keys: %v", err)
	}
	if _, err := reader.Ledger(nil); err == nil {
		t.Error("a ledger in spite of a file that was refused")
	}
}

// Every byte that is damaged is either noticed or has no meaning.
func TestDamageIsNoticed(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	good := written(t, counted(t, randomEvents(r, 30, 40*access.OneDay), nil, 0, 1))
	want := said(mustRead(t, good))
	step := 5
	if testing.Short() {
		step = 31
	}
	noticed := 0
	for i := 0; i < len(good); i += step {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << r.IntN(8)
		l, err := read(bad)
		if err != nil {
			noticed++
		} else if !slices.Equal(said(l), want) {
			t.Fatalf("byte %d of %d: the damage was not noticed, and the facts are others", i, len(good))
		}
	}
	t.Logf("%d bytes, %d damages noticed", len(good), noticed)
}

func FuzzRead(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 5))
	for _, n := range []int{0, 1, 20} {
		f.Add(written(f, counted(f, randomEvents(r, n, 40*access.OneDay), cuts{start + access.OneDay}, 0, 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := read(data)
		if err != nil {
			return
		}
		if again := mustRead(t, written(t, l)); !slices.Equal(said(again), said(l)) {
			t.Fatal("what was read is not what is written again")
		}
	})
}
