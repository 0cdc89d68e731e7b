// Package fetch reads records from Kafka: the Fetch request (version 11) over
// kafka-go's transport, and the record-batch reader.
//
// kafka-go does dialling, TLS, SASL, metadata and routing to the leader; the
// bytes of request and response are ours, through protocol.RawExchanger (see
// reference: segmentio/kafka-go v0.4.51, package protocol). Every offset
// between two positions ends in exactly one counter of access.Coverage.
//
// The package refuses to know what records mean, to retry, to log, and to
// decide where to start: it returns what the broker said.
//
// Concurrency: a Client may be shared; a Batches reader belongs to one
// goroutine, and what it yields is valid until its next call.
package fetch

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/segmentio/kafka-go"

	"sunsetwatch/rules/access"
)

// Options of a Client.
type Options struct {
	Addr      net.Addr         // bootstrap brokers, as kafka.TCP gives
	Transport *kafka.Transport // dialling, TLS, SASL, metadata
	// MaxFrameBytes caps the size of a response before anything is allocated
	// for it; default 256 MiB.
	MaxFrameBytes int
}

// Client sends Fetch requests.
type Client struct{}

// NewClient is a Client with o.
func NewClient(o Options) *Client { panic("stub") }

// Request asks one broker for some of the partitions that it leads.
type Request struct {
	Broker     int32 // id of the leader
	MaxWait    time.Duration
	MinBytes   int32
	MaxBytes   int32
	Partitions []Ask
}

// Ask is what is asked of one partition, always with read_committed isolation.
type Ask struct {
	Topic     string
	Partition int32
	Offset    int64
	MaxBytes  int32
}

// Response is one broker's answer. Its bytes stay valid until every holder has
// called Release: a Response starts with one hold, Retain adds one.
type Response struct {
	Throttle   time.Duration // the broker asks to wait that long before the next request
	Partitions []Partition
}

// Retain adds a hold on the bytes.
func (r *Response) Retain() { panic("stub") }

// Release gives up a hold; at the last one the buffer is used again.
func (r *Response) Release() { panic("stub") }

// Partition is the answer for one partition.
type Partition struct {
	Topic         string
	Partition     int32
	Err           error // nil, or a kafka.Error of the broker
	HighWatermark int64
	LastStable    int64
	LogStart      int64
	Aborted       []Aborted
	Records       []byte // record batches, the last one possibly truncated
}

// Aborted is one aborted transaction of a response.
type Aborted struct {
	ProducerID  int64
	FirstOffset int64
}

// Fetch sends one request. The context's deadline, MaxWait plus slack when it
// has none, reaches the socket. After an error the buffer is never used again,
// because a cancelled exchange still writes into it.
func (c *Client) Fetch(ctx context.Context, req *Request) (*Response, error) { panic("stub") }

// Record is one record of a batch, valid until the next call of Next or Reset.
type Record struct {
	Offset    int64
	Timestamp int64 // milliseconds since 1970; -1 where there is none
	Key       []byte
	Value     []byte // nil: a tombstone
	headers   []byte
}

// Header is one header of a record.
type Header struct{ Key, Value []byte }

// AppendHeaders appends the headers of the record to dst.
func (r *Record) AppendHeaders(dst []Header) []Header { panic("stub") }

// Fingerprint recognises the record when reading goes on from the next offset.
func (r *Record) Fingerprint() access.Fingerprint { panic("stub") }

// Reader walks the record batches of one partition after another.
type Reader struct{}

// NewReader is a Reader that refuses batches which inflate to more than
// maxInflated bytes (0: 64 MiB).
func NewReader(maxInflated int) *Reader { panic("stub") }

// Reset begins with the records of p, from offset on: records before it are
// passed over without being counted. p is borrowed until the next Reset.
func (r *Reader) Reset(p *Partition, offset int64) { panic("stub") }

// Next moves to the next record that is to be counted, over control batches,
// aborted records and compacted offsets. It is false at the end of what was
// fetched, and where a batch cannot be read: see Err.
func (r *Reader) Next() bool { panic("stub") }

// Record is the record that Next moved to.
func (r *Reader) Record() *Record { panic("stub") }

// Position is the offset from which reading goes on after what was walked so
// far: of a batch walked to its end, base + last offset delta + 1.
func (r *Reader) Position() int64 { panic("stub") }

// Err is nil at the end of what was fetched (a truncated last batch is the end
// too), else a *BadBatch, before which Position stands.
func (r *Reader) Err() error { panic("stub") }

// Skip passes over the bad batch at which Next stopped and counts its offsets
// from Position on as skipped; Next then goes on behind it.
func (r *Reader) Skip() { panic("stub") }

// Take is what was covered since the last Take: Records, Ignored and Skipped,
// which together are the offsets that Position moved over.
func (r *Reader) Take() access.Coverage { panic("stub") }

// BadBatch says why a batch cannot be read.
type BadBatch struct {
	From, Next int64 // offsets [From, Next); Next is From where the header itself cannot be trusted
	Reason     access.Skip
	Detail     string
}

func (e *BadBatch) Error() string { return e.Detail }

// ErrFrameTooLarge is returned where a response is larger than MaxFrameBytes.
var ErrFrameTooLarge = errors.New("fetch response larger than the cap")
