package ledger

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// ExactPeople is how many people a set counts exactly; a larger one is a
// HyperLogLog of precision 14, see sketch.
const ExactPeople = 1024

// People is a set of keyed hashes of people: exact up to ExactPeople, then a
// HyperLogLog. The zero value is empty. What a set holds does not depend on the
// order in which it was filled, nor on how unions were grouped.
type People struct {
	n   int
	few [2]uint64 // the first n, as long as slots is nil: most sets stay small
	// Open addressing, a power of two long, at most three quarters full; 0 is
	// an empty slot. Nil once sketch is set.
	slots  []uint64
	sketch *sketch
}

// exact are the hashes of a set without a sketch; 0 is none.
func (p *People) exact() []uint64 {
	if p.slots == nil {
		return p.few[:p.n]
	}
	return p.slots
}

// Add adds one hash.
func (p *People) Add(h uint64) { p.add(h) }

// add reports whether h may be new.
func (p *People) add(h uint64) bool {
	if h == 0 {
		h = 1 // 0 marks an empty slot
	}
	if p.sketch != nil {
		return p.sketch.add(h)
	}
	if p.slots == nil {
		for _, known := range p.few[:p.n] {
			if known == h {
				return false
			}
		}
		if p.n < len(p.few) {
			p.few[p.n] = h
			p.n++
			return true
		}
	}
	if p.n*4 >= len(p.slots)*3 {
		p.grow()
	}
	mask := uint64(len(p.slots) - 1)
	i := h & mask
	for p.slots[i] != 0 {
		if p.slots[i] == h {
			return false
		}
		i = (i + 1) & mask
	}
	p.slots[i] = h
	p.n++
	if p.n > ExactPeople {
		p.condense()
	}
	return true
}

// touch reads the set ahead, and touchSlot what a hash will change in it, which
// waits for memory. Each gives something made of it.
func (p *People) touch() uint64 {
	if p == nil {
		return 0
	}
	return uint64(p.n)
}

func (p *People) touchSlot(h uint64) uint64 {
	switch {
	case p == nil || h == 0:
		return 0
	case p.sketch != nil:
		return uint64(p.sketch[h>>(64-precision)])
	case p.slots != nil:
		return p.slots[h&uint64(len(p.slots)-1)]
	}
	return 0
}

func (p *People) grow() {
	old := p.exact()
	p.slots = make([]uint64, max(8, 2*len(p.slots)))
	mask := uint64(len(p.slots) - 1)
	for _, h := range old {
		if h == 0 {
			continue
		}
		i := h & mask
		for p.slots[i] != 0 {
			i = (i + 1) & mask
		}
		p.slots[i] = h
	}
}

func (p *People) condense() {
	p.sketch = &sketch{}
	for _, h := range p.exact() {
		if h != 0 {
			p.sketch.add(h)
		}
	}
	p.slots, p.n = nil, 0
}

// Union adds everybody of o, which may be nil.
func (p *People) Union(o *People) {
	switch {
	case o == nil:
	case o.sketch == nil:
		for _, h := range o.exact() {
			if h != 0 {
				p.Add(h)
			}
		}
	default:
		if p.sketch == nil {
			p.condense()
		}
		p.sketch.union(o.sketch)
	}
}

// Count is the number of people, and whether it is exact. A nil set is empty.
func (p *People) Count() (n uint64, exact bool) {
	switch {
	case p == nil:
		return 0, true
	case p.sketch != nil:
		return p.sketch.estimate(), false
	default:
		return uint64(p.n), true
	}
}

// CountUnion is the number of people in all sets together, which are left as
// they are, and whether it is exact. Nil sets are empty.
func CountUnion(sets []*People) (n uint64, exact bool) {
	if len(sets) == 1 {
		return sets[0].Count()
	}
	if !slices.ContainsFunc(sets, func(p *People) bool { return p != nil && p.sketch != nil }) {
		most := 0
		for _, p := range sets {
			if p != nil {
				most += p.n
			}
		}
		var slots [2 * ExactPeople]uint64 // as large as it gets before it is condensed
		size := 8
		for size < len(slots) && size*3 < most*4 {
			size *= 2
		}
		u := People{slots: slots[:size]}
		for _, p := range sets {
			u.Union(p)
		}
		return u.Count()
	}
	var u sketch // on the stack: a judgement counts hundreds of unions
	for _, p := range sets {
		switch {
		case p == nil:
		case p.sketch != nil:
			u.union(p.sketch)
		default:
			for _, h := range p.exact() {
				if h != 0 {
					u.add(h)
				}
			}
		}
	}
	return u.estimate(), false
}

