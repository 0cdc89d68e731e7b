package fetch

import (
	"encoding/binary"
	"errors"
)

// errMalformed is a response that does not hold what its own lengths promise.
var errMalformed = errors.New("malformed response")

// cursor reads Kafka's primitive types. After the first read beyond the end it
// is broken, and everything it reads is zero.
type cursor struct {
	rest   []byte
	broken bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.rest) {
		c.rest, c.broken = nil, true
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) int16() int16 {
	if b := c.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (c *cursor) int32() int32 {
	if b := c.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (c *cursor) int64() int64 {
	if b := c.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (c *cursor) bool() bool {
	b := c.take(1)
	return b != nil && b[0] != 0
}

// string is nil where it is null.
func (c *cursor) string() []byte {
	n := c.int16()
	if n < 0 {
		return nil
	}
	return c.take(int(n))
}

// bytes is nil where it is null.
func (c *cursor) bytes() []byte {
	n := c.int32()
	if n < 0 {
		return nil
	}
	return c.take(int(n))
}

// array is the number of elements, each of which takes at least least bytes; a
// null array has none. A count that the rest cannot hold breaks the cursor, so
// that nothing is allocated for it.
func (c *cursor) array(least int) int {
	n := int(c.int32())
	if n <= 0 {
		return 0
	}
	if n > len(c.rest)/least {
		c.rest, c.broken = nil, true
		return 0
	}
	return n
}

func (c *cursor) err() error {
	if c.broken {
		return errMalformed
	}
	return nil
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

func appendInt32(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }

func appendInt64(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }
