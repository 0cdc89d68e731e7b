package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// verifyBytes verifies a file in memory and says which state is in it, of
// which want are allowed; -2 where it is refused.
func verifyBytes(t testing.TB, file []byte, what string, want ...int) int {
	t.Helper()
	c := contents{}
	v, err := verify(bytes.NewReader(file), int64(len(file)), c.add)
	if err != nil {
		if !isDamage(err) {
			t.Fatalf("%s: an error that is no damage: %v", what, err)
		}
		return -2
	}
	n := c.number(t)
	if !slices.Contains(want, n) && !(n == -1 && slices.Contains(want, 0)) {
		t.Fatalf("%s: state %d (stepped %t), want one of %v", what, n, v.stepped, want)
	}
	return n
}

func TestEveryBitFlipIsExactOrRefused(t *testing.T) {
	before, last := savedStates(t, t.TempDir(), 9, 0)
	used := usedLength(t, last)
	if n := verifyBytes(t, last, "whole", 9); n != 9 {
		t.Fatal("the file itself is refused")
	}
	newest := newestMeta(before, last)
	step := 41
	if testing.Short() {
		step = 131
	}
	first := rand.IntN(step)
	t.Logf("%d bytes, each %dth bit from %d on", used, step, first)
	var exact, refused, stepped int
	for bit := first; bit < 8*used; bit += step {
		last[bit/8] ^= 1 << (bit % 8)
		want := []int{9}
		if bit/8/1024 == newest {
			want = []int{9, 8} // the save before, whole
		}
		switch verifyBytes(t, last, fmt.Sprintf("bit %d", bit), want...) {
		case 9:
			exact++
		case 8:
			stepped++
		default:
			refused++
		}
		last[bit/8] ^= 1 << (bit % 8)
	}
	t.Logf("%d exact (in free pages and unused room), %d refused, %d the save before", exact, refused, stepped)
	if exact == 0 || refused == 0 || stepped == 0 {
		t.Error("one of the outcomes never came")
	}
}

// usedLength is the length up to which pages are in use.
func usedLength(t testing.TB, file []byte) int {
	t.Helper()
	m, err := readMeta(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return int(m.high) * m.pageBytes
}

// newestMeta is the number of the meta page that the last save wrote.
func newestMeta(before, last []byte) int {
	if bytes.Equal(before[:1024], last[:1024]) {
		return 1
	}
	return 0
}

func TestEveryPrefixIsExactOrRefused(t *testing.T) {
	_, last := savedStates(t, t.TempDir(), 6, 0)
	used := usedLength(t, last)
	step := 197
	if testing.Short() {
		step = 997
	}
	for n := range used {
		if n%step != 0 && n%1024 > 1 && used-n > 3 {
			continue
		}
		if got := verifyBytes(t, last[:n], fmt.Sprintf("prefix of %d", n)); got != -2 {
			t.Fatalf("prefix of %d bytes of %d gives state %d", n, used, got)
		}
		// The same length, with nothing in the rest.
		holed := append(slices.Clone(last[:n]), make([]byte, len(last)-n)...)
		verifyBytes(t, holed, fmt.Sprintf("zeros from %d on", n), 6)
	}
	for n := used; n < len(last); n += 4093 {
		verifyBytes(t, last[:n], fmt.Sprintf("prefix of %d", n), 6)
	}
}

// What a loss of power can leave: any part of the data pages of a save, and
// then any part of its meta page.
func TestTornSaveIsTheOneBeforeOrTheLast(t *testing.T) {
	before, last := savedStates(t, t.TempDir(), 7, 0)
	before = append(before, make([]byte, max(0, len(last)-len(before)))...)
	newest := newestMeta(before, last)
	seed := rand.Uint64()
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	mix := func(take func(page int) bool) []byte {
		file := slices.Clone(before[:len(last)])
		for page := range len(last) / 1024 {
			if take(page) {
				copy(file[page*1024:(page+1)*1024], last[page*1024:])
			}
		}
		return file
	}
	for range 100 {
		// In the order in which bbolt syncs: data pages, then meta.
		file := mix(func(page int) bool { return page != newest && rng.IntN(2) == 0 })
		if n := verifyBytes(t, file, "data pages", 6); n != 6 {
			t.Fatal("the save before is refused")
		}
		// A disk that lies about the order.
		file = mix(func(int) bool { return rng.IntN(4) > 0 })
		verifyBytes(t, file, "any pages", 6, 7)
	}
	for n := 0; n < 1024; n += 1 + n/100 {
		file := mix(func(page int) bool { return page != newest })
		copy(file[newest*1024:], last[newest*1024:newest*1024+n])
		if got := verifyBytes(t, file, fmt.Sprintf("%d bytes of the meta page", n), 6, 7); got == -2 {
			t.Fatalf("%d bytes of the meta page: refused", n)
		}
	}
}

// A page of an earlier save is well formed, and its values are well sealed.
func TestOldPagesAreRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	have := contents{}
	var files [][]byte
	for i := 1; i <= 12; i++ {
		save(t, s, have.changes(stateOf(i)))
		have = stateOf(i)
		files = append(files, readFile(t, s.path))
	}
	last := files[len(files)-1]
	for i, file := range files {
		for page := 2; page < usedLength(t, file)/1024; page++ {
			mixed := slices.Clone(last)
			copy(mixed[page*1024:(page+1)*1024], file[page*1024:])
			verifyBytes(t, mixed, fmt.Sprintf("page %d of save %d", page, i+1), 12)
		}
	}
	// Each pointer to a page led to each other page.
	used := usedLength(t, last)
	for at := 2048; at+8 <= used; at += 8 {
		id := order.Uint64(last[at:])
		if id < 2 || id >= uint64(used/1024) || at%1024 == 0 {
			continue
		}
		for other := range uint64(used / 1024) {
			order.PutUint64(last[at:], other)
			verifyBytes(t, last, fmt.Sprintf("pointer at %d to page %d", at, other), 12)
		}
		order.PutUint64(last[at:], id)
	}
}

