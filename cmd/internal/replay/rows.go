package replay

import (
	"sort"

	"sunsetwatch/consumer/archive"
	"sunsetwatch/detector/ledger"
)

// rowWorker is a worker that takes rows of Parquet in batches, and asks for their
// people only where somebody will ask who they were. It is for runs that do not
// look at each event.
type rowWorker struct {
	*worker
	shapes  *archive.Shapes
	columns *ledger.Columns // of shapes
	rest    []int32         // of a batch: the events that somebody may ask about
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
		w.flush()
		w.shapes, w.columns = r.Shapes, w.pieces.NewColumns(r.Shapes.Event)
	}
	w.columns.Grow(len(r.Shapes.Pairs), len(r.Shapes.Likes))
	n, counted := len(r.Row), 0
	w.rest = w.rest[:0]
	if w.skip { // some were counted before: the archive counts again only what is wrong with them
		counted = sort.Search(n, func(i int) bool { return w.after.Before(r.Position(i)) })
		w.skip = counted == n
		w.rest = w.columns.Sift(r.Pair[:counted], r.Like[:counted], r.Time[:counted], w.rest)
	}
	before := len(w.rest)
	w.rest = w.columns.Count(r.Pair[counted:], r.Like[counted:], r.Time[counted:], r.First, r.Row[counted:], w.rest)
	for i := before; i < len(w.rest); i++ {
		w.rest[i] += int32(counted)
	}
	if len(w.rest) > 0 {
		if err := w.addRest(r, int32(counted)); err != nil {
			return err
		}
	}
	w.total.Add(uint64(n - counted))
	if last := r.Position(n - 1); !w.any || w.last.Before(last) { // a rejected one may have been behind it
		w.last, w.any = last, true
	}
	if w.tick != nil {
		for range n {
			w.tick()
		}
	}
	return nil
}

// addRest counts the rest of a batch from an event on.
func (w *rowWorker) addRest(r *archive.Rows, from int32) error {
	kept, subjects, grantors, err := r.People(w.rest)
	if err != nil {
		return err
	}
	for k, i := range kept {
		if i < from {
			continue
		}
		row := ledger.Row{Pair: r.Pair[i], Like: r.Like[i], Time: r.Time[i], Subject: subjects[k], Grantor: grantors[k]}
		row.Records, row.Bytes = r.Counts(int(i))
		w.columns.Add(&row, r.Position(int(i)))
	}
	return nil
}

// flush takes over what was counted by column.
func (w *rowWorker) flush() {
	if w.columns != nil {
		w.columns.Flush()
	}
}
