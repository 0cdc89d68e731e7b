package replay

import (
	"strings"
	"sync/atomic"
	"time"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/detector"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

// worker counts the events of one job after another into a ledger of its own.
// Its fields belong to one goroutine.
type worker struct {
	ledger   *ledger.Ledger
	pieces   *ledger.Pieces
	arrivals *detector.Arrivals // nil: nobody asks when events happened
	batches  *rowWorker         // nil: none was needed yet
	signer   *ledger.Signer     // nil: no repeats are looked for
	repeats  *repeats
	total    *atomic.Uint64 // of all workers, for a person
	tick     func()
	count    *count
	since    time.Time // when it handed over last
	touched  []*job    // since then

	job     *job
	source  ledger.Source
	midway  bool           // it can hand over between any two events
	recent  *ledger.Recent // of the input at hand, if it has one
	skip    bool           // what lies up to after was counted before
	after   access.Position
	last    access.Position
	any     bool
	pending uint64 // not told yet
}

// repeats is what was counted already; it is shared only where one worker reads.
type repeats struct {
	all    *ledger.Signatures // over all inputs; nil: each has its window
	recent map[int]*ledger.Recent
}

// begin takes up a job, behind what was counted of it before.
func (w *worker) begin(j *job, in *input) {
	w.job, w.skip, w.after, w.any = j, j.Resume.Any, j.Resume.After, j.Resume.Any
	w.last = j.Resume.After
	w.touched = append(w.touched, j)
	w.source, w.midway = in.source, strings.HasPrefix(in.format, "jsonl")
	w.from()
	w.recent = nil
	if w.repeats.all == nil && in.window {
		w.recent = w.repeats.recent[j.input]
	}
}

// from says which source the events are of that follow.
func (w *worker) from() {
	w.pieces.From(w.source)
	if w.arrivals != nil {
		w.arrivals.From(w.source)
	}
}

// renew makes the worker begin with nothing counted.
func (w *worker) renew() {
	c := w.count
	w.ledger = ledger.New(c.options())
	w.pieces, w.batches, w.touched = w.ledger.NewPieces(c.pieces()), nil, nil
	if c.timed {
		w.arrivals = detector.NewArrivals(c.watch)
	}
	if w.job != nil {
		w.from()
		if !w.job.Done {
			w.touched = append(w.touched, w.job)
		}
	}
}

// Add is that of archive.Sink.
func (w *worker) Add(ev *access.Event, at access.Position) {
	if w.met(at) {
		return
	}
	switch {
	case w.repeats.all != nil:
		if w.repeats.all.Add(w.signer.Sign(ev)) {
			w.job.Duplicate++
			return
		}
	case w.recent != nil:
		if w.recent.Add(w.signer.Sign(ev)) {
			w.job.Duplicate++
			return
		}
	}
	w.pieces.Add(ev, at)
	if w.arrivals != nil {
		w.arrivals.Add(ev.Time)
	}
}

// Reject is that of archive.Sink.
func (w *worker) Reject(r *codec.Rejection, at access.Position) {
	if w.met(at) {
		return
	}
	n := 0
	for i := range w.job.Rejected {
		if w.job.Rejected[i].Reason == r.Reason {
			n++
		}
	}
	if n < mostPlaces { // they come in the order of their places
		w.job.Rejected = append(w.job.Rejected, rejected{Reason: r.Reason, Offset: at.Offset, Index: at.Index, Detail: r.Detail})
	}
}

// met notes the place, and reports whether it was counted before.
func (w *worker) met(at access.Position) bool {
	if w.skip {
		if !w.after.Before(at) {
			return true
		}
		w.skip = false
	}
	if w.pending++; w.pending == 4096 {
		w.total.Add(w.pending)
		w.pending = 0
		if w.midway {
			w.handOver(resumption{Any: w.any, After: w.last})
		}
	}
	w.last, w.any = at, true
	if w.tick != nil {
		w.tick()
	}
	return false
}
