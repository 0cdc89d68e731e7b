package replay

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// How often a person is told.
const (
	barEvery  = 200 * time.Millisecond
	lineEvery = 10 * time.Second
)

// teller tells a person how far a pass has come.
type teller struct {
	Progress
	clock func() time.Time
	mu    sync.Mutex
}

// say is that of Progress, from any goroutine.
func (t *teller) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Progress.say(format, args...)
}

// say tells something in a line of its own.
func (p *Progress) say(format string, args ...any) {
	if p.To == nil {
		return
	}
	if p.Terminal {
		fmt.Fprint(p.To, "\r\x1b[K")
	}
	fmt.Fprintf(p.To, format+"\n", args...)
}

// watch tells until stop is called.
func (t *teller) watch(c *count, events *atomic.Uint64, done *atomic.Int64) (stop func()) {
	if t == nil || t.To == nil {
		return func() {}
	}
	size := int64(0)
	for _, j := range c.jobs {
		if j.part.Bytes < 0 {
			size = -1
			break
		}
		size += j.part.Bytes
	}
	begun := t.clock()
	every := lineEvery
	if t.Terminal {
		every = barEvery
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				if t.Terminal {
					fmt.Fprint(t.To, "\r\x1b[K")
				}
				return
			case <-tick.C:
				line := progressLine(events.Load(), done.Load(), size, t.clock().Sub(begun))
				t.mu.Lock()
				if t.Terminal {
					fmt.Fprintf(t.To, "\r\x1b[K%s %s", bar(done.Load(), size), line)
				} else {
					fmt.Fprintln(t.To, line)
				}
				t.mu.Unlock()
			}
		}
	}()
	return func() {
		close(quit)
		<-gone
	}
}

// progressLine says how many events were read, how fast, and what is left; size is
// negative where it is not known.
func progressLine(events uint64, done, size int64, took time.Duration) string {
	line := grouped(events) + " events"
	if s := took.Seconds(); s > 0 {
		line += fmt.Sprintf(", %s events/s", grouped(uint64(float64(events)/s)))
	}
	if size <= 0 || done <= 0 {
		return line
	}
	part := min(1, float64(done)/float64(size))
	line += fmt.Sprintf(", %d %% of %s", int(100*part), bytesText(size))
	return line + ", " + (time.Duration(float64(took)*(1-part)/part) + time.Second/2).Truncate(time.Second).String() + " left"
}

// bar of 20 characters; nothing where the size is not known.
func bar(done, size int64) string {
	if size <= 0 {
		return ""
	}
	n := int(20 * min(done, size) / size)
	return "[" + strings.Repeat("=", n) + strings.Repeat(" ", 20-n) + "]"
}

func bytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, exp := float64(n)/unit, 0
	for value >= unit && exp < 4 {
		value /= unit
		exp++
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTP"[exp])
}
