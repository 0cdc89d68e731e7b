package replay

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// doomed is a run in a process that kills itself after so many events, if it has kept
// anything by then, or else as soon as it has.
type doomed struct {
	Inputs              []string
	Out                 string
	Resume              bool
	Workers             int
	Dedupe, KeepRepeats bool
	AsThen              bool
	Left                int64
	Every               time.Duration
}

func (d *doomed) options(t testing.TB) Options {
	o := options(t, d.Inputs...)
	o.Out, o.Resume, o.Workers, o.Keep = d.Out, d.Resume, d.Workers, d.Every
	o.Dedupe, o.AsThen, o.KeepRepeats = d.Dedupe, d.AsThen, d.KeepRepeats
	return o
}

const doomedVariable = "SUNSETWATCH_TEST_DOOMED"

// TestDoomed is the process that is killed, and no test by itself.
func TestDoomed(t *testing.T) {
	spec := os.Getenv(doomedVariable)
	if spec == "" {
		t.Skip("it is run by others")
	}
	var d doomed
	if err := json.Unmarshal([]byte(spec), &d); err != nil {
		t.Fatal(err)
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	o := d.options(t)
	before, _ := os.Stat(filepath.Join(d.Out, stateName))
	var left atomic.Int64
	left.Store(d.Left)
	o.Tick = func() {
		if left.Add(-1) > 0 {
			return
		}
		if now, err := os.Stat(filepath.Join(d.Out, stateName)); err == nil && (before == nil || !now.ModTime().Equal(before.ModTime())) {
			self.Kill()
			select {}
		}
	}
	mustRun(t, o)
}

// killed runs until a run is not killed any more, and gives how often that was.
func killed(t *testing.T, d doomed, left func() int64) (kills int) {
	t.Helper()
	for ; ; kills++ {
		d.Left = left()
		spec, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		child := exec.Command(os.Args[0], "-test.run=^TestDoomed$")
		child.Env = append(os.Environ(), doomedVariable+"="+string(spec))
		said, err := child.CombinedOutput()
		var died *exec.ExitError
		switch {
		case err == nil:
			return kills
		case !errors.As(err, &died) || died.Exited():
			t.Fatalf("%v\n%s", err, said)
		case kills == 50:
			t.Fatal("it comes to no end")
		}
		_, err = os.Stat(filepath.Join(d.Out, stateName))
		d.Resume = err == nil
	}
}

// A run that was killed goes on from what it kept, to the same bytes.
func TestKilledRunIsResumed(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 1))
	n, least := int64(60_000), 2
	if testing.Short() {
		n, least = n/2, 1
	}
	lines := eventLines(r, int(n))
	dir := filesOf(t, lines, 2, r)
	packed := filepath.Join(t.TempDir(), "packed.jsonl.gz") // one part
	file, err := os.Create(packed)
	if err != nil {
		t.Fatal(err)
	}
	out := gzip.NewWriter(file)
	_, err = out.Write([]byte(strings.Join(lines, "\n") + "\n"))
	if err := errors.Join(err, out.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	k := newCluster(t)
	for some := range slices.Chunk(lines, 9000) {
		k.produce(t, some)
	}
	k.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		req.(*kmsg.FetchRequest).Topics[0].Partitions[0].PartitionMaxBytes = 1 // batch by batch
		return nil, nil, false
	})
	for _, c := range []struct {
		name string
		doomed
	}{
		{"files", doomed{Inputs: []string{dir}, Workers: 2}},
		{"one part", doomed{Inputs: []string{packed}}},
		{"deduplicated", doomed{Inputs: []string{packed}, Dedupe: true}},
		{"as then", doomed{Inputs: []string{dir}, AsThen: true}},
		{"range", doomed{Inputs: []string{k.address}, Workers: 3}},
		{"range without a window", doomed{Inputs: []string{k.address}, KeepRepeats: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := c.doomed
			d.Out = t.TempDir()
			mustRun(t, d.options(t))
			want := output(t, d.Out)
			d.Out, d.Every = t.TempDir(), 1
			if kills := killed(t, d, func() int64 { return n/6 + r.Int64N(n/12) }); kills < least {
				t.Errorf("it was killed %d times", kills)
			}
			if got := output(t, d.Out); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// Nothing is kept of a short run, or where nothing can be; and what cannot be kept
// ends no run.
func TestKeeping(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 1))
	lines := eventLines(r, 30_000)
	dir := filesOf(t, lines, 2, r)
	kept := func(o Options) (said string) {
		var all strings.Builder
		o.Progress.To = &all
		events := 0
		o.Workers, o.Tick = 1, func() {
			if events++; events == 20_000 {
				if info, err := os.Stat(filepath.Join(o.Out, stateName)); err == nil && !info.IsDir() {
					fmt.Fprintf(&all, "kept with mode %o", info.Mode().Perm())
				}
			}
		}
		mustRun(t, o)
		return all.String()
	}
	o := options(t, dir)
	o.Out = t.TempDir()
	if said := kept(o); said != "" {
		t.Errorf("a short run: %s", said)
	}
	o.Keep = 1
	if said := kept(o); said != "kept with mode 600" {
		t.Errorf("got %q", said)
	}
	o.Inputs, o.Stdin = []string{"-"}, strings.NewReader(strings.Join(lines, "\n"))
	if said := kept(o); said != "" {
		t.Errorf("standard input: %s", said)
	}
	o = options(t, dir)
	o.Out, o.Keep = t.TempDir(), 1
	if err := os.MkdirAll(filepath.Join(o.Out, stateName, "in the way"), 0o777); err != nil {
		t.Fatal(err)
	}
	o.Also = []func(string, *Result) error{func(string, *Result) error { return os.RemoveAll(filepath.Join(o.Out, stateName)) }}
	said := kept(o)
	if strings.Count(said, "cannot be kept for --resume yet: ") != 1 || !strings.HasPrefix(said, "note: ") {
		t.Errorf("got %q", said)
	}
}

// What was kept is told where a run ends without a signal, too.
func TestBrokersThatStop(t *testing.T) {
	k := newCluster(t)
	r := rand.New(rand.NewPCG(16, 1))
	k.produce(t, eventLines(r, 30_000))
	o := options(t, k.address)
	o.Out, o.Keep, o.Patience, o.Workers = t.TempDir(), 1, time.Second, 1
	events, stop := 0, sync.OnceFunc(k.Close)
	o.Tick = func() {
		if events++; events == 20_000 { // of the second partition
			stop()
		}
	}
	_, err := Run(context.Background(), o)
	var wrong *BadInput
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "did not answer for 1s") || !strings.Contains(err.Error(), "is kept: when that is mended, go on with the same command and --resume") {
		t.Errorf("got %v", err)
	}
}
