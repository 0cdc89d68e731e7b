package fetch_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"runtime/debug"
	"strconv"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"sunsetwatch/bench/child"
	"sunsetwatch/consumer/fetch"
	. "sunsetwatch/consumer/fetch/fetchtest"
	"sunsetwatch/rules/access"
)

// javaSnappy is src framed as Java's snappy streams are.
func javaSnappy(src []byte, chunk int) []byte {
	out := []byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01")
	for len(src) > 0 {
		n := min(chunk, len(src))
		block := s2.EncodeSnappy(nil, src[:n])
		out = binary.BigEndian.AppendUint32(out, uint32(len(block)))
		out = append(out, block...)
		src = src[n:]
	}
	return out
}

func gzipOf(parts ...[]byte) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		w.Write(p)
		w.Close()
	}
	return b.Bytes()
}

func lz4Of(src []byte, options ...lz4.Option) []byte {
	var b bytes.Buffer
	w := lz4.NewWriter(&b)
	if err := w.Apply(options...); err != nil {
		panic(err)
	}
	w.Write(src)
	w.Close()
	return b.Bytes()
}

// zstdStream is a frame that does not declare its size, as Java writes them.
func zstdStream(src []byte, options ...zstd.EOption) []byte {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, options...)
	if err != nil {
		panic(err)
	}
	for len(src) > 0 {
		n := min(len(src), 10_000)
		w.Write(src[:n])
		w.Flush()
		src = src[n:]
	}
	w.Close()
	return b.Bytes()
}

// lz4Linked is a frame of two blocks, of which the second begins with a copy of
// the last eight bytes of the first: src[at:at+8] and what follows are equal.
func lz4Linked(src []byte, at int) []byte {
	out := []byte{0x04, 0x22, 0x4D, 0x18, 0x40, 0x40, 0}
	out = binary.LittleEndian.AppendUint32(out, 1<<31|uint32(at+8)) // stored
	out = append(out, src[:at+8]...)
	rest := src[at+16:]
	if len(rest) < 5 || len(rest) > 14 {
		panic("the end does not fit into one token")
	}
	block := append([]byte{4, 8, 0, byte(len(rest)) << 4}, rest...) // 8 bytes from 8 back, then literals
	out = binary.LittleEndian.AppendUint32(out, uint32(len(block)))
	out = append(out, block...)
	return append(out, 0, 0, 0, 0)
}

func TestReaderLinkedLZ4(t *testing.T) {
	records := values("1234567812345678end")
	payload := Payload(records)
	b := Batch{Records: records, Codec: LZ4, Payload: lz4Linked(append(payload, "    "...), bytes.Index(payload, []byte("12345678")))}
	r := fetch.NewReader(0)
	r.Reset(&fetch.Partition{HighWatermark: 1, Records: b.Bytes()}, 0)
	if !r.Next() || string(r.Record().Value) != "1234567812345678end" {
		t.Errorf("%q %v", r.Record().Value, r.Err())
	}
}

