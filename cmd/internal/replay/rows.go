package replay

import (
	"sunsetwatch/consumer/archive"
	"sunsetwatch/consumer/codec"
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
}

// likeRow is what is known of a shape.
type likeRow struct {
	ledger.Alike
	known, ok bool
}

// rows is the sink for a job that was begun: one that takes batches, if it can.
func (w *worker) rows() archive.Sink {
	if w.skip || w.repeats.all != nil || w.recent != nil || w.arrivals != nil || !w.pieces.Together() {
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
	var subjects, grantors [][]byte
	for i, at := range r.Time {
		if w.lawful(r, i, at) {
			continue
		}
		var err error
		if subjects, grantors, err = r.People(); err != nil {
			return err
		}
		break
	}
	w.touch(r)
	for i, at := range r.Time {
		place := r.Position(i)
		if w.lawful(r, i, at) {
			w.pieces.AddLawful(&w.alikes[r.Shape[i]].Alike, at, place)
			continue
		}
		ev := r.Shapes.Events[r.Shape[i]]
		ev.Time, ev.Subject, ev.Grantor = at, subjects[i], grantors[i]
		if r.Records != nil {
			ev.Records = r.Records[i]
		}
		if r.Bytes != nil {
			ev.Bytes = r.Bytes[i]
		}
		if a := &w.alikes[r.Shape[i]]; a.ok {
			w.pieces.AddAlike(&a.Alike, &ev, place)
		} else {
			w.pieces.Add(&ev, place)
		}
	}
	if n := len(r.Row); n > 0 {
		w.last, w.any = r.Position(n-1), true
		w.total.Add(uint64(n))
		if w.tick != nil {
			for range n {
				w.tick()
			}
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

// Reject is that of archive.Sink.
func (w *rowWorker) Reject(r *codec.Rejection, at access.Position) { w.worker.Reject(r, at) }
