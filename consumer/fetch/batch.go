package fetch

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"sunsetwatch/rules/access"
)

// BadBatch says why a batch cannot be read.
//
// Next is From where the batch does not even tell where it ends. Then there is
// nothing to skip; fetched again alone, with more MaxBytes, it may be whole,
// else Client.NextReadable finds where reading can go on.
type BadBatch struct {
	From, Next int64 // offsets [From, Next)
	Reason     access.Skip
	Detail     string // with topic, partition and offset
}

func (e *BadBatch) Error() string { return e.Detail }

// The record batch of magic 2. The checksum covers everything behind it; base
// offset, length and magic are covered by nothing.
//
//	 0 base offset      int64   27 first timestamp int64
//	 8 length           int32   35 max timestamp   int64
//	12 leader epoch     int32   43 producer id     int64
//	16 magic            int8    51 producer epoch  int16
//	17 checksum         uint32  53 base sequence   int32
//	21 attributes       int16   57 record count    int32
//	23 last offset delta int32  61 records
const (
	sizedAt     = 12 // length counts from here
	magicAt     = 16
	checkedAt   = 21
	recordsAt   = 61
	legacyLeast = 26 // the smallest message of magic 0
)

// Bits of the attributes.
const (
	codecBits              = 0x07
	logAppendTimeBit       = 0x08
	transactionalBit       = 0x10
	controlBit             = 0x20
	noProducer       int64 = -1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batch is one whole record batch.
type batch struct {
	base       int64
	attributes uint16
	lastDelta  int32
	firstTime  int64
	maxTime    int64
	producer   int64
	count      int32
	payload    []byte // records, perhaps compressed
	sound      bool   // the checksum is right
}

// sizeOf is the size of the batch or message that data begins with, for which
// len(data) > magicAt.
func sizeOf(data []byte) int64 {
	return sizedAt + int64(int32(binary.BigEndian.Uint32(data[8:])))
}

// parse reads the batch that fills data.
func (b *batch) parse(data []byte) {
	be := binary.BigEndian
	*b = batch{
		base:       int64(be.Uint64(data)),
		attributes: be.Uint16(data[21:]),
		lastDelta:  int32(be.Uint32(data[23:])),
		firstTime:  int64(be.Uint64(data[27:])),
		maxTime:    int64(be.Uint64(data[35:])),
		producer:   int64(be.Uint64(data[43:])),
		count:      int32(be.Uint32(data[57:])),
		payload:    data[recordsAt:],
		sound:      crc32.Checksum(data[checkedAt:], castagnoli) == be.Uint32(data[17:]),
	}
}

func (b *batch) is(bit uint16) bool { return b.attributes&bit != 0 }

// next is the offset behind the batch.
func (b *batch) next() int64 { return b.base + int64(b.lastDelta) + 1 }

// fault is what is wrong in the header of a batch whose checksum is right, else
// empty.
func (b *batch) fault() string {
	switch {
	case b.lastDelta < 0:
		return fmt.Sprintf("its last offset delta is %d", b.lastDelta)
	case b.count < 0 || int64(b.count) > int64(b.lastDelta)+1:
		return fmt.Sprintf("it claims %d records at %d offsets", b.count, int64(b.lastDelta)+1)
	}
	return ""
}
