package fetch_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sunsetwatch/consumer/fetch"
	. "sunsetwatch/consumer/fetch/fetchtest"
)

// sign gives the whole batches of data right checksums, so that a mutation gets
// behind them.
func sign(data []byte) {
	for len(data) >= 61 && data[16] == 2 {
		n := int64(int32(binary.BigEndian.Uint32(data[8:]))) + 12
		if n < 61 || n > int64(len(data)) {
			return
		}
		Sign(data[:n])
		data = data[n:]
	}
}

const fuzzCap = 1 << 20 // bytes that a batch may inflate to

// FuzzRecordBatch reads arbitrary bytes from offset ask on, with one aborted
// transaction. Whatever they are: no panic, no more memory than the cap, and
// every offset moved over in one counter. Where the strictest reading of what
// franz-go accepts finds nothing wrong, both read the same records.
func FuzzRecordBatch(f *testing.F) {
	for codec := None; codec <= Zstd; codec++ {
		f.Add(Batch{Base: 3, Records: values("a bb ccc"), Codec: codec}.Bytes(), int64(4), int64(9), int64(0), false)
	}
	f.Add(Batch{Base: 3, Records: at(values("a b"), 1, 4), LastDelta: 9}.Bytes(), int64(0), int64(9), int64(0), true)
	f.Add(Batch{Base: 0, Records: values("a b"), Codec: Snappy, Payload: javaSnappy(Payload(values("a b")), 3)}.Bytes(), int64(0), int64(9), int64(0), true)
	f.Add(Join(
		Batch{Base: 0, Records: values("a b"), Producer: 9, Attributes: Transactional}.Bytes(),
		Batch{Base: 2, Records: []Record{Marker(false)}, Producer: 9, Attributes: Transactional | Control}.Bytes(),
		Batch{Base: 3, Records: values("c"), Producer: 9, Attributes: Transactional}.Bytes()), int64(0), int64(9), int64(0), true)
	f.Add(Join(Batch{Base: 0, Records: values("a"), Codec: Zstd}.Bytes(), Batch{Base: 1, LastDelta: 3}.Bytes()), int64(0), int64(9), int64(0), true)
	f.Add(Join(oldMessage(0, 4, "a"), oldMessage(1, 5, "b")), int64(4), int64(9), int64(0), true)
	f.Add([]byte{}, int64(0), int64(0), int64(0), false)

	reader := fetch.NewReader(fuzzCap)
	f.Fuzz(func(t *testing.T, data []byte, ask, producer, aborted int64, signed bool) {
		if ask < 0 || ask > 1<<62 {
			return
		}
		data = bytes.Clone(data)
		if signed {
			sign(data)
		}
		part := fetch.Partition{HighWatermark: -1, Records: data, Aborted: []fetch.Aborted{{ProducerID: producer, FirstOffset: aborted}}}
		got, clean := readAll(t, reader, &part, ask)
		if reader.Buffer() > fuzzCap+64 {
			t.Errorf("a buffer of %d bytes", reader.Buffer())
		}

		want, ok := franzReads(data, ask, producer, aborted)
		if !ok {
			return
		}
		if !clean {
			t.Fatalf("we stop at what franz-go reads: %v", reader.Err())
		}
		if len(got) != len(want) {
			t.Fatalf("%d records, franz-go reads %d", len(got), len(want))
		}
		for i, w := range want {
			g := got[i]
			if g.Offset != w.Offset || !g.Timestamp.Equal(w.Timestamp) || !bytes.Equal(g.Key, w.Key) || !bytes.Equal(g.Value, w.Value) ||
				(g.Value == nil) != (w.Value == nil) || len(g.Headers) != len(w.Headers) {
				t.Fatalf("record %d is %v, franz-go reads %v", i, g, w)
			}
			for j, h := range g.Headers {
				if h.Key != w.Headers[j].Key || !bytes.Equal(h.Value, w.Headers[j].Value) {
					t.Fatalf("header %d of record %d is %v, franz-go reads %v", j, i, h, w.Headers[j])
				}
			}
		}
	})
}

