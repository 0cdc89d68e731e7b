package fetch

import (
	"context"
	"time"

	"sunsetwatch/rules/access"
)

// Offsets is the first offset that the leader still holds, and the offset
// behind the last one (the high watermark).
func (c *Client) Offsets(ctx context.Context, topic string, partition int32) (start, end int64, err error) {
	panic("stub")
}

// OffsetAt is the offset of the first record whose timestamp is at or after
// at; the end where there is none.
func (c *Client) OffsetAt(ctx context.Context, topic string, partition int32, at time.Time) (int64, error) {
	panic("stub")
}

// FingerprintAt is the fingerprint of the record at offset; not known where
// that offset holds no record (compacted, aborted, a control record, gone, not
// yet written).
func (c *Client) FingerprintAt(ctx context.Context, leader int32, topic string, partition int32, offset int64) (access.Fingerprint, error) {
	panic("stub")
}