func TestReaderCodecs(t *testing.T) {
	var records []Record
	for i := range 2000 {
		records = append(records, Record{Delta: int32(i), Key: []byte(strconv.Itoa(i)), Value: bytes.Repeat([]byte{byte(i), 'x'}, i%100)})
	}
	payload := Payload(records)
	half := len(payload) / 2
	tests := []struct {
		name    string
		codec   int
		payload []byte
	}{
		{"none", None, payload},
		{"gzip", Gzip, Compress(Gzip, payload)},
		{"gzip of two members", Gzip, gzipOf(payload[:half], payload[half:])},
		{"gzip, small last member", Gzip, gzipOf(payload[:len(payload)-3], payload[len(payload)-3:])},
		{"snappy", Snappy, Compress(Snappy, payload)},
		{"snappy of java", Snappy, javaSnappy(payload, 32<<10)},
		{"snappy of java in small chunks", Snappy, javaSnappy(payload, 100)},
		{"lz4", LZ4, Compress(LZ4, payload)},
		{"lz4, 64 KiB blocks", LZ4, lz4Of(payload, lz4.BlockSizeOption(lz4.Block64Kb))},
		{"lz4, checksums and size", LZ4, lz4Of(payload, lz4.BlockChecksumOption(true), lz4.ChecksumOption(true), lz4.SizeOption(uint64(len(payload))))},
		{"lz4 of two frames", LZ4, append(lz4Of(payload[:half]), lz4Of(payload[half:])...)},
		{"zstd", Zstd, Compress(Zstd, payload)},
		{"zstd stream", Zstd, zstdStream(payload)},
		{"zstd without checksum", Zstd, zstdStream(payload, zstd.WithEncoderCRC(false))},
		{"zstd of two frames", Zstd, append(zstdStream(payload[:half]), Compress(Zstd, payload[half:])...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := Batch{Base: 5, Records: records, Codec: tt.codec, Payload: tt.payload}.Bytes()
			r := fetch.NewReader(0)
			for range 2 {
				r.Reset(&fetch.Partition{HighWatermark: 1, Records: b}, 5)
				for i, want := range records {
					if !r.Next() {
						t.Fatalf("record %d: %v", i, r.Err())
					}
					if got := r.Record(); !bytes.Equal(got.Key, want.Key) || !bytes.Equal(got.Value, want.Value) {
						t.Fatalf("record %d: %q %q", i, got.Key, got.Value)
					}
				}
				if r.Next() || r.Err() != nil {
					t.Error(r.Err())
				}
			}

			// Exactly enough, and one byte less.
			for cap, fits := range map[int]bool{len(payload): true, len(payload) - 1: tt.codec == None} {
				r := fetch.NewReader(cap)
				r.Reset(&fetch.Partition{HighWatermark: 1, Records: b}, 5)
				var bad *fetch.BadBatch
				if r.Next() != fits || errors.As(r.Err(), &bad) == fits || !fits && bad.Reason != access.SkipTooLarge {
					t.Errorf("cap of %d for %d bytes: %v", cap, len(payload), r.Err())
				}
				if r.Buffer() > cap+64 {
					t.Errorf("cap of %d: buffer of %d", cap, r.Buffer())
				}
			}

			// Cut short anywhere, it is damaged and never reads beyond.
			for cut := 1; cut < len(tt.payload); cut += 1 + len(tt.payload)/50 {
				r.Reset(&fetch.Partition{HighWatermark: 1, Records: Batch{Base: 5, Records: records, Codec: tt.codec, Payload: tt.payload[:cut]}.Bytes()}, 5)
				n := 0
				for r.Next() {
					n++
				}
				if n == len(records) {
					t.Errorf("cut at %d: all records", cut)
				}
			}
		})
	}
}

// bombs are batches of about half a megabyte that inflate to half a gigabyte.
func bombs() map[string][]byte {
	const pieces = 512
	zeros := make([]byte, 1<<20)
	repeated := func(b []byte) []byte { return bytes.Repeat(b, pieces) }

	// One gzip stream out of one piece of deflate that ends at a byte.
	var piece bytes.Buffer
	fw, _ := flate.NewWriter(&piece, flate.BestCompression)
	fw.Write(zeros)
	fw.Flush()
	one := append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}, repeated(piece.Bytes())...)
	one = append(one, 3, 0) // an empty last block
	sum := uint32(0)
	for range pieces {
		sum = crc32.Update(sum, crc32.IEEETable, zeros)
	}
	one = binary.LittleEndian.AppendUint32(one, sum)
	one = binary.LittleEndian.AppendUint32(one, pieces<<20)

	// One lz4 frame out of one block of 4 MiB.
	frame := lz4Of(make([]byte, 4<<20), lz4.BlockSizeOption(lz4.Block4Mb), lz4.ChecksumOption(false))
	block := frame[7 : len(frame)-4]
	long := append(bytes.Clone(frame[:7]), bytes.Repeat(block, pieces/4)...)
	long = append(long, 0, 0, 0, 0)

	// One zstd frame of unknown size out of compressed blocks, and one that
	// declares its size.
	enc, _ := zstd.NewWriter(nil)
	text := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	var stream bytes.Buffer
	sw, _ := zstd.NewWriter(&stream, zstd.WithEncoderConcurrency(1))
	for range pieces * 16 / 4 {
		sw.Write(text)
		sw.Write(text)
	}
	sw.Close()

	bomb := func(codec int, payload []byte) []byte {
		return Batch{Codec: codec, Payload: payload, Count: 10, LastDelta: 9}.Bytes()
	}
	return map[string][]byte{
		"gzip":           bomb(Gzip, one),
		"gzip lying":     bomb(Gzip, append(bytes.Clone(one[:len(one)-4]), 9, 0, 0, 0)),
		"gzip members":   bomb(Gzip, repeated(gzipOf(zeros))),
		"lz4":            bomb(LZ4, long),
		"zstd stream":    bomb(Zstd, stream.Bytes()),
		"zstd frames":    bomb(Zstd, repeated(enc.EncodeAll(zeros, nil))),
		"snappy of java": bomb(Snappy, append(javaSnappy(nil, 1), bytes.Repeat(javaSnappy(zeros[:64<<10], 64<<10)[16:], 1100)...)),
		"snappy lying":   bomb(Snappy, []byte{0xff, 0xff, 0xff, 0xff, 0x07, 0, 0}),
	}
}

