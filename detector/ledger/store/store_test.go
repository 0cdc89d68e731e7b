package store

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

func TestSaveAndLoadAgreeWithAMap(t *testing.T) {
	dir := t.TempDir()
	seed := rand.Uint64()
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	model := contents{}
	s := open(t, dir)
	for round := range 60 {
		var ch Changes
		for range rng.IntN(80) {
			b := Bucket(rng.IntN(Buckets))
			key := fmt.Sprintf("%x", rng.IntN(150))
			if rng.IntN(3) == 0 {
				ch.Delete(b, []byte(key))
				delete(model, b.String()+"/"+key)
				continue
			}
			value := randomText(rng, rng.IntN(1+rng.IntN(3000)))
			ch.Put(b, []byte(key), []byte(value))
			model[b.String()+"/"+key] = value
		}
		save(t, s, &ch)
		if got := load(t, s); !maps.Equal(got, model) {
			t.Fatalf("round %d: loaded %d entries, want %d, or other values", round, len(got), len(model))
		}
		checkWithBolt(t, s)
		if round%10 == 9 {
			closeStore(t, s)
			s = open(t, dir)
			if r := s.Report(); r.From != FromFile || r.Detail != "" || r.Damaged != nil {
				t.Fatalf("round %d: report %+v", round, r)
			}
			if got := load(t, s); !maps.Equal(got, model) {
				t.Fatalf("round %d: other values after opening again", round)
			}
		}
	}
}

// checkWithBolt holds verify against bbolt's own check.
func checkWithBolt(t *testing.T, s *Store) {
	t.Helper()
	err := s.db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLoadYieldsBucketsAndKeysInOrder(t *testing.T) {
	s := open(t, t.TempDir())
	var ch Changes
	ch.Put(Meta, []byte("a"), []byte("1"))
	ch.Set(Ledger, map[string][]byte{"y": []byte("2"), "x": {}, "z": nil})
	ch.Put(Findings, []byte("b"), []byte("3"))
	save(t, s, &ch)
	var got []string
	err := s.Load(func(b Bucket, key, value []byte) error {
		got = append(got, fmt.Sprintf("%s %s=%s", b, key, value))
		return nil
	})
	if want := "[ledger x= ledger y=2 findings b=3 meta a=1]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v, want %s", got, err, want)
	}
	stop := errors.New("enough")
	if err := s.Load(func(Bucket, []byte, []byte) error { return stop }); err != stop {
		t.Errorf("error %v, want that of the callback", err)
	}
}

func TestLastChangeOfAKeyWins(t *testing.T) {
	s := open(t, t.TempDir())
	var ch Changes
	key := []byte("k")
	ch.Put(Ledger, key, []byte("first"))
	ch.Delete(Ledger, key)
	ch.Put(Ledger, key, []byte("second"))
	ch.Put(Findings, key, []byte("gone"))
	ch.Delete(Findings, key)
	key[0] = 'x' // was copied
	save(t, s, &ch)
	if ch.Len() != 2 {
		t.Errorf("%d changes are kept for a next try, want one a key", ch.Len())
	}
	ch.Put(Ledger, []byte("k"), []byte("third"))
	save(t, s, &ch)
	if got := load(t, s); !maps.Equal(got, contents{"ledger/k": "third"}) {
		t.Errorf("got %v", got)
	}
	ch.Reset()
	save(t, s, &ch)
	if got := load(t, s); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestFailedSaveKeepsTheOldStateAndTheNextOneWorks(t *testing.T) {
	s := open(t, t.TempDir())
	want := stateOf(1)
	save(t, s, contents{}.changes(want))
	ch := want.changes(stateOf(2))
	ch.Put(Meta, nil, []byte("a key must not be empty"))
	if err := s.Save(ch); err == nil {
		t.Fatal("saved an empty key")
	}
	if n := load(t, s).number(t); n != 1 {
		t.Errorf("state %d after a failed save, want 1", n)
	}
	save(t, s, want.changes(stateOf(2)))
	if n := load(t, s).number(t); n != 2 {
		t.Errorf("state %d, want 2", n)
	}
}

func TestClosedStore(t *testing.T) {
	s := open(t, t.TempDir())
	closeStore(t, s)
	var ch Changes
	ch.Put(Meta, []byte("a"), nil)
	for name, err := range map[string]error{
		"Save": s.Save(&ch), "Copy": s.Copy(), "Load": s.Load(contents{}.add),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestFileRemovedWhileInUse(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := os.Remove(filepath.Join(dir, fileName)); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(contents{}.changes(stateOf(1))); err == nil {
		t.Error("saved into a file that is not there")
	}
}

// A value that changes in the file under a running instance must not get a new
// checksum.
func TestDamageWhileOpen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	first := contents{"ledger/k": "needle-in-the-file"}
	save(t, s, contents{}.changes(first))
	path := filepath.Join(dir, fileName)
	file := readFile(t, path)
	for i := range file {
		if string(file[i:min(i+6, len(file))]) == "needle" {
			file[i] ^= 1
		}
	}
	writeFile(t, path, file) // the same inode
	if err := s.Save(first.changes(contents{"ledger/k": "other"})); err == nil {
		t.Error("saved over a damaged value as if nothing had happened")
	}
	if err := s.Load(contents{}.add); !isDamage(err) {
		t.Errorf("Load: %v", err)
	}
	if err := s.Copy(); !isDamage(err) {
		t.Errorf("Copy: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, copyName)); err == nil {
		t.Error("a damaged file was copied")
	}
}

// The file is cut short under bbolt's map of it: a fault in memory, which must
// not end the process.
func TestFileCutWhileOpen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, contents{}.changes(stateOf(1)))
	if err := os.Truncate(filepath.Join(dir, fileName), 0); err != nil {
		t.Fatal(err)
	}
	ch := stateOf(1).changes(stateOf(2))
	if err := s.Save(ch); err == nil {
		t.Error("saved")
	}
	if err := s.Save(ch); err == nil {
		t.Error("saved at the second try")
	}
	if err := s.Copy(); err == nil {
		t.Error("copied")
	}
}

func TestRewritingDoesNotGrowTheFile(t *testing.T) {
	s := open(t, t.TempDir())
	rounds := 1000
	if testing.Short() {
		rounds = 200
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var live, early int64
	for round := range rounds {
		var ch Changes
		live = 0
		for i := range 60 {
			value := randomText(rng, 200+rng.IntN(2000))
			live += int64(len(value))
			ch.Put(Ledger, fmt.Appendf(nil, "cell-%d", i), []byte(value))
		}
		save(t, s, &ch)
		if round == rounds/10 {
			early = usedBytes(t, s)
		}
	}
	got := usedBytes(t, s)
	t.Logf("%d bytes in use after %d rounds, %d after a tenth of them, with %d of values; file %d", got, rounds, early, live, s.Size())
	if got > early*3/2 || got > 5*live || s.Size() > got+2*growBytes {
		t.Error("the file grows without need")
	}
}

// usedBytes is how much of the file was ever in use.
func usedBytes(t *testing.T, s *Store) (n int64) {
	t.Helper()
	err := s.db.View(func(tx *bbolt.Tx) error {
		n = tx.Size()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestUnusableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, nil)
	if _, err := Open(filepath.Join(file, "state"), Options{}); err == nil {
		t.Error("opened below a file")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, fileName), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); err == nil {
		t.Error("opened a directory as state.db")
	}
	if err := os.Remove(filepath.Join(dir, fileName)); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir) // the lock was given back
	if info, err := os.Stat(s.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}
