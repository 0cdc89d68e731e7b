package fetch_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"sunsetwatch/consumer/fetch"
	. "sunsetwatch/consumer/fetch/fetchtest"
	"sunsetwatch/rules/access"
)

// values is records at deltas 0, 1, ... with the words of s as values.
func values(s string) []Record {
	var out []Record
	for i, w := range strings.Fields(s) {
		out = append(out, Record{Delta: int32(i), Value: []byte(w)})
	}
	return out
}

// at moves records to the deltas.
func at(records []Record, deltas ...int32) []Record {
	for i := range records {
		records[i].Delta = deltas[i]
	}
	return records
}

// walk is everything a reader says of p from offset on, as "offset=value"
// words, "|" at a bad batch, which is skipped where it can be.
func walk(t testing.TB, p *fetch.Partition, offset int64) (string, access.Coverage, int64, []*fetch.BadBatch) {
	t.Helper()
	r := fetch.NewReader(1 << 20)
	r.Reset(p, offset)
	var words []string
	var bads []*fetch.BadBatch
	for {
		for r.Next() {
			words = append(words, fmt.Sprintf("%d=%s", r.Record().Offset, r.Record().Value))
		}
		var bad *fetch.BadBatch
		if !errors.As(r.Err(), &bad) {
			break
		}
		if bad.From != r.Position() {
			t.Errorf("bad batch from %d, position %d", bad.From, r.Position())
		}
		words = append(words, "|")
		bads = append(bads, bad)
		r.Skip()
		if bad.Next == bad.From {
			if r.Err() == nil {
				t.Error("a batch without an end was skipped")
			}
			break
		}
	}
	covered := r.Take()
	if int64(covered.Offsets()) != r.Position()-offset {
		t.Errorf("position moved by %d, covered %+v", r.Position()-offset, covered)
	}
	if again := r.Take(); again.Offsets() != 0 {
		t.Errorf("taken twice: %+v", again)
	}
	return strings.Join(words, " "), covered, r.Position(), bads
}

func coverage(records uint64, control, aborted, compacted, unreadable, tooLarge uint64) access.Coverage {
	var c access.Coverage
	c.Records = records
	c.Ignored[access.IgnoreControl], c.Ignored[access.IgnoreAborted], c.Ignored[access.IgnoreCompacted] = control, aborted, compacted
	c.Skipped[access.SkipUnreadable], c.Skipped[access.SkipTooLarge] = unreadable, tooLarge
	return c
}

