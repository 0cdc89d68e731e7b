package fetch

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

// Response is one broker's answer. Its bytes stay valid until every holder has
// called Release: a Response starts with one hold, Retain adds one. A Response
// that is never released costs its memory a use, nothing else.
type Response struct {
	Throttle   time.Duration // the broker asks to wait that long before the next request
	Partitions []Partition

	holds  atomic.Int32
	frame  *frame
	frames *frames
}

// Partition is the answer for one partition.
type Partition struct {
	Topic         string
	Partition     int32
	Err           error // nil, or a kafka.Error of the broker; the offsets are then -1 as a rule
	HighWatermark int64
	LastStable    int64
	LogStart      int64
	Aborted       []Aborted
	Records       []byte // record batches, the last one possibly truncated
}

// Aborted is one aborted transaction of a response.
type Aborted struct {
	ProducerID  int64
	FirstOffset int64
}

// Retain adds a hold on the bytes.
func (r *Response) Retain() {
	if r.holds.Add(1) <= 1 {
		panic("fetch: Retain of a released Response")
	}
}

// Release gives up a hold; at the last one the buffer is used again.
func (r *Response) Release() {
	switch n := r.holds.Add(-1); {
	case n < 0:
		panic("fetch: Release of a released Response")
	case n == 0 && r.frame != nil:
		r.frames.put(r.frame)
		r.frame = nil
	}
}

// decode reads the body of a response to asks. It answers asked partitions at
// most once, and no others.
func (r *Response) decode(body []byte, asks []Ask) error {
	c := cursor{rest: body}
	r.Throttle = time.Duration(max(0, c.int32())) * time.Millisecond
	if code := c.int16(); code != 0 {
		return kafka.Error(code)
	}
	c.int32() // session id
	r.Partitions = make([]Partition, 0, len(asks))
	expected := expectation{asks: asks, answered: make([]bool, len(asks))}
	for range c.array(6) {
		topic := c.string()
		for range c.array(42) {
			if err := r.decodePartition(&c, topic, &expected); err != nil {
				return err
			}
		}
	}
	return c.err()
}

func (r *Response) decodePartition(c *cursor, topic []byte, expected *expectation) error {
	p := Partition{Partition: c.int32()}
	if code := c.int16(); code != 0 {
		p.Err = kafka.Error(code)
	}
	p.HighWatermark = c.int64()
	p.LastStable = c.int64()
	p.LogStart = c.int64()
	if n := c.array(16); n > 0 {
		p.Aborted = make([]Aborted, n)
		for i := range p.Aborted {
			p.Aborted[i] = Aborted{ProducerID: c.int64(), FirstOffset: c.int64()}
		}
	}
	c.int32() // preferred read replica: no rack was named
	p.Records = c.bytes()
	if err := c.err(); err != nil {
		return err
	}
	ask, ok := expected.take(topic, p.Partition)
	if !ok {
		return fmt.Errorf("%w: partition %d of %q was not asked for, or is answered twice", errMalformed, p.Partition, topic)
	}
	p.Topic = ask.Topic
	r.Partitions = append(r.Partitions, p)
	return nil
}

// expectation finds the ask that a partition answers. Brokers answer in the
// order of the request, so that the look-up goes on behind the last one found.
type expectation struct {
	asks     []Ask
	answered []bool
	at       int
}

func (e *expectation) take(topic []byte, partition int32) (*Ask, bool) {
	for range e.asks {
		i := e.at
		if e.at++; e.at == len(e.asks) {
			e.at = 0
		}
		if a := &e.asks[i]; a.Partition == partition && !e.answered[i] && a.Topic == string(topic) {
			e.answered[i] = true
			return a, true
		}
	}
	return nil, false
}
