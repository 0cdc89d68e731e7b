// Package consumer is the loop that reads topics: fetch, decode, hand over.
//
// It knows Kafka (leaders, retries, positions, lag) and the codec; it refuses
// to know the detector: what it reads goes to a Sink, one per partition. An
// instance assigns itself all partitions of its topics, without group
// membership, so that no rebalance can stop it.
//
// Concurrency: one goroutine fetches per leader, one worker decodes per
// partition; a Sink is called by its partition's worker only, in offset order.
package consumer

import (
	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/access"
)

// Sink takes what one partition holds, in offset order, from one goroutine.
type Sink interface {
	// Add takes one event, which is borrowed.
	Add(ev *access.Event, at access.Position)
	// Reject takes one rejected event; it is already in the coverage.
	Reject(rej *codec.Rejection, at access.Position)
	// Advance ends a batch: everything in [p.From, p.Next) has been added. It
	// returns when the batch is counted; an error stops the consumer.
	Advance(p Progress) error
}

// Progress is a stretch of one partition that was read whole.
type Progress struct {
	From, Next  int64 // offsets [From, Next)
	Coverage    access.Coverage
	Fingerprint access.Fingerprint // of the last record before Next that was read
	// Recreated: the topic was deleted and created again; From starts a new
	// history of offsets.
	Recreated bool
}

// Position is where a partition is to be read from.
type Position struct {
	Next        int64
	Fingerprint access.Fingerprint // of the last record counted before Next
}

// Open gives the saved position of a partition, or known false where there is
// none and the start policy decides, and its Sink.
type Open func(topic string, partition int32) (saved Position, known bool, sink Sink, err error)