// readAll reads part from ask on, skipping what is bad; clean says that nothing
// was.
func readAll(t *testing.T, r *fetch.Reader, part *fetch.Partition, ask int64) (records []*kgo.Record, clean bool) {
	r.Take()
	r.Reset(part, ask)
	clean = true
	last := ask - 1
	for {
		for r.Next() {
			rec := r.Record()
			if rec.Offset <= last || r.Position() != rec.Offset+1 {
				t.Fatalf("offset %d after %d, position %d", rec.Offset, last, r.Position())
			}
			last = rec.Offset
			k := &kgo.Record{Offset: rec.Offset, Timestamp: time.Unix(0, rec.Timestamp*1e6), Key: bytes.Clone(rec.Key), Value: bytes.Clone(rec.Value)}
			for _, h := range rec.AppendHeaders(nil) {
				k.Headers = append(k.Headers, kgo.RecordHeader{Key: string(h.Key), Value: h.Value})
			}
			records = append(records, k)
		}
		var bad *fetch.BadBatch
		if !errors.As(r.Err(), &bad) {
			break
		}
		if bad.From != r.Position() || bad.Next < bad.From {
			t.Fatalf("position %d, %+v", r.Position(), bad)
		}
		clean = false
		if r.Skip(); bad.Next == bad.From {
			break
		}
	}
	if c := r.Take(); int64(c.Offsets()) != r.Position()-ask {
		t.Fatalf("moved from %d to %d, covered %+v", ask, r.Position(), c)
	}
	return records, clean
}

// franzReads is what franz-go reads from data. ok is false where franz-go
// refuses something, or where it accepts what the format does not allow:
// batches and records that are not in order, bytes left over, numbers that are
// not written in their shortest form, transaction markers in disorder.
func franzReads(data []byte, ask, producer, aborted int64) (_ []*kgo.Record, ok bool) {
	decompressor := kgo.DefaultDecompressor()
	next, whole := int64(0), false
	for rest := data; len(rest) > 0; {
		if len(rest) < 61 || rest[16] != 2 {
			return nil, false
		}
		n := int64(int32(binary.BigEndian.Uint32(rest[8:]))) + 12
		if n < 61 || n > int64(len(rest)) {
			return nil, false
		}
		var b kmsg.RecordBatch
		if b.ReadFrom(rest[:n]) != nil || b.Attributes&^0x3f != 0 || b.FirstOffset < next || b.FirstOffset > 1<<61 || b.LastOffsetDelta < 0 {
			return nil, false
		}
		if b.Attributes&Control != 0 && (b.NumRecords != 1 || b.ProducerID < 0 || b.Attributes&Transactional == 0) {
			return nil, false
		}
		next = b.FirstOffset + int64(b.LastOffsetDelta) + 1
		if b.Attributes&Transactional != 0 && (b.ProducerID < 0 || b.FirstOffset < aborted && aborted < next) {
			return nil, false
		}
		whole = whole || next > ask
		if !inOrder(&b, decompressor) {
			return nil, false
		}
		rest = rest[n:]
	}
	part := kmsg.NewFetchResponseTopicPartition()
	part.RecordBatches = data
	at := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
	at.ProducerID, at.FirstOffset = producer, aborted
	part.AbortedTransactions = append(part.AbortedTransactions, at)
	// From the first offset on: franz-go would not look into a marker before ask,
	// which a broker does not send. Apache's consumer does, as we do.
	fp, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{IsolationLevel: kgo.ReadCommitted()}, &part, decompressor, nil)
	before := func(r *kgo.Record) bool { return r.Offset < ask }
	return slices.DeleteFunc(fp.Records, before), fp.Err == nil && whole
}

func inOrder(b *kmsg.RecordBatch, decompressor kgo.Decompressor) bool {
	raw, err := decompressor.Decompress(b.Records, kgo.CompressionCodecType(b.Attributes&7))
	if len(b.Records) == 0 {
		raw, err = nil, nil
	}
	if err != nil || len(raw) > fuzzCap {
		return false
	}
	next := int32(0)
	for range b.NumRecords {
		n, used := kbin.Varint(raw)
		if used <= 0 || n < 1 || int64(n) > int64(len(raw)-used) {
			return false
		}
		var r kmsg.Record
		if r.ReadFrom(raw[:used+int(n)]) != nil || r.OffsetDelta < next || r.OffsetDelta > b.LastOffsetDelta {
			return false
		}
		if !bytes.Equal(r.AppendTo(nil), raw[:used+int(n)]) {
			return false
		}
		if b.Attributes&Control != 0 && len(r.Key) < 4 {
			return false
		}
		next = r.OffsetDelta + 1
		raw = raw[used+int(n):]
	}
	return len(raw) == 0 && b.NumRecords >= 0
}
