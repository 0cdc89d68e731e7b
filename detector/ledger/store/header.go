package store

import (
	"encoding/binary"
	"fmt"
)

// Format is the version of the file format that this package writes.
const Format = 2

// The header is one sealed value in a bucket of its own. Bucket, key, seal and
// the first four bytes of the value, which are the format version, stay as
// they are in every future format, so that an older program can say that a
// file is too new for it.
const (
	headerBucket = "header"
	headerKey    = "state"
	headerBytes  = 4 + 8 + 8 + keyIDBytes + Buckets*16
)

// header describes the state as a whole.
type header struct {
	saves  uint64 // how often this state was saved; 0: never, it is empty
	tx     uint64 // the transaction that wrote it: an old root page, with an old header, would be of another
	keyID  string // of the subject key; empty or keyIDBytes long
	totals [Buckets]total
}

// total holds a bucket against the loss or the return of whole pages, whose
// values would all be well sealed.
type total struct {
	entries uint64
	sum     uint64 // of the checksums of all entries, modulo 2^64
}

func (t *total) add(sum uint32) {
	t.entries++
	t.sum += uint64(sum)
}

func (t *total) remove(sum uint32) {
	t.entries--
	t.sum -= uint64(sum)
}

// appendSealed appends the sealed value of h.
func (h *header) appendSealed(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, checksumBytes)...)
	dst = binary.BigEndian.AppendUint32(dst, Format)
	dst = binary.BigEndian.AppendUint64(dst, h.saves)
	dst = binary.BigEndian.AppendUint64(dst, h.tx)
	var id [keyIDBytes]byte
	copy(id[:], h.keyID)
	dst = append(dst, id[:]...)
	for _, t := range h.totals {
		dst = binary.BigEndian.AppendUint64(dst, t.entries)
		dst = binary.BigEndian.AppendUint64(dst, t.sum)
	}
	seal(dst[start:], []byte(headerKey))
	return dst
}

// readHeader is the header in a sealed value. Its error is damage or wraps
// ErrNewer.
func readHeader(sealed []byte) (h header, err error) {
	v, _, ok := unseal([]byte(headerKey), sealed)
	if !ok || len(v) < 4 {
		return h, damage("the checksum of its header does not match")
	}
	if version := binary.BigEndian.Uint32(v); version > Format {
		return h, fmt.Errorf("%w (format %d, this program knows up to %d)", ErrNewer, version, Format)
	} else if version != Format || len(v) != headerBytes {
		return h, damage(fmt.Sprintf("its header says format %d with %d bytes", version, len(v)))
	}
	h.saves = binary.BigEndian.Uint64(v[4:])
	h.tx = binary.BigEndian.Uint64(v[12:])
	if id := v[20 : 20+keyIDBytes]; id[0] != 0 {
		h.keyID = string(id)
	}
	v = v[20+keyIDBytes:]
	for i := range h.totals {
		h.totals[i] = total{entries: binary.BigEndian.Uint64(v[16*i:]), sum: binary.BigEndian.Uint64(v[16*i+8:])}
	}
	return h, nil
}
