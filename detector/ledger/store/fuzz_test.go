package store

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"path/filepath"
	"slices"
	"testing"
)

// FuzzValue: a sealed value opens as what was sealed, and nothing else panics.
func FuzzValue(f *testing.F) {
	f.Add([]byte("key"), []byte("value"), 3)
	f.Add([]byte("k"), []byte{}, 0)
	f.Fuzz(func(t *testing.T, key, value []byte, flip int) {
		_, _, _ = unseal(key, value)
		_, _ = readHeader(value)
		sealed := append(make([]byte, checksumBytes), value...)
		seal(sealed, key)
		got, _, ok := unseal(key, sealed)
		if !ok || !bytes.Equal(got, value) {
			t.Fatal("does not open as what was sealed")
		}
		bit := uint(flip) % uint(8*len(sealed))
		sealed[bit/8] ^= 1 << (bit % 8)
		if _, _, ok := unseal(key, sealed); ok {
			t.Fatal("a flipped bit was not found")
		}
		h := header{saves: uint64(flip), keyID: testKeyID}
		if again, err := readHeader(h.appendSealed(nil)); err != nil || again != h {
			t.Fatalf("header %+v, %v", again, err)
		}
	})
}

// damaged applies edits to a file: each is an offset of three bytes, a length
// and that many bytes. Afterwards the checksums of the meta pages are made
// right where asked, so that the rest of them is looked at.
func damaged(file, edits []byte, mend bool) []byte {
	file = slices.Clone(file)
	for len(edits) >= 4 {
		at := int(edits[0])<<16 | int(edits[1])<<8 | int(edits[2])
		n := int(edits[3]) % 16
		edits = edits[4:]
		n = min(n, len(edits))
		copy(file[at%len(file):], edits[:n])
		edits = edits[n:]
	}
	if mend {
		for _, at := range []int{pageHeaderBytes, 1024 + pageHeaderBytes} {
			h := fnv.New64a()
			h.Write(file[at : at+metaBytes-8])
			order.PutUint64(file[at+metaBytes-8:], h.Sum64())
		}
	}
	return file
}

// FuzzOpen damages a saved state: what opens is one of the saved states, or
// the copy; and it can be saved to.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	_, last := savedStates(f, dir, 5, 3)
	last = last[:usedLength(f, last)]
	copied := readFile(f, filepath.Join(dir, copyName))
	f.Add([]byte{}, false)
	f.Add([]byte{0, 0, 40, 2, 9, 9}, false)
	f.Add([]byte{0, 4, 56, 8, 1, 0, 0, 0, 0, 0, 0, 0}, true)
	f.Fuzz(func(t *testing.T, edits []byte, mend bool) {
		file := damaged(last, edits, mend)
		c := contents{}
		_, err := verify(bytes.NewReader(file), int64(len(file)), c.add)
		if err != nil {
			return // the copy is used then, as other tests show
		}
		if n := c.number(t); n > 5 {
			t.Fatalf("state %d", n)
		}
		if c.number(t) == -1 {
			return // the state before the first save, by its meta page
		}
		s := open(t, directory(t, file, copied))
		if s.Report().From != FromFile {
			t.Fatalf("report %+v", s.Report())
		}
		save(t, s, load(t, s).changes(stateOf(9)))
		if n := load(t, s).number(t); n != 9 {
			t.Fatalf("state %d after a save", n)
		}
		closeStore(t, s)
	})
}

// FuzzOpenAny opens bytes of any kind.
func FuzzOpenAny(f *testing.F) {
	_, last := savedStates(f, f.TempDir(), 1, 0)
	f.Add(last[:8<<10])
	f.Add([]byte{})
	f.Add(binary.BigEndian.AppendUint64(nil, 1))
	f.Fuzz(func(t *testing.T, file []byte) {
		c := contents{}
		if _, err := verify(bytes.NewReader(file), int64(len(file)), c.add); err == nil {
			c.number(t)
		}
	})
}
