package replay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/detector/ledger/table"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const registrations = `version: 1
partners:
  - {name: netflix, owner: partnerships@example.com, team: partner-platform, principals: [app-netflix, app-netflix-tv]}
  - {name: bing, owner: search@example.com, principals: [app-bing]}
registrations:
  - partner: netflix
    feature: msg.recommend
    revisions:
      - {recorded: 2014-05-20T09:00:00Z, by: jo, reason: launch, from: 2014-06-01T00:00:00Z, operations: [write]}
      - {recorded: 2016-01-15T00:00:00Z, by: audit, reason: shut down, sunset: 2015-07-01T00:00:00Z, grace: 30d}
  - {partner: bing, feature: search, from: 2010-01-01T00:00:00Z, sunset: 2015-01-01T00:00:00Z}
`

func set(t testing.TB, yaml string) Set {
	t.Helper()
	s, problems := registry.Read([]registry.File{{Name: "registrations.yml", Data: []byte(yaml)}}, registry.Options{Now: access.End})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return Set{Registry: s}
}

// eventLines are n events, out of order, some repeated, some that are rejected.
func eventLines(r *rand.Rand, n int) []string {
	var lines []string
	for i := range n {
		at := time.Date(2014, 6, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * (1000 * 24 * time.Hour / time.Duration(n))).Add(time.Duration(r.IntN(600)) * time.Second)
		principal, feature := "app-netflix", "msg.recommend"
		switch r.IntN(10) {
		case 0:
			principal = "app-netflix-tv"
		case 1, 2:
			principal, feature = "app-bing", "search"
		case 3:
			principal = "app-nobody"
		}
		outcome := "served"
		if r.IntN(20) == 0 {
			outcome = "denied"
		}
		lines = append(lines, fmt.Sprintf(`{"time":%q,"id":"e%d","principal":%q,"feature":%q,"operation":"read","subject":"u%d","outcome":%q}`,
			at.Format(time.RFC3339Nano), i, principal, feature, r.IntN(300), outcome))
		switch r.IntN(50) {
		case 0:
			lines = append(lines, lines[r.IntN(len(lines))])
		case 1:
			lines = append(lines, `{"time":"2015-01-01","principal":"p"}`)
		case 2:
			lines = append(lines, `nothing`)
		}
	}
	return lines
}

// files writes lines into files of a directory of their own.
func filesOf(t testing.TB, lines []string, n int, r *rand.Rand) string {
	t.Helper()
	dir := t.TempDir()
	parts := make([]strings.Builder, n)
	for _, line := range lines {
		parts[r.IntN(n)].WriteString(line + "\n")
	}
	for i := range parts {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.jsonl", i)), []byte(parts[i].String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func options(t testing.TB, inputs ...string) Options {
	t.Helper()
	compiled, err := codec.Compile(codec.Mapping{})
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Source:      Source{Inputs: inputs, Codec: compiled},
		Set:         set(t, registrations),
		Question:    Everything(),
		MaxRejected: 1,
		Clock:       time.Now,
	}
}

func mustRun(t testing.TB, o Options) *Result {
	t.Helper()
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// output is what a run wrote.
func output(t testing.TB, dir string) string {
	t.Helper()
	var all []byte
	for _, name := range []string{FindingsName, SummaryName} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data...)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 {
		t.Errorf("the directory holds %v", entries)
	}
	return string(all)
}

func TestAnyWorkersAndAnyInterruptionsGiveTheSameBytes(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*Options)
	}{
		{"as known", func(*Options) {}},
		{"deduplicated", func(o *Options) { o.Dedupe = true }},
		{"as then", func(o *Options) { o.AsThen = true }},
		{"a part", func(o *Options) {
			o.From, o.KnownAt = access.At(time.Date(2014, 9, 1, 0, 0, 0, 0, time.UTC)), access.At(time.Date(2016, 3, 1, 0, 0, 0, 0, time.UTC))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 1))
			n := 60_000
			if testing.Short() {
				n /= 6
			}
			dir := filesOf(t, eventLines(r, n), 3, r)
			want := ""
			for workers := 1; workers <= 4; workers *= 2 {
				o := options(t, dir)
				c.set(&o)
				o.Workers, o.Out = workers, t.TempDir()
				result := mustRun(t, o)
				s := result.Summary
				if s.EventsRead != s.EventsCounted+s.EventsDuplicate+s.rejected()+s.EventsOutOfRange {
					t.Errorf("the numbers do not add up: %+v", s)
				}
				if len(result.Findings) < 2 {
					t.Errorf("only %d findings", len(result.Findings))
				}
				got := output(t, o.Out)
				if want == "" {
					want = got
				}
				if got != want {
					t.Errorf("%d workers write\n%s\nwant\n%s", workers, got, want)
				}
				if c.name != "as known" && workers > 1 {
					break
				}
			}
			for workers := 1; workers <= 4; workers += 3 {
				interrupted(t, dir, workers, n, want, c.set, r)
			}
		})
	}
}

// interrupted runs with about 20 interruptions.
func interrupted(t *testing.T, dir string, workers, events int, want string, set func(*Options), r *rand.Rand) {
	t.Helper()
	out := t.TempDir()
	stops := 0
	for {
		ctx, cancel := context.WithCancel(context.Background())
		o := options(t, dir)
		set(&o)
		o.Workers, o.Out, o.Resume, o.Keep = workers, out, stops > 0, time.Duration(stops%2)
		var left atomic.Int64
		left.Store(int64(1 + r.IntN(200)))
		if stops < 20 {
			o.Tick = func() {
				if left.Add(-1) == 0 {
					cancel()
				}
			}
		}
		_, err := Run(ctx, o)
		cancel()
		var stopped *Interrupted
		switch {
		case err == nil:
			if got := output(t, out); got != want {
				t.Errorf("after %d interruptions it writes\n%s\nwant\n%s", stops, got, want)
			}
			// A part of a file ends at once, or only with the next 256 KiB.
			if stops == 0 || stops < 20 && workers == 1 && !testing.Short() {
				t.Errorf("only %d interruptions", stops)
			}
			return
		case !errors.As(err, &stopped) || !stopped.Kept:
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(out, SummaryName)); err == nil {
			t.Fatal("there is a summary of an interrupted run")
		}
		stops++
	}
}

// What resumes must be the run that was interrupted.
func TestResumeRefusesAnotherRun(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	dir := filesOf(t, eventLines(r, 500), 2, r)
	stop := func(out string) {
		ctx, cancel := context.WithCancel(context.Background())
		o := options(t, dir)
		o.Out, o.Workers, o.Tick = out, 1, cancel
		var stopped *Interrupted
		if _, err := Run(ctx, o); !errors.As(err, &stopped) || !stopped.Kept {
			t.Fatalf("got %v", err)
		}
	}
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"another question":      {func(o *Options) { o.AsThen = true }, "--as-then: it was false, and is true now"},
		"other registrations":   {func(o *Options) { o.Set = set(t, strings.Replace(registrations, "grace: 30d", "grace: 20d", 1)) }, "registrations: it was sha256 "},
		"fewer inputs":          {func(o *Options) { o.Inputs = []string{filepath.Join(dir, "0.jsonl")} }, "1.jsonl: it was "},
		"another flag":          {func(o *Options) { o.Name = map[string]string{"--format": "jsonl"} }, "--format: it was nothing, and is jsonl now"},
		"nothing to resume":     {func(o *Options) { o.Out = t.TempDir() }, "there is no interrupted run in "},
		"no output to resume":   {func(o *Options) { o.Out = "" }, "--resume needs the --out"},
		"a state that is wrong": {func(o *Options) { damage(t, filepath.Join(o.Out, stateName)) }, "the state of the interrupted run is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, dir)
			o.Out, o.Resume = t.TempDir(), true
			stop(o.Out)
			c.change(&o)
			_, err := Run(context.Background(), o)
			var wrong *BadInput
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func damage(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// Of equal events the one at the smallest place counts, whoever has it.
func TestDedupe(t *testing.T) {
	event := func(id, subject string) string {
		return fmt.Sprintf(`{"time":"2016-01-01T00:00:00Z","id":%q,"principal":"app-bing","feature":"search","operation":"read","subject":%q}`+"\n", id, subject)
	}
	dir := t.TempDir()
	write := func(name string, lines ...string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(lines, "")), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("b.jsonl", event("1", "u1"), event("1", "u2"), event("2", "u1"), event("", "u1"), event("", "u1"))
	write("a.jsonl", event("3", "u9"), event("1", "u1"))
	o := options(t, filepath.Join(dir, "b.jsonl"), filepath.Join(dir, "a.jsonl"))
	o.Dedupe = true
	r := mustRun(t, o)
	if s := r.Summary; s.EventsRead != 7 || s.EventsDuplicate != 1 || s.EventsCounted != 6 {
		t.Errorf("got %+v", s)
	}
	f := r.Findings[0]
	if f.Events != 6 || f.FirstEvent.Source != filepath.Join(dir, "a.jsonl") || f.LastEvent.Offset != 5 {
		t.Errorf("got %+v", f)
	}
	o.Dedupe = false
	if r := mustRun(t, o); r.Summary.EventsCounted != 7 {
		t.Errorf("got %+v", r.Summary)
	}
}

func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "a.jsonl")
	if err := os.WriteFile(good, []byte("\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		inputs []string
		want   string
	}{
		{[]string{filepath.Join(dir, "none.jsonl")}, "no such file"},
		{[]string{filepath.Join(dir, "*.parquet")}, "matches no file"},
		{[]string{filepath.Join(dir, "empty")}, "is empty"},
		{[]string{good, dir}, "twice"},
		{[]string{"kafka://localhost/topic"}, "is no broker address"},
		{[]string{"kafka://localhost:9092"}, "there is no topic"},
		{[]string{"kafka://localhost:9092/topic?since=1"}, "there is no"},
		{[]string{"kafka://localhost:9092/topic?from=yesterday"}, "is no offset and no time"},
	} {
		o := options(t, c.inputs...)
		o.Out = t.TempDir()
		_, err := Run(context.Background(), o)
		var wrong *BadInput
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %s", c.inputs, err, c.want)
		}
		if entries, _ := os.ReadDir(o.Out); len(entries) > 0 {
			t.Errorf("%v: something was written: %v", c.inputs, entries)
		}
	}
}

// The hash is of what was read, also where a file grew meanwhile; one that is gone by
// then costs its hash, not the run.
func TestHashes(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 1))
	dir := filesOf(t, eventLines(r, 100), 2, r)
	data, err := os.ReadFile(filepath.Join(dir, "0.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	o := options(t, dir)
	o.Out = t.TempDir()
	o.Workers = 1
	once := sync.OnceFunc(func() {
		if err := errors.Join(os.WriteFile(filepath.Join(dir, "0.jsonl"), append(slices.Clone(data), data...), 0o666), os.Remove(filepath.Join(dir, "1.jsonl"))); err != nil {
			t.Error(err)
		}
	})
	events := 0
	o.Tick = func() {
		if events++; events == 100 { // both are open
			once()
		}
	}
	got := mustRun(t, o)
	if want := fmt.Sprintf("%x", sha256.Sum256(data)); got.Hashes[filepath.Join(dir, "0.jsonl")] != want {
		t.Errorf("got %v, want %s", got.Hashes, want)
	}
	if len(got.Notes) != 1 || !strings.HasPrefix(got.Notes[0], "not hashed: open "+filepath.Join(dir, "1.jsonl")) {
		t.Errorf("got %q", got.Notes)
	}
}

// Each part that damage touches says so; a person hears it once.
func TestDamageIsToldOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	var packed []byte
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 { // frames that are parts by themselves
		packed = encoder.EncodeAll([]byte(strings.Join(eventLines(r, 20_000), "\n")+"\n"), packed)
	}
	for i := range 64 {
		packed[len(packed)/3+i] = 0xff
	}
	path := filepath.Join(t.TempDir(), "damaged.jsonl.zst")
	if err := os.WriteFile(path, packed, 0o666); err != nil {
		t.Fatal(err)
	}
	got := mustRun(t, options(t, path))
	if len(got.Lacks) != 1 || !strings.HasPrefix(got.Lacks[0], path+" is damaged at or after byte ") || got.Summary.Complete {
		t.Errorf("got %q", got.Lacks)
	}
}

// What is not read of a directory is told: somebody may take it for read.
func TestPassedOver(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 1))
	dir, other := filesOf(t, eventLines(r, 10), 1, r), filesOf(t, eventLines(r, 10), 1, r)
	if got := mustRun(t, options(t, dir)); len(got.Notes) > 0 {
		t.Errorf("got %q", got.Notes)
	}
	if err := os.Symlink(other, filepath.Join(dir, "2016")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"_SUCCESS", ".crc"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got := mustRun(t, options(t, dir))
	want := []string{
		filepath.Join(dir, "2016") + " is a link to a directory, and was passed over: what is in it is read where it is an input of its own",
		filepath.Join(dir, ".crc") + " and 1 more were passed over: their names begin with a dot or an underscore, or they are no files",
	}
	if !slices.Equal(got.Notes, want) {
		t.Errorf("got %q, want %q", got.Notes, want)
	}
}

// What cannot be written leaves nothing that looks whole, and what was there stays
// what it was, or is gone.
func TestOutputIsWholeOrNotThere(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	dir := filesOf(t, eventLines(r, 100), 1, r)
	o := options(t, dir)
	o.Out = t.TempDir()
	mustRun(t, o)
	want := output(t, o.Out)
	full := errors.New("no space is left")
	o.Also = []func(string, *Result) error{func(dir string, _ *Result) error {
		if err := os.WriteFile(filepath.Join(dir, "report.html"), []byte("<p>half"), 0o666); err != nil {
			return err
		}
		return full
	}}
	if _, err := Run(context.Background(), o); !errors.Is(err, full) {
		t.Fatalf("got %v", err)
	}
	if err := os.Remove(filepath.Join(o.Out, stateName)); err != nil { // for --resume
		t.Error(err)
	}
	if got := output(t, o.Out); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	o.Also = []func(string, *Result) error{func(dir string, r *Result) error {
		if err := os.Mkdir(filepath.Join(dir, "metrics"), 0o777); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "metrics", "a.txt"), []byte(r.Summary.Schema), 0o666)
	}}
	for range 2 {
		mustRun(t, o)
		if _, err := os.Stat(filepath.Join(o.Out, "metrics", "a.txt")); err != nil {
			t.Error(err)
		}
	}
}

// What was counted is not lost where the output cannot be written.
func TestUnwrittenOutputIsResumed(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 1))
	dir := filesOf(t, eventLines(r, 3000), 2, r)
	full := errors.New("no space is left")
	failing := []func(string, *Result) error{func(string, *Result) error { return full }}
	const again = "go on with the same command and --resume"
	for _, c := range []struct {
		name string
		set  func(*Options)
	}{
		{"as known", func(*Options) {}},
		{"deduplicated", func(o *Options) { o.Dedupe = true }},
		{"as then", func(o *Options) { o.AsThen = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(t, dir)
			c.set(&o)
			o.Out = t.TempDir()
			mustRun(t, o)
			want := output(t, o.Out)

			o.Out, o.Ledger, o.Facts = t.TempDir(), filepath.Join(t.TempDir(), "facts"), table.Header{KeyID: "4567cdef", Tool: "test"}
			o.Also = failing
			for range 2 {
				_, err := Run(context.Background(), o)
				if !errors.Is(err, full) || !strings.Contains(err.Error(), "what was counted is kept") || !strings.Contains(err.Error(), again) {
					t.Fatalf("got %v", err)
				}
				o.Resume = true
			}
			events := 0
			o.Also, o.Tick = nil, func() { events++ }
			mustRun(t, o)
			if got := output(t, o.Out); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if events > 0 && !o.AsThen {
				t.Errorf("%d events were read again", events)
			}
		})
	}

	// The ledger cannot be put in place.
	o := options(t, dir)
	o.Out, o.Ledger, o.Facts = t.TempDir(), filepath.Join(t.TempDir(), "facts"), table.Header{KeyID: "4567cdef", Tool: "test"}
	once := sync.OnceFunc(func() {
		if err := os.MkdirAll(filepath.Join(o.Ledger, table.FileName), 0o777); err != nil {
			t.Error(err)
		}
	})
	o.Tick = once
	if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "the ledger cannot be written") || !strings.Contains(err.Error(), again) {
		t.Errorf("got %v", err)
	}

	// Neither can what was counted.
	o = options(t, dir)
	o.Out = t.TempDir()
	o.Also = []func(string, *Result) error{func(string, *Result) error {
		return errors.Join(full, os.MkdirAll(filepath.Join(o.Out, stateName, "in the way"), 0o777))
	}}
	if _, err := Run(context.Background(), o); !errors.Is(err, full) || !strings.Contains(err.Error(), "what was counted is lost, since it cannot be kept either (") || strings.Contains(err.Error(), again) {
		t.Errorf("got %v", err)
	}
	// Standard input is read once.
	o = options(t, "-")
	o.Out, o.Stdin, o.Also = t.TempDir(), strings.NewReader(""), failing
	if _, err := Run(context.Background(), o); !errors.Is(err, full) || !strings.Contains(err.Error(), "what was counted is lost, since - cannot be read again from where it was") {
		t.Errorf("got %v", err)
	}
}

// S22: what if the sunset were another?
func TestDiff(t *testing.T) {
	var lines bytes.Buffer
	from := time.Date(2014, 6, 1, 0, 0, 0, 0, time.UTC)
	for i := 0; ; i++ {
		at := from.Add(time.Duration(i) * 6 * time.Hour)
		if at.After(time.Date(2017, 3, 31, 18, 0, 0, 0, time.UTC)) {
			break
		}
		fmt.Fprintf(&lines, `{"time":%q,"principal":"app-netflix","feature":"msg.recommend","operation":"read","subject":"u%d"}`+"\n", at.Format(time.RFC3339), i%500)
	}
	path := filepath.Join(t.TempDir(), "s1.jsonl")
	if err := os.WriteFile(path, lines.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	const yaml = `version: 1
