package fetch

import (
	"hash/crc32"
	"math"

	"sunsetwatch/rules/access"
)

// Record is one record of a batch, valid until the next call of Next or Reset.
type Record struct {
	Offset    int64
	Timestamp int64  // milliseconds since 1970; -1 where there is none
	Key       []byte // nil: none
	Value     []byte // nil: a tombstone
	headers   []byte // their count, then each; known to be well-formed
}

// Header is one header of a record.
type Header struct {
	Key   []byte
	Value []byte // nil: null
}

// AppendHeaders appends the headers of the record to dst.
func (r *Record) AppendHeaders(dst []Header) []Header {
	n, i := varint(r.headers, 0)
	for ; n > 0; n-- {
		var h Header
		h.Key, i = span(r.headers, i)
		h.Value, i = span(r.headers, i)
		dst = append(dst, h)
	}
	return dst
}

// Fingerprint recognises the record when reading goes on from the next offset.
func (r *Record) Fingerprint() access.Fingerprint {
	crc := crc32.Update(crc32.Checksum(r.Key, castagnoli), castagnoli, r.Value)
	return access.Fingerprint{Offset: r.Offset, Timestamp: r.Timestamp, CRC: crc, Known: true}
}

// parse reads the body of a record: what follows its length. It leaves Offset
// and Timestamp to the caller, who knows what the deltas are added to.
func (r *Record) parse(b []byte) (timeDelta, offsetDelta int64, ok bool) {
	i := 1 // attributes: unused
	if timeDelta, i = varlong(b, i); i < 0 {
		return 0, 0, false
	}
	if offsetDelta, i = varint(b, i); i < 0 {
		return 0, 0, false
	}
	if r.Key, i = span(b, i); i < 0 {
		return 0, 0, false
	}
	if r.Value, i = span(b, i); i < 0 {
		return 0, 0, false
	}
	r.headers = b[i:]
	if len(r.headers) == 1 && r.headers[0] == 0 {
		return timeDelta, offsetDelta, true
	}
	return timeDelta, offsetDelta, wellFormed(r.headers)
}

// wellFormed reports whether b is a count and that many headers, and no more.
func wellFormed(b []byte) bool {
	n, i := varint(b, 0)
	if i < 0 || n < 0 {
		return false
	}
	for ; n > 0; n-- {
		size, at := varint(b, i)
		if at < 0 || size < 0 { // a key is never null
			return false
		}
		if _, i = span(b, i); i < 0 {
			return false
		}
		if _, i = span(b, i); i < 0 {
			return false
		}
	}
	return i == len(b)
}

// span reads a length and that many bytes at b[i:]; nil where the length is
// negative. next is -1 where they are not there.
func span(b []byte, i int) (s []byte, next int) {
	n, i := varint(b, i)
	switch {
	case i < 0:
		return nil, -1
	case n < 0:
		return nil, i
	case n > int64(len(b)-i):
		return nil, -1
	}
	end := i + int(n)
	return b[i:end:end], end
}

// varint reads a zigzag number of 32 bits at b[i:]. next is -1 where there is
// none, or a larger one.
func varint(b []byte, i int) (v int64, next int) {
	if uint(i) < uint(len(b)) && b[i] < 0x80 {
		return int64(b[i]>>1) ^ -int64(b[i]&1), i + 1
	}
	return longVarint(b, i)
}

func longVarint(b []byte, i int) (v int64, next int) {
	if i >= 0 && i+1 < len(b) && b[i+1] < 0x80 { // most that are not short
		u := uint32(b[i]&0x7f) | uint32(b[i+1])<<7
		return int64(u>>1) ^ -int64(u&1), i + 2
	}
	if v, next = varlong(b, i); next > i+5 || v < math.MinInt32 || v > math.MaxInt32 {
		return 0, -1
	}
	return v, next
}

// varlong is varint for 64 bits.
func varlong(b []byte, i int) (v int64, next int) {
	var u uint64
	for shift := 0; shift < 64 && uint(i) < uint(len(b)); shift += 7 {
		c := b[i]
		i++
		if shift == 63 && c > 1 {
			break
		}
		u |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return int64(u>>1) ^ -int64(u&1), i
		}
	}
	return 0, -1
}
