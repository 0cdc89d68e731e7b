package ledger

import (
	"hash/maphash"
	"slices"
)

// interner gives small numbers to the strings of one Fold. It is cleared, not
// grown without end: see Fold.trim.
type interner struct {
	seed    maphash.Seed
	slots   []uint32 // open addressing, a power of two long; number+1, 0 is empty
	strings []string
	stable  []uint64 // keyed hash of each string, the same in every process
}

// number of the string b; stable hashes a string that is new.
func (in *interner) number(b []byte, stable func([]byte) uint64) uint32 {
	if len(in.strings)*2 >= len(in.slots) {
		in.grow()
	}
	mask := uint64(len(in.slots) - 1)
	i := maphash.Bytes(in.seed, b) & mask
	for in.slots[i] != 0 {
		n := in.slots[i] - 1
		if in.strings[n] == string(b) {
			return n
		}
		i = (i + 1) & mask
	}
	in.strings = append(in.strings, string(b))
	in.stable = append(in.stable, stable(b))
	in.slots[i] = uint32(len(in.strings))
	return uint32(len(in.strings) - 1)
}

func (in *interner) grow() {
	in.slots = make([]uint32, max(64, 2*len(in.slots)))
	mask := uint64(len(in.slots) - 1)
	for n, s := range in.strings {
		i := maphash.String(in.seed, s) & mask
		for in.slots[i] != 0 {
			i = (i + 1) & mask
		}
		in.slots[i] = uint32(n + 1)
	}
}

func (in *interner) clear() {
	clear(in.slots)
	clear(in.strings) // lets the strings go
	in.strings, in.stable = in.strings[:0], in.stable[:0]
}

// scopeSets gives small numbers to the scope sets of one Fold.
type scopeSets struct {
	joined interner
	sets   [][]string
	buf    []byte
}

// number of a set, which is sorted and without repeats.
func (ss *scopeSets) number(scopes [][]byte, stable func([]byte) uint64) uint32 {
	ss.buf = ss.buf[:0]
	for _, s := range scopes {
		// A scope is at most MaxNameBytes long, so that two bytes of length
		// make the joined form unambiguous.
		ss.buf = append(ss.buf, byte(len(s)>>8), byte(len(s)))
		ss.buf = append(ss.buf, s...)
	}
	n := ss.joined.number(ss.buf, stable)
	if int(n) == len(ss.sets) {
		set := make([]string, len(scopes))
		for i, s := range scopes {
			set[i] = string(s)
		}
		ss.sets = append(ss.sets, slices.Clip(set))
	}
	return n
}

func (ss *scopeSets) clear() {
	ss.joined.clear()
	clear(ss.sets)
	ss.sets = ss.sets[:0]
}