// bytes is about the memory held.
func (p *People) bytes() int {
	switch {
	case p == nil:
		return 0
	case p.sketch != nil:
		return 1<<14 + 96
	default:
		return 8*len(p.slots) + 64
	}
}

// Hashes are the keyed hashes of a set that is exact, in rising order; ok is
// false for one that is a sketch.
func (p *People) Hashes() (sorted []uint64, ok bool) {
	if p == nil {
		return nil, true
	}
	if p.sketch != nil {
		return nil, false
	}
	for _, h := range p.exact() {
		if h != 0 {
			sorted = append(sorted, h)
		}
	}
	slices.Sort(sorted)
	return sorted, true
}

// SketchBytes is the number of registers of a sketch.
const SketchBytes = 1 << precision

// Sketch are the registers of the HyperLogLog of a set that is not exact, one a
// byte: register i holds the most leading zeros, and 1, of the last 50 bits of
// the hashes whose first 14 bits are i. Nil for a set that is exact.
func (p *People) Sketch() []byte {
	if p == nil || p.sketch == nil {
		return nil
	}
	return slices.Clone(p.sketch[:])
}

// PeopleOf is the set that has these hashes, or, where sketch is not nil, this
// sketch. Without both it is nil: nobody.
func PeopleOf(hashes []uint64, registers []byte) (*People, error) {
	switch {
	case registers == nil && len(hashes) == 0:
		return nil, nil
	case registers == nil && len(hashes) > ExactPeople:
		return nil, fmt.Errorf("%d people counted exactly, which is done up to %d", len(hashes), ExactPeople)
	case registers == nil:
		p := &People{}
		for i, h := range hashes {
			if h == 0 || i > 0 && hashes[i-1] >= h {
				return nil, fmt.Errorf("hashes of people out of order")
			}
			p.Add(h)
		}
		return p, nil
	case len(hashes) > 0 || len(registers) != SketchBytes:
		return nil, fmt.Errorf("a sketch of %d registers with %d hashes", len(registers), len(hashes))
	}
	for _, rank := range registers {
		if rank > maxRank {
			return nil, fmt.Errorf("an impossible sketch")
		}
	}
	p := &People{sketch: &sketch{}}
	copy(p.sketch[:], registers)
	return p, nil
}

// Encoded forms of People.
const (
	encodedNobody = iota
	encodedExact
	encodedSketch
)

// append is canonical: equal sets encode to equal bytes.
func (p *People) append(b []byte) []byte {
	switch {
	case p == nil:
		return append(b, encodedNobody)
	case p.sketch == nil:
		b = append(b, encodedExact)
		b = binary.AppendUvarint(b, uint64(p.n))
		var few [64]uint64
		sorted := few[:0]
		for _, h := range p.exact() {
			if h != 0 {
				sorted = append(sorted, h)
			}
		}
		slices.Sort(sorted)
		for _, h := range sorted {
			b = binary.BigEndian.AppendUint64(b, h)
		}
		return b
	}
	return p.sketch.append(append(b, encodedSketch))
}

func (d *decoder) people() *People {
	switch form := d.byte(); form {
	case encodedNobody:
		return nil
	case encodedExact:
		n := d.uvarint()
		if n > ExactPeople || uint64(len(d.b)) < 8*n {
			d.fail("a set of %d people in %d bytes", n, len(d.b))
			return nil
		}
		p := &People{}
		for range n {
			p.Add(binary.BigEndian.Uint64(d.b))
			d.b = d.b[8:]
		}
		return p
	case encodedSketch:
		return &People{sketch: d.sketch()}
	default:
		d.fail("form %d of a set of people", form)
		return nil
	}
}
