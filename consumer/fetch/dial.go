package fetch

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
)

// firstFrameBytes is more than any broker needs to say which requests it knows,
// and less than what the first four bytes of any text, or of an alert of TLS, give
// as a length.
const firstFrameBytes = 1 << 20

// Dial is for kafka.Transport.Dial where connections are plain. kafka-go believes
// the lengths in the first answer: a web server on the port would cost it a
// processor, and all memory. Such a connection ends with an error that says so.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &guarded{Conn: conn, address: address}, nil
}

// guarded looks at the length of the first frame that it reads. One goroutine
// reads it at a time.
type guarded struct {
	net.Conn
	address string
	head    [4]byte
	seen    int // bytes of head
}

func (g *guarded) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if g.seen == len(g.head) {
		return n, err
	}
	g.seen += copy(g.head[g.seen:], b[:n])
	if g.seen == len(g.head) && binary.BigEndian.Uint32(g.head[:]) > firstFrameBytes {
		g.Conn.Close()
		return 0, fmt.Errorf("%s answers, but not as a broker does (it begins with %q): is it the port of Kafka, and of a listener without TLS?", g.address, g.head[:])
	}
	return n, err
}
