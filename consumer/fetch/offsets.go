package fetch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"sunsetwatch/rules/access"
)

// Times that ListOffsets takes for the two ends of a partition.
const (
	atEnd   int64 = -1
	atStart int64 = -2
)

const listOffsetsVersion = 2

// Offsets is the first offset that the leader still holds, and the offset
// behind the last one (the high watermark).
func (c *Client) Offsets(ctx context.Context, topic string, partition int32) (start, end int64, err error) {
	ctx, cancel := within(ctx, slack)
	defer cancel()
	leader, err := c.leader(ctx, topic, partition)
	if err == nil {
		end, err = c.listOffsets(ctx, leader, topic, partition, atEnd)
	}
	if err == nil {
		start, err = c.listOffsets(ctx, leader, topic, partition, atStart)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("offsets of %s/%d: %w", topic, partition, err)
	}
	return start, max(start, end), nil
}

// OffsetAt is the offset of the first record whose timestamp is at or after
// at; the end as it was before the question where there is none.
func (c *Client) OffsetAt(ctx context.Context, topic string, partition int32, at time.Time) (int64, error) {
	ctx, cancel := within(ctx, slack)
	defer cancel()
	ms := at.UnixMilli()
	if time.UnixMilli(ms).Before(at) {
		ms++
	}
	leader, err := c.leader(ctx, topic, partition)
	if err != nil {
		return 0, fmt.Errorf("offset of %s/%d at %v: %w", topic, partition, at, err)
	}
	// The end comes first, so that a record appended between both questions
	// lies behind it.
	end, err := c.listOffsets(ctx, leader, topic, partition, atEnd)
	if err != nil {
		return 0, fmt.Errorf("offset of %s/%d at %v: %w", topic, partition, at, err)
	}
	offset, err := c.listOffsets(ctx, leader, topic, partition, max(0, ms))
	if err != nil {
		return 0, fmt.Errorf("offset of %s/%d at %v: %w", topic, partition, at, err)
	}
	if offset < 0 {
		return end, nil
	}
	return offset, nil
}

func (c *Client) listOffsets(ctx context.Context, leader int32, topic string, partition int32, at int64) (int64, error) {
	b := begin(protocol.ListOffsets, listOffsetsVersion, c.transport.ClientID, 64+len(topic))
	b = appendInt32(b, -1) // replica id: a consumer
	b = append(b, 0)       // isolation: up to the high watermark
	b = appendInt32(b, 1)
	b = appendString(b, topic)
	b = appendInt32(b, 1)
	b = appendInt32(b, partition)
	b = appendInt64(b, at)
	rep, err := c.roundTrip(ctx, &exchange{
		key: protocol.ListOffsets, version: listOffsetsVersion, broker: leader, request: seal(b),
	}, 0)
	if err != nil {
		return 0, err
	}
	offset, err := decodeOffset(rep.body, topic, partition)
	c.frames.put(rep.frame)
	return offset, err
}

func decodeOffset(body []byte, topic string, partition int32) (int64, error) {
	c := cursor{rest: body}
	c.int32() // throttle
	for range c.array(6) {
		name := string(c.string())
		for range c.array(22) {
			index, code := c.int32(), c.int16()
			c.int64() // timestamp
			offset := c.int64()
			if c.broken || name != topic || index != partition {
				continue
			}
			if code != 0 {
				return 0, kafka.Error(code)
			}
			return offset, nil
		}
	}
	return 0, errMalformed
}

// probeBytes is enough for a batch; brokers send the first one whole anyway.
const probeBytes = 64 << 10

// FingerprintAt is the fingerprint of the record at offset; not known where
// that offset holds no record (compacted, aborted, a control record, gone, not
// yet written). A batch that cannot be read there is a *BadBatch.
func (c *Client) FingerprintAt(ctx context.Context, leader int32, topic string, partition int32, offset int64) (access.Fingerprint, error) {
	var found access.Fingerprint
	err := c.probe(ctx, leader, topic, partition, offset, func(r *Reader) {
		if r.Next() && r.Record().Offset == offset {
			found = r.Record().Fingerprint()
		}
	})
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return access.Fingerprint{}, nil
	}
	if err != nil {
		return access.Fingerprint{}, fmt.Errorf("fingerprint of %s/%d at offset %d: %w", topic, partition, offset, err)
	}
	return found, nil
}

// probe fetches one partition at offset, without waiting, and lets walk look at
// what came. The error is that of the exchange, of the partition or of walk's
// reader.
func (c *Client) probe(ctx context.Context, leader int32, topic string, partition int32, offset int64, walk func(*Reader)) error {
	resp, err := c.Fetch(ctx, &Request{
		Broker:     leader,
		MaxBytes:   probeBytes,
		Partitions: []Ask{{Topic: topic, Partition: partition, Offset: offset, MaxBytes: probeBytes}},
	})
	if err != nil {
		return err
	}
	defer resp.Release()
	if len(resp.Partitions) == 0 {
		return errMalformed
	}
	p := &resp.Partitions[0]
	if p.Err != nil {
		return p.Err
	}
	r := NewReader(0)
	r.Reset(p, offset)
	walk(r)
	return r.Err()
}