func TestRandomDamage(t *testing.T) {
	_, last := savedStates(t, t.TempDir(), 8, 0)
	used := usedLength(t, last)
	seed := rand.Uint64()
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	rounds := 2500
	if testing.Short() {
		rounds = 2000
	}
	file := slices.Clone(last)
	for range rounds {
		copy(file, last)
		for range 1 + rng.IntN(3) {
			at, n := rng.IntN(used), 1+rng.IntN(64)
			if rng.IntN(2) == 0 {
				at &^= 1023 // headers of pages and their first elements
				at += rng.IntN(48)
			}
			part := file[at:min(at+n, used)]
			switch rng.IntN(3) {
			case 0:
				clear(part)
			case 1:
				copy(part, last[rng.IntN(used):])
			default:
				for i := range part {
					part[i] = byte(rng.Uint32())
				}
			}
		}
		verifyBytes(t, file, "random damage", 8, 7)
	}
}

// A root page of an earlier save leads to a state that was whole once.
func TestOldRootIsRefused(t *testing.T) {
	before, last := savedStates(t, t.TempDir(), 7, 0)
	root := func(file []byte) int64 {
		m, err := readMeta(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		return int64(m.root)
	}
	mixed := slices.Clone(last)
	copy(mixed[root(last)*1024:(root(last)+1)*1024], before[root(before)*1024:])
	if n := verifyBytes(t, mixed, "old root", 7); n != -2 {
		t.Fatalf("the old root gives state %d", n)
	}
}

// An element with the flag of a bucket is no value to bbolt, whatever it holds.
func TestFlagsOfTheHeaderAreChecked(t *testing.T) {
	_, last := savedStates(t, t.TempDir(), 9, 0)
	refused := 0
	// The element stands right before its key, where it is the only one of its
	// page; older pages have one too.
	for at := 0; ; {
		i := bytes.Index(last[at:], []byte(headerKey))
		if i < 0 {
			break
		}
		at += i + 1
		element := at - 1 - elementBytes
		last[element] ^= 1
		switch verifyBytes(t, last, fmt.Sprintf("flags at %d", element), 9) {
		case 9:
			closeStore(t, open(t, directory(t, last, nil)))
		default:
			refused++
		}
		last[element] ^= 1
	}
	if refused == 0 {
		t.Error("no flag was refused")
	}
}
