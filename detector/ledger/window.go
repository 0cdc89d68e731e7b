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
		w.latest = places{hash: func(s *seen) uint64 { return s.id }}
		w.latest.ready()
		w.earlier = places{hash: func(s *seen) uint64 { return s.event }}
	}
	place := uint32(w.next % Window)
	w.next++
	repeats := uint32(Window) // the place in earlier of what s repeats
	if s.id != 0 {
		if at, found := w.latest.find(s.id, w.ring); found && w.ring[at].event == s.event {
			duplicate = true
		} else if found {
			conflict = true
			w.earlier.ready()
			if at, found := w.earlier.find(s.event, w.ring); found {
				duplicate, repeats = true, at
			}
		}
	}
	// Only now does the event that is Window events old leave.
	if old := w.ring[place]; old.id != 0 && !w.latest.remove(old.id, place, w.ring) && w.earlier.slots != nil {
		w.earlier.remove(old.event, place, w.ring)
	}
	if s.id == 0 {
		w.ring[place] = s
		return false, false
	}
	if repeats != Window {
		w.earlier.remove(s.event, repeats, w.ring) // s takes over
	}
	w.ring[place] = s
	if before, found := w.latest.put(s.id, place, w.ring); found && w.ring[before].event != s.event {
		w.earlier.put(w.ring[before].event, before, w.ring)
	}
	return duplicate, conflict && !duplicate
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
