package replay

import (
	"sunsetwatch/consumer/archive"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

// rowWorker is a worker that takes rows of Parquet in batches, and asks for their
// people only where somebody will ask who they were. It is for runs that do not
// look at each event.
type rowWorker struct {
	*worker
	shapes  *archive.Shapes
	alikes  []likeRow // by shape
	touched uint64
	asked   []bool                         // of the events of a batch: about whom it was
	rows    [archive.BatchRows / 64]uint64 // the same by row, a bit each
}

// likeRow is what is known of a shape.
type likeRow struct {
	ledger.Alike
	known, ok bool
}

// rows is the sink for a job that was begun: one that takes batches, if it can.
func (w *worker) rows() archive.Sink {
	if w.repeats.all != nil || w.recent != nil || w.arrivals != nil || !w.pieces.Together() {
		return w
	}
	if w.batches == nil {
		w.batches = &rowWorker{worker: w}
	}
	return w.batches
}

// AddRows is that of archive.RowSink.
func (w *rowWorker) AddRows(r *archive.Rows) error {
	if r.Shapes != w.shapes {
		w.shapes, w.alikes = r.Shapes, w.alikes[:0]
	}
	if n := len(r.Shapes.Events); n > len(w.alikes) {
		w.alikes = append(w.alikes, make([]likeRow, n-len(w.alikes))...)
	}
	w.touch(r)
	w.asked = resize(w.asked, len(r.Row))
	clear(w.asked)
	clear(w.rows[:])
	some := false
	for i, at := range r.Time {
		place := r.Position(i)
		w.skip = w.skip && !w.after.Before(place) // it was counted before
		lawful := w.lawful(r, i, at)
		switch {
		case !lawful:
			w.asked[i], some = true, true // the archive counts it again where it is wrong
			if !w.skip {
				w.rows[r.Row[i]>>6] |= 1 << (r.Row[i] & 63)
			}
		case !w.skip:
			w.pieces.AddLawful(&w.alikes[r.Shape[i]].Alike, at, place)
		}
	}
	last := r.Position(len(r.Row) - 1)
	if !w.skip {
		w.total.Add(uint64(len(r.Row)))
	}
	if some {
		if err := w.askedRows(r); err != nil {
			return err
		}
	}
	if !w.any || w.last.Before(last) { // a rejected one may have been behind it
		w.last, w.any = last, true
	}
	if w.tick != nil {
		for range r.Row {
			w.tick()
		}
	}
	return nil
}

// askedRows counts those of a batch about whose people somebody may ask.
func (w *rowWorker) askedRows(r *archive.Rows) error {
	subjects, grantors, err := r.PeopleOf(w.asked)
	if err != nil {
		return err
	}
	for i, row := range r.Row { // without those that were rejected just now
		if w.rows[row>>6]>>(row&63)&1 == 0 {
			continue
		}
		ev := r.Shapes.Events[r.Shape[i]]
		ev.Time, ev.Subject, ev.Grantor = r.Time[i], subjects[i], grantors[i]
		if r.Records != nil {
			ev.Records = r.Records[i]
		}
		if r.Bytes != nil {
			ev.Bytes = r.Bytes[i]
		}
		if a := &w.alikes[r.Shape[i]]; a.ok {
			w.pieces.AddAlike(&a.Alike, &ev, r.Position(i))
		} else {
			w.pieces.Add(&ev, r.Position(i))
		}
	}
	return nil
}

// touch reads what is needed of all rows: it waits for memory, and so for many of
// them at once instead of one after the other.
func (w *rowWorker) touch(r *archive.Rows) {
	for _, shape := range r.Shape {
		if a := &w.alikes[shape]; a.ok {
			w.touched += a.Touch()
		}
	}
}

// lawful reports whether nobody will ask about whom row i was, whoever it was.
func (w *rowWorker) lawful(r *archive.Rows, i int, at access.Instant) bool {
	a := &w.alikes[r.Shape[i]]
	if !a.known {
		a.known = true
		a.Alike, a.ok = w.pieces.Alike(&r.Shapes.Events[r.Shape[i]], false)
	}
	return a.ok && w.pieces.Lawful(&a.Alike, at)
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
