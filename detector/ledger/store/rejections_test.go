package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sunsetwatch/rules/access"
)

func openRejections(t testing.TB, dir string, o RejectionsOptions) *Rejections {
	t.Helper()
	r, err := OpenRejections(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(noon); err != nil {
			t.Error(err)
		}
	})
	return r
}

func flush(t testing.TB, r *Rejections, now time.Time) {
	t.Helper()
	if err := r.Flush(now); err != nil {
		t.Fatal(err)
	}
}

func rejectionAt(offset int64) Rejection {
	return Rejection{Topic: "partner-access", Partition: 3, Position: access.Position{Offset: offset}, Reason: access.BadTime, Field: "time", Byte: 12, Detail: "no zone"}
}

func TestRejectionLines(t *testing.T) {
	dir := t.TempDir()
	r := openRejections(t, dir, RejectionsOptions{})
	r.Add(noon, rejectionAt(42))
	r.Add(noon.Add(1500*time.Millisecond), Rejection{Topic: "b", Position: access.Position{Offset: 7, Index: 2}, Reason: access.Empty, Byte: -1})
	if got := readFile(t, filepath.Join(dir, rejectionsName)); len(got) != 0 {
		t.Errorf("written before it is flushed: %s", got)
	}
	flush(t, r, noon)
	want := `{"time":"2026-01-02T12:00:00Z","topic":"partner-access","partition":3,"offset":42,"index":0,"reason":"bad_time","field":"time","byte":12,"detail":"no zone"}
{"time":"2026-01-02T12:00:01.5Z","topic":"b","partition":0,"offset":7,"index":2,"reason":"empty"}
`
	if got := string(readFile(t, filepath.Join(dir, rejectionsName))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if r.LeftOut() != 0 {
		t.Errorf("%d left out", r.LeftOut())
	}
}

func TestFloodOfRejectionsIsCut(t *testing.T) {
	dir := t.TempDir()
	r := openRejections(t, dir, RejectionsOptions{PerSecond: 10})
	now := noon
	for i := range int64(35) {
		r.Add(now, rejectionAt(i))
		now = now.Add(10 * time.Millisecond)
	}
	r.Add(noon.Add(time.Second), rejectionAt(100))
	for i := range int64(12) {
		r.Add(noon.Add(2*time.Second), rejectionAt(200+i))
	}
	flush(t, r, noon.Add(3*time.Second))
	lines := jsonLines(t, filepath.Join(dir, rejectionsName))
	var said []string
	for _, l := range lines {
		if l["left_out"] != nil {
			said = append(said, fmt.Sprint(l["time"], l["left_out"], l["since"]))
		}
	}
	want := []string{"2026-01-02T12:00:01Z252026-01-02T12:00:00.1Z", "2026-01-02T12:00:03Z22026-01-02T12:00:02Z"}
	if len(lines) != 10+1+1+10+1 || fmt.Sprint(said) != fmt.Sprint(want) {
		t.Errorf("%d lines, left out %q, want %q", len(lines), said, want)
	}
	if r.LeftOut() != 27 {
		t.Errorf("%d left out, want 27", r.LeftOut())
	}
}

func jsonLines(t testing.TB, path string) (all []map[string]any) {
	t.Helper()
	b := readFile(t, path)
	if len(b) > 0 && b[len(b)-1] != '\n' {
		t.Errorf("%s does not end with a whole line", path)
	}
	for line := range bytes.Lines(b) {
		var l map[string]any
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatalf("%s: %v in %q", path, err, line)
		}
		all = append(all, l)
	}
	return all
}

