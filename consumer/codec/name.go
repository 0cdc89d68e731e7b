package codec

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
)

// fewNames is how many names of one object are compared one by one; those of a
// larger object are looked up in a table, so that no value can make the search
// for duplicates quadratic.
const fewNames = 32

// name is a name that was met in an object, without being one of the mapping or
// of a layout.
type name struct {
	start, end int32 // in the value, or in the arena when unescaped
	object     int32 // serial number of its object, in the table
	hash       uint32
	unescaped  bool
}

// bag is what is known of the names of one object that is open.
type bag struct {
	base   int    // index of its first name in the stack
	bloom  uint64 // of the hashes
	object int32  // its serial number when the names are in the table; else 0
}

// names holds the names of all objects that are open.
type names struct {
	stack []name // of objects of few names, innermost last

	// Open addressing over all names of the large objects of this value.
	seed    maphash.Seed
	large   []name
	slots   []int32 // index in large plus one; 0: free. The length is a power of two
	objects int32   // serial numbers given out
}

// reset begins with another value.
func (n *names) reset() {
	n.stack = n.stack[:0]
	if n.objects == 0 {
		return
	}
	if len(n.slots) > kept {
		n.slots, n.large = nil, nil
	}
	clear(n.slots)
	n.large, n.objects = n.large[:0], 0
}

// key is what names are compared by; it is all of a name of up to keyBytes.
type key struct {
	first, second uint64 // the first sixteen bytes, zeros behind shorter names
	length        int
}

const keyBytes = 16

func (k key) hash() uint32 {
	const odd = 0x9e3779b97f4a7c15
	return uint32((k.first ^ uint64(k.length)<<57) * odd >> 32)
}

// keyOf is the key of b[start:end]. It looks at b beyond end, but does not
// depend on what is there.
func keyOf(b []byte, start, end int) key {
	if start < 0 || start > len(b)-keyBytes {
		var padded [keyBytes]byte
		copy(padded[:], b[start:end])
		k := keyOf(padded[:], 0, min(end-start, keyBytes))
		k.length = end - start
		return k
	}
	words := b[start : start+keyBytes : start+keyBytes]
	k := key{length: end - start, first: binary.LittleEndian.Uint64(words)}
	switch {
	case k.length < 8:
		k.first &= 1<<(8*uint(k.length)) - 1
	case k.length < keyBytes:
		k.second = binary.LittleEndian.Uint64(words[8:]) & (1<<(8*uint(k.length-8)) - 1)
	default:
		k.second = binary.LittleEndian.Uint64(words[8:])
	}
	return k
}

func (s *scanner) nameText(n *name) []byte {
	if n.unescaped {
		return s.arena[n.start:n.end]
	}
	return s.buf[n.start:n.end]
}

// meet adds a name to an object and reports whether it was there already.
func (s *scanner) meet(o *bag, n name) (again bool) {
	if o.object > 0 {
		return s.tabulate(o, n)
	}
	mine := s.names.stack[o.base:]
	if len(mine) == fewNames {
		if s.names.slots == nil {
			s.names.seed = maphash.MakeSeed()
			s.names.slots = make([]int32, 8*fewNames)
		}
		s.names.objects++
		o.object = s.names.objects
		for _, other := range mine {
			s.tabulate(o, other)
		}
		s.names.stack = s.names.stack[:o.base]
		return s.tabulate(o, n)
	}
	bit := uint64(1) << (n.hash & 63)
	if o.bloom&bit != 0 {
		text := s.nameText(&n)
		for i := range mine {
			if mine[i].hash == n.hash && bytes.Equal(s.nameText(&mine[i]), text) {
				return true
			}
		}
	}
	o.bloom |= bit
	s.names.stack = append(s.names.stack, n)
	return false
}

// tabulate is meet for an object of many names.
func (s *scanner) tabulate(o *bag, n name) (again bool) {
	t := &s.names
	if 2*len(t.large) >= len(t.slots) {
		t.slots = make([]int32, 2*len(t.slots))
		for i := range t.large {
			t.slots[t.free(t.large[i].hash)] = int32(i + 1)
		}
	}
	text := s.nameText(&n)
	n.object = o.object
	n.hash = uint32(maphash.Bytes(t.seed, text)) ^ uint32(n.object)*0x9e3779b1
	for i := n.hash; ; i++ {
		slot := &t.slots[i&uint32(len(t.slots)-1)]
		if *slot == 0 {
			t.large = append(t.large, n)
			*slot = int32(len(t.large))
			return false
		}
		other := &t.large[*slot-1]
		if other.hash == n.hash && other.object == n.object && bytes.Equal(s.nameText(other), text) {
			return true
		}
	}
}

// free is the first free slot for a hash.
func (n *names) free(hash uint32) uint32 {
	for {
		if i := hash & uint32(len(n.slots)-1); n.slots[i] == 0 {
			return i
		}
		hash++
	}
}

// leave ends an object.
func (s *scanner) leave(o *bag) { s.names.stack = s.names.stack[:o.base] }
