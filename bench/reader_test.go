package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
)

// readByReader reads the topic with kafka-go's Reader, one for each partition,
// and does nothing with the records. Its limits are kafka-go's defaults, but for
// a wait as short as ours; larger ones made no difference.
func readByReader(t task) (result, error) {
	var counts [partitions]uint64
	g, ctx := errgroup.WithContext(context.Background())
	for p := range partitions {
		g.Go(func() error {
			r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{t.Broker}, Topic: topic, Partition: p, MinBytes: 1, MaxBytes: 1 << 20,
				MaxWait: 500 * time.Millisecond})
			defer r.Close()
			// Events are spread evenly.
			for counts[p] < uint64((t.Events+partitions-1-p)/partitions) {
				m, err := r.ReadMessage(ctx)
				if err != nil {
					return err
				}
				if len(m.Value) == 0 {
					return fmt.Errorf("partition %d: an empty record at offset %d", p, m.Offset)
				}
				counts[p]++
			}
			return nil
		})
	}
	err := g.Wait()
	var sum result
	for _, n := range counts {
		sum.Events += n
	}
	return sum, err
}
