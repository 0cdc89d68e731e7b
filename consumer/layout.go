package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"sunsetwatch/consumer/fetch"
	"sunsetwatch/consumer/records"
)

// layoutSpacing is the least time between two looks at the layout.
const layoutSpacing = 250 * time.Millisecond

// topic is what is known of one of the topics that are read.
type topic struct {
	found  bool      // it has had partitions
	looked bool      // the brokers have said whether it exists: partitions that appear later are new
	health condition // used by the layout's goroutine
	why    string    // of its last failure; written with mu held
}

// lookAgain has the layout asked for soon.
func (c *Consumer) lookAgain() {
	select {
	case c.relook <- struct{}{}:
	default:
	}
}

// watchLayout finds partitions and their leaders, and starts the goroutines
// that read them, in g.
func (c *Consumer) watchLayout(ctx context.Context, g *errgroup.Group) error {
	var again backoff
	var health condition
	for {
		layout, err := c.layout(ctx)
		wait, relook := c.o.MetadataInterval, c.relook
		whole := false
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			c.sees(err.Error())
			if health.fails() {
				c.log.Warn("Kafka does not answer; trying until it does", zap.Error(err))
			}
			relook = nil
		default:
			c.sees("")
			if d, ok := health.recovers(); ok {
				c.log.Info("Kafka answers again", zap.Duration("after", d))
				again.reset()
			}
			if whole, err = c.apply(ctx, g, layout); err != nil {
				return err
			}
			if !pause(ctx, layoutSpacing) {
				return nil
			}
		}
		if whole {
			again.reset()
		} else {
			wait = min(wait, again.next())
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-relook:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// sees notes how the last look at the layout went.
func (c *Consumer) sees(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unseen = why
}

func (c *Consumer) layout(ctx context.Context) (fetch.Layout, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return c.o.Client.Layout(ctx, c.o.Topics)
}

// apply takes a layout over: leaders of what is known, and what is new. It is
// whole when every topic is there and every partition has a leader.
func (c *Consumer) apply(ctx context.Context, g *errgroup.Group, layout fetch.Layout) (whole bool, err error) {
	whole = true
	byTopic := make(map[string][]fetch.LeaderOf)
	for _, l := range layout.Partitions {
		byTopic[l.Topic] = append(byTopic[l.Topic], l)
	}
	for _, name := range c.o.Topics {
		t := c.topics[name]
		parts := slices.DeleteFunc(byTopic[name], func(l fetch.LeaderOf) bool { return l.Partition < 0 })
		if len(parts) == 0 {
			c.missing(name, t, byTopic[name])
			whole = false
			continue
		}
		if d, ok := t.health.recovers(); ok {
			c.log.Info("topic is there", zap.String("topic", name), zap.Duration("after", d))
		}
		if err := c.add(ctx, g, name, t.looked, parts); err != nil {
			return false, err
		}
		c.mu.Lock()
		t.found, t.looked = true, true
		for _, l := range parts {
			c.lead(ctx, g, c.partitions[key{name, l.Partition}], l)
			whole = whole && l.Leader >= 0
		}
		c.mu.Unlock()
	}
	return whole, nil
}

// missing notes that the brokers do not show any partition of a topic.
func (c *Consumer) missing(name string, t *topic, answer []fetch.LeaderOf) {
	err := error(kafka.UnknownTopicOrPartition)
	if len(answer) > 0 && answer[0].Err != nil {
		err = answer[0].Err
	}
	if t.health.fails() || t.why != err.Error() {
		if errors.Is(err, kafka.UnknownTopicOrPartition) {
			c.log.Warn("topic does not exist; waiting for it", zap.String("topic", name))
		} else {
			c.log.Warn("topic cannot be read; trying until it can", zap.String("topic", name), zap.Error(err))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t.why = err.Error()
	t.looked = t.looked || errors.Is(err, kafka.UnknownTopicOrPartition)
	for _, p := range c.partitions {
		if p.topic == name {
			p.doubt = true
			p.status.Err = err.Error()
		}
	}
}

// add opens the partitions of a topic that were not known, and starts their
// workers. One whose siblings have a saved position appeared after them.
func (c *Consumer) add(ctx context.Context, g *errgroup.Group, name string, later bool, parts []fetch.LeaderOf) error {
	var fresh []*partition
	for _, l := range parts {
		k := key{name, l.Partition}
		if c.partitions[k] != nil {
			continue
		}
		saved, known, sink, err := c.o.Open(name, l.Partition)
		if err != nil {
			return fmt.Errorf("open %s: %w", k, err)
		}
		p := newPartition(k)
		p.worker = &worker{c: c, p: p, sink: sink, begin: beginning{saved: saved, known: known},
			reader: fetch.NewReader(c.o.MaxInflated), decoder: records.NewDecoder(c.o.Codec, sink)}
		fresh = append(fresh, p)
		later = later || known
	}
	c.mu.Lock()
	for _, p := range fresh {
		c.partitions[p.key] = p
	}
	c.mu.Unlock()
	for _, p := range fresh {
		p.worker.begin.added = later
		g.Go(func() error { return p.worker.run(ctx) })
	}
	return nil
}

// lead gives p to the broker that leads it. The caller holds mu.
func (c *Consumer) lead(ctx context.Context, g *errgroup.Group, p *partition, l fetch.LeaderOf) {
	var to *leader
	if l.Leader >= 0 {
		to = c.leaders[l.Leader]
		if to == nil {
			to = &leader{c: c, id: l.Leader, wake: make(chan struct{}, 1), bytes: c.o.ResponseBytes}
			c.leaders[l.Leader] = to
			g.Go(func() error { return to.run(ctx) })
		}
	} else if l.Err != nil {
		p.status.Err = l.Err.Error()
	}
	if to == p.leader {
		return
	}
	if p.leader != nil {
		p.leader.partitions = slices.DeleteFunc(p.leader.partitions, func(q *partition) bool { return q == p })
		p.doubt, p.retryAt = true, time.Time{}
	}
	if p.leader = to; to != nil {
		to.partitions = append(to.partitions, p)
		to.rouse()
	}
}
