package consumer

import (
	"context"
	"errors"
	"sync"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// Consumer reads all partitions of its topics; see Run.
type Consumer struct {
	o       Options
	log     *zap.Logger
	opening chan struct{} // holds a token for each request that looks up offsets
	relook  chan struct{} // holds a token when the layout may have changed
	hints   hints
	once    sync.Once

	// mu guards what the fetching side and the workers share. It is taken per
	// response and per batch, never per record, and never held during I/O.
	mu         sync.Mutex
	topics     map[string]*topic
	partitions map[key]*partition
	leaders    map[int32]*leader
	held       int64  // bytes of the responses that somebody holds
	unseen     string // why the last look at the layout failed; empty: it did not
}

// New is a Consumer with o, which it does not start. The error says which
// option is missing.
func New(o Options) (*Consumer, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	c := &Consumer{
		o:          o,
		log:        o.Log,
		opening:    make(chan struct{}, openAtOnce),
		relook:     make(chan struct{}, 1),
		hints:      hints{more: make(chan struct{}, 1)},
		topics:     make(map[string]*topic),
		partitions: make(map[key]*partition),
		leaders:    make(map[int32]*leader),
	}
	for _, name := range o.Topics {
		c.topics[name] = &topic{}
	}
	return c, nil
}

// Run reads until ctx ends, and then returns nil within a few seconds: the
// records at hand are finished and handed over. It returns an error where a
// Sink or Open fails, and where retention passed a position and OnGap is Stop.
// Brokers that do not answer are waited for. A Consumer runs once.
func (c *Consumer) Run(ctx context.Context) error {
	err := errors.New("consumer: Run was called twice")
	c.once.Do(func() {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return c.watchLayout(ctx, g) })
		g.Go(func() error { return c.commitHints(ctx) })
		err = g.Wait()
		c.dropAll()
	})
	return err
}

// dropAll gives the bytes back that nobody will decode.
func (c *Consumer) dropAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.partitions {
		for _, it := range p.queue {
			c.drop(p, it)
		}
		p.queue = nil
	}
}
