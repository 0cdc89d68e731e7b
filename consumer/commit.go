package consumer

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// commitTries is how often one commit is tried; a later one brings newer
	// positions anyway.
	commitTries   = 5
	commitTimeout = 5 * time.Second
)

// hints are positions waiting to be committed; only the latest count.
type hints struct {
	more   chan struct{} // holds a token while positions wait
	mu     sync.Mutex
	latest map[string]map[int32]int64
	health condition // used by one goroutine at a time, with trying held
	trying sync.Mutex
}

func (h *hints) set(positions map[string]map[int32]int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.latest == nil {
		h.latest = make(map[string]map[int32]int64)
	}
	for topic, partitions := range positions {
		if h.latest[topic] == nil {
			h.latest[topic] = make(map[int32]int64)
		}
		maps.Copy(h.latest[topic], partitions)
	}
	select {
	case h.more <- struct{}{}:
	default:
	}
}

func (h *hints) take() map[string]map[int32]int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	latest := h.latest
	h.latest = nil
	return latest
}

// Commit has saved positions (topic, partition, next offset) committed to the
// configured group, where lag tools look. It returns at once; Run does the
// work and tries again where a broker refuses. A commit that fails for good is
// logged and nothing else: the position that counts is the saved one.
func (c *Consumer) Commit(positions map[string]map[int32]int64) {
	if c.o.Group != "" {
		c.hints.set(positions)
	}
}

// Flush commits what waits, for positions saved after Run returned. It tries
// until ctx ends, and a few times at most.
func (c *Consumer) Flush(ctx context.Context) {
	c.hints.trying.Lock()
	defer c.hints.trying.Unlock()
	positions := c.hints.take()
	if len(positions) == 0 {
		return
	}
	var again backoff
	for try := 1; ; try++ {
		err := c.commit(ctx, positions)
		if err == nil {
			if d, ok := c.hints.health.recovers(); ok {
				c.log.Info("positions are committed again", zap.String("group", c.o.Group), zap.Duration("after", d))
			}
			return
		}
		if try == commitTries || !pause(ctx, again.next()) {
			if !errors.Is(ctx.Err(), context.Canceled) && c.hints.health.fails() {
				c.log.Warn("positions are not committed to the group; only lag tools miss them", zap.String("group", c.o.Group), zap.Error(err))
			}
			return
		}
	}
}

func (c *Consumer) commit(ctx context.Context, positions map[string]map[int32]int64) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	return c.o.Client.Commit(ctx, c.o.Group, positions)
}

// commitHints commits positions as they come, until ctx ends.
func (c *Consumer) commitHints(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.hints.more:
			c.Flush(ctx)
		}
	}
}
