package consumer

import (
	"strconv"
	"time"

	"go.uber.org/zap"

	"sunsetwatch/consumer/fetch"
)

// key names a partition.
type key struct {
	topic     string
	partition int32
}

// partition is the way of one partition from its leader to its worker: what is
// to be asked next, and what waits to be decoded.
//
// Everything below the blank line is guarded by Consumer.mu. Invariant: while
// turn stands still, what is queued follows on without a gap from where the
// worker is, and ask follows on from the last queued parcel.
type partition struct {
	key
	worker *worker
	ready  chan struct{} // holds a token while something may be queued

	leader  *leader // nil: nobody leads it
	ask     int64   // the offset to ask next
	turn    uint64  // answers to requests of an earlier turn are dropped
	hold    bool    // not to be asked before the worker has settled
	full    bool    // over its budget, and not yet back at half of it
	doubt   bool    // the broker was away: look at the position before the next data
	retry   backoff
	retryAt time.Time // not to be asked before

	queue  []parcel
	served bool  // got data in the answer that is handed out
	charge int64 // bytes of the frames of which a part is queued or being decoded

	status PartitionStatus
	health condition
}

// parcel is one thing for a worker to do, in order.
type parcel struct {
	what   notice
	frame  *frame // only with data
	part   *fetch.Partition
	offset int64 // from which it was asked
}

// fields name p in a line of the log.
func (k key) fields(more ...zap.Field) []zap.Field {
	return append([]zap.Field{zap.String("topic", k.topic), zap.Int32("partition", k.partition)}, more...)
}

// String is topic/partition, as in findings.
func (k key) String() string { return k.topic + "/" + strconv.Itoa(int(k.partition)) }

// newPartition is a partition that is not asked before it is opened.
func newPartition(k key) *partition {
	return &partition{key: k, ready: make(chan struct{}, 1), hold: true,
		status: PartitionStatus{Topic: k.topic, Partition: k.partition, Position: -1, LogStart: -1, HighWatermark: -1, LastStable: -1}}
}

// notice says what a parcel is about.
type notice uint8

const (
	data     notice = iota
	outside         // the broker does not know the offset
	doubtful        // the broker was away: is it still the same log?
	corrupt         // the broker itself cannot read the batch
	oversize        // the batch does not fit into a response
)

// frame is one response, of which several partitions hold a part.
type frame struct {
	response *fetch.Response
	bytes    int64
	holds    int
}

// put queues a parcel. The caller holds Consumer.mu.
func (p *partition) put(it parcel) {
	if it.frame != nil {
		it.frame.holds++
		it.frame.response.Retain()
		p.charge += it.frame.bytes
	}
	p.queue = append(p.queue, it)
	select {
	case p.ready <- struct{}{}:
	default:
	}
}

// take is the next parcel, if there is one.
func (c *Consumer) take(p *partition) (parcel, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(p.queue) == 0 {
		return parcel{}, false
	}
	it := p.queue[0]
	p.queue[0] = parcel{}
	if p.queue = p.queue[1:]; len(p.queue) == 0 {
		p.queue = nil
	}
	return it, true
}

// settle ends the work on a parcel: its bytes are given back, and once nothing
// is queued the worker's word, at, is what is asked next.
func (c *Consumer) settle(p *partition, it parcel, at int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(p, it)
	if len(p.queue) == 0 && (p.hold || p.ask != at) {
		p.turn++
		p.ask, p.hold = at, false
	}
	if p.full && p.charge <= c.o.QueueBytes/2 {
		p.full = false
		p.leader.resume()
	}
	p.leader.rouse()
}

// rewind drops what is queued, so that at is asked next, after a delay.
func (c *Consumer) rewind(p *partition, at int64, delay time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, it := range p.queue {
		c.drop(p, it)
		p.doubt = p.doubt || it.what == doubtful
	}
	p.queue = nil
	p.turn++
	p.ask, p.hold = at, false
	p.retryAt = time.Now().Add(delay)
	p.leader.rouse()
}

// drop gives the bytes of a parcel back.
func (c *Consumer) drop(p *partition, it parcel) {
	if it.frame == nil {
		return
	}
	p.charge -= it.frame.bytes
	if it.frame.holds--; it.frame.holds == 0 {
		c.held -= it.frame.bytes
	}
	it.frame.response.Release()
}

// askable reports whether p may be part of a request now.
func (c *Consumer) askable(p *partition, now time.Time) bool {
	return !p.hold && !p.full && !now.Before(p.retryAt) && (c.held < c.o.HeldBytes || p.charge == 0)
}
