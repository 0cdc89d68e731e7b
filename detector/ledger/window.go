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
//
// Invariant: of the events in the ring that are equal, the latest is in latest,
// under its id, where no later one has that id, else in earlier, under its
// event hash. Ids are rarely used twice, so earlier is mostly empty.
type window struct {
	ring    []seen // of length Window once an event with an id came; nil before
	next    uint64 // events so far
	latest  ids
	earlier places
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
		w.latest.ready()
	}
	place := uint32(w.next % Window)
	w.next++
	if place == 0 {
		w.latest.begin()
	}
	if s.id == 0 {
		w.replace(place, s)
		return false, false
	}
	// The event that is Window events old is still there for this one.
	before, found := w.latest.put(s.id, place, w.ring)
	if !found {
		w.replace(place, s)
		return false, false
	}
	was := w.ring[before]
	repeats, duplicate := uint32(Window), was.event == s.event // the place in earlier of what s repeats
	if !duplicate {
		w.earlier.ready()
		if at, found := w.earlier.find(s.event, w.ring); found {
			duplicate, repeats = true, at
		}
	}
	if repeats != Window {
		w.earlier.remove(s.event, repeats, w.ring) // s takes over
	}
	w.replace(place, s)
	if before != place && was.event != s.event {
		w.earlier.put(was.event, before, w.ring)
	}
	return duplicate, !duplicate
}

// replace puts s where the event was that is Window events old.
func (w *window) replace(place uint32, s seen) {
	if w.earlier.slots != nil {
		if old := w.ring[place]; old.id != 0 {
			w.earlier.remove(old.event, place, w.ring)
		}
	}
	w.ring[place] = s
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
	for len(batch) > 0 && h.ring == nil {
		if batch[0] != (seen{}) {
			h.ring = make([]seen, Window)
			break
		}
		h.next++
		batch = batch[1:]
	}
	for len(batch) > 0 {
		place := h.next % Window
		end := min(place/historyChunk*historyChunk+historyChunk, place+uint64(len(batch)))
		n := copy(h.ring[place:end], batch)
		h.dirty[place/historyChunk] = true
		h.next += uint64(n)
		batch = batch[n:]
	}
}

func (h *history) chunk(i int) []seen { return h.ring[i*historyChunk : (i+1)*historyChunk] }