func TestReaderWalks(t *testing.T) {
	flip := func(b []byte, at int) []byte {
		b = slices.Clone(b)
		b[at] ^= 0x40
		return b
	}
	plain := Batch{Base: 10, Records: values("a b c")}.Bytes()
	tests := []struct {
		name     string
		records  []byte
		aborted  []fetch.Aborted
		offset   int64
		want     string
		coverage access.Coverage
		position int64
		ends     [][2]int64 // of the bad batches
	}{
		{"nothing", nil, nil, 10, "", coverage(0, 0, 0, 0, 0, 0), 10, nil},
		{"one batch", plain, nil, 10, "10=a 11=b 12=c", coverage(3, 0, 0, 0, 0, 0), 13, nil},
		{"begins before the asked offset", plain, nil, 12, "12=c", coverage(1, 0, 0, 0, 0, 0), 13, nil},
		{"ends before the asked offset", plain, nil, 13, "", coverage(0, 0, 0, 0, 0, 0), 13, nil},
		{"gap after the asked offset", plain, nil, 7, "10=a 11=b 12=c", coverage(3, 0, 0, 3, 0, 0), 13, nil},
		{"gap between batches", Join(plain, Batch{Base: 20, Records: values("d")}.Bytes()), nil, 10,
			"10=a 11=b 12=c 20=d", coverage(4, 0, 0, 7, 0, 0), 21, nil},
		{"gaps inside", Batch{Base: 5, Records: at(values("a b"), 1, 4), LastDelta: 9}.Bytes(), nil, 5,
			"6=a 9=b", coverage(2, 0, 0, 8, 0, 0), 15, nil},
		{"asked offset in a gap inside", Batch{Base: 5, Records: at(values("a b"), 1, 4), LastDelta: 9}.Bytes(), nil, 7,
			"9=b", coverage(1, 0, 0, 7, 0, 0), 15, nil},
		{"empty batch", Batch{Base: 5, LastDelta: 4}.Bytes(), nil, 5, "", coverage(0, 0, 0, 5, 0, 0), 10, nil},
		{"empty batch of a codec", Batch{Base: 5, LastDelta: 4, Codec: Zstd}.Bytes(), nil, 7, "", coverage(0, 0, 0, 3, 0, 0), 10, nil},
		{"B1: zstd, then empty batches",
			Join(Batch{Base: 0, Records: values("a b"), Codec: Zstd}.Bytes(), Batch{Base: 2, LastDelta: 1}.Bytes(), Batch{Base: 4, LastDelta: 2}.Bytes(),
				Batch{Base: 7, Records: values("c"), Codec: Zstd}.Bytes()), nil, 0,
			"0=a 1=b 7=c", coverage(3, 0, 0, 5, 0, 0), 8, nil},
		{"B2: empty batch last", Join(Batch{Base: 0, Records: values("a b c d e")}.Bytes(), Batch{Base: 5, LastDelta: 3}.Bytes()), nil, 1,
			"1=b 2=c 3=d 4=e", coverage(4, 0, 0, 4, 0, 0), 9, nil},
		{"B3: tail compacted away under a codec", Batch{Base: 0, Records: values("a b"), LastDelta: 9, Codec: LZ4}.Bytes(), nil, 0,
			"0=a 1=b", coverage(2, 0, 0, 8, 0, 0), 10, nil},
		{"B5: markers", Join(Batch{Base: 0, Records: values("a"), Producer: 7, Attributes: Transactional}.Bytes(),
			Batch{Base: 1, Records: []Record{Marker(true)}, Producer: 7, Attributes: Transactional | Control}.Bytes()), nil, 0,
			"0=a", coverage(1, 1, 0, 0, 0, 0), 2, nil},
		{"B6: aborted", Join(
			Batch{Base: 0, Records: values("a b"), Producer: 7, Attributes: Transactional}.Bytes(),
			Batch{Base: 2, Records: values("x"), Producer: 8, Attributes: Transactional}.Bytes(),
			Batch{Base: 3, Records: at(values("c d"), 0, 2), Producer: 7, Attributes: Transactional, LastDelta: 3}.Bytes(),
			Batch{Base: 7, Records: []Record{Marker(false)}, Producer: 7, Attributes: Transactional | Control, LastDelta: 1}.Bytes(),
			Batch{Base: 9, Records: values("e"), Producer: 7, Attributes: Transactional}.Bytes(),
			Batch{Base: 10, Records: values("f")}.Bytes()),
			[]fetch.Aborted{{ProducerID: 7, FirstOffset: 0}}, 0,
			"2=x 9=e 10=f", coverage(3, 1, 4, 3, 0, 0), 11, nil},
		{"aborted twice, listed out of order", Join(
			Batch{Base: 0, Records: values("a"), Producer: 7, Attributes: Transactional}.Bytes(),
			Batch{Base: 1, Records: []Record{Marker(false)}, Producer: 7, Attributes: Transactional | Control}.Bytes(),
			Batch{Base: 2, Records: values("b"), Producer: 7, Attributes: Transactional}.Bytes(),
			Batch{Base: 3, Records: []Record{Marker(true)}, Producer: 7, Attributes: Transactional | Control}.Bytes(),
			Batch{Base: 4, Records: values("c"), Producer: 7, Attributes: Transactional}.Bytes(),
			Batch{Base: 5, Records: []Record{Marker(false)}, Producer: 7, Attributes: Transactional | Control}.Bytes()),
			[]fetch.Aborted{{ProducerID: 7, FirstOffset: 4}, {ProducerID: 7, FirstOffset: 0}}, 0,
			"2=b", coverage(1, 3, 2, 0, 0, 0), 6, nil},
		{"marker before the asked offset ends its transaction", Join(
			Batch{Base: 0, Records: values("a"), Producer: 7, Attributes: Transactional}.Bytes(),
			Batch{Base: 1, Records: []Record{Marker(false)}, Producer: 7, Attributes: Transactional | Control}.Bytes(),
			Batch{Base: 2, Records: values("b c"), Producer: 7, Attributes: Transactional}.Bytes()),
			[]fetch.Aborted{{ProducerID: 7, FirstOffset: 0}}, 3, "3=c", coverage(1, 0, 0, 0, 0, 0), 4, nil},
		{"asked offset inside an aborted batch", Batch{Base: 0, Records: at(values("a b c"), 0, 2, 5), LastDelta: 7, Producer: 7, Attributes: Transactional, Codec: Zstd}.Bytes(),
			[]fetch.Aborted{{ProducerID: 7, FirstOffset: 0}}, 1, "", coverage(0, 0, 2, 5, 0, 0), 8, nil},
		{"truncated last batch", Join(plain, Batch{Base: 13, Records: values("d e")}.Bytes()[:70]), nil, 10,
			"10=a 11=b 12=c", coverage(3, 0, 0, 0, 0, 0), 13, nil},
		{"nothing but a truncated batch", plain[:len(plain)-1], nil, 10, "|", coverage(0, 0, 0, 0, 0, 0), 10, [][2]int64{{10, 10}}},
		{"a few bytes", plain[:9], nil, 10, "|", coverage(0, 0, 0, 0, 0, 0), 10, [][2]int64{{10, 10}}},
		{"B7: flipped value, last", flip(plain, len(plain)-2), nil, 10, "|", coverage(0, 0, 0, 0, 3, 0), 13, [][2]int64{{10, 13}}},
		{"B7: flipped value, then another", Join(flip(plain, len(plain)-2), Batch{Base: 13, Records: values("d")}.Bytes()), nil, 10,
			"| 13=d", coverage(1, 0, 0, 0, 3, 0), 14, [][2]int64{{10, 13}}},
		{"flipped, before the asked offset", Join(flip(plain, len(plain)-2), Batch{Base: 13, Records: values("d")}.Bytes()), nil, 13,
			"13=d", coverage(1, 0, 0, 0, 0, 0), 14, nil},
		{"flipped last offset delta, then another", Join(flip(plain, 24), Batch{Base: 13, Records: values("d")}.Bytes()), nil, 10,
			"| 13=d", coverage(1, 0, 0, 0, 3, 0), 14, [][2]int64{{10, 13}}},
		{"flipped last offset delta, last", flip(plain, 24), nil, 10, "|", coverage(0, 0, 0, 0, 0, 0), 10, [][2]int64{{10, 10}}},
		{"flipped length", Join(flip(plain, 9), plain), nil, 10, "|", coverage(0, 0, 0, 0, 0, 0), 10, [][2]int64{{10, 10}}},
		{"length 0", Join(func() []byte { b := slices.Clone(plain); binary.BigEndian.PutUint32(b[8:], 0); return b }(), plain), nil, 10,
			"|", coverage(0, 0, 0, 0, 0, 0), 10, [][2]int64{{10, 10}}},
		{"negative length", func() []byte { b := slices.Clone(plain); binary.BigEndian.PutUint32(b[8:], 1<<31); return b }(), nil, 10,
			"|", coverage(0, 0, 0, 0, 0, 0), 10, [][2]int64{{10, 10}}},
		{"base offset far away", flip(plain, 2), nil, 10, "|", coverage(0, 0, 0, 0, 0, 0), 10, [][2]int64{{10, 10}}},
		{"negative base offset", func() []byte { b := slices.Clone(plain); b[0] = 0x80; return b }(), nil, 10, "|", coverage(0, 0, 0, 0, 0, 0), 10, [][2]int64{{10, 10}}},
		{"unknown magic", func() []byte { b := slices.Clone(plain); b[16] = 3; return b }(), nil, 10, "|", coverage(0, 0, 0, 0, 0, 0), 10, [][2]int64{{10, 10}}},
		{"unknown codec", Join(Batch{Base: 0, Records: values("a b"), Attributes: 6}.Bytes(), Batch{Base: 2, Records: values("c")}.Bytes()), nil, 0,
			"| 2=c", coverage(1, 0, 0, 0, 2, 0), 3, [][2]int64{{0, 2}}},
		{"more records claimed than there are", Batch{Base: 0, Records: values("a b"), Count: 3, LastDelta: 4}.Bytes(), nil, 0,
			"0=a 1=b |", coverage(2, 0, 0, 0, 3, 0), 5, [][2]int64{{2, 5}}},
		{"fewer records claimed than there are", Batch{Base: 0, Records: values("a b c"), Count: 2}.Bytes(), nil, 0,
			"0=a 1=b |", coverage(2, 0, 0, 0, 1, 0), 3, [][2]int64{{2, 3}}},
		{"more records claimed than offsets", Batch{Base: 0, Records: values("a b"), Count: 9}.Bytes(), nil, 0,
			"|", coverage(0, 0, 0, 0, 2, 0), 2, [][2]int64{{0, 2}}},
		{"negative count", Batch{Base: 3, Records: values("a b"), Count: -1}.Bytes(), nil, 0,
			"|", coverage(0, 0, 0, 3, 2, 0), 5, [][2]int64{{3, 5}}},
		{"negative last offset delta", Batch{Base: 3, LastDelta: -5}.Bytes(), nil, 0, "|", coverage(0, 0, 0, 0, 0, 0), 0, [][2]int64{{0, 0}}},
		{"offsets out of order", Batch{Base: 0, Records: at(values("a b c"), 0, 2, 1), LastDelta: 2}.Bytes(), nil, 0,
			"0=a 2=b", coverage(2, 0, 0, 1, 0, 0), 3, nil},
		{"an offset twice", Batch{Base: 0, Records: at(values("a b c"), 0, 1, 1), LastDelta: 3}.Bytes(), nil, 0,
			"0=a 1=b |", coverage(2, 0, 0, 0, 2, 0), 4, [][2]int64{{2, 4}}},
		{"garbage midway", Join(Batch{Base: 0, LastDelta: 5, Count: 3, Payload: append(Payload(values("a")), 0x80, 0x80, 0x80)}.Bytes(), Batch{Base: 6, Records: values("z")}.Bytes()), nil, 0,
			"0=a | 6=z", coverage(2, 0, 0, 0, 5, 0), 7, [][2]int64{{1, 6}}},
		{"damaged zstd", Batch{Base: 0, LastDelta: 1, Count: 2, Codec: Zstd, Payload: []byte("this is not zstd")}.Bytes(), nil, 0,
			"|", coverage(0, 0, 0, 0, 2, 0), 2, [][2]int64{{0, 2}}},
		{"marker without a key", Batch{Base: 0, Records: values("a"), Producer: 7, Attributes: Transactional | Control}.Bytes(),
			[]fetch.Aborted{{ProducerID: 7, FirstOffset: 0}}, 0, "|", coverage(0, 0, 0, 0, 1, 0), 1, [][2]int64{{0, 1}}},
		{"damaged marker: what follows is asked for again", Join(
			Batch{Base: 0, Records: values("a"), Producer: 7, Attributes: Transactional}.Bytes(),
			flip(Batch{Base: 1, Records: []Record{Marker(false)}, Producer: 7, Attributes: Transactional | Control}.Bytes(), 66),
			Batch{Base: 2, Records: values("b"), Producer: 7, Attributes: Transactional}.Bytes()),
			[]fetch.Aborted{{ProducerID: 7, FirstOffset: 0}}, 0, "|", coverage(0, 0, 1, 0, 1, 0), 2, [][2]int64{{1, 2}}},
		{"old messages", Join(oldMessage(0, 4, "a"), oldMessage(1, 5, "b"), Batch{Base: 6, Records: values("c")}.Bytes()), nil, 4,
			"| 6=c", coverage(1, 0, 0, 0, 2, 0), 7, [][2]int64{{4, 6}}},
		{"old messages before the asked offset", Join(oldMessage(0, 4, "a"), oldMessage(1, 5, "b")), nil, 6, "", coverage(0, 0, 0, 0, 0, 0), 6, nil},
		{"old message, truncated", oldMessage(1, 5, "b")[:20], nil, 5, "|", coverage(0, 0, 0, 0, 0, 0), 5, [][2]int64{{5, 5}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := fetch.Partition{Topic: "t", Partition: 3, HighWatermark: 100, LastStable: 100, Records: tt.records, Aborted: tt.aborted}
			got, covered, position, bads := walk(t, &p, tt.offset)
			if got != tt.want {
				t.Errorf("walked %q, want %q", got, tt.want)
			}
			if covered != tt.coverage {
				t.Errorf("covered %+v, want %+v", covered, tt.coverage)
			}
			if position != tt.position {
				t.Errorf("position %d, want %d", position, tt.position)
			}
			var ends [][2]int64
			for _, b := range bads {
				ends = append(ends, [2]int64{b.From, b.Next})
				if b.Reason != access.SkipUnreadable || !strings.Contains(b.Detail, "t/3") {
					t.Errorf("bad batch %+v", b)
				}
			}
			if !slices.Equal(ends, tt.ends) {
				t.Errorf("bad batches %v, want %v", ends, tt.ends)
			}
		})
	}
}

