package store

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCopyIsTheLastSave(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	have := contents{}
	for i := 1; i <= 4; i++ {
		save(t, s, have.changes(stateOf(i)))
		have = stateOf(i)
		if err := s.Copy(); err != nil {
			t.Fatal(err)
		}
		c := contents{}
		v, err := verifyFile(filepath.Join(dir, copyName), c.add)
		if err != nil || v.stepped {
			t.Fatalf("%+v, %v", v, err)
		}
		if n := c.number(t); n != i {
			t.Errorf("state %d in the copy, want %d", n, i)
		}
	}
	if got := names(t, dir); got != "lock state.db state.db.copy" {
		t.Errorf("files %s", got)
	}
}

func TestFailedCopyKeepsTheOneBefore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, contents{}.changes(stateOf(1)))
	if err := s.Copy(); err != nil {
		t.Fatal(err)
	}
	was := string(readFile(t, filepath.Join(dir, copyName)))
	save(t, s, stateOf(1).changes(stateOf(2)))
	if err := os.Mkdir(filepath.Join(dir, copyName+newName), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Copy(); err == nil {
		t.Error("copied onto a directory")
	}
	if string(readFile(t, filepath.Join(dir, copyName))) != was {
		t.Error("the copy before is gone")
	}
}

// Saves and copies at the same time: each copy is one of the saves.
func TestCopyWhileSaving(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, contents{}.changes(stateOf(1)))
	done := make(chan error)
	stop := make(chan struct{})
	go func() {
		have := stateOf(1)
		for i := 2; ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if err := s.Save(have.changes(stateOf(i))); err != nil {
				done <- err
				return
			}
			have = stateOf(i)
		}
	}()
	last := 0
	for range 20 {
		if err := s.Copy(); err != nil {
			t.Error(err)
		}
		c := contents{}
		if _, err := verifyFile(filepath.Join(dir, copyName), c.add); err != nil {
			t.Fatal(err)
		}
		n := c.number(t)
		if n < last {
			t.Errorf("copy of state %d after that of %d", n, last)
		}
		last = n
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
