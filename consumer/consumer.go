// Package consumer is the loop that reads topics: fetch, decode, hand over.
//
// It knows Kafka (leaders, retries, positions, lag) and the codec; it refuses
// to know the detector: what it reads goes to a Sink, one per partition. An
// instance assigns itself all partitions of its topics, without group
// membership, so that no rebalance can stop it. No failure of a broker ends it;
// only its context, an error of a Sink or of Open, and a gap where OnGap is
// Stop do.
//
// Concurrency: one goroutine fetches per leader, one worker decodes per
// partition; a Sink is called by its partition's worker only, in offset order.
// A Consumer's methods may be called from any goroutine.
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

// Progress is a stretch of one partition that was read whole. The stretches of
// a partition tile: each begins where the one before it ended, except where
// Recreated begins a new history.
//
// A stretch is empty, with From equal to Next, where it only says where reading
// begins: once for a partition without a saved position, so that the start
// policy decides no second time, and where a history begins anew.
type Progress struct {
	From, Next  int64 // offsets [From, Next)
	Coverage    access.Coverage
	Fingerprint access.Fingerprint // of a record read before Next, to be saved with it
	// Recreated: the topic was deleted and created again, or truncated; From
	// starts a new history of offsets.
	Recreated bool
}

// Position is where a partition is to be read from.
type Position struct {
	Next        int64
	Fingerprint access.Fingerprint // as the last Progress before Next gave it
}

// Open gives the saved position of a partition, or known false where there is
// none and the start policy decides, and its Sink. It is called once for each
// partition, never for two at the same time; an error stops the consumer.
type Open func(topic string, partition int32) (saved Position, known bool, sink Sink, err error)