// oldMessage is a message of magic 0 or 1 without key.
func oldMessage(magic byte, offset int64, value string) []byte {
	body := []byte{0, 0, 0, 0, magic, 0}
	if magic == 1 {
		body = append(body, make([]byte, 8)...)
	}
	body = binary.BigEndian.AppendUint32(body, math.MaxUint32)
	body = binary.BigEndian.AppendUint32(body, uint32(len(value)))
	body = append(body, value...)
	b := binary.BigEndian.AppendUint64(nil, uint64(offset))
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	return append(b, body...)
}

func TestReaderRecords(t *testing.T) {
	records := []Record{
		{Delta: 0, Time: -5, Key: []byte("k"), Value: []byte("v"), Headers: []kmsg.Header{{Key: "a", Value: []byte("1")}, {Key: "", Value: nil}, {Key: "a", Value: []byte{}}}},
		{Delta: 1, Time: 5, Key: []byte{}, Value: nil},
	}
	for _, attributes := range []int16{0, LogAppendTime} {
		p := fetch.Partition{HighWatermark: 9, Records: Batch{Base: 4, Records: records, Time: 1000, MaxTime: 2000, Attributes: attributes}.Bytes()}
		r := fetch.NewReader(0)
		r.Reset(&p, 4)
		if !r.Next() {
			t.Fatal(r.Err())
		}
		rec := r.Record()
		headers := rec.AppendHeaders(nil)
		if got := fmt.Sprintf("%d %q %q %q", rec.Offset, rec.Key, rec.Value, headers); got != `4 "k" "v" [{"a" "1"} {"" ""} {"a" ""}]` {
			t.Error(got)
		}
		if headers[1].Value != nil || headers[2].Value == nil {
			t.Error("null and empty header values are confused")
		}
		if f := rec.Fingerprint(); !f.Known || f.Offset != 4 || f.Timestamp != rec.Timestamp || f.CRC != crc32.Checksum([]byte("kv"), crc32.MakeTable(crc32.Castagnoli)) {
			t.Errorf("fingerprint %+v", f)
		}
		if !r.Next() {
			t.Fatal(r.Err())
		}
		if rec.Key == nil || rec.Value != nil || len(rec.AppendHeaders(nil)) != 0 {
			t.Errorf("empty key, null value: %+v", rec)
		}
		want := int64(1005)
		if attributes == LogAppendTime {
			want = 2000
		}
		if rec.Timestamp != want {
			t.Errorf("timestamp %d, want %d", rec.Timestamp, want)
		}
	}
}

