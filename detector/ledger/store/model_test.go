package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

const testKeyID = "0123abcd"

// contents is a dumb model of a state: "bucket/key" to value.
type contents map[string]string

// stateOf is the state that the tests save as number n: a function of n alone,
// so that whoever loads one can tell whether it is whole. All entries differ
// from one number to the next; some come and go.
func stateOf(n int) contents {
	if c, ok := states.Load(n); ok {
		return c.(contents)
	}
	rng := rand.New(rand.NewPCG(uint64(n), 7))
	c := contents{"meta/number": strconv.Itoa(n)}
	for i := range 40 {
		if rng.IntN(4) > 0 {
			size := rng.IntN(120)
			if rng.IntN(20) == 0 {
				size = 1000 + rng.IntN(6000) // overflows its page
			}
			c[fmt.Sprintf("ledger/cell-%03d", i)] = strconv.Itoa(n) + ":" + randomText(rng, size)
		}
	}
	for i := range 5 {
		if rng.IntN(2) > 0 {
			c[fmt.Sprintf("findings/%d", i)] = strconv.Itoa(n) + ":" + randomText(rng, rng.IntN(40))
		}
	}
	if n > 20 { // late states grow, so that saving them needs new pages
		c["ledger/growing"] = strconv.Itoa(n) + ":" + randomText(rng, 800*(n%100))
	}
	states.Store(n, c)
	return c
}

var states sync.Map // of stateOf, which tests ask for very often

func randomText(rng *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return string(b)
}

// changes lead from one state to another.
func (c contents) changes(to contents) *Changes {
	var ch Changes
	for name := range c {
		if _, ok := to[name]; !ok {
			b, key := split(name)
			ch.Delete(b, key)
		}
	}
	for name, value := range to {
		b, key := split(name)
		ch.Put(b, key, []byte(value))
	}
	return &ch
}

func split(name string) (Bucket, []byte) {
	bucket, key, _ := strings.Cut(name, "/")
	for b := range Bucket(Buckets) {
		if bucketNames[b] == bucket {
			return b, []byte(key)
		}
	}
	panic(name)
}

func (c contents) add(b Bucket, key, value []byte) error {
	c[b.String()+"/"+string(key)] = string(value)
	return nil
}

func load(t testing.TB, s *Store) contents {
	t.Helper()
	c := contents{}
	if err := s.Load(c.add); err != nil {
		t.Fatal(err)
	}
	return c
}

// number is which state c is, -1 for the empty one; whatever is not exactly
// one of them fails the test.
func (c contents) number(t testing.TB) int {
	t.Helper()
	if len(c) == 0 {
		return -1
	}
	n, err := strconv.Atoi(c["meta/number"])
	if err != nil {
		t.Fatalf("loaded a state without a number: %v", err)
	}
	if !maps.Equal(c, stateOf(n)) {
		t.Fatalf("loaded something that is not quite state %d", n)
	}
	return n
}

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir, Options{Now: noon, KeyID: testKeyID, pageBytes: 1024})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func save(t testing.TB, s *Store, c *Changes) {
	t.Helper()
	if err := s.Save(c); err != nil {
		t.Fatal(err)
	}
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// savedStates saves the states 1 to n, with a copy after the one named, and
// gives the bytes of state.db after each save from the last but one on.
func savedStates(t testing.TB, dir string, n, copyAt int) (before, last []byte) {
	t.Helper()
	s := open(t, dir)
	have := contents{}
	for i := 1; i <= n; i++ {
		next := stateOf(i)
		save(t, s, have.changes(next))
		have = next
		if i == copyAt {
			if err := s.Copy(); err != nil {
				t.Fatal(err)
			}
		}
		before, last = last, readFile(t, filepath.Join(dir, fileName))
	}
	closeStore(t, s)
	return before, last
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
