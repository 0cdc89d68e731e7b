package ledger

// placeBits is the logarithm of the number of slots of places, twice Window.
const (
	placeBits  = 17
	placeSlots = 1 << placeBits
	placeMask  = placeSlots - 1
)

// places finds the place in a ring that an event hash has: open addressing. A
// slot holds the high bits of the scrambled hash, which also say where its
// probing begins, and below them place+1; 0 is empty. So a search looks into
// the ring only where it has found what it searches.
//
// At most Window places are in it, half of its slots.
type places struct{ slots []uint64 }

// ready makes the slots, before the first put.
func (p *places) ready() {
	if p.slots == nil {
		p.slots = make([]uint64, placeSlots)
	}
}

func scramble(hash uint64) uint64 { return hash * 0x9e3779b97f4a7c15 &^ placeMask }

func placeIn(slot uint64) uint32 { return uint32(slot&placeMask) - 1 }

// slot of hash, or the empty slot where it would go.
func (p *places) slot(hash uint64, ring []seen) uint64 {
	key := scramble(hash)
	i := key >> (64 - placeBits)
	for p.slots[i] != 0 && (p.slots[i]&^placeMask != key || ring[placeIn(p.slots[i])].event != hash) {
		i = (i + 1) & placeMask
	}
	return i
}

func (p *places) find(hash uint64, ring []seen) (place uint32, found bool) {
	slot := p.slots[p.slot(hash, ring)]
	return placeIn(slot), slot != 0
}

// put gives hash a place, instead of the one that it had.
func (p *places) put(hash uint64, place uint32, ring []seen) {
	p.slots[p.slot(hash, ring)] = scramble(hash) | uint64(place+1)
}

// remove forgets hash where place is what it has.
func (p *places) remove(hash uint64, place uint32, ring []seen) {
	if i := p.slot(hash, ring); p.slots[i] != 0 && placeIn(p.slots[i]) == place {
		p.empty(i)
	}
}

// empty a slot. Backward-shift deletion keeps probe sequences whole.
func (p *places) empty(i uint64) {
	for {
		p.slots[i] = 0
		j := i
		for {
			j = (j + 1) & placeMask
			if p.slots[j] == 0 {
				return
			}
			home := p.slots[j] >> (64 - placeBits)
			if (j-home)&placeMask >= (j-i)&placeMask {
				break
			}
		}
		p.slots[i] = p.slots[j]
		i = j
	}
}