func TestRejectionFilesAreBounded(t *testing.T) {
	dir := t.TempDir()
	const limit = 20_000
	r := openRejections(t, dir, RejectionsOptions{MaxBytes: limit, PerSecond: 1 << 30})
	for i := range int64(2000) {
		r.Add(noon, rejectionAt(i))
		if i%7 == 0 {
			flush(t, r, noon)
		}
	}
	flush(t, r, noon)
	if got := names(t, dir); got != rejectionsOld+" "+rejectionsName {
		t.Fatalf("files %s", got)
	}
	// The two files hold the latest lines, without a gap.
	lines := append(jsonLines(t, filepath.Join(dir, rejectionsOld)), jsonLines(t, filepath.Join(dir, rejectionsName))...)
	for i, l := range lines {
		if want := float64(2000 - len(lines) + i); l["offset"] != want {
			t.Fatalf("line %d has offset %v, want %v", i, l["offset"], want)
		}
	}
	for _, name := range []string{rejectionsName, rejectionsOld} {
		if n := len(readFile(t, filepath.Join(dir, name))); n > limit {
			t.Errorf("%s has %d bytes", name, n)
		}
	}
	if len(lines) < limit/200 {
		t.Errorf("only %d lines are kept", len(lines))
	}
	// And go on after a restart.
	if err := r.Close(noon); err != nil {
		t.Fatal(err)
	}
	r.Add(noon, rejectionAt(5000))
	if r.LeftOut() != 1 {
		t.Error("added to a closed file")
	}
	r = openRejections(t, dir, RejectionsOptions{MaxBytes: limit})
	r.Add(noon, rejectionAt(6000))
	flush(t, r, noon)
	lines = jsonLines(t, filepath.Join(dir, rejectionsName))
	if got := lines[len(lines)-1]["offset"]; got != 6000.0 {
		t.Errorf("last offset %v", got)
	}
}

func TestLineThatAKillCutOff(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, rejectionsName)
	writeFile(t, path, []byte("{\"offset\":1}\n{\"offs"))
	r := openRejections(t, dir, RejectionsOptions{})
	flush(t, r, noon)
	r.Add(noon, rejectionAt(2))
	flush(t, r, noon)
	if got := strings.Split(string(readFile(t, path)), "\n"); len(got) != 4 || got[1] != `{"offs` || !strings.Contains(got[2], `"offset":2`) {
		t.Errorf("got %q", got)
	}
}

func TestRejectionsOnABrokenDiskAreLeftOut(t *testing.T) {
	dir := t.TempDir()
	r := openRejections(t, dir, RejectionsOptions{MaxBytes: 600})
	for i := range int64(3) {
		r.Add(noon, rejectionAt(i))
	}
	flush(t, r, noon)
	// The file cannot be rotated any more.
	if err := os.MkdirAll(filepath.Join(dir, rejectionsOld, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range int64(3) {
		r.Add(noon, rejectionAt(10+i))
	}
	err := r.Flush(noon)
	if err == nil || !strings.Contains(err.Error(), rejectionsName) {
		t.Fatalf("error %v", err)
	}
	if err := r.Flush(noon); err != nil {
		t.Errorf("the same error twice: %v", err)
	}
	if r.LeftOut() != 3 {
		t.Errorf("%d left out, want 3", r.LeftOut())
	}
	if err := os.RemoveAll(filepath.Join(dir, rejectionsOld)); err != nil {
		t.Fatal(err)
	}
	r.Add(noon, rejectionAt(20))
	flush(t, r, noon)
	if lines := jsonLines(t, filepath.Join(dir, rejectionsName)); len(lines) != 1 || lines[0]["offset"] != 20.0 {
		t.Errorf("got %v", lines)
	}
}

func TestRejectionsFromManyWorkers(t *testing.T) {
	dir := t.TempDir()
	r := openRejections(t, dir, RejectionsOptions{PerSecond: 1 << 30})
	var wg sync.WaitGroup
	for worker := range int32(4) {
		wg.Go(func() {
			for i := range int64(500) {
				x := rejectionAt(i)
				x.Partition = worker
				r.Add(noon, x)
				if i%100 == 0 {
					if err := r.Flush(noon); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	flush(t, r, noon)
	next := map[any]float64{}
	for _, l := range jsonLines(t, filepath.Join(dir, rejectionsName)) {
		if l["offset"] != next[l["partition"]] {
			t.Fatalf("offset %v of partition %v, want %v", l["offset"], l["partition"], next[l["partition"]])
		}
		next[l["partition"]]++
	}
	if len(next) != 4 || next[0.0] != 500 {
		t.Errorf("got %v", next)
	}
}

func TestRejectionsNeedADirectory(t *testing.T) {
	if _, err := OpenRejections(filepath.Join(t.TempDir(), "none"), RejectionsOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestCutRejectionsDoNotAllocate(t *testing.T) {
	r := openRejections(t, t.TempDir(), RejectionsOptions{PerSecond: 1})
	x := rejectionAt(1)
	r.Add(noon, x)
	if n := testing.AllocsPerRun(1000, func() { r.Add(noon, x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
