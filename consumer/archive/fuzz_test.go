package archive

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/delta"

	"sunsetwatch/consumer/codec"
)

// FuzzFrames holds the hopper against a decoder that reads everything: frames lie
// one behind the other, inflate by themselves, and to no more than was said.
func FuzzFrames(f *testing.F) {
	text := jsonl(records(50, 1, false))
	packed := packZstd(f, text, 3000)
	f.Add(packed)
	f.Add(packed[:len(packed)-5])
	f.Add(packZstd(f, text, 3000, zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true)))
	f.Add(append(packZstd(f, []byte("x"), 1), "\x50\x2a\x4d\x18\xff\xff\xff\xffxx"...))
	f.Add([]byte("\x28\xb5\x2f\xfd\x00\x58\x01\x00\x00"))
	d, err := newZstd(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(d.Close)
	f.Fuzz(func(t *testing.T, b []byte) {
		hop := &hopper{r: bytes.NewReader(b), size: int64(len(b))}
		at, sum := int64(0), []byte(nil)
		whole := true
		for {
			frame, err := hop.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				whole = false
				break
			}
			if frame.from != at || frame.to <= frame.from || frame.to > int64(len(b)) || frame.most < 0 {
				t.Fatalf("%+v at %d of %d", frame, at, len(b))
			}
			at = frame.to
			if frame.truncated {
				if frame.to != int64(len(b)) {
					t.Fatalf("%+v of %d", frame, len(b))
				}
				if out, err := d.DecodeAll(b[frame.from:], make([]byte, 0, 1<<20)); err == nil {
					t.Fatalf("%+v is said to be cut off, and inflates to %d bytes", frame, len(out))
				}
				whole = false
				break
			}
			if frame.most > 1<<22 {
				return
			}
			out, err := d.DecodeAll(b[frame.from:frame.to], make([]byte, 0, frame.most+1))
			if err != nil {
				whole = false
				continue
			}
			if int64(len(out)) > frame.most {
				t.Fatalf("%+v inflates to %d", frame, len(out))
			}
			sum = append(sum, out...)
		}
		if !whole {
			return
		}
		if at != int64(len(b)) {
			t.Fatalf("ended at %d of %d", at, len(b))
		}
		if all, err := d.DecodeAll(b, make([]byte, 0, len(sum)+1)); err != nil || !bytes.Equal(all, sum) {
			t.Fatalf("%v: %d bytes at once, %d by frames", err, len(all), len(sum))
		}
	})
}

// FuzzParquet opens and reads what may be Parquet: no panic, no memory that the
// file does not account for, and every row ends in one count.
func FuzzParquet(f *testing.F) {
	all := records(60, 2, true)
	f.Add(packParquet(f, all, parquet.PageBufferSize(300), parquet.Compression(&parquet.Zstd)))
	f.Add(packParquet(f, all, parquet.DataPageVersion(1), parquet.Compression(&parquet.Snappy)))
	f.Add(packParquet(f, deltaRecords(all), parquet.Compression(&parquet.Gzip)))
	f.Add(packParquet(f, deltaRecords(all), parquet.Compression(&parquet.Lz4Raw), parquet.DataPageVersion(1)))
	f.Add(packParquet(f, all[:3]))
	for _, name := range []string{"no_zone", "duckdb_other"} {
		b, err := os.ReadFile("testdata/" + name + ".parquet")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	native := mapping(f, codec.Mapping{})
	other := mapping(f, codec.Mapping{TimeFormat: "unix_ms", Fields: map[string]codec.Rule{"time": {Path: "eventTime"}, "principal": {Path: "identity.arn"},
		"feature": {Path: "eventSource"}, "operation": {Path: "readOnly", Values: map[string]string{"true": "read"}}, "records": {Path: "n"}, "bytes": {Path: "size"}}})
	path := filepath.Join(f.TempDir(), "f")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, m := range []*codec.Compiled{native, other} {
			a, err := Open(context.Background(), Options{Inputs: []string{path}, Format: Parquet, Mapping: m, IDs: true})
			if err != nil {
				continue
			}
			for i, p := range a.Parts() {
				if i == 20 {
					break
				}
				c, err := a.Read(context.Background(), p, &tally{})
				sum := c.Added
				for _, n := range c.Rejected {
					sum += n
				}
				if sum > c.Events || err == nil && sum != c.Events {
					t.Fatalf("%+v: %v", c, err)
				}
			}
			a.Close()
		}
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 2<<30 {
			t.Fatalf("%d bytes were allocated for %d", grown, len(b))
		}
	})
}

