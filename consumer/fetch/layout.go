package fetch

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

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

const metadataVersion = 4 // the first that does not create the topics it asks about

// Layout asks the brokers for the partitions of topics and their leaders. It
// does not use what the transport remembers, whose addresses of brokers may
// therefore be older: see Fetch.
func (c *Client) Layout(ctx context.Context, topics []string) (Layout, error) {
	b := begin(protocol.Metadata, metadataVersion, c.transport.ClientID, 64*(len(topics)+1))
	b = appendInt32(b, int32(len(topics)))
	for _, t := range topics {
		b = appendString(b, t)
	}
	b = append(b, 0) // do not create topics
	rep, err := c.roundTrip(ctx, &exchange{
		key: protocol.Metadata, version: metadataVersion, broker: anyBroker, request: seal(b),
	}, 0)
	if err != nil {
		return Layout{}, fmt.Errorf("ask for leaders: %w", err)
	}
	l, err := decodeLayout(rep.body)
	c.frames.put(rep.frame)
	if err != nil {
		return Layout{}, fmt.Errorf("ask for leaders: %w", err)
	}
	l.sort(topics)
	return l, nil
}

func decodeLayout(body []byte) (Layout, error) {
	c := cursor{rest: body}
	c.int32() // throttle
	var l Layout
	for range c.array(12) {
		b := Broker{ID: c.int32(), Host: string(c.string()), Port: c.int32()}
		c.string() // rack
		l.Brokers = append(l.Brokers, b)
	}
	c.string() // cluster id
	c.int32()  // controller
	for range c.array(9) {
		code := c.int16()
		topic := string(c.string())
		c.bool() // internal
		n := c.array(18)
		if code != 0 {
			l.Partitions = append(l.Partitions, LeaderOf{Topic: topic, Partition: -1, Leader: -1, Err: kafka.Error(code)})
		}
		for range n {
			p := decodeLeader(&c, topic)
			if code == 0 {
				l.Partitions = append(l.Partitions, p)
			}
		}
	}
	return l, c.err()
}

func decodeLeader(c *cursor, topic string) LeaderOf {
	code := kafka.Error(c.int16())
	l := LeaderOf{Topic: topic, Partition: c.int32(), Leader: c.int32()}
	for range 2 { // replicas, and those in sync
		for range c.array(4) {
			c.int32()
		}
	}
	switch {
	case l.Leader >= 0 && (code == 0 || code == kafka.ReplicaNotAvailable):
		// A lost follower does not keep us from reading.
	case code != 0:
		l.Leader, l.Err = -1, code
	default:
		l.Leader, l.Err = -1, kafka.LeaderNotAvailable
	}
	return l
}

func (l *Layout) sort(topics []string) {
	rank := make(map[string]int, len(topics))
	for i, t := range topics {
		rank[t] = i
	}
	slices.SortFunc(l.Partitions, func(a, b LeaderOf) int {
		return cmp.Or(cmp.Compare(rank[a.Topic], rank[b.Topic]), cmp.Compare(a.Partition, b.Partition))
	})
}

// leader is the leader of one partition, asked of the brokers.
func (c *Client) leader(ctx context.Context, topic string, partition int32) (int32, error) {
	l, err := c.Layout(ctx, []string{topic})
	if err != nil {
		return 0, err
	}
	for _, p := range l.Partitions {
		if p.Topic == topic && (p.Partition == partition || p.Partition < 0) {
			return p.Leader, p.Err
		}
	}
	return 0, kafka.UnknownTopicOrPartition
}
