package fetch

import "context"

// Commit commits positions (topic, partition, next offset) to a group without
// being a member of it. The error joins those of all partitions that failed.
func (c *Client) Commit(ctx context.Context, group string, positions map[string]map[int32]int64) error {
	panic("stub")
}

// Committed reports whether the group has a committed offset for any partition
// of topics.
func (c *Client) Committed(ctx context.Context, group string, topics []string) (any bool, err error) {
	panic("stub")
}
