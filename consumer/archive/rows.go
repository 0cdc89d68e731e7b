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

// Shapes are what rows have in common: a pair, and a like. Both are numbered as they
// are met. It only grows: what was learned of a number stays true as long as it is
// the same Shapes, which it is over row groups, files and parts that one goroutine
// reads, until there are too many.
type Shapes struct {
	Pairs []Pair
	// Likes are events without what is of the row or the pair: time, principal,
	// feature, id, people and, where columns have them, counts.
	Likes []access.Event
	known []bool // of Likes
}

// Pair is the principal and the feature of a row.
type Pair struct{ Principal, Feature []byte }

// Event fills in what events of a pair and a like have in common.
func (s *Shapes) Event(ev *access.Event, pair, like uint32) {
	*ev = s.Likes[like]
	ev.Principal, ev.Feature = s.Pairs[pair].Principal, s.Pairs[pair].Feature
}

func (s *Shapes) grow(pairs, likes int) {
	for len(s.Pairs) < pairs {
		s.Pairs = append(s.Pairs, Pair{})
	}
	for len(s.Likes) < likes {
		s.Likes, s.known = append(s.Likes, access.Event{}), append(s.known, false)
	}
}

// proven reports whether a row with them, or a row with each, was found right.
func (s *Shapes) proven(pair, like uint32) bool {
	return s.Pairs[pair].Principal != nil && s.known[like]
}

// Rows are accesses and probes of one row group. Rows that were rejected or lie out
// of range are not among them. All slices are as long, and not to be changed.
type Rows struct {
	First      int64            // number of the first row of the batch, from which Row counts
	Row        []int32          // of each event, rising
	Time       []access.Instant // of each event
	Pair, Like []uint32         // indexes in Shapes, of each event
	Shapes     *Shapes

	t       *table
	refused int // of them, for their people
}

// Position is that of event i.
func (r *Rows) Position(i int) access.Position {
	return access.Position{Offset: r.First + int64(r.Row[i])}
}

// Event fills in what is known of event i without its people and its id.
func (r *Rows) Event(ev *access.Event, i int) {
	r.Shapes.Event(ev, r.Pair[i], r.Like[i])
	ev.Time = r.Time[i]
	ev.Records, ev.Bytes = r.Counts(i)
}

// Counts are the records and the bytes of event i.
func (r *Rows) Counts(i int) (records, bytes uint64) {
	like := &r.Shapes.Likes[r.Like[i]]
	return r.t.records.of(i, r.Row[i], like.Records), r.t.bytes.of(i, r.Row[i], like.Bytes)
}

// People gives subject and grantor, nil where there is none, of some events, in
// rising order. Only this reads their columns. Events in which they are wrong are
// rejected: kept are the others, with their people. Of other events than these it is
// not seen whether their people are wrong. It is valid until the next call.
func (r *Rows) People(which []int32) (kept []int32, subjects, grantors [][]byte, err error) {
	kept, err = r.t.detail(which, true, false)
	return kept, r.t.details.subjects, r.t.details.grantors, err
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
		return &Damage{Input: in.Path, Byte: f.groups[k].first(), RowGroup: true, Err: err}
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
