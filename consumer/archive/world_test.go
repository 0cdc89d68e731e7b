package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"go.uber.org/goleak"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/access"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// record is an event as a producer writes it into a table.
type record struct {
	Time      time.Time `parquet:"time,timestamp(nanosecond)"`
	Principal string    `parquet:"principal,dict"`
	Feature   string    `parquet:"feature,dict"`
	Operation string    `parquet:"operation,dict"`
	ID        *string   `parquet:"id,optional"`
	Scopes    []string  `parquet:"scopes,list,dict"`
	Direction *string   `parquet:"direction,optional,dict"`
	Subject   *string   `parquet:"subject,optional"`
	Grantor   *string   `parquet:"grantor,optional"`
	Consent   string    `parquet:"consent,dict"`
	Indicator string    `parquet:"indicator"`
	Outcome   string    `parquet:"outcome,dict"`
	Records   *int64    `parquet:"records,optional"`
	Bytes     int64     `parquet:"bytes"`
	Probe     *string   `parquet:"probe,optional,dict"`
	Region    string    `parquet:"region"`
}

// recordDelta is the same in other encodings.
type recordDelta struct {
	Time      time.Time `parquet:"time,timestamp(nanosecond),delta"`
	Principal string    `parquet:"principal,delta"`
	Feature   string    `parquet:"feature"`
	Operation string    `parquet:"operation,delta"`
	ID        *string   `parquet:"id,optional"`
	Scopes    []string  `parquet:"scopes,list"`
	Direction *string   `parquet:"direction,optional"`
	Subject   *string   `parquet:"subject,optional,dict"`
	Grantor   *string   `parquet:"grantor,optional,dict"`
	Consent   string    `parquet:"consent"`
	Indicator string    `parquet:"indicator"`
	Outcome   string    `parquet:"outcome,delta"`
	Records   *int64    `parquet:"records,optional,dict"`
	Bytes     int64     `parquet:"bytes,delta"`
	Probe     *string   `parquet:"probe,optional"`
	Region    string    `parquet:"region,delta"`
}

func deltaRecords(all []record) []recordDelta {
	to := make([]recordDelta, len(all))
	for i, r := range all {
		to[i] = recordDelta(r)
	}
	return to
}

// records are n events; some of them are rejected where bad is set.
func records(n int, seed uint64, bad bool) []record {
	rnd := rand.New(rand.NewPCG(seed, 7))
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	maybe := func(words ...string) *string {
		if w := pick(words...); w != "-" {
			return &w
		}
		return nil
	}
	at := time.Date(2015, 7, 1, 0, 0, 0, 0, time.UTC)
	all := make([]record, n)
	for i := range all {
		at = at.Add(time.Duration(rnd.Int64N(int64(2*time.Minute)) - int64(10*time.Second)))
		r := record{Time: at, Principal: fmt.Sprintf("app-%d", rnd.IntN(30)), Feature: fmt.Sprintf("feature.%d", rnd.IntN(9)),
			Operation: pick("read", "read", "list", "write", "delete", "poke"), ID: maybe("-", fmt.Sprintf("id-%d", i)),
			Direction: maybe("-", "in", "out"), Subject: maybe("-", fmt.Sprintf("u%d", rnd.IntN(1000))),
			Grantor: maybe("-", "-", fmt.Sprintf("ü%d", rnd.IntN(1000))), Consent: pick("granted", "absent", "unknown", ""),
			Indicator: pick("shown", "hidden", "unset", ""), Outcome: pick("served", "denied", "error", ""), Bytes: rnd.Int64N(1 << 40),
			Probe: maybe("-", "-", "-", "-", "-", "enabled", "disabled"), Region: pick("eu", "us")}
		for range rnd.IntN(4) {
			r.Scopes = append(r.Scopes, fmt.Sprintf("scope.%d", rnd.IntN(6)))
		}
		if n := rnd.Int64N(100); n > 10 {
			r.Records = &n
		}
		if bad && rnd.IntN(20) == 0 {
			long, negative := strings.Repeat("x", 300), int64(-1)
			switch rnd.IntN(8) {
			case 0:
				r.Principal = ""
			case 1:
				r.Outcome = "lost"
			case 2:
				r.Records = &negative
			case 3:
				r.Subject = &long
			case 4:
				r.ID = &long
			case 5:
				r.Scopes = append(r.Scopes, long)
			case 6:
				r.Time = time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC)
			case 7:
				r.Feature, r.Bytes = long, -5
			}
		}
		all[i] = r
	}
	return all
}

// line is a record as JSON.
func (r *record) line() []byte {
	b := fmt.Appendf(nil, `{"time":%q,"principal":%q,"feature":%q,"operation":%q`, r.Time.Format(time.RFC3339Nano), r.Principal, r.Feature, r.Operation)
	for _, f := range []struct {
		name string
		text *string
	}{{"id", r.ID}, {"direction", r.Direction}, {"subject", r.Subject}, {"grantor", r.Grantor}, {"probe", r.Probe}} {
		if f.text != nil {
			b = fmt.Appendf(b, `,%q:%q`, f.name, *f.text)
		}
	}
	b = fmt.Appendf(b, `,"consent":%q,"indicator":%q,"outcome":%q,"bytes":%d,"region":%q,"scopes":[`, r.Consent, r.Indicator, r.Outcome, r.Bytes, r.Region)
	for i, s := range r.Scopes {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "%q", s)
	}
	b = append(b, ']')
	if r.Records != nil {
		b = fmt.Appendf(b, `,"records":%d`, *r.Records)
	}
	return append(b, '}')
}

