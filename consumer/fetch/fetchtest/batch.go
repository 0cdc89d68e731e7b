// Package fetchtest holds what tests of reading from Kafka share: record
// batches made to measure, and the comparison of package fetch with franz-go on
// a topic of any broker. Only tests import it.
//
// Concurrency: nothing here is shared.
package fetchtest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Attributes of a batch, beside the codec.
const (
	LogAppendTime = 0x08
	Transactional = 0x10
	Control       = 0x20
)

// Codecs as the attributes of a batch name them.
const (
	None = iota
	Gzip
	Snappy
	LZ4
	Zstd
)

// Record is one record of a Batch.
type Record struct {
	Delta   int32 // of its offset
	Time    int64 // delta of its timestamp
	Key     []byte
	Value   []byte
	Headers []kmsg.Header
}

// Batch is a record batch of magic 2. Zero fields are those of an ordinary
// batch that holds Records.
type Batch struct {
	Base       int64
	Records    []Record
	Codec      int
	Attributes int16
	LastDelta  int32 // where it is larger than that of the last record
	Producer   int64 // 0: none
	Time       int64 // first timestamp
	MaxTime    int64
	Count      int32  // claimed number of records, where it is not 0
	Payload    []byte // instead of Records
}

// Bytes is the batch as brokers send it, with its checksum.
func (b Batch) Bytes() []byte {
	rb := kmsg.RecordBatch{
		FirstOffset: b.Base, PartitionLeaderEpoch: 7, Magic: 2, Attributes: b.Attributes | int16(b.Codec),
		LastOffsetDelta: b.LastDelta, FirstTimestamp: b.Time, MaxTimestamp: b.MaxTime,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(b.Records)), Records: b.Payload,
	}
	if b.Producer != 0 {
		rb.ProducerID, rb.ProducerEpoch, rb.FirstSequence = b.Producer, 0, 0
	}
	if b.Count != 0 {
		rb.NumRecords = b.Count
	}
	for _, r := range b.Records {
		rb.LastOffsetDelta = max(rb.LastOffsetDelta, r.Delta)
	}
	if rb.Records == nil && len(b.Records) > 0 {
		rb.Records = Compress(b.Codec, Payload(b.Records))
	}
	rb.Length = int32(49 + len(rb.Records))
	data := rb.AppendTo(nil)
	Sign(data)
	return data
}

// Payload is records as they stand in a batch, uncompressed.
func Payload(records []Record) []byte {
	var out []byte
	for _, r := range records {
		rec := kmsg.Record{OffsetDelta: r.Delta, TimestampDelta64: r.Time, Key: r.Key, Value: r.Value, Headers: r.Headers}
		body := rec.AppendTo(nil)[1:] // behind a length of 0, which is one byte
		out = binary.AppendVarint(out, int64(len(body)))
		out = append(out, body...)
	}
	return out
}

// Sign sets the checksum of the one batch that fills data.
func Sign(data []byte) {
	binary.BigEndian.PutUint32(data[17:], crc32.Checksum(data[21:], crc32.MakeTable(crc32.Castagnoli)))
}

// Compress is src under a codec, as franz-go compresses it.
func Compress(codec int, src []byte) []byte {
	by := []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()}
	if codec == None {
		return src
	}
	c, err := kgo.DefaultCompressor(by[codec])
	if err != nil {
		panic(err) // by names them all
	}
	out, _ := c.Compress(new(bytes.Buffer), src)
	return bytes.Clone(out)
}

// Marker is the record of a control batch that ends a transaction.
func Marker(commit bool) Record {
	key := []byte{0, 0, 0, 0}
	if commit {
		key[3] = 1
	}
	return Record{Key: key, Value: []byte{0, 0, 0, 0, 0, 0}}
}

// Join is batches behind each other.
func Join(batches ...[]byte) []byte { return bytes.Join(batches, nil) }
