package ledger

// Window is the number of events of a source in which a repeated event is
// recognised.
const Window = 1 << 16

// seen is one event of the window: a keyed hash of its id, and one of its id
// and content. Both are 0 for an event without an id.
type seen struct{ id, event uint64 }

// window recognises repeated events among the last Window events of a source.
// Every event takes a place in it, whether it has an id or not, counted or a
// duplicate, so that what is recognised depends on the log alone.
type window struct {
	ring   []seen // of length Window once an event with an id came; nil before
	next   uint64 // events so far
	events places // by event hash
	ids    places // by id hash
}

// places finds the latest place in the ring that holds a hash: open addressing,
// place+1, 0 is empty.
type places struct {
	slots []uint32
}

// add takes one event in and reports whether it repeats an earlier one, and
// whether an earlier one has its id and other content.
func (w *window) add(s seen) (duplicate, conflict bool) {
	if w.ring == nil {
		if s == (seen{}) {
			w.next++
			return false, false
		}
		w.ring = make([]seen, Window)
		w.events.slots = make([]uint32, 2*Window)
		w.ids.slots = make([]uint32, 2*Window)
	}
	place := uint32(w.next % Window)
	if s.id != 0 {
		duplicate = w.events.find(s.event, w.eventAt)
		conflict = !duplicate && w.ids.find(s.id, w.idAt)
	}
	// Only now does the event that is Window events old leave.
	if old := w.ring[place]; old.id != 0 {
		w.events.remove(old.event, place, w.eventAt)
		w.ids.remove(old.id, place, w.idAt)
	}
	w.ring[place] = s
	w.next++
	if s.id != 0 {
		w.events.put(s.event, place, w.eventAt)
		w.ids.put(s.id, place, w.idAt)
	}
	return duplicate, conflict
}

func (w *window) eventAt(place uint32) uint64 { return w.ring[place].event }

func (w *window) idAt(place uint32) uint64 { return w.ring[place].id }

// slot of hash, or the empty slot where it would go.
func (p *places) slot(hash uint64, at func(uint32) uint64) uint64 {
	mask := uint64(len(p.slots) - 1)
	i := hash & mask
	for p.slots[i] != 0 && at(p.slots[i]-1) != hash {
		i = (i + 1) & mask
	}
	return i
}

func (p *places) find(hash uint64, at func(uint32) uint64) bool {
	return p.slots[p.slot(hash, at)] != 0
}

// put makes place the latest of hash.
func (p *places) put(hash uint64, place uint32, at func(uint32) uint64) {
	p.slots[p.slot(hash, at)] = place + 1
}

// remove forgets hash where place is its latest.
func (p *places) remove(hash uint64, place uint32, at func(uint32) uint64) {
	mask := uint64(len(p.slots) - 1)
	i := hash & mask
	for p.slots[i] != place+1 {
		if p.slots[i] == 0 {
			return // a later place holds it
		}
		i = (i + 1) & mask
	}
	// Backward-shift deletion keeps probe sequences whole.
	for {
		p.slots[i] = 0
		j := i
		for {
			j = (j + 1) & mask
			if p.slots[j] == 0 {
				return
			}
			home := at(p.slots[j]-1) & mask
			if (j-home)&mask >= (j-i)&mask {
				break
			}
		}
		p.slots[i] = p.slots[j]
		i = j
	}
}

// restore fills an empty window with the events of a ring that was saved.
func (w *window) restore(ring []seen, next uint64) {
	*w = window{}
	if ring == nil {
		w.next = next
		return
	}
	w.next = next - min(next, Window)
	for w.next < next {
		w.add(ring[w.next%Window])
	}
}

// history is the ring of a source as of the events that are counted; a Fold
// runs ahead of it by one batch.
type history struct {
	ring  []seen
	next  uint64
	dirty [Window / historyChunk]bool
}

// historyChunk is the number of places that are saved together.
const historyChunk = 1024

func (h *history) add(batch []seen) {
	for _, s := range batch {
		if h.ring == nil && s != (seen{}) {
			h.ring = make([]seen, Window)
		}
		if h.ring != nil {
			place := h.next % Window
			h.ring[place] = s
			h.dirty[place/historyChunk] = true
		}
		h.next++
	}
}

func (h *history) chunk(i int) []seen { return h.ring[i*historyChunk : (i+1)*historyChunk] }
