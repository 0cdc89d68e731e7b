package ledger

import (
	"hash/maphash"
	"math"
	"math/bits"

	"github.com/dchest/siphash"

	"sunsetwatch/rules/access"
)

// Key is the secret key with which people are hashed (SipHash-2-4, Aumasson and
// Bernstein 2012) before anything else sees them.
type Key [16]byte

func (k *Key) halves(domain byte) (uint64, uint64) {
	var k0, k1 uint64
	for i := range 8 {
		k0 |= uint64(k[i]) << (8 * i)
		k1 |= uint64(k[8+i]) << (8 * i)
	}
	return k0, k1 ^ uint64(domain)
}

// Fold counts the events of one source into facts, a batch at a time. What it
// counts depends on the events alone, and, for duplicates, on the Window events
// before them.
//
// Concurrency: one goroutine.
type Fold struct {
	source SourceID

	people0, people1 uint64 // key of people
	ids0, ids1       uint64 // key of everything else

	window window

	seed  maphash.Seed
	cells []foldCell
	index []uint64 // open addressing over cells: high half of the hash, number+1; 0 is empty
	key   []byte   // scratch of cellOf
	keyed int      // bytes of all keys

	// The batch so far.
	entries []entry
	touched []int32 // cells that have entries, in the order in which they got them
	people  []person
	seen    []seen
	tally   foldTally
}

// foldTally is what became of the events of a batch.
type foldTally struct {
	counted, duplicate, conflicts uint64
	earliest, latest              access.Instant // of the counted; no meaning where there are none
}

// foldCell is a cell as a Fold knows it.
type foldCell struct {
	key    foldKey
	hash   uint64
	stable uint64 // keyed hash of key, the same in every process
	entry  int32  // latest entry of the batch, -1 where none
	// Where in the batch the cell's latest minutes are, each in the slot of its
	// number modulo the slots: events are out of order by a few minutes. A minute
	// that lost its slot gets a second entry, which costs little. They have a
	// meaning where entry is not -1.
	recent [8]recent
	// The cell of the Ledger, as of its generation; see Ledger.cellOf.
	generation uint32
	cell       *Cell
}

// recent is the entry of a minute.
type recent struct {
	minute int32 // since 1970
	entry  int32 // and 1; 0 where none
}

// entry is what a batch holds of one cell in one minute. The same minute may
// have several entries, which add up.
type entry struct {
	before int32 // the cell's entry before this one, -1 where none
	// The latest of its people in Fold.people, -1 where none.
	people, grantors int32
	minute           access.Instant
	count
}

// person is a hashed person of an entry.
type person struct {
	hash   uint64
	before int32 // the entry's person before this one, -1 where none
}

// meet adds a person to a list that ends at last.
func (f *Fold) meet(last *int32, hash uint64) {
	f.people = append(f.people, person{hash, *last})
	*last = int32(len(f.people) - 1)
}

// Limits past which a Fold forgets its cells, between two batches, so that a
// flood of names costs time and not memory.
const (
	maxFoldCells = 1 << 17
	maxKeyed     = 16 << 20
)

func newFold(source SourceID, key Key) *Fold {
	f := &Fold{source: source}
	f.people0, f.people1 = key.halves(0)
	f.ids0, f.ids1 = key.halves(1)
	f.seed = maphash.MakeSeed()
	f.index = make([]uint64, 256)
	f.reset()
	return f
}

// Add counts one event, which is borrowed.
func (f *Fold) Add(ev *access.Event, at access.Position) {
	relation := ev.Relation()
	c := f.cellOf(ev, relation)
	var person, grantor uint64
	if len(ev.Subject) > 0 {
		person = siphash.Hash(f.people0, f.people1, ev.Subject)
	}
	if len(ev.Grantor) > 0 {
		if relation == access.Self && len(ev.Subject) > 0 {
			grantor = person
		} else {
			grantor = siphash.Hash(f.people0, f.people1, ev.Grantor)
		}
	}
	var s seen
	if len(ev.ID) > 0 {
		s.id = nonZero(siphash.Hash(f.ids0, f.ids1, ev.ID))
		s.event = f.eventHash(s.id, &f.cells[c], ev, person, grantor)
	}
	duplicate, conflict := f.window.add(s)
	f.seen = append(f.seen, s)
	if conflict {
		f.tally.conflicts++
	}
	if duplicate {
		f.tally.duplicate++
		return
	}
	f.tally.counted++
	f.tally.earliest, f.tally.latest = min(f.tally.earliest, ev.Time), max(f.tally.latest, ev.Time)
	n := f.entryOf(c, ev.Time)
	e := &f.entries[n]
	mark := markOf(ev, at, f.source)
	if e.events == 0 {
		e.first, e.last = mark, mark
	} else {
		// Within a source, positions rise.
		if ev.Time < e.first.Time {
			e.first = mark
		}
		if ev.Time >= e.last.Time {
			e.last = mark
		}
	}
	e.events++
	e.records += ev.Records
	e.bytes += ev.Bytes
	if ev.Outcome != access.Served || ev.Probe != access.NoProbe {
		return
	}
	if len(ev.Subject) > 0 {
		f.meet(&e.people, person)
	}
	if len(ev.Grantor) > 0 && (relation == access.ThirdParty || len(ev.Subject) == 0) {
		f.meet(&e.grantors, grantor)
	}
}

