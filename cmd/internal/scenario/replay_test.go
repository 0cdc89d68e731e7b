package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"sunsetwatch/cmd/internal/replay"
	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules"
)

// lines are the events of a story as native JSON, in the order of its lines.
func (s *Scenario) jsonLines() [][]byte {
	var all [][]byte
	told := s.stream(false)
	for t := told.next(); t != nil; t = told.next() {
		all = append(all, append(codec.AppendJSON(nil, t.event), '\n'))
	}
	return all
}

// options ask replay what a step judge asks.
func (r *runner) options(t *testing.T, s *step, dir string, workers int, out string) replay.Options {
	t.Helper()
	set, err := r.read(registrationsName, r.initialRules())
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := codec.Compile(codec.Mapping{})
	if err != nil {
		t.Fatal(err)
	}
	o := replay.Options{
		Source:      replay.Source{Inputs: []string{dir}, Codec: compiled, Workers: workers},
		Set:         replay.Set{Registry: set.snapshot, Rules: set.rules},
		Question:    replay.Everything(),
		MaxRejected: 0,
		Out:         out,
		Clock:       time.Now,
	}
	o.To, o.KnownAt, o.AsThen = s.before, s.asOf, s.asThen
	if s.asThen {
		o.KnownAt = min(s.before, s.asOf) // what is recorded later is not revealed either
	}
	return o
}

// replayed is a step judge as replay answers it.
func (r *runner) replayed(t *testing.T, s *step, dir string, workers int, out string) *replay.Result {
	t.Helper()
	result, err := replay.Run(context.Background(), r.options(t, s, dir, workers, out))
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Lacks) > 0 {
		t.Fatalf("it is not complete: %v", result.Lacks)
	}
	return result
}

// spread writes lines into some files.
func spread(t *testing.T, dir string, lines [][]byte, files int, r *rand.Rand) {
	t.Helper()
	parts := make([]bytes.Buffer, files)
	for _, line := range lines {
		i := 0
		if files > 1 {
			i = r.IntN(files)
		}
		parts[i].Write(line)
	}
	for i := range parts {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("part-%d.jsonl", i)), parts[i].Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// placeless are findings as JSON objects, without the places of events, whose
// source and offset differ, and without what only the running system has.
func placeless(t *testing.T, all []map[string]any, history bool) map[string]any {
	t.Helper()
	found := map[string]any{}
	for _, m := range all {
		for _, name := range []string{"first_event", "last_event"} {
			if at, ok := m[name].(map[string]any); ok {
				m[name] = at["time"]
			}
		}
		if m["late_reason"] == "late_events" {
			m["late_reason"] = nil // files do not say when an event was written down
		}
		delete(m, "pages")
		if entries, ok := m["history"].([]any); ok && history {
			m["history"] = steps(entries)
		} else {
			delete(m, "history")
		}
		found[m["id"].(string)] = m
	}
	return found
}

// steps are entries of a history that a replay has too: what falls quiet, and
// is used again, is not among them.
func steps(entries []any) []any {
	var all []any
	var state, severity any
	for _, e := range entries {
		m := e.(map[string]any)
		if m["severity"] == severity && (m["state"] == "quiet" || m["state"] == "open" && state == "open") {
			continue
		}
		state, severity = m["state"], m["severity"]
		if m["state"] == "closed" {
			m["at"] = nil // the running system notices with the next event; here it is closed_at
		}
		all = append(all, map[string]any{"at": m["at"], "state": m["state"], "severity": severity})
	}
	return all
}

// plainObject is a value as JSON reads it.
func plainObject(t *testing.T, v any) map[string]any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func asObjects(t *testing.T, findings []*rules.Finding) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, f := range findings {
		all = append(all, plainObject(t, f))
	}
	return all
}

// A replay of a story's events finds what judging the story finds: for any number
// of workers, order of lines and split into files.
func TestScenariosReplayed(t *testing.T) {
	for _, name := range corpus(t) {
		base := strings.TrimSuffix(filepath.Base(name), Ext)
		if base == "broken-pipe" {
			continue // it is about partitions
		}
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			s, problems := Parse(name, text)
			if s == nil {
				t.Fatal(problems)
			}
			r := &runner{Scenario: s, ctx: context.Background(), registrations: registrationsName, rules: ""}
			var lines [][]byte
			for i := range s.steps {
				st := &s.steps[i]
				if st.verb != judgeStep {
					continue
				}
				if lines == nil {
					lines = s.jsonLines()
				}
				if testing.Short() && len(lines) > 100_000 {
					t.Skip("many events")
				}
				found, err := r.judge(st)
				if err != nil {
					t.Fatal(err)
				}
				var want []map[string]any
				for _, f := range found {
					want = append(want, plainObject(t, f.values))
				}
				expected := placeless(t, want, st.asThen)
				seed := rand.New(rand.NewPCG(uint64(i), uint64(len(lines))))
				for workers := 1; workers <= 4; workers *= 2 {
					dir := t.TempDir()
					if workers > 1 {
						seed.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
					}
					spread(t, dir, lines, workers*2-1, seed)
					result := r.replayed(t, st, dir, workers, "")
					if diff := gocmp.Diff(expected, placeless(t, asObjects(t, result.Findings), st.asThen)); diff != "" {
						t.Errorf("%s, %d workers (-scenario +replay):\n%s", st.text, workers, diff)
					}
				}
			}
		})
	}
}
