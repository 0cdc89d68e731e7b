package store

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A test that needs a process to kill or to starve runs itself again in
// another process, with a directory in the environment.
const childVariable = "SUNSETWATCH_STORE_TEST_DIR"

// childDir is the directory to work in, in the other process.
func childDir() (string, bool) {
	dir := os.Getenv(childVariable)
	return dir, dir != ""
}

func childCommand(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	return cmd
}

// child starts the other process; lines are those of its standard output.
func child(t *testing.T, dir string) (cmd *exec.Cmd, lines *bufio.Scanner) {
	t.Helper()
	cmd = childCommand(t, dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil { // so that it can wait for its end
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it says that it was killed
}

func TestKilledWhileSaving(t *testing.T) {
	if dir, ok := childDir(); ok {
		s := open(t, dir)
		have := load(t, s)
		for n := have.number(t) + 1; ; n++ {
			if n == 0 {
				n = 1
			}
			save(t, s, have.changes(stateOf(n)))
			have = stateOf(n)
			fmt.Printf("saved %d\n", n)
			if n%5 == 0 {
				if err := s.Copy(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}

	kills := 25
	if testing.Short() {
		kills = 8
	}
	dir := t.TempDir()
	seed := rand.Uint64()
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 5))
	last, unseen, copies := 0, 0, 0
	for range kills {
		cmd, lines := child(t, dir)
		for range 1 + rng.IntN(12) {
			for lines.Scan() {
				if _, err := fmt.Sscanf(lines.Text(), "saved %d", &last); err == nil {
					break
				}
			}
		}
		for range rng.IntN(200_000) { // to any point of a save
			rng.Uint64()
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it had said before it died
			_, _ = fmt.Sscanf(lines.Text(), "saved %d", &last)
		}
		_ = cmd.Wait()

		s := open(t, dir)
		if r := s.Report(); r.From != FromFile || r.Detail != "" {
			t.Fatalf("after state %d: report %+v", last, r)
		}
		n := load(t, s).number(t)
		if n != last && n != last+1 {
			t.Fatalf("state %d after %d was acknowledged", n, last)
		}
		if n != last {
			unseen++
		}
		last = n
		closeStore(t, s)
		c := contents{}
		switch _, err := verifyFile(filepath.Join(dir, copyName), c.add); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			t.Fatalf("copy after state %d: %v", n, err)
		case c.number(t) > n:
			t.Fatalf("copy of state %d after state %d", c.number(t), n)
		default:
			copies++
		}
	}
	if copies == 0 {
		t.Error("no kill found a copy")
	}
	t.Logf("%d saves, %d kills, %d of them after a save was on the disk and before it was acknowledged", last, kills, unseen)
}

func TestDirectoryIsLockedUntilTheProcessEnds(t *testing.T) {
	if dir, ok := childDir(); ok {
		open(t, dir)
		fmt.Println("open")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}

	dir := t.TempDir()
	cmd, lines := child(t, dir)
	for lines.Scan() && lines.Text() != "open" {
	}
	_, err := Open(dir, Options{Now: noon, KeyID: testKeyID})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "state.dir") {
		t.Errorf("error %v", err)
	}
	kill(t, cmd)
	s := open(t, dir)
	if _, err := Open(dir, Options{Now: noon, KeyID: testKeyID}); !errors.Is(err, ErrLocked) {
		t.Errorf("opened twice in one process: %v", err)
	}
	closeStore(t, s)
	closeStore(t, open(t, dir))
}

// A limit on the size of files makes writes fail as a full disk does, in the
// middle of a transaction.
func TestFullDisk(t *testing.T) {
	if dir, ok := childDir(); ok {
		var before syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
		fillAndFree(t, dir, func(bytes uint64) {
			limit := before
			limit.Cur = bytes
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
				t.Fatal(err)
			}
		}, func() {
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
				t.Fatal(err)
			}
		})
		return
	}
	for range 3 {
		out, err := childCommand(t, t.TempDir()).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "PASS") {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// fillAndFree saves into a directory whose disk fills up at various points,
// and has room again.
func fillAndFree(t *testing.T, dir string, fill func(bytes uint64), free func()) {
	s := open(t, dir)
	have := contents{}
	for i := 1; i <= 3; i++ {
		save(t, s, have.changes(stateOf(i)))
		have = stateOf(i)
	}
	if err := s.Copy(); err != nil {
		t.Fatal(err)
	}
	used := uint64(usedBytes(t, s))
	failed := 0
	for number := 21; number < 50; number++ {
		ch := have.changes(stateOf(number))
		fill(rand.Uint64N(used))
		for range 2 {
			if err := s.Save(ch); err == nil {
				break // it fitted into the pages below the limit
			} else if !strings.Contains(err.Error(), s.path) || !strings.Contains(err.Error(), "free space") {
				t.Errorf("error %v", err)
			}
			failed++
			if got := load(t, s).number(t); fmt.Sprint(got) != have["meta/number"] {
				t.Fatalf("state %d after a failed save, want %s", got, have["meta/number"])
			}
		}
		if err := s.Copy(); err == nil {
			t.Error("copied onto a full disk")
		}
		free()
		if c := (contents{}); number < 24 {
			if _, err := verifyFile(filepath.Join(dir, copyName), c.add); err != nil || c.number(t) != 3 {
				t.Errorf("the copy before is gone: %v", err)
			}
		}
		// What the failed save would have saved, and more.
		next := stateOf(number + 1000)
		for name := range stateOf(number) {
			if _, ok := next[name]; !ok {
				b, key := split(name)
				ch.Delete(b, key)
			}
		}
		for name, value := range next {
			b, key := split(name)
			ch.Put(b, key, []byte(value))
		}
		save(t, s, ch)
		have = next
		if got := load(t, s).number(t); got != number+1000 {
			t.Fatalf("state %d, want %d", got, number+1000)
		}
		checkWithBolt(t, s)
	}
	if failed == 0 {
		t.Error("no save failed")
	}
	if err := s.Copy(); err != nil {
		t.Error(err)
	}
	closeStore(t, s)
	s = open(t, dir)
	if r := s.Report(); r.From != FromFile || r.Detail != "" || load(t, s).number(t) != 1049 {
		t.Errorf("report %+v", r)
	}
}
