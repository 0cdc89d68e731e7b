package replay

import (
	"sync"
	"time"

	"sunsetwatch/consumer/archive"
)

// keepEvery is how often what was counted is kept while a run goes on.
const keepEvery = 30 * time.Second

// keeping is how a pass keeps what was counted while it goes on, for a run that is
// killed. Workers do not wait for each other: each hands over what it counted when
// its time has come, between two events, and goes on with nothing. What is saved is
// what was handed over, and of each job how far that goes.
type keeping struct {
	every time.Duration
	save  func() error

	mu      sync.Mutex // of what was handed over, while workers are at work
	working bool       // workers are at work
	handed  bool       // something was handed over
	earlier time.Time  // nothing is saved before
	failing bool
	kept    bool // there is something that --resume finds
}

// sparing is how many times as long as saving took, and at most as many intervals,
// are spent without it: with --dedupe what was counted grows with the events.
const sparing = 20

// ranged is a sink that is told between two fetches how far a range was read.
type ranged interface {
	reached(c archive.Counts, next int64)
}

var _, _ ranged = (*worker)(nil), (*rowWorker)(nil)

func (w *worker) reached(c archive.Counts, next int64) {
	w.handOver(resumption{w.any, w.last, c, next})
}

// handOver gives away what was counted, if it is time: of the job at hand up to where
// it can be resumed.
func (w *worker) handOver(r resumption) {
	k := &w.count.keeping
	if !k.working || w.count.tell.clock().Sub(w.since) < k.every {
		return
	}
	if !w.job.Done {
		w.job.Resume = r
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	w.count.absorb(w)
	for _, j := range w.touched {
		w.count.settle(j)
	}
	w.renew()
	now := w.count.tell.clock()
	w.since = now
	if now.Before(k.earlier) {
		return
	}
	err := k.save()
	w.since = w.count.tell.clock()
	k.earlier = w.since.Add(sparing * min(w.since.Sub(now), k.every))
	if err != nil && !k.failing {
		w.count.tell.say("note: what was counted cannot be kept for --resume yet: %v; it is tried again every %s", err, k.every)
	}
	k.failing = err != nil
}

// settle notes how far a job is in what was handed over.
func (c *count) settle(j *job) {
	if j.kept = &j.jobState; !j.Done { // else it does not change any more
		state := j.jobState
		j.kept = &state
	}
	if r := c.repeats.recent[j.input]; r != nil {
		j.window = r.Append(nil)
	}
}

// absorb takes over what a worker counted.
func (c *count) absorb(w *worker) {
	c.facts.Absorb(w.ledger)
	if c.arrivals != nil {
		c.arrivals.Absorb(w.arrivals)
	}
	c.keeping.handed = true
}
