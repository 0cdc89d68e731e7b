package fetch

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
)

// Options of a Client.
type Options struct {
	Addr net.Addr // bootstrap brokers, as kafka.TCP gives
	// Transport, required, dials, authenticates and remembers the addresses of brokers.
	// It looks for new ones every MetadataTTL at the latest: 1 to 2 s let a
	// Client follow a changing cluster. It is not closed by the Client.
	Transport *kafka.Transport
	// MaxFrameBytes caps the size of a response before anything is allocated
	// for it; default 256 MiB.
	MaxFrameBytes int
}

// Client sends Fetch requests, and asks for leaders and offsets. Contexts
// without a deadline get one.
type Client struct {
	addr      net.Addr
	transport *kafka.Transport
	groups    kafka.Client
	maxFrame  int
	frames    frames
}

// NewClient is a Client with o.
func NewClient(o Options) *Client {
	if o.MaxFrameBytes <= 0 {
		o.MaxFrameBytes = 256 << 20
	}
	return &Client{
		addr:      o.Addr,
		transport: o.Transport,
		groups:    kafka.Client{Addr: o.Addr, Transport: o.Transport},
		maxFrame:  o.MaxFrameBytes,
	}
}

// Fetch sends one request. The context's deadline, MaxWait plus slack when it
// has none, reaches the socket. Errors of single partitions are in the
// response; a broker whose address is not known yet gives
// kafka.BrokerNotAvailable, a response beyond the cap ErrFrameTooLarge.
func (c *Client) Fetch(ctx context.Context, req *Request) (*Response, error) {
	rep, err := c.roundTrip(ctx, &exchange{
		key:     fetchKey,
		version: fetchVersion,
		broker:  req.Broker,
		request: req.encode(c.transport.ClientID),
	}, req.MaxWait)
	if err != nil {
		return nil, fmt.Errorf("fetch from broker %d: %w", req.Broker, err)
	}
	resp := &Response{frame: rep.frame, frames: &c.frames}
	resp.holds.Store(1)
	if err := resp.decode(rep.body, req.Partitions); err != nil {
		return nil, fmt.Errorf("fetch from broker %d: %w", req.Broker, err)
	}
	return resp, nil
}

// milliseconds is d as the protocol carries it.
func milliseconds(d time.Duration) int32 {
	return int32(max(0, min(d.Milliseconds(), 1<<31-1)))
}
