package ledger

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/axiomhq/hyperloglog"
)

func TestPeopleAreExactUpTo1024(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var p People
	for n := range uint64(ExactPeople) {
		h := r.Uint64()
		p.Add(h)
		p.Add(h)
		if got, exact := p.Count(); got != n+1 || !exact {
			t.Fatalf("%d people, exact %v, after %d", got, exact, n+1)
		}
	}
	p.Add(r.Uint64())
	if got, exact := p.Count(); exact || got < 980 || got > 1070 {
		t.Fatalf("%d people, exact %v, after 1,025", got, exact)
	}
}

// What a set holds does not depend on order or grouping, to the byte.
func TestPeopleUnionIsCanonical(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		hashes := make([]uint64, 1+r.IntN(5000))
		for i := range hashes {
			hashes[i] = r.Uint64N(4000) * 0x9e3779b97f4a7c15
		}
		var one People
		for _, h := range hashes {
			one.Add(h)
		}
		r.Shuffle(len(hashes), func(i, j int) { hashes[i], hashes[j] = hashes[j], hashes[i] })
		var parts [4]People
		for _, h := range hashes {
			parts[r.IntN(4)].Add(h)
		}
		var union People
		for _, i := range r.Perm(4) {
			union.Union(&parts[i])
		}
		if !bytes.Equal(one.append(nil), union.append(nil)) {
			t.Fatalf("seed %d: the union differs", seed)
		}
		wantN, wantExact := one.Count()
		if n, exact := CountUnion([]*People{&parts[0], nil, &parts[1], &parts[2], &parts[3]}); n != wantN || exact != wantExact {
			t.Fatalf("seed %d: CountUnion gives %d, %v; want %d, %v", seed, n, exact, wantN, wantExact)
		}
		d := decoder{b: union.append(nil)}
		if back := d.people(); d.end() != nil || !bytes.Equal(back.append(nil), one.append(nil)) {
			t.Fatalf("seed %d: decoded otherwise: %v", seed, d.err)
		}
	}
}

// Sets of one or two people count beside a large one.
func TestCountUnionOfLargeAndSmallSets(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	var all, large People
	for range 3 * ExactPeople {
		h := r.Uint64()
		all.Add(h)
		large.Add(h)
	}
	sets := []*People{&large}
	for range 4 * ExactPeople {
		h := r.Uint64()
		small := &People{}
		small.Add(h)
		all.Add(h)
		sets = append(sets, small)
	}
	want, _ := all.Count()
	if n, exact := CountUnion(sets); n != want || exact {
		t.Errorf("%d people, exactly %t; want the estimate %d", n, exact, want)
	}
}

// The estimate is as good as theory says, and near that of the library, whose
// registers are the same.
func TestSketchEstimate(t *testing.T) {
	const trials = 60
	for _, n := range []int{1, 10, 1_000, 10_000, 100_000, 1_000_000} {
		var squares, library float64
		for trial := range trials {
			if n >= 100_000 && trial >= 12 {
				break
			}
			r := rand.New(rand.NewPCG(uint64(n), uint64(trial)))
			var s sketch
			o := hyperloglog.NewNoSparse()
			for range n {
				h := r.Uint64()
				s.add(h)
				o.InsertHash(h)
			}
			off := float64(s.estimate())/float64(n) - 1
			squares += off * off
			library = max(library, math.Abs(float64(s.estimate())-float64(o.Estimate()))/float64(n))
		}
		rms := math.Sqrt(squares / trials)
		if rms > 0.011 {
			t.Errorf("%d: standard error %.4f, want at most 0.011", n, rms)
		}
		if library > 0.01 {
			t.Errorf("%d: %.4f away from the library", n, library)
		}
	}
}

func TestSketchUnionIsMaximum(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 100 {
		var a, b, want sketch
		for i := range a {
			a[i], b[i] = uint8(r.IntN(maxRank+1)), uint8(r.IntN(maxRank+1))
			want[i] = max(a[i], b[i])
		}
		if a.union(&b); a != want {
			t.Fatal("a register is not the greater of the two")
		}
	}
}

func BenchmarkSketchEstimate(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	var s sketch
	for range 50_000 {
		s.add(r.Uint64())
	}
	for b.Loop() {
		s.estimate()
	}
}
