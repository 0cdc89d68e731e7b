package fetch

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// NextReadable is the offset of a batch behind offset from that can be read, or
// end where there is none; for the case that the batch at from is damaged so
// badly that it does not tell where the next one begins (BadBatch.Next is its
// From), or that the broker itself cannot read it. It asks the broker for later
// offsets in growing steps and then halves the last step, about 2 log2 of the
// distance requests. A broker that cannot read a batch sends nothing, or a
// kafka.Error for it, or the damaged bytes.
func (c *Client) NextReadable(ctx context.Context, leader int32, topic string, partition int32, from, end int64) (int64, error) {
	bad, good := from, end
	for step := int64(1); bad+step < end && bad+step > bad; step *= 2 {
		next, err := c.readableAt(ctx, leader, topic, partition, bad+step)
		if err != nil {
			return 0, err
		}
		if next >= 0 {
			good = min(good, next)
			break
		}
		bad += step
	}
	for bad+1 < good {
		at := bad + (good-bad)/2
		next, err := c.readableAt(ctx, leader, topic, partition, at)
		if err != nil {
			return 0, err
		}
		if next < 0 || next >= good {
			bad = at
		} else {
			good = next
		}
	}
	return good, nil
}

// readableAt is the first offset at or after at of a batch that a fetch at
// offset at gives and that can be read, else -1.
func (c *Client) readableAt(ctx context.Context, leader int32, topic string, partition int32, at int64) (int64, error) {
	found := int64(-1)
	err := c.probe(ctx, leader, topic, partition, at, func(r *Reader) {
		r.Next()
		if r.first >= 0 {
			found = max(at, r.first)
		}
	})
	var bad *BadBatch
	var broker kafka.Error
	switch {
	case err == nil, errors.As(err, &bad):
		return found, nil
	case errors.As(err, &broker) && unreadable(broker), errors.Is(err, ErrFrameTooLarge):
		return -1, nil
	}
	return 0, fmt.Errorf("look for a batch of %s/%d from offset %d on: %w", topic, partition, at, err)
}

// unreadable tells the errors of a broker that fails at a damaged batch itself
// from those that are of the broker or of the network.
func unreadable(err kafka.Error) bool {
	return err == kafka.Unknown || err == kafka.InvalidMessage || err == kafka.KafkaStorageError
}