func TestReaderBombs(t *testing.T) {
	after := Batch{Base: 10, Records: values("a")}.Bytes()
	for name, bomb := range bombs() {
		t.Run(name, func(t *testing.T) {
			debug.FreeOSMemory()
			resets := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) == nil
			before, _ := child.Memory(t, os.Getpid())
			p := fetch.Partition{Topic: "t", HighWatermark: 11, Records: Join(bomb, after)}
			r := fetch.NewReader(0)
			r.Reset(&p, 0)
			var bad *fetch.BadBatch
			if r.Next() || !errors.As(r.Err(), &bad) || bad.Reason != access.SkipTooLarge || bad.Next != 10 {
				t.Fatalf("%v", r.Err())
			}
			now, peak := child.Memory(t, os.Getpid())
			if !resets { // the peak may be that of another test
				peak = now
			}
			t.Logf("%s of %d bytes: memory grew by %d", name, len(bomb), peak-before)
			if grown := peak - before; grown > 90<<20 {
				t.Errorf("%d bytes in memory for a batch of %d", grown, len(bomb))
			}
			r.Skip()
			if !r.Next() || r.Record().Offset != 10 || r.Next() {
				t.Error("the record behind the bomb is not read")
			}
			if c := r.Take(); c.Skipped[access.SkipTooLarge] != 10 || c.Records != 1 {
				t.Errorf("covered %+v", c)
			}
			r.Reset(&p, 11)
			if r.Buffer() > 9<<20 {
				t.Errorf("a buffer of %d is kept", r.Buffer())
			}
		})
	}
}

// TestReaderAllocatesNothing: not by record, and not by batch once the buffers
// and decoders exist.
func TestReaderAllocatesNothing(t *testing.T) {
	if underRace {
		t.Skip("allocations are not counted under the race detector")
	}
	var records []Record
	for i := range 5000 {
		records = append(records, Record{Delta: int32(i), Key: []byte("key"), Value: bytes.Repeat([]byte("value "), 10+i%50)})
	}
	for codec := None; codec <= Zstd; codec++ {
		data := Join(Batch{Base: 0, Records: records, Codec: codec}.Bytes(), Batch{Base: 5000, Records: records, Codec: codec}.Bytes())
		p := fetch.Partition{HighWatermark: 1, Records: data}
		r := fetch.NewReader(0)
		headers := make([]fetch.Header, 0, 8)
		allocs := testing.AllocsPerRun(20, func() {
			r.Reset(&p, 0)
			n := 0
			for r.Next() {
				headers = r.Record().AppendHeaders(headers[:0])
				_ = r.Record().Fingerprint()
				n++
			}
			r.Take()
			if n != 10_000 || r.Err() != nil {
				t.Fatal(n, r.Err())
			}
		})
		if allocs > 0 {
			t.Errorf("codec %d: %v allocations for 10,000 records of 2 batches", codec, allocs)
		}
	}
}
