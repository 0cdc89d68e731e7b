package consumer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"sunsetwatch/consumer/fetch"
)

const (
	// requestSlack is what a request may take beyond the wait it asks for.
	requestSlack = 10 * time.Second
	// While a partition is left out of a request, the broker is asked to wait
	// between these two only: it should not miss its turn because the others
	// are idle.
	shortPoll = 10 * time.Millisecond
	longPoll  = 100 * time.Millisecond
)

// leader fetches from one broker all partitions that it leads.
type leader struct {
	c    *Consumer
	id   int32
	wake chan struct{} // holds a token when something may have become askable

	// Guarded by Consumer.mu.
	partitions []*partition  // in the order of asking
	poll       time.Duration // the wait asked for while partitions are left out
	alone      int           // so many requests to come ask for a single batch

	served []*partition // space for rotate

	// Owned by run.
	asked   []asked
	single  bool  // the request is for a single batch
	bytes   int32 // asked for in all
	request fetch.Request
	retry   backoff
	health  condition
}

// asked is one partition of the request under way.
type asked struct {
	*partition
	turn   uint64
	offset int64
}

// rouse lets the leader look again at what may be asked. Nil is no leader.
func (l *leader) rouse() {
	if l == nil {
		return
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// resume notes that a partition may be asked again that was left out.
func (l *leader) resume() {
	if l != nil {
		l.poll = 0
	}
}

func (l *leader) run(ctx context.Context) error {
	for ctx.Err() == nil {
		idle := l.compose(time.Now())
		if len(l.asked) == 0 {
			l.rest(ctx, idle)
			continue
		}
		if d := l.fetch(ctx); d > 0 && !pause(ctx, d) {
			break
		}
	}
	return nil
}

// rest waits until something may have become askable.
func (l *leader) rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-l.wake:
	case <-t.C:
	}
}

// compose fills in the next request. Where there is nothing to ask, idle is how
// long that may stay so without a call of rouse.
func (l *leader) compose(now time.Time) (idle time.Duration) {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	l.asked = l.asked[:0]
	l.request.Partitions = l.request.Partitions[:0]
	wait, idle := l.c.o.MaxWait, l.c.o.MetadataInterval
	leftOut := false
	for _, p := range l.partitions {
		if !l.c.askable(p, now) {
			if d := p.retryAt.Sub(now); d > 0 {
				wait, idle = min(wait, d), min(idle, d)
			} else {
				leftOut = true
			}
			continue
		}
		ask := fetch.Ask{Topic: p.topic, Partition: p.partition, Offset: p.ask, MaxBytes: l.c.o.PartitionBytes}
		if l.single = l.alone > 0; l.single {
			l.alone--
			leftOut, p.served = true, true
			ask.MaxBytes = 1
		}
		l.asked = append(l.asked, asked{p, p.turn, p.ask})
		l.request.Partitions = append(l.request.Partitions, ask)
		if l.single {
			break
		}
	}
	if leftOut {
		l.poll = min(max(2*l.poll, shortPoll), longPoll)
		wait = min(wait, l.poll)
	}
	l.request.Broker = l.id
	l.request.MaxWait = max(wait, time.Millisecond)
	l.request.MinBytes = 1
	l.request.MaxBytes = l.bytes
	return idle
}

// fetch sends the request and hands out the answer. It returns how long to wait
// before the next one.
func (l *leader) fetch(ctx context.Context) time.Duration {
	request, cancel := context.WithTimeout(ctx, l.request.MaxWait+requestSlack)
	defer cancel()
	resp, err := l.c.o.Client.Fetch(request, &l.request)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return 0
	case errors.Is(err, fetch.ErrFrameTooLarge):
		l.tooLarge()
		return 0
	default:
		if errors.Is(err, context.DeadlineExceeded) {
			// The line may be too slow for so much; what it bears is found
			// again in small steps.
			l.bytes = max(l.bytes/2, min(l.c.o.PartitionBytes, l.c.o.ResponseBytes))
		}
		l.lost(err)
		return l.retry.next()
	}
	l.retry.reset()
	l.bytes = min(l.bytes+l.c.o.PartitionBytes/16, l.c.o.ResponseBytes)
	if d, ok := l.health.recovers(); ok {
		l.c.log.Info("broker answers again", zap.Int32("broker", l.id), zap.Duration("after", d))
	}
	defer resp.Release()
	l.handOut(resp)
	return resp.Throttle
}

