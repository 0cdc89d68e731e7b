package consumer

import (
	"context"
	"math/rand/v2"
	"time"
)

// Bounds of the wait between two tries.
const (
	shortestWait = 50 * time.Millisecond
	longestWait  = 5 * time.Second
)

// backoff is the wait between tries: it doubles, with jitter in its upper half,
// so that many partitions do not return in step. The zero value is the first.
type backoff struct {
	top time.Duration
}

func (b *backoff) next() time.Duration {
	b.top = min(max(2*b.top, 2*shortestWait), longestWait)
	return b.top/2 + rand.N(b.top/2)
}

func (b *backoff) reset() { b.top = 0 }

// pause waits for d; it is false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// condition is something that is well or not, and is logged when that changes
// and not at every try. The zero value is well.
type condition struct {
	since time.Time
}

// fails reports whether it was well until now.
func (c *condition) fails() bool {
	if !c.since.IsZero() {
		return false
	}
	c.since = time.Now()
	return true
}

// recovers reports whether, and for how long, it was not well until now.
func (c *condition) recovers() (time.Duration, bool) {
	if c.since.IsZero() {
		return 0, false
	}
	d := time.Since(c.since)
	c.since = time.Time{}
	return d, true
}
