package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/consumer/fetch"
	"sunsetwatch/rules/access"
)

// Client is what a Consumer asks of Kafka; *fetch.Client is one. Its methods
// may be called at the same time, and return soon after their context ends.
type Client interface {
	Fetch(ctx context.Context, req *fetch.Request) (*fetch.Response, error)
	// Layout asks afresh which broker leads which partition.
	Layout(ctx context.Context, topics []string) (fetch.Layout, error)
	// Offsets are the first offset that is still there, and the end.
	Offsets(ctx context.Context, topic string, partition int32) (start, end int64, err error)
	// OffsetAt is the first offset whose record is not older than t.
	OffsetAt(ctx context.Context, topic string, partition int32, t time.Time) (int64, error)
	// FingerprintAt is of the record at offset; not Known where there is none.
	FingerprintAt(ctx context.Context, leader int32, topic string, partition int32, offset int64) (access.Fingerprint, error)
	// NextReadable is the first offset in (from, end) of a batch that can be
	// read; end where there is none.
	NextReadable(ctx context.Context, leader int32, topic string, partition int32, from, end int64) (int64, error)
	Commit(ctx context.Context, group string, positions map[string]map[int32]int64) error
}

// Options of a Consumer. Client, Topics, Codec and Open are required; the zero
// value of every other field means its default.
type Options struct {
	Client Client
	Topics []string
	Codec  *codec.Compiled
	Open   Open
	Log    *zap.Logger // default: none

	// Start says where partitions without a saved position begin; default
	// earliest.
	Start Start
	// OnGap says what to do when retention passed a position; default Continue.
	OnGap OnGap
	// Group takes committed positions as a hint for lag tools; empty: none.
	Group string

	// MetadataInterval is the time between two looks for new partitions and
	// leaders; default 10 s.
	MetadataInterval time.Duration
	// MaxWait is how long a broker may wait for data before it answers; default
	// 500 ms.
	MaxWait time.Duration
	// PartitionBytes are asked of one partition at a time; default 1 MiB.
	PartitionBytes int32
	// ResponseBytes are asked of one broker at a time; default 50 MiB.
	ResponseBytes int32
	// QueueBytes may wait for one partition's worker, counting whole responses
	// of which the partition holds a part; default 8 MiB.
	QueueBytes int64
	// HeldBytes may be held by all partitions together; beyond it only those
	// with nothing queued are asked. Default 256 MiB.
	HeldBytes int64
	// MaxInflated is the most that one batch may inflate to; default 64 MiB.
	MaxInflated int
}

func (o *Options) complete() error {
	switch {
	case o.Client == nil:
		return errors.New("consumer: no client")
	case len(o.Topics) == 0:
		return errors.New("consumer: no topics; name at least one under kafka.topics")
	case o.Codec == nil:
		return errors.New("consumer: no codec")
	case o.Open == nil:
		return errors.New("consumer: no open function")
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	o.Topics = slices.Compact(slices.Sorted(slices.Values(o.Topics)))
	defaultTo(&o.MetadataInterval, 10*time.Second)
	defaultTo(&o.MaxWait, 500*time.Millisecond)
	defaultTo(&o.PartitionBytes, 1<<20)
	defaultTo(&o.ResponseBytes, 50<<20)
	defaultTo(&o.QueueBytes, 8<<20)
	defaultTo(&o.HeldBytes, 256<<20)
	defaultTo(&o.MaxInflated, 64<<20)
	return nil
}

func defaultTo[T int | int32 | int64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Start is the start policy: where a partition without a saved position
// begins. The zero value is earliest. A partition that appears while its topic
// is already read begins at its earliest offset under any policy, because all
// it holds is new.
type Start struct {
	Latest bool
	Time   time.Time // not zero: at the first record not older than it
}

// UnmarshalText reads earliest, latest, or an RFC 3339 time with zone.
func (s *Start) UnmarshalText(text []byte) error {
	switch string(text) {
	case "earliest":
		*s = Start{}
	case "latest":
		*s = Start{Latest: true}
	default:
		t, err := time.Parse(time.RFC3339Nano, string(text))
		if err != nil {
			return fmt.Errorf("%q is no start: write earliest, latest or a time such as 2015-07-01T00:00:00Z", text)
		}
		*s = Start{Time: t}
	}
	return nil
}

// String is what UnmarshalText reads.
func (s Start) String() string {
	switch {
	case s.Latest:
		return "latest"
	case s.Time.IsZero():
		return "earliest"
	}
	return s.Time.Format(time.RFC3339Nano)
}

// OnGap says what to do when retention passed a position.
type OnGap uint8

// The zero OnGap is Continue.
const (
	Continue OnGap = iota // count the lost offsets and go on
	Stop                  // Run returns an error that says what is lost
)

// UnmarshalText reads continue or stop.
func (g *OnGap) UnmarshalText(text []byte) error {
	switch string(text) {
	case "continue":
		*g = Continue
	case "stop":
		*g = Stop
	default:
		return fmt.Errorf("%q is no on_gap: write continue or stop", text)
	}
	return nil
}

// String is what UnmarshalText reads.
func (g OnGap) String() string {
	if g == Stop {
		return "stop"
	}
	return "continue"
}