func jsonl(all []record) []byte {
	var b []byte
	for i := range all {
		b = append(append(b, all[i].line()...), '\n')
	}
	return b
}

// gzipped packs in members of about so many bytes.
func packGzip(t testing.TB, b []byte, member int) []byte {
	t.Helper()
	var out bytes.Buffer
	for first := true; first || len(b) > 0; first = false {
		n := min(member, len(b))
		w := gzip.NewWriter(&out)
		w.Write(b[:n])
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		b = b[n:]
	}
	return out.Bytes()
}

// packZstd packs in frames of about so many bytes, with skippable ones between.
func packZstd(t testing.TB, b []byte, frame int, options ...zstd.EOption) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil, append(options, zstd.WithEncoderConcurrency(1))...)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for i := 0; len(b) > 0; i++ {
		n := min(frame, len(b))
		out = enc.EncodeAll(b[:n], out)
		if i%3 == 1 {
			out = append(out, 0x51, 0x2a, 0x4d, 0x18, 5, 0, 0, 0, 'h', 'e', 'l', 'l', 'o')
		}
		b = b[n:]
	}
	return out
}

func packParquet[T any](t testing.TB, all []T, options ...parquet.WriterOption) []byte {
	t.Helper()
	var out bytes.Buffer
	w := parquet.NewGenericWriter[T](&out, options...)
	if _, err := w.Write(all); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// write makes files in a new directory and gives it.
func write(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// told is what a sink was told, in words.
type told struct {
	lines []string
}

func (s *told) Add(ev *access.Event, at access.Position) {
	s.lines = append(s.lines, fmt.Sprintf("%09d.%03d %s", at.Offset, at.Index, codec.AppendJSON(nil, ev)))
}

func (s *told) Reject(rej *codec.Rejection, at access.Position) {
	s.lines = append(s.lines, fmt.Sprintf("%09d.%03d rejected %v %s", at.Offset, at.Index, rej.Reason, rej.Field))
}

func mapping(t testing.TB, m codec.Mapping) *codec.Compiled {
	t.Helper()
	c, err := codec.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// outcome is what reading an archive gave, by input.
type outcome struct {
	lines  [][]string
	counts Counts
	damage []*Damage
}

// readAll reads all parts with so many goroutines.
func readAll(t testing.TB, o Options, order func([]Part)) outcome {
	t.Helper()
	if o.Mapping == nil {
		o.Mapping = mapping(t, codec.Mapping{})
	}
	a, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	parts := a.Parts()
	if order != nil {
		order(parts)
	}
	out := outcome{lines: make([][]string, len(a.Inputs()))}
	var mu sync.Mutex
	var wg sync.WaitGroup
	queue := make(chan Part, len(parts))
	for _, p := range parts {
		queue <- p
	}
	close(queue)
	for range max(o.Workers, 1) {
		wg.Go(func() {
			for p := range queue {
				var s told
				c, err := a.Read(context.Background(), p, &s)
				sum := c.Added + c.OutOfRange
				for _, n := range c.Rejected {
					sum += n
				}
				mu.Lock()
				if sum != c.Events {
					t.Errorf("part %+v: %d events, but %d by what became of them", p, c.Events, sum)
				}
				out.counts.Add(&c)
				out.lines[p.Input] = append(out.lines[p.Input], s.lines...)
				var d *Damage
				if errors.As(err, &d) {
					if !slices.ContainsFunc(out.damage, func(o *Damage) bool { return o.Error() == d.Error() }) {
						out.damage = append(out.damage, d)
					}
				} else if err != nil {
					t.Errorf("part %+v: %v", p, err)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, lines := range out.lines {
		slices.Sort(lines)
	}
	return out
}

// naive reads lines as slowly and obviously as possible.
func naive(t testing.TB, b []byte, m *codec.Compiled, now access.Instant) []string {
	t.Helper()
	b = bytes.TrimRight(b, " \t\r\n")
	if len(b) == 0 {
		return nil
	}
	d := m.NewDecoder()
	if now != 0 {
		d.Until(now)
	}
	var s told
	for i, line := range bytes.Split(b, newline) {
		if len(bytes.TrimSpace(line)) == 0 {
			line = nil
		}
		d.Reset(&codec.Record{Value: line, Timestamp: access.End})
		at := access.Position{Offset: int64(i + 1)}
		for ev, rej, ok := d.Next(); ok; ev, rej, ok = d.Next() {
			if ev != nil {
				s.Add(ev, at)
			} else {
				s.Reject(rej, at)
			}
			at.Index++
		}
	}
	return s.lines
}

// differ says where two outcomes differ first.
func differ(got, want []string) string {
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			return fmt.Sprintf("%d lines, want %d; the first that differs is %d:\n got %.400s\nwant %.400s", len(got), len(want), i, g, w)
		}
	}
	return ""
}

var someNow = access.At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