partners:
  - {name: netflix, principals: [app-netflix]}
registrations:
  - {partner: netflix, feature: msg.recommend, operations: [write], from: 2014-06-01T00:00:00Z, sunset: 2015-07-01T00:00:00Z, grace: 30d}
`
	o := options(t, path)
	d, err := Diff(context.Background(), DiffOptions{Source: o.Source, Question: o.Question, Clock: time.Now,
		Old: set(t, yaml), New: set(t, strings.Replace(yaml, "2015-07-01", "2015-10-01", 1))})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Gained) != 0 || len(d.Lost) != 0 || len(d.Changed) != 2 || d.Read != 4140 {
		t.Fatalf("got %+v", d)
	}
	want := map[string]map[string][2]string{
		"access_after_sunset": {
			"events": {"2560", "2192"}, "events_after_grace": {"2440", "2072"}, "days": {"640", "548"},
			"since": {`"2015-07-01T00:00:00Z"`, `"2015-10-01T00:00:00Z"`},
		},
		"operation_overreach": {"events": {"1580", "1948"}},
	}
	for _, c := range d.Changed {
		for field, values := range want[c.New.Kind] {
			found := false
			for _, f := range c.Fields {
				if f.Field == field {
					found = true
					if string(f.Old) != values[0] || string(f.New) != values[1] {
						t.Errorf("%s %s: %s to %s, want %v", c.New.Kind, field, f.Old, f.New, values)
					}
				}
			}
			if !found {
				t.Errorf("%s: %s did not change", c.New.Kind, field)
			}
		}
	}
	if first := d.Changed[0].New.FirstEvent; d.Changed[0].New.Kind == "access_after_sunset" && first.Time.String() != "2015-10-01T00:00:00Z" {
		t.Errorf("first event %v", first)
	}
	var text, object, markdown bytes.Buffer
	if err := errors.Join(d.Text(&text), d.JSON(&object), d.Markdown(&markdown)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "    events: 2,560 -> 2,192\n") || !json.Valid(object.Bytes()) ||
		!strings.Contains(markdown.String(), `| critical access\_after\_sunset netflix msg.recommend |`) {
		t.Errorf("got\n%s\n%s\n%s", &text, &object, &markdown)
	}
}

// Facts that were kept are judged as the events are, also by registrations that
// nobody knew of then, where no boundary cuts what was counted together.
func TestFactsAreJudgedAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	dir := filesOf(t, eventLines(r, 3000), 2, r)
	o := options(t, dir)
	want := mustRun(t, o)
	whole := t.TempDir()
	o.Ledger, o.Facts = whole, table.Header{KeyID: "0123abcd", Tool: "test"}
	mustRun(t, o)
	var parts []string
	var events []uint64
	for _, name := range []string{"0.jsonl", "1.jsonl"} {
		o := options(t, filepath.Join(dir, name))
		o.Ledger, o.Facts = filepath.Join(t.TempDir(), "made"), table.Header{KeyID: "0123abcd", Tool: "test"}
		events = append(events, mustRun(t, o).Summary.EventsCounted)
		parts = append(parts, o.Ledger)
	}
	above := t.TempDir()
	for i, part := range parts {
		if err := os.Symlink(part, filepath.Join(above, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	glob := filepath.Join(above, "[01]")
	for _, inputs := range [][]string{{whole}, parts, {parts[1], filepath.Join(parts[0], table.FileName)}, {glob}, {filepath.Join(above, "*", table.FileName)}} {
		got := mustRun(t, options(t, inputs...))
		var a, b bytes.Buffer
		if err := errors.Join(WriteFindings(&a, want.Findings), WriteFindings(&b, got.Findings)); err != nil {
			t.Fatal(err)
		}
		if a.String() != b.String() {
			t.Errorf("%v: got\n%s\nwant\n%s", inputs, &b, &a)
		}
		if got.Summary.EventsCounted != want.Summary.EventsCounted {
			t.Errorf("%d events, want %d", got.Summary.EventsCounted, want.Summary.EventsCounted)
		}
		for i, in := range got.Summary.Inputs {
			if len(got.Summary.Inputs) == 2 && in.Events != events[i] || in.Bytes <= 0 {
				t.Errorf("%v: got %+v, want %d events", inputs, in, events[i])
			}
		}
	}
	for _, c := range []struct {
		set  func(*Options)
		want string
	}{
		{func(o *Options) { o.Inputs = append(o.Inputs, dir) }, "other inputs are events"},
		{func(o *Options) { o.AsThen = true }, "--as-then needs events"},
		{func(o *Options) { o.KnownAt = access.At(time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)) }, "are not cut where"},
		{func(o *Options) { o.Inputs = append(o.Inputs, whole) }, "in two ledgers"},
		{func(o *Options) { o.Inputs = []string{glob, parts[0]} }, "in two ledgers"},
		{func(o *Options) { o.Inputs = []string{filepath.Dir(whole)} }, whole + " is facts, which lie in the input " + filepath.Dir(whole)},
		{func(o *Options) { o.Inputs = []string{filepath.Join(filepath.Dir(whole), "*")} }, "other inputs are events"},
		{func(o *Options) { o.KeyID = "4567cdef" }, "Give the key that the ledger was made with"},
		{func(o *Options) {
			o.Ledger, o.KeyID = filepath.Join(t.TempDir(), "united"), "4567cdef"
			o.Facts = table.Header{KeyID: "4567cdef", Tool: "test"}
		}, "Give the key that the ledger was made with"},
	} {
		o := options(t, whole)
		c.set(&o)
		_, err := Run(context.Background(), o)
		var wrong *BadInput
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}
