package replay

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"sunsetwatch/consumer/archive"
	"sunsetwatch/detector"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

// count is one pass over the events, which counts them into facts.
type count struct {
	source   *Source
	question *Question
	started  access.Instant // events after it are rejected
	terms    ledger.Terms
	// pieces are those of one worker.
	pieces func() ledger.PiecesOptions
	watch  []access.Instant // nil: nobody asks when events happened
	timed  bool
	saved  *checkpoint // of an interrupted run; nil: none
	tell   *teller
	check  func() error // of the inputs, before anything is read
	tick   func()       // told of each event; nil: nobody

	keeping keeping

	// What came of it.
	inputs   []input
	notes    []string // of all of them
	jobs     []*job
	facts    *ledger.Ledger
	arrivals *detector.Arrivals
	repeats  repeats
}

// run counts until all is read, or the context ends: then the error is that of the
// context, and what was counted is there.
func (c *count) run(ctx context.Context) error {
	workers := max(1, c.source.Workers)
	if c.source.Dedupe {
		workers = 1 // which of two equal events counts depends on their order
	}
	ledgers, others := ledgersIn(c.source.Inputs)
	if len(ledgers) > 0 {
		switch {
		case len(others) > 0:
			return bad("%s is facts, and other inputs are events: count the events into facts of their own with --ledger, and replay all facts together", ledgers[0])
		case c.timed:
			return bad("--as-then needs events: facts do not say when each happened")
		}
		return c.readLedgers(ledgers)
	}
	if ledger, in := ledgerBelow(others); ledger != "" {
		return bad("%s is facts, which lie in the input %s: name each ledger, or all of them with a pattern, and no events beside them", ledger, in)
	}
	origins, err := openOrigins(ctx, c.source, c.question, c.started, workers, c.saved, c.tell)
	if err != nil {
		return err
	}
	defer closeAll(origins)
	c.inputs, c.jobs = jobsOf(origins)
	for _, o := range origins {
		if f, ok := o.(*files); ok {
			c.notes = f.passedOver()
		}
	}
	if c.check != nil {
		if err := c.check(); err != nil {
			return err
		}
	}
	c.facts = ledger.New(c.options())
	if c.timed {
		c.arrivals = detector.NewArrivals(c.watch)
	}
	c.repeats.recent = map[int]*ledger.Recent{}
	for i := range c.inputs {
		if c.inputs[i].window {
			c.repeats.recent[i] = &ledger.Recent{}
		}
	}
	if c.source.Dedupe {
		c.repeats.all = &ledger.Signatures{}
	}
	if c.saved != nil {
		if err := c.restore(c.saved); err != nil {
			return err
		}
	}
	return c.read(ctx, workers)
}

func (c *count) options() ledger.Options {
	return ledger.Options{Key: c.source.Key, Terms: c.terms}
}

func (c *count) read(ctx context.Context, workers int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var total atomic.Uint64
	var done atomic.Int64
	stop := c.tell.watch(c, &total, &done)
	defer stop()

	c.keeping.working = c.keeping.save != nil && c.readOnce() == ""
	all := make([]*worker, min(workers, max(1, len(c.jobs))))
	t := newTurns(len(c.jobs), c.apart(len(all)))
	var group sync.WaitGroup
	for i := range all {
		w := c.newWorker(&total)
		all[i] = w
		group.Go(func() {
			at := t.begin(i)
			for ctx.Err() == nil {
				n := t.next(&at)
				if n < 0 {
					return
				}
				if j := c.jobs[n]; !j.Done {
					if err := w.work(ctx, j, &c.inputs[j.input]); err != nil {
						cancel(err)
						return
					}
				}
				done.Add(max(0, c.jobs[n].part.Bytes))
			}
		})
	}
	group.Wait()
	c.keeping.working = false
	if c.saved == nil && !c.keeping.handed { // what is there holds nothing
		c.facts, all[0].ledger = all[0].ledger, c.facts
	}
	for _, w := range all {
		w.total.Add(w.pending)
		c.absorb(w)
	}
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}

// apart is how far apart workers begin. Where parts are read independently, each
// begins with those of a time of its own: then they meet few of the same cells. The
// lines of a file are read from its front, as a part needs to know those before it.
func (c *count) apart(workers int) int {
	for _, in := range c.inputs {
		if in.format != "parquet" {
			return 0
		}
	}
	return len(c.jobs) / workers
}

// turns hands out jobs, each once.
type turns struct {
	taken []atomic.Bool
	apart int
}

func newTurns(jobs, apart int) *turns { return &turns{make([]atomic.Bool, jobs), apart} }

// turn is how far a worker is: it looks at each job once, from its own on.
type turn struct{ from, seen int }

func (t *turns) begin(worker int) turn { return turn{from: worker * t.apart} }

// next takes a job, -1 where none is left.
func (t *turns) next(at *turn) int {
	for at.seen < len(t.taken) {
		n := (at.from + at.seen) % len(t.taken)
		at.seen++
		if !t.taken[n].Swap(true) {
			return n
		}
	}
	return -1
}

func (c *count) newWorker(total *atomic.Uint64) *worker {
	w := &worker{count: c, repeats: &c.repeats, total: total, tick: c.tick, since: c.tell.clock()}
	w.renew()
	w.signer = ledger.NewSigner(c.source.Key)
	return w
}

// work reads a job to its end, or to where its input is damaged. The error is that
// of the context, or of reading.
func (w *worker) work(ctx context.Context, j *job, in *input) error {
	w.begin(j, in)
	counts, next, err := j.origin.read(ctx, j.part, j.Resume, w.rows())
	if w.batches != nil {
		w.batches.flush()
	}
	var damage *archive.Damage
	var gap *gap
	switch {
	case errors.As(err, &damage) || errors.As(err, &gap):
		j.Damage = err.Error()
	case err != nil && ctx.Err() != nil:
		j.Resume = resumption{w.any, w.last, counts, next}
		return ctx.Err()
	case err != nil:
		return &BadInput{err}
	}
	if next >= 0 {
		w.pieces.Advance(next)
	}
	j.Done, j.Counts, j.Resume = true, counts, resumption{}
	w.handOver(resumption{})
	return nil
}
