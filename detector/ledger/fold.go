package ledger

import (
	"hash/maphash"
	"math"
	"math/bits"
	"slices"

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
// Its tables are larger than the caches of a processor. So events wait until
// there are some: then each step is done for all of them, and the memory of one
// is fetched while that of another is on its way. See settle.
//
// Concurrency: one goroutine.
type Fold struct {
	source SourceID
	from   access.Instant // earlier events were counted before the source was known, see Ledger.Import

	people0, people1 uint64 // key of people
	ids0, ids1       uint64 // key of everything else

	window window

	seed  maphash.Seed
	cells []foldCell
	index []uint64 // open addressing over cells: high half of the hash, number+1; 0 is empty
	keyed int      // bytes of all keys

	// Events that wait for settle: the last ones of log, in order.
	waiting []waiting
	keys    []byte // of all waiting, one behind the other

	// The batch so far.
	log     []logged
	cellsOf []int32 // the cell of each event of log that does not wait
	counts  []int32 // how many events of log each cell has; as long as cells
	touched []int32 // cells that have events in log, in the order in which they got them
	seen    []seen
	tally   foldTally

	order   []int32 // scratch of sorted
	fetched uint64  // keeps what is read ahead from being optimised away
}

// foldTally is what became of the events of a batch.
type foldTally struct {
	counted, duplicate, conflicts uint64
	earliest, latest              access.Instant // of the counted; no meaning where there are none
	imported                      access.Instant // latest of those that were counted before, see Ledger.Import
}

// foldCell is a cell as a Fold knows it.
type foldCell struct {
	hash   uint64
	stable uint64 // keyed hash of key, the same in every process
	key    foldKey
	// The cell of the Ledger, as of its generation; see Ledger.cellOf.
	cell       *Cell
	generation uint32
}

// logged is one counted event, without its cell. It has the size of a line of
// cache.
type logged struct {
	time           access.Instant
	offset         int64
	records, bytes uint64
	person         uint64 // hashed; 0: none that is counted
	grantor        uint64 // as person
	place          uint32 // as in Mark
	_              [3]uint32
}

// waiting is the part of a waiting event that is not in logged.
type waiting struct {
	hash            uint64 // of its key
	id              uint64 // hashed; 0: none
	person, grantor uint64 // hashed; for the hash of the event
	end             int32  // of its key in Fold.keys
	cell            int32
	probe           access.Probe
}

// lookahead is how many events wait: more than a processor can have loads under
// way, and so few that their lines stay in its nearest cache.
const lookahead = 64

// Limits past which a Fold forgets its cells, between two batches, so that a
// flood of names costs time and not memory.
const (
	maxFoldCells = 1 << 17
	maxKeyed     = 16 << 20
)

func newFold(source SourceID, key Key) *Fold {
	f := &Fold{source: source, from: access.Beginning}
	f.people0, f.people1 = key.halves(0)
	f.ids0, f.ids1 = key.halves(1)
	f.seed = maphash.MakeSeed()
	f.index = make([]uint64, 256)
	f.waiting = make([]waiting, 0, lookahead)
	f.reset()
	return f
}

// Add counts one event, which is borrowed.
func (f *Fold) Add(ev *access.Event, at access.Position) {
	relation := ev.Relation()
	start := len(f.keys)
	f.keys = appendKey(f.keys, ev, relation)
	w := waiting{hash: maphash.Bytes(f.seed, f.keys[start:]), end: int32(len(f.keys)), probe: ev.Probe}
	if len(ev.Subject) > 0 {
		w.person = siphash.Hash(f.people0, f.people1, ev.Subject)
	}
	if len(ev.Grantor) > 0 {
		if relation == access.Self && len(ev.Subject) > 0 {
			w.grantor = w.person
		} else {
			w.grantor = siphash.Hash(f.people0, f.people1, ev.Grantor)
		}
	}
	if len(ev.ID) > 0 {
		w.id = nonZero(siphash.Hash(f.ids0, f.ids1, ev.ID))
	}
	f.waiting = append(f.waiting, w)

	if len(f.log) == cap(f.log) {
		f.log = slices.Grow(f.log, max(lookahead, len(f.log)))
	}
	f.log = append(f.log, logged{time: ev.Time, offset: at.Offset, place: placeOf(ev.Late, at), records: ev.Records, bytes: ev.Bytes})
	if ev.Outcome == access.Served && ev.Probe == access.NoProbe {
		e := &f.log[len(f.log)-1]
		if len(ev.Subject) > 0 {
			e.person = nonZero(w.person)
		}
		if len(ev.Grantor) > 0 && (relation == access.ThirdParty || len(ev.Subject) == 0) {
			e.grantor = nonZero(w.grantor)
		}
	}
	if len(f.waiting) == lookahead {
		f.settle()
	}
}

// settle finds the cells of the events that wait, and takes those out of the log
// that are not counted. Its first loops change nothing: they read what the later
// ones need, so that these do not wait for memory one event after the other.
func (f *Fold) settle() {
	var fetched uint64
	mask := uint64(len(f.index) - 1)
	for i := range f.waiting {
		w := &f.waiting[i]
		w.cell = -1
		if slot := f.index[w.hash&mask]; slot != 0 {
			w.cell = int32(uint32(slot) - 1)
		}
		if w.id != 0 && f.window.ring != nil {
			line, _ := lineOf(w.id)
			fetched += uint64(f.window.latest.lines[line][0][0])
		}
	}
	for i := range f.waiting {
		if w := &f.waiting[i]; w.cell >= 0 {
			fetched += uint64(f.cells[w.cell].key[0])
		}
	}
	f.fetched = fetched

	kept := len(f.log) - len(f.waiting)
	log := f.log[kept:]
	start := int32(0)
	for i := range f.waiting {
		w := &f.waiting[i]
		n := f.cellOf(w, f.keys[start:w.end])
		start = w.end
		e := &log[i]
		var s seen
		if w.id != 0 {
			s = seen{w.id, f.eventHash(w, &f.cells[n], e)}
		}
		duplicate, conflict := f.window.add(s)
		f.seen = append(f.seen, s)
		if e.time < f.from {
			f.tally.duplicate++
			f.tally.imported = max(f.tally.imported, e.time)
			continue
		}
		if conflict {
			f.tally.conflicts++
		}
		if duplicate {
			f.tally.duplicate++
			continue
		}
		f.tally.counted++
		f.tally.earliest, f.tally.latest = min(f.tally.earliest, e.time), max(f.tally.latest, e.time)
		if to := &f.log[kept]; to != e {
			*to = *e
		}
		kept++
		if f.counts[n] == 0 {
			f.touched = append(f.touched, n)
		}
		f.counts[n]++
		f.cellsOf = append(f.cellsOf, n)
	}
	f.log = f.log[:kept]
	f.waiting, f.keys = f.waiting[:0], f.keys[:0]
}

// Span is the earliest and the latest event time counted since the last Merge;
// ok is false where nothing was counted.
func (f *Fold) Span() (earliest, latest access.Instant, ok bool) {
	f.settle()
	return f.tally.earliest, f.tally.latest, f.tally.counted > 0
}

// cellOf finds or makes the cell of an event by its key.
func (f *Fold) cellOf(w *waiting, key []byte) int32 {
	mask := uint64(len(f.index) - 1)
	i := w.hash & mask
	for ; f.index[i] != 0; i = (i + 1) & mask {
		if (f.index[i]^w.hash)>>32 != 0 {
			continue
		}
		n := int32(uint32(f.index[i]) - 1)
		if string(f.cells[n].key) == string(key) {
			return n
		}
	}
	f.cells = append(f.cells, foldCell{key: foldKey(key), hash: w.hash, stable: siphash.Hash(f.ids0, f.ids1, key)})
	f.counts = append(f.counts, 0)
	f.keyed += len(key)
	f.index[i] = w.hash&^math.MaxUint32 | uint64(len(f.cells))
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

// sorted are the numbers of the events of the log: those of the first touched
// cell, as many as counts says, in the order of the log, then those of the next.
func (f *Fold) sorted() []int32 {
	f.order = slices.Grow(f.order[:0], len(f.log))[:len(f.log)]
	// Counts become the places behind each cell's events, and counts again.
	var end int32
	for _, n := range f.touched {
		end += f.counts[n]
		f.counts[n] = end
	}
	for i := len(f.cellsOf) - 1; i >= 0; i-- {
		n := f.cellsOf[i]
		f.counts[n]--
		f.order[f.counts[n]] = int32(i)
	}
	for k, n := range f.touched {
		next := int32(len(f.log))
		if k+1 < len(f.touched) {
			next = f.counts[f.touched[k+1]]
		}
		f.counts[n] = next - f.counts[n]
	}
	return f.order
}

// eventHash is a keyed hash of the id and of everything that an event says.
func (f *Fold) eventHash(w *waiting, c *foldCell, e *logged) uint64 {
	return contentHash(f.ids0, w.id, c.stable, w.person, w.grantor, e.time, e.records, e.bytes, w.probe)
}

// contentHash is a keyed hash of the id and of everything that an event says;
// stable is that of its cell's key.
func contentHash(key, id, stable, person, grantor uint64, t access.Instant, records, bytes uint64, probe access.Probe) uint64 {
	h := mix(id^key, stable)
	h = mix(h, person+1)
	h = mix(h, grantor+2)
	h = mix(h, uint64(t))
	h = mix(h, records)
	h = mix(h, bytes)
	h = mix(h, uint64(probe))
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
	for _, n := range f.touched {
		f.counts[n] = 0
	}
	f.waiting, f.keys = f.waiting[:0], f.keys[:0]
	f.log, f.cellsOf, f.touched = f.log[:0], f.cellsOf[:0], f.touched[:0]
	f.seen = f.seen[:0]
	f.tally = foldTally{earliest: access.End, latest: access.Beginning, imported: access.Beginning}
	f.trim()
}

func (f *Fold) trim() {
	if len(f.cells) <= maxFoldCells && f.keyed <= maxKeyed {
		return
	}
	clear(f.cells) // lets the keys go
	f.cells, f.counts, f.keyed = f.cells[:0], f.counts[:0], 0
	clear(f.index)
}
