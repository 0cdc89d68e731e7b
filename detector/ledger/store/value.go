package store

import (
	"encoding/binary"
	"hash/crc32"
)

// A sealed value is a CRC-32C over key and value, big-endian, then the value.
const checksumBytes = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(key, value []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, key), castagnoli, value)
}

// seal fills in the checksum of buf, whose first checksumBytes are free.
func seal(buf, key []byte) {
	binary.BigEndian.PutUint32(buf, checksum(key, buf[checksumBytes:]))
}

// unseal is the value of a sealed one, and its checksum.
func unseal(key, sealed []byte) (value []byte, sum uint32, ok bool) {
	if len(sealed) < checksumBytes {
		return nil, 0, false
	}
	sum = binary.BigEndian.Uint32(sealed)
	value = sealed[checksumBytes:]
	return value, sum, sum == checksum(key, value)
}