// tooLarge finds out which partition it is that has the batch too large for a
// response: one after the other is asked for a single batch.
func (l *leader) tooLarge() {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	if !l.single {
		l.alone = len(l.asked)
		return
	}
	if a := &l.asked[0]; l.current(a) {
		a.hold = true
		a.put(parcel{what: oversize, offset: a.offset})
	}
}

// lost notes that the broker does not answer.
func (l *leader) lost(err error) {
	if l.health.fails() {
		l.c.log.Warn("broker does not answer; trying until it does", zap.Int32("broker", l.id), zap.Error(err))
	}
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	for _, p := range l.partitions {
		p.doubt = true
		p.status.Connected, p.status.Err = false, err.Error()
	}
	l.c.lookAgain()
}

// handOut gives each partition its part of the answer.
func (l *leader) handOut(resp *fetch.Response) {
	f := &frame{response: resp, holds: 1}
	for i := range resp.Partitions {
		f.bytes += int64(len(resp.Partitions[i].Records))
	}
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	l.c.held += f.bytes
	now := time.Now()
	for i := range resp.Partitions {
		part := &resp.Partitions[i]
		if a := l.find(i, part); a != nil && l.current(a) {
			l.hand(a, part, f, now)
		}
	}
	if f.holds--; f.holds == 0 {
		l.c.held -= f.bytes
	}
	l.rotate()
}

// current reports whether an answer to a is still wanted.
func (l *leader) current(a *asked) bool {
	return a.leader == l && a.turn == a.partition.turn && a.offset == a.ask && !a.hold
}

// find is what was asked that part answers; brokers mostly answer in order.
func (l *leader) find(i int, part *fetch.Partition) *asked {
	matches := func(a asked) bool { return a.partition.partition == part.Partition && a.topic == part.Topic }
	if i >= len(l.asked) || !matches(l.asked[i]) {
		i = slices.IndexFunc(l.asked, matches)
	}
	if i < 0 {
		return nil
	}
	return &l.asked[i]
}

// hand gives one partition its part of the answer.
func (l *leader) hand(a *asked, part *fetch.Partition, f *frame, now time.Time) {
	p := a.partition
	if part.Err != nil {
		l.refused(p, part.Err, now)
		return
	}
	p.status.Connected, p.status.Err = true, ""
	p.status.HighWatermark, p.status.LastStable, p.status.LogStart = part.HighWatermark, part.LastStable, part.LogStart
	if d, ok := p.health.recovers(); ok {
		l.c.log.Info("partition is read again", p.fields(zap.Duration("after", d))...)
	}
	if behind := part.HighWatermark >= 0 && part.HighWatermark < a.offset; behind || p.doubt {
		if p.doubt = false; behind {
			p.retryAt = now.Add(p.retry.next())
		}
		p.hold = true
		p.put(parcel{what: doubtful, offset: a.offset})
		return
	}
	p.retry.reset()
	if len(part.Records) == 0 {
		return
	}
	p.put(parcel{what: data, frame: f, part: part, offset: a.offset})
	if next, sure := extent(part.Records, a.offset); sure && next <= part.HighWatermark {
		p.ask = next
	} else {
		p.hold = true
	}
	p.full = p.full || p.charge > l.c.o.QueueBytes
	p.served = true
}

// rotate puts the partitions that got data behind those that did not, because a
// broker gives a batch larger than asked for only to the first partition that
// has data.
func (l *leader) rotate() {
	l.served = l.served[:0]
	rest := l.partitions[:0]
	for _, p := range l.partitions {
		if p.served {
			p.served = false
			l.served = append(l.served, p)
		} else {
			rest = append(rest, p)
		}
	}
	l.partitions = append(rest, l.served...)
}

// refused notes that the broker answered for p with an error.
func (l *leader) refused(p *partition, err error, now time.Time) {
	p.status.Connected, p.status.Err = true, err.Error()
	p.retryAt = now.Add(p.retry.next())
	switch {
	case errors.Is(err, kafka.OffsetOutOfRange):
		p.hold = true
		p.put(parcel{what: outside, offset: p.ask})
		return
	case errors.Is(err, kafka.InvalidMessage):
		p.hold = true
		p.put(parcel{what: corrupt, offset: p.ask})
		return
	}
	if p.health.fails() {
		l.c.log.Warn("broker refuses the partition; trying until it does not", p.fields(zap.Int32("broker", l.id), zap.Error(err))...)
	}
	p.doubt = true
	l.c.lookAgain()
}
