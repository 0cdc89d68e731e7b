package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
)

const (
	topic      = "partner-access"
	partitions = 4
)

// broker is the Kafka of the demo, in this process.
type broker struct {
	cluster   *kfake.Cluster
	transport *kafka.Transport // of its own, so that close ends its connections
	writer    *kafka.Writer
}

func newBroker() (*broker, error) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topic))
	if err != nil {
		return nil, fmt.Errorf("starting the embedded broker: %w", err)
	}
	transport := &kafka.Transport{}
	return &broker{
		cluster:   cluster,
		transport: transport,
		writer: &kafka.Writer{
			Addr:         kafka.TCP(cluster.ListenAddrs()...),
			Transport:    transport,
			Topic:        topic,
			Balancer:     &kafka.RoundRobin{},
			BatchTimeout: 5 * time.Millisecond,
			BatchSize:    5000,
			Compression:  kafka.Zstd,
			RequiredAcks: kafka.RequireOne,
		},
	}, nil
}

func (b *broker) addresses() []string { return b.cluster.ListenAddrs() }

// produce writes the events of the days [from, until).
func (b *broker) produce(ctx context.Context, from, until time.Time) (n int, err error) {
	var messages []kafka.Message
	for d := from; d.Before(until); d = d.AddDate(0, 0, 1) {
		for e := range day(d) {
			messages = append(messages, kafka.Message{Value: e.json(), Time: e.Time})
		}
	}
	if len(messages) == 0 {
		return 0, nil
	}
	if err := b.writer.WriteMessages(ctx, messages...); err != nil {
		return 0, fmt.Errorf("writing to the embedded broker: %w", err)
	}
	return len(messages), nil
}

func (b *broker) close() {
	// WriteMessages waits for the broker's answer: nothing is left to be written,
	// and the story ends here.
	_ = b.writer.Close()
	b.transport.CloseIdleConnections()
	b.cluster.Close()
}
