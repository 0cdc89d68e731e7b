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
	latest  places
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
		w.latest.slots = make([]uint64, placeSlots)
		w.earlier.slots = make([]uint64, placeSlots)
	}
	place := uint32(w.next % Window)
	w.next++
	if s.id != 0 {
		duplicate, conflict = w.find(s)
	}
	// Only now does the event that is Window events old leave.
	if old := w.ring[place]; old.id != 0 && !w.latest.remove(old.id, place) {
		w.earlier.remove(old.event, place)
	}
	w.ring[place] = s
	if s.id == 0 {
		return false, false
	}
	if duplicate && conflict {
		w.earlier.forget(s.event) // it becomes the latest again
	}
	if before, found := w.latest.put(s.id, place); found && w.ring[before].event != s.event {
		w.earlier.put(w.ring[before].event, before)
	}
	return duplicate, conflict && !duplicate
}

// find reports whether s repeats an event, and whether the latest event with
// its id has other content.
func (w *window) find(s seen) (duplicate, conflict bool) {
	place, found := w.latest.find(s.id)
	switch {
	case !found:
		return false, false
	case w.ring[place].event == s.event:
		return true, false
	}
	_, duplicate = w.earlier.find(s.event)
	return duplicate, true
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
