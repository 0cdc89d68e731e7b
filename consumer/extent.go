package consumer

import "encoding/binary"

// Places in the header of a record batch of format 2.
const (
	batchLengthAt     = 8
	batchPrefix       = 12 // base offset and length, which the length does not count
	batchMagicAt      = 16
	lastOffsetDeltaAt = 23
	batchHeader       = 61
)

// extent is the offset behind the last whole batch in records, read from the
// headers alone so that the next request need not wait for the worker. It is
// not sure where a header looks odd: the worker's word is then waited for, as
// it is the authority in any case.
func extent(records []byte, from int64) (next int64, sure bool) {
	next = from
	for len(records) >= batchHeader {
		size := int64(int32(binary.BigEndian.Uint32(records[batchLengthAt:])))
		if records[batchMagicAt] != 2 || size < batchHeader-batchPrefix {
			return from, false
		}
		size += batchPrefix
		if size > int64(len(records)) {
			break
		}
		base := int64(binary.BigEndian.Uint64(records))
		delta := int64(int32(binary.BigEndian.Uint32(records[lastOffsetDeltaAt:])))
		if base < 0 || delta < 0 || base+delta < next {
			return from, false
		}
		next = base + delta + 1
		records = records[size:]
	}
	return next, next > from
}
