package ledger

const (
	idLineBits = 14
	idLines    = 1 << idLineBits
	idSlots    = 8 // of one turn in a line
)

// ids finds the latest place in a window's ring that an id has. Nothing is ever
// removed: the ring is filled in turns of Window events, each turn has its half
// of every line, and when a turn begins, the half of the one before the last is
// cleared. So taking in an event touches one line of memory.
//
// A slot is 16 bits of the id and 16 bits of place; 0 is empty. A half is filled
// from its start, and goes on in the next line when it is full.
type ids struct {
	lines []idLine
	turn  int // 0 or 1: the half that the present turn has
}

type idLine [2][idSlots]uint32

func (t *ids) ready() { t.lines = make([]idLine, idLines) }

// begin is called when the ring begins from its start.
func (t *ids) begin() {
	t.turn ^= 1
	for i := range t.lines {
		t.lines[i][t.turn] = [idSlots]uint32{}
	}
}

// lineOf is the line of an id, and what a slot holds of it, above the place:
// other bits, of which one is set, so that a slot is never 0.
func lineOf(id uint64) (line uint64, tag uint32) {
	h := id * 0x9e3779b97f4a7c15
	return h >> (64 - idLineBits), uint32(h>>16)&^0xffff | 1<<16
}

// put gives an id the place that comes next, and returns the one that it had.
func (t *ids) put(id uint64, place uint32, ring []seen) (before uint32, found bool) {
	home, tag := lineOf(id)
	var free *uint32
present:
	for i := home; ; i = (i + 1) % idLines {
		half := &t.lines[i][t.turn]
		for n := range half {
			switch slot := half[n]; {
			case slot == 0:
				free = &half[n]
				break present
			case slot&^0xffff == tag && ring[slot&0xffff].id == id:
				half[n] = tag | place
				return slot & 0xffff, true
			}
		}
	}
	*free = tag | place
	for i := home; ; i = (i + 1) % idLines {
		half := &t.lines[i][t.turn^1]
		for _, slot := range half {
			if slot == 0 {
				return 0, false
			}
			// What lies before place was overwritten since.
			if at := slot & 0xffff; slot&^0xffff == tag && at >= place && ring[at].id == id {
				return at, true
			}
		}
	}
}
