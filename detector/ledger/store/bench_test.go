package store

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// fill puts n values of the given size under keys that are spread out.
func fill(c *Changes, n, size int, rng *rand.Rand) {
	value := make([]byte, size)
	var key [8]byte
	for i := range n {
		for j := 0; j+8 <= size; j += 8 {
			binary.BigEndian.PutUint64(value[j:], rng.Uint64())
		}
		binary.BigEndian.PutUint64(key[:], uint64(i)*0x9e3779b97f4a7c15)
		c.Put(Ledger, key[:], value)
	}
}

func benchmarkStore(b *testing.B, n, size int) *Store {
	b.Helper()
	s, err := Open(b.TempDir(), Options{Now: noon, KeyID: testKeyID})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	b.SetBytes(int64(n * size))
	var c Changes
	fill(&c, n, size, rand.New(rand.NewPCG(1, 1)))
	save(b, s, &c)
	return s
}

// All of 50 MB is dirty.
func BenchmarkSave(b *testing.B) {
	for _, size := range []int{200, 1000, 16_000} {
		b.Run(map[int]string{200: "values-of-200", 1000: "values-of-1000", 16_000: "values-of-16000"}[size], func(b *testing.B) {
			n := 50_000_000 / size
			s := benchmarkStore(b, n, size)
			rng := rand.New(rand.NewPCG(2, 2))
			for b.Loop() {
				var c Changes
				fill(&c, n, size, rng)
				save(b, s, &c)
			}
			b.ReportMetric(float64(s.Size())/float64(n*size), "file/values")
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	s := benchmarkStore(b, 50_000, 1000)
	for b.Loop() {
		if err := s.Load(func(Bucket, []byte, []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	s := benchmarkStore(b, 50_000, 1000)
	for b.Loop() {
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		again, err := Open(s.dir, Options{Now: noon, KeyID: testKeyID})
		if err != nil {
			b.Fatal(err)
		}
		s = again
	}
	_ = s.Close()
}

func BenchmarkCopy(b *testing.B) {
	s := benchmarkStore(b, 50_000, 1000)
	for b.Loop() {
		if err := s.Copy(); err != nil {
			b.Fatal(err)
		}
	}
}
