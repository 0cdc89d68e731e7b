package fetch

import "context"

// Layout is which broker leads which partition, asked of the brokers at the
// time of the call.
type Layout struct {
	Brokers    []Broker
	Partitions []LeaderOf // by topic in the order asked, then by partition
}

// Broker is one broker as it advertises itself.
type Broker struct {
	ID   int32
	Host string
	Port int32
}

// LeaderOf is the leader of one partition. Where Err is of the whole topic (it
// does not exist, or may not be described), Partition is -1. Where there is no
// leader at present, Leader is -1 and Err says why.
type LeaderOf struct {
	Topic     string
	Partition int32
	Leader    int32
	Err       error // nil, or a kafka.Error of the broker
}

// Layout asks the brokers for the partitions of topics and their leaders. It
// does not use what the transport remembers.
func (c *Client) Layout(ctx context.Context, topics []string) (Layout, error) { panic("stub") }