// Span is the earliest and the latest event time counted since the last Merge;
// ok is false where nothing was counted.
func (f *Fold) Span() (earliest, latest access.Instant, ok bool) {
	return f.tally.earliest, f.tally.latest, f.tally.counted > 0
}

// cellOf finds or makes the cell of an event.
func (f *Fold) cellOf(ev *access.Event, relation access.Relation) int32 {
	f.key = appendKey(f.key[:0], ev, relation)
	hash := maphash.Bytes(f.seed, f.key)
	mask := uint64(len(f.index) - 1)
	i := hash & mask
	for ; f.index[i] != 0; i = (i + 1) & mask {
		if (f.index[i]^hash)>>32 != 0 {
			continue
		}
		n := int32(uint32(f.index[i]) - 1)
		if string(f.cells[n].key) == string(f.key) {
			return n
		}
	}
	f.cells = append(f.cells, foldCell{key: foldKey(f.key), hash: hash, stable: siphash.Hash(f.ids0, f.ids1, f.key), entry: -1})
	f.keyed += len(f.key)
	f.index[i] = hash&^math.MaxUint32 | uint64(len(f.cells))
	if len(f.cells)*2 >= len(f.index) {
		f.growIndex()
	}
	return int32(len(f.cells) - 1)
}

func (f *Fold) growIndex() {
	f.index = make([]uint64, 2*len(f.index))
	mask := uint64(len(f.index) - 1)
	for n := range f.cells {
		i := f.cells[n].hash & mask
		for f.index[i] != 0 {
			i = (i + 1) & mask
		}
		f.index[i] = f.cells[n].hash&^math.MaxUint32 | uint64(n+1)
	}
}

func (f *Fold) entryOf(n int32, t access.Instant) int32 {
	start := t.Minute()
	minute := int32(start / access.Minute)
	c := &f.cells[n]
	slot := &c.recent[uint32(minute)%uint32(len(c.recent))]
	if c.entry < 0 {
		f.touched = append(f.touched, n)
		clear(c.recent[:])
	} else if slot.minute == minute && slot.entry > 0 {
		return slot.entry - 1
	}
	f.entries = append(f.entries, entry{before: c.entry, people: -1, grantors: -1, minute: start})
	c.entry = int32(len(f.entries) - 1)
	*slot = recent{minute, c.entry + 1}
	return c.entry
}

// firstOf turns the entries of a cell round, so that each names the one after
// it, and is the first of them. The batch ends with it.
func (f *Fold) firstOf(c *foldCell) int32 {
	first := int32(-1)
	for n := c.entry; n >= 0; {
		e := &f.entries[n]
		n, e.before, first = e.before, first, n
	}
	return first
}

// eventHash is a keyed hash of the id and of everything that an event says.
func (f *Fold) eventHash(id uint64, c *foldCell, ev *access.Event, person, grantor uint64) uint64 {
	return contentHash(f.ids0, id, c.stable, ev, person, grantor)
}

// contentHash is a keyed hash of the id and of everything that an event says;
// stable is that of its cell's key.
func contentHash(key, id, stable uint64, ev *access.Event, person, grantor uint64) uint64 {
	h := mix(id^key, stable)
	h = mix(h, person+1)
	h = mix(h, grantor+2)
	h = mix(h, uint64(ev.Time))
	h = mix(h, ev.Records)
	h = mix(h, ev.Bytes)
	h = mix(h, uint64(ev.Probe))
	return nonZero(h)
}

// mix folds the 128-bit product of two words, each made odd in the middle by a
// constant (the multiply step of wyhash, Wang Yi).
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0xa0761d6478bd642f, b^0xe7037ed1a0b428db)
	return hi ^ lo
}

func nonZero(h uint64) uint64 {
	if h == 0 {
		return 1
	}
	return h
}

// reset begins the next batch.
func (f *Fold) reset() {
	for _, c := range f.touched {
		f.cells[c].entry = -1
	}
	f.entries, f.touched, f.people = f.entries[:0], f.touched[:0], f.people[:0]
	f.seen = f.seen[:0]
	f.tally = foldTally{earliest: access.End, latest: access.Beginning}
	f.trim()
}

func (f *Fold) trim() {
	if len(f.cells) <= maxFoldCells && f.keyed <= maxKeyed {
		return
	}
	clear(f.cells) // lets the keys go
	f.cells, f.keyed = f.cells[:0], 0
	clear(f.index)
}
