package fetch

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"
)

// Commit commits positions (topic, partition, next offset) to a group without
// being a member of it. The error joins those of all partitions that failed;
// kafka.GroupCoordinatorNotAvailable and kafka.NotCoordinatorForGroup pass.
func (c *Client) Commit(ctx context.Context, group string, positions map[string]map[int32]int64) error {
	ctx, cancel := within(ctx, slack)
	defer cancel()
	topics := make(map[string][]kafka.OffsetCommit, len(positions))
	for topic, partitions := range positions {
		for p, next := range partitions {
			topics[topic] = append(topics[topic], kafka.OffsetCommit{Partition: int(p), Offset: next})
		}
	}
	if len(topics) == 0 {
		return nil
	}
	resp, err := c.groups.OffsetCommit(ctx, &kafka.OffsetCommitRequest{GroupID: group, GenerationID: -1, Topics: topics})
	if err != nil {
		return fmt.Errorf("commit to group %s: %w", group, err)
	}
	var failed []error
	for topic, commits := range topics {
		for _, want := range commits {
			i := slices.IndexFunc(resp.Topics[topic], func(p kafka.OffsetCommitPartition) bool { return p.Partition == want.Partition })
			switch {
			case i < 0:
				failed = append(failed, fmt.Errorf("commit of %s/%d to group %s: %w: no answer", topic, want.Partition, group, errMalformed))
			case resp.Topics[topic][i].Error != nil:
				failed = append(failed, fmt.Errorf("commit of %s/%d to group %s: %w", topic, want.Partition, group, resp.Topics[topic][i].Error))
			}
		}
	}
	return errors.Join(failed...)
}

// Committed reports whether the group has a committed offset for any partition
// of topics.
func (c *Client) Committed(ctx context.Context, group string, topics []string) (any bool, err error) {
	ctx, cancel := within(ctx, slack)
	defer cancel()
	resp, err := c.groups.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group})
	if err == nil {
		err = resp.Error
	}
	if errors.Is(err, kafka.GroupIdNotFound) {
		return false, nil // nothing was ever committed under this name
	}
	if err != nil {
		return false, fmt.Errorf("committed offsets of group %s: %w", group, err)
	}
	for _, topic := range topics {
		for _, p := range resp.Topics[topic] {
			if p.Error != nil {
				return false, fmt.Errorf("committed offset of %s/%d in group %s: %w", topic, p.Partition, group, p.Error)
			}
			any = any || p.CommittedOffset >= 0
		}
	}
	return any, nil
}