func TestReaderSkipTo(t *testing.T) {
	p := fetch.Partition{HighWatermark: 100, Records: Batch{Base: 4, Records: values("a b c")}.Bytes()}
	r := fetch.NewReader(0)
	r.Reset(&p, 4)
	r.Next()
	r.SkipTo(3, access.SkipRetention)
	if r.Position() != 5 {
		t.Errorf("moved back to %d", r.Position())
	}
	r.SkipTo(20, access.SkipRetention)
	if c := r.Take(); r.Next() || r.Position() != 20 || c.Skipped[access.SkipRetention] != 15 || c.Records != 1 {
		t.Errorf("position %d, covered %+v", r.Position(), c)
	}
}

// TestReaderIsReused walks other partitions with a reader that stopped midway.
func TestReaderIsReused(t *testing.T) {
	bad := Batch{Base: 0, LastDelta: 1, Count: 2, Codec: Gzip, Payload: []byte("garbage, garbage")}.Bytes()
	r := fetch.NewReader(0)
	for range 3 {
		r.Reset(&fetch.Partition{HighWatermark: 9, Records: bad, Aborted: []fetch.Aborted{{ProducerID: 7}}}, 0)
		if r.Next() || r.Err() == nil {
			t.Fatal("read garbage")
		}
		for codec := None; codec <= Zstd; codec++ {
			r.Reset(&fetch.Partition{HighWatermark: 9, Records: Batch{Base: 0, Records: values("a b"), Codec: codec, Producer: 7, Attributes: Transactional}.Bytes()}, 0)
			n := 0
			for r.Next() {
				n++
			}
			if n != 2 || r.Err() != nil {
				t.Errorf("codec %d: %d records, %v", codec, n, r.Err())
			}
		}
	}
	if c := r.Take(); c.Records != 30 || c.Offsets() != 30 {
		t.Errorf("covered %+v", c)
	}
}
