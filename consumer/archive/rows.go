package archive

import (
	"context"

	"sunsetwatch/rules/access"
)

// RowSink is a Sink that takes the rows of Parquet in batches instead of one by
// one. Rejections still come through Reject, before or after the rows of their
// batch.
type RowSink interface {
	Sink
	// AddRows takes some rows, borrowed until it returns. An error ends the
	// reading of the part.
	AddRows(r *Rows) error
}

// Shapes are the events of a file without what differs from row to row: time, id,
// people and, where columns have them, counts. Rows of like events share one. It
// only grows: what was learned of an index stays true as long as it is the same
// Shapes, which it is over row groups, files and parts that one goroutine reads,
// until there are too many.
type Shapes struct {
	Events []access.Event
}

// Rows are accesses and probes of one row group. Rows that were rejected or lie out
// of range are not among them.
type Rows struct {
	First  int64            // number of the first row of the batch, from which Row counts
	Row    []int32          // of each event
	Time   []access.Instant // of each event
	Shape  []uint32         // index in Shapes.Events, of each event
	Shapes *Shapes
	// Records and Bytes of each event; nil: they are those of its shape.
	Records, Bytes []uint64

	ids, subjects, grantors [][]byte
	hasPeople, hasIDs       bool
	t                       *table
}

// Position is that of event i.
func (r *Rows) Position(i int) access.Position {
	return access.Position{Offset: r.First + int64(r.Row[i])}
}

// People gives the subject and the grantor of each event, nil where there is none.
// Only this reads their columns. Rows in which they are wrong are rejected, and
// taken out of r: call it before anything of r is counted.
func (r *Rows) People() (subjects, grantors [][]byte, err error) {
	if !r.hasPeople {
		r.hasPeople = true
		err = r.t.people(true, false, nil)
	}
	return r.subjects, r.grantors, err
}

// PeopleOf is People of some events alone, those that are marked. What is wrong in
// others is not seen, and of them nothing is given.
func (r *Rows) PeopleOf(marked []bool) (subjects, grantors [][]byte, err error) {
	if !r.hasPeople {
		r.hasPeople = true
		err = r.t.people(true, false, marked)
	}
	return r.subjects, r.grantors, err
}

// IDs gives the id of each event, nil where there is none, as People does.
func (r *Rows) IDs() (ids [][]byte, err error) {
	if !r.hasIDs {
		r.hasIDs = true
		err = r.t.people(false, true, nil)
	}
	return r.ids, err
}

// keep takes rows out of all that is there; it keeps those whose index is in
// which.
func (r *Rows) keep(which []int32) {
	for to, from := range which {
		r.Row[to], r.Time[to], r.Shape[to] = r.Row[from], r.Time[from], r.Shape[from]
		if r.Records != nil {
			r.Records[to] = r.Records[from]
		}
		if r.Bytes != nil {
			r.Bytes[to] = r.Bytes[from]
		}
		for _, texts := range [][][]byte{r.ids, r.subjects, r.grantors} {
			if len(texts) > 0 {
				texts[to] = texts[from]
			}
		}
	}
	n := len(which)
	r.Row, r.Time, r.Shape = r.Row[:n], r.Time[:n], r.Shape[:n]
	if r.Records != nil {
		r.Records = r.Records[:n]
	}
	if r.Bytes != nil {
		r.Bytes = r.Bytes[:n]
	}
	for _, texts := range []*[][]byte{&r.ids, &r.subjects, &r.grantors} {
		if len(*texts) > 0 {
			*texts = (*texts)[:n]
		}
	}
}

// readRows hands over the rows of part k.
func (in *input) readRows(ctx context.Context, a *Archive, w *worker, k int, sink Sink, c *Counts) error {
	g := in.groups[k]
	c.Bytes = in.parts[k].Bytes
	o := &a.options
	if g.to < o.From || g.from >= o.To {
		c.Records, c.Events, c.OutOfRange = uint64(g.rows), uint64(g.rows), uint64(g.rows)
		return nil
	}
	h, err := a.handles.open(in)
	if err != nil {
		return err
	}
	defer a.handles.release(h)
	f, err := in.footer(h)
	if err != nil {
		return &Damage{Input: in.Path, Err: err}
	}
	if w.table == nil || w.table.signature != in.binding.signature {
		w.table = newTable(a, &w.lines, in.binding)
	}
	w.table.b = in.binding
	err = w.table.read(ctx, h.file, f, k, g, sink, c)
	if err != nil && ctx.Err() == nil {
		if stop, ok := err.(*stopped); ok {
			return stop.err
		}
		return &Damage{Input: in.Path, Byte: f.groups[k].first(), Err: err}
	}
	return err
}

// first is the byte at which the row group begins.
func (g *rowGroup) first() int64 {
	if len(g.chunks) == 0 {
		return 0
	}
	first := g.chunks[0].from
	for _, c := range g.chunks {
		first = min(first, c.from)
	}
	return first
}

// stopped is the error of a sink.
type stopped struct{ err error }

func (s *stopped) Error() string { return s.err.Error() }
