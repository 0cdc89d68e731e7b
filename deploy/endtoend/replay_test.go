package endtoend

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// told are findings as they are told, field by field, by their ids.
type told map[string]map[string]any

// readTold takes findings in, without what one judgement as known cannot tell:
// those that were withdrawn, and when and how the others came to be known.
func readTold(d *json.Decoder) (told, error) {
	d.UseNumber()
	all := told{}
	for {
		var f map[string]any
		switch err := d.Decode(&f); {
		case err == io.EOF:
			return all, nil
		case err != nil:
			return nil, err
		}
		if f["state"] == "withdrawn" {
			continue
		}
		for _, field := range []string{"opened_at", "detection_delay", "late_reason", "history"} {
			delete(f, field)
		}
		id := fmt.Sprint(f["id"])
		if all[id] != nil {
			return nil, fmt.Errorf("finding %s is told twice", id)
		}
		all[id] = f
	}
}

// anywhere are the same findings without the places of their first and last
// events, of which only the times are left.
func (all told) anywhere() told {
	shorn := told{}
	for id, f := range all {
		f = maps.Clone(f)
		for _, field := range []string{"first_event", "last_event"} {
			if place, ok := f[field].(map[string]any); ok {
				f[field] = place["time"]
			}
		}
		shorn[id] = f
	}
	return shorn
}

// by counts findings by a field.
func (all told) by(field string) map[string]int {
	n := map[string]int{}
	for _, f := range all {
		n[fmt.Sprint(f[field])]++
	}
	return n
}

// told are all findings of the API, page by page.
func (p *program) told() (told, error) {
	var lines bytes.Buffer
	for read := 0; ; {
		body, status, err := get(p.url(fmt.Sprintf("/api/v1/findings?limit=1000&offset=%d", read)))
		if err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("status %d: %w", status, err)
		}
		var page struct {
			Findings []json.RawMessage
			Total    int
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, err
		}
		for _, f := range page.Findings {
			lines.Write(f)
		}
		if read += len(page.Findings); read >= page.Total || len(page.Findings) == 0 {
			return readTold(json.NewDecoder(&lines))
		}
	}
}

// replay judges inputs by the registrations of the program, with people hashed
// by its key: above the exact ones their number is an estimate, which is the same
// only by the same hashes.
func (p *program) replay(inputs ...string) told {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append([]string{"replay", "--output", "json",
		"--registrations", filepath.Join(p.dir, "registrations.yml"),
		"--subject-key-file", filepath.Join(p.dir, "state", "subject.key")}, inputs...)...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	began := time.Now()
	if err := cmd.Run(); err != nil {
		p.t.Fatalf("replay %q: %v\n%s", inputs, err, said.String())
	}
	all, err := readTold(json.NewDecoder(&out))
	if err != nil {
		p.t.Fatalf("replay %q: %v", inputs, err)
	}
	p.t.Logf("replay %q: %d findings in %s", inputs, len(all), time.Since(began).Round(100*time.Millisecond))
	return all
}

// checkReplay compares the findings of the running program with two replays of
// its topic: of the topic itself, and of an archive of it.
//
// The range of the topic has the program's window of duplicates by itself and
// gives all fields, places included. The archive has lines instead of offsets; it
// counts repeated events once only with --dedupe, over all of it instead of over
// the last 65,536 of a partition. That is the same here, because randomEvents
// repeats an event within its partition, a few thousand events later at most.
func checkReplay(t *testing.T, p *program, topic, archive string) {
	t.Helper()
	fromTopic := p.replay(topic)
	fromArchive := p.replay("--dedupe", archive)
	if diff := cmp.Diff(fromTopic.anywhere(), fromArchive.anywhere()); diff != "" {
		t.Errorf("the archive (+) gives other findings than the topic (-):\n%s", diff)
	}
	var live told
	waitFor(t, 10*time.Second, "the findings of a replay of the topic (+) live (-)", func() (bool, string) {
		var err error
		if live, err = p.told(); err != nil {
			return false, err.Error()
		}
		diff := cmp.Diff(live, fromTopic)
		return diff == "", diff
	})
	t.Logf("live and replayed alike: %d findings, %v, %v, people exact %v", len(live), live.by("kind"), live.by("state"), live.by("people_exact"))
	for _, state := range []string{"open", "closed"} {
		if live.by("state")[state] == 0 {
			t.Errorf("no finding is %s: the comparison lost its meaning", state)
		}
	}
	if exact := live.by("people_exact"); exact["true"] == 0 || exact["false"] == 0 {
		t.Errorf("people are exact (true) or estimated (false) in %v: both should be compared", exact)
	}
}

// writeZstd gives write a file for lines, and compresses it.
func writeZstd(t *testing.T, path string, write func(io.Writer)) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w, err := zstd.NewWriter(file, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	write(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
