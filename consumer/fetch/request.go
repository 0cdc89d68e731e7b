package fetch

import (
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

const (
	fetchKey     = protocol.Fetch
	fetchVersion = 11 // Kafka 2.3; later ones want topic ids
)

// Request asks one broker for some of the partitions that it leads. A
// partition stands in it once.
type Request struct {
	Broker     int32 // id of the leader
	MaxWait    time.Duration
	MinBytes   int32 // 0: answer at once, also with nothing
	MaxBytes   int32 // of the whole response; the broker goes beyond it for the first batch
	Partitions []Ask // those of one topic beside each other
}

// Ask is what is asked of one partition, always with read_committed isolation.
type Ask struct {
	Topic     string
	Partition int32
	Offset    int64
	MaxBytes  int32
}

const readCommitted = 1

func (r *Request) encode(clientID string) []byte {
	size := 64
	for i := range r.Partitions {
		size += 34 + len(r.Partitions[i].Topic)
	}
	b := begin(fetchKey, fetchVersion, clientID, size)
	b = appendInt32(b, -1) // replica id: a consumer
	b = appendInt32(b, milliseconds(r.MaxWait))
	b = appendInt32(b, r.MinBytes)
	b = appendInt32(b, r.MaxBytes)
	b = append(b, readCommitted)
	b = appendInt32(b, 0)  // session id, none
	b = appendInt32(b, -1) // session epoch, none

	topics := int32(0)
	for i := range r.Partitions {
		if i == 0 || r.Partitions[i].Topic != r.Partitions[i-1].Topic {
			topics++
		}
	}
	b = appendInt32(b, topics)
	for rest := r.Partitions; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Topic == rest[0].Topic {
			n++
		}
		b = appendString(b, rest[0].Topic)
		b = appendInt32(b, int32(n))
		for _, p := range rest[:n] {
			b = appendInt32(b, p.Partition)
			b = appendInt32(b, -1) // current leader epoch: not checked
			b = appendInt64(b, p.Offset)
			b = appendInt64(b, -1) // log start offset: of followers only
			b = appendInt32(b, p.MaxBytes)
		}
		rest = rest[n:]
	}
	b = appendInt32(b, 0)   // forgotten topics
	b = appendString(b, "") // rack
	return seal(b)
}