// FuzzValues decodes what may be the values of a page.
func FuzzValues(f *testing.F) {
	var enc delta.BinaryPackedEncoding
	b, err := enc.EncodeInt64(nil, []int64{1, 5, -7, 1 << 60, 0, 0, 0, 12})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, uint16(8), uint8(3))
	f.Add([]byte{0x10, 1, 0x03, 0xff, 0xff}, uint16(20), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, n uint16, width uint8) {
		padded := append(append(make([]byte, 0, len(b)+slack), b...), make([]byte, slack)...)[:len(b)]
		ids, err := hybrid(nil, padded, int(n), int(width))
		if err == nil && len(ids) != int(n) {
			t.Fatalf("%d values, wanted %d", len(ids), n)
		}
		ints, at, err := deltas(nil, padded, int(n), int(n))
		if err == nil && (len(ints) != int(n) || at > len(b)) {
			t.Fatalf("%d values in %d of %d bytes, wanted %d", len(ints), at, len(b), n)
		}
		if v, behind, same := sameDeltas(padded, int(n)); same {
			if err != nil || behind != at {
				t.Fatalf("the same %d times to %d, and not: to %d, %v", n, behind, at, err)
			}
			for _, x := range ints {
				if x != v {
					t.Fatalf("the same %d times, and %v", n, ints)
				}
			}
		}
		if _, _, _, err := deltaTexts(nil, nil, nil, padded, int(n), 0); err == nil && len(b) == 0 {
			t.Fatal("texts of nothing")
		}
		buf, pos, length, err := frontCoded(nil, nil, nil, padded, int(n), 1<<20)
		for i := range pos {
			if err == nil && int(pos[i]+length[i]) > len(buf) {
				t.Fatal("a text beyond its buffer")
			}
		}
		plainTexts(nil, nil, padded, int(n), 0)
		plainInts(nil, padded, int(n), 4, true)
	})
}

// What the library encodes is decoded to the same.
func TestValuesAsTheLibraryHasThem(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	pad := func(b []byte) []byte {
		return append(append(make([]byte, 0, len(b)+slack), b...), make([]byte, slack)...)[:len(b)]
	}
	for range 500 {
		n, width := rnd.IntN(400), rnd.IntN(63)
		ints := make([]int64, n)
		for i := range ints {
			ints[i] = rnd.Int64N(1<<width) - rnd.Int64N(1<<width)
			if i > 0 && rnd.IntN(3) == 0 {
				ints[i] = ints[i-1]
			}
		}
		var packed delta.BinaryPackedEncoding
		b, err := packed.EncodeInt64(nil, ints)
		if err != nil {
			t.Fatal(err)
		}
		got, at, err := deltas(nil, pad(b), n, n)
		if err != nil || at != len(b) {
			t.Fatalf("%v at %d of %d", err, at, len(b))
		}
		for i := range ints {
			if got[i] != ints[i] {
				t.Fatalf("value %d of %d is %d, want %d", i, n, got[i], ints[i])
			}
		}
		for i := range ints {
			ints[i] = 10
		}
		if b, err = packed.EncodeInt64(nil, ints); err != nil {
			t.Fatal(err)
		}
		if v, at, same := sameDeltas(pad(b), n); n > 0 && (!same || v != 10 || at != len(b)) {
			t.Fatalf("%d times %d to %d of %d: %t", n, v, at, len(b), same)
		}
		if n == 0 {
			continue
		}
		var data []byte
		offsets := []uint32{0}
		for range n {
			data = append(data, "the same beginning"[:rnd.IntN(18)]...)
			data = binary.AppendUvarint(data, rnd.Uint64()>>rnd.IntN(64))
			offsets = append(offsets, uint32(len(data)))
		}
		var lengths delta.LengthByteArrayEncoding
		if b, err = lengths.EncodeByteArray(nil, data, offsets); err != nil {
			t.Fatal(err)
		}
		same := func(what string, base []byte, pos, length []uint32) {
			t.Helper()
			for i := range n {
				if g, w := base[pos[i]:pos[i]+length[i]], data[offsets[i]:offsets[i+1]]; !bytes.Equal(g, w) {
					t.Fatalf("%s %d is %q, want %q", what, i, g, w)
				}
			}
		}
		b = pad(b)
		pos, length, _, err := deltaTexts(nil, nil, nil, b, n, 0)
		if err != nil {
			t.Fatal(err)
		}
		same("text", b, pos, length)
		var front delta.ByteArrayEncoding
		if b, err = front.EncodeByteArray(nil, data, offsets); err != nil {
			t.Fatal(err)
		}
		base, pos, length, err := frontCoded(nil, nil, nil, pad(b), n, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		same("front-coded text", base, pos, length)
	}
}
