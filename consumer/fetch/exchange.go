package fetch

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// ErrFrameTooLarge is returned where a response is larger than MaxFrameBytes.
var ErrFrameTooLarge = errors.New("response larger than the cap")

// slack is what an exchange may take besides the wait that the broker was asked
// for: dialling, TLS, SASL, and moving the bytes.
const slack = 10 * time.Second

// anyBroker routes an exchange to whichever broker answers.
const anyBroker int32 = -1

// exchange is a request whose bytes, and those of its response, are ours. It
// travels over kafka.Transport as a message of kafka-go. The transport's
// goroutine may go on with it after the call was cancelled, so nothing here is
// used again, and it borrows nothing from the caller.
type exchange struct {
	key        protocol.ApiKey
	version    int16
	broker     int32
	request    []byte // framed
	frames     *frames
	max        int
	negotiated int16 // what broker and kafka-go agree on
}

// reply is the response to an exchange, after its correlation id.
type reply struct {
	key   protocol.ApiKey
	frame *frame
	body  []byte
}

var (
	_ protocol.RawExchanger  = (*exchange)(nil)
	_ protocol.BrokerMessage = (*exchange)(nil)
	_ kafka.RoundTripper     = (*kafka.Transport)(nil)
)

func (r *reply) ApiKey() protocol.ApiKey { return r.key }

func (x *exchange) ApiKey() protocol.ApiKey { return x.key }

// Broker routes to the broker asked for, whatever the transport believes about
// leaders. What it remembers of the cluster may be older than our layout.
func (x *exchange) Broker(known protocol.Cluster) (protocol.Broker, error) {
	if x.broker == anyBroker {
		return protocol.Broker{ID: anyBroker}, nil
	}
	b, ok := known.Brokers[x.broker]
	if !ok {
		return protocol.Broker{}, fmt.Errorf("no address of broker %d is known (yet): %w", x.broker, kafka.BrokerNotAvailable)
	}
	return b, nil
}

// Required takes every exchange out of kafka-go's own encoding.
func (x *exchange) Required(versions map[protocol.ApiKey]int16) bool {
	x.negotiated = versions[x.key]
	return true
}

// correlation is the id of every exchange: a connection carries one at a time.
const correlation = 0x53574348

// RawExchange writes the request and reads the whole response. It runs in a
// goroutine of the transport; an error closes the connection.
func (x *exchange) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if x.negotiated < x.version {
		return nil, fmt.Errorf("the broker speaks %v only up to version %d, version %d is needed (Kafka 2.3 or newer): %w",
			x.key, x.negotiated, x.version, kafka.UnsupportedVersion)
	}
	if _, err := rw.Write(x.request); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, err
	}
	size := int(int32(binary.BigEndian.Uint32(head[:])))
	if size < 4 {
		return nil, fmt.Errorf("%w: frame of %d bytes", errMalformed, size)
	}
	if size > x.max {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are taken", ErrFrameTooLarge, size, x.max)
	}
	if id := binary.BigEndian.Uint32(head[4:]); id != correlation {
		return nil, fmt.Errorf("%w: it answers request %d, not %d", errMalformed, id, correlation)
	}
	fr := x.frames.get(size - 4)
	if _, err := io.ReadFull(rw, fr.data); err != nil {
		return nil, err
	}
	return &reply{key: x.key, frame: fr, body: fr.data}, nil
}

// begin is a framed request up to its body, with room for size bytes of body;
// seal ends it.
func begin(key protocol.ApiKey, version int16, clientID string, size int) []byte {
	b := make([]byte, 4, 14+len(clientID)+size)
	b = binary.BigEndian.AppendUint16(b, uint16(key))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = binary.BigEndian.AppendUint32(b, correlation)
	return appendString(b, clientID)
}

func seal(b []byte) []byte {
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// roundTrip sends an exchange. Only deadlines reach the socket, so there always
// is one: that of ctx, else wait and slack.
func (c *Client) roundTrip(ctx context.Context, x *exchange, wait time.Duration) (*reply, error) {
	ctx, cancel := within(ctx, wait+slack)
	defer cancel()
	x.frames, x.max = &c.frames, c.maxFrame
	m, err := c.transport.RoundTrip(ctx, c.addr, x)
	if err != nil {
		return nil, err
	}
	return m.(*reply), nil
}

func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d)
}
