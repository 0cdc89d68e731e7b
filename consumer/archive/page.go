package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// Limits of a page.
const (
	pageMost   = 64 << 20 // bytes, inflated
	valuesMost = 8 << 20  // values
	headerPeek = 4 << 10  // bytes of a header read at first
	headerTop  = 1 << 20  // bytes of a header, with statistics of long texts
)

var errPage = errors.New("a page is damaged")

// pages walks over the pages of a column chunk. A page whose rows nobody needs is
// not read beyond its header.
//
// It does by hand what the library's reader of pages does, because that one
// allocates what the headers of pages say, and what a page inflates to.
type pages struct {
	r      io.ReaderAt
	chunk  chunk
	at     int64 // of the next page
	seen   int64 // values so far
	header pageHeader
	body   int64 // where the bytes of the page begin
	v2     bool

	peek   []byte
	stored []byte
	raw    []byte // inflated, with slack
	*inflater
}

// inflater inflates pages, those of all columns that one goroutine reads.
type inflater struct {
	zstd   *zstd.Decoder
	gzip   *gzip.Reader
	hop    *hopper
	source bytes.Reader // of hop
}

func (p *pages) begin(r io.ReaderAt, c chunk) {
	if p.inflater == nil {
		p.inflater = &inflater{}
	}
	p.r, p.chunk, p.at, p.seen = r, c, c.from, 0
}

// next moves on to the next page of values or of a dictionary; false where there
// is none.
func (p *pages) next() (bool, error) {
	for {
		if p.seen >= p.chunk.values {
			return false, nil
		}
		if err := p.readHeader(); err != nil {
			return false, err
		}
		h := &p.header
		switch {
		case h.inflated < 0 || h.stored < 0 || h.stored > p.chunk.to-p.body:
			return false, errPage
		case h.kind != dataPage && h.kind != dataPageV2 && h.kind != dictionaryPage:
			p.at = p.body + h.stored
			continue
		case h.inflated > pageMost:
			return false, fmt.Errorf("a page takes %d MiB, at most %d are read: write smaller pages or row groups", h.inflated>>20, pageMost>>20)
		case h.values < 0 || h.values > valuesMost:
			return false, fmt.Errorf("a page holds %d values, at most %d are read: write smaller pages or row groups", h.values, valuesMost)
		}
		p.at = p.body + h.stored
		p.v2 = h.kind == dataPageV2
		if h.kind != dictionaryPage {
			if p.seen += h.values; p.seen > p.chunk.values {
				return false, errPage
			}
		}
		return true, nil
	}
}

func (p *pages) readHeader() error {
	for n := int64(headerPeek); ; n *= 8 {
		end := min(p.at+n, p.chunk.to)
		if end <= p.at {
			return io.ErrUnexpectedEOF
		}
		b, err := span(p.r, p.peek, p.at, end)
		if err != nil {
			return err
		}
		p.peek = b
		h, ok := readPageHeader(b)
		if ok {
			p.header, p.body = h, p.at+int64(h.bytes)
			return nil
		}
		if end == p.chunk.to || n >= headerTop {
			return errPage
		}
	}
}

// levels are the parts of a page.
type levels struct {
	rep, def []byte // nil: there are none
	values   []byte
}

// read reads and inflates the page, for a column with such levels.
func (p *pages) read(maxRep, maxDef int) (l levels, err error) {
	h := &p.header
	n := int(h.stored)
	if cap(p.stored) < n+slack {
		p.stored = make([]byte, n+slack)
	}
	b, err := span(p.r, p.stored, p.body, p.body+h.stored)
	if err != nil {
		return l, err
	}
	p.stored = b[:n:cap(p.stored)]
	if h.hasCRC && int32(h.crc) != 0 && crc32.ChecksumIEEE(b) != uint32(int32(h.crc)) {
		return l, fmt.Errorf("%w: its checksum is wrong", errPage)
	}
	prefix := 0
	if p.v2 {
		if h.defBytes < 0 || h.repBytes < 0 || h.defBytes > int64(n) || h.repBytes > int64(n)-h.defBytes {
			return l, errPage
		}
		prefix = int(h.defBytes + h.repBytes)
	}
	size := int(h.inflated) - prefix
	if size < 0 {
		return l, errPage
	}
	codec := p.chunk.codec
	if p.v2 && h.uncompressed {
		codec = format.Uncompressed
	}
	if most, err := p.inflatesTo(codec, b[prefix:]); err != nil {
		return l, err
	} else if int64(size) > most {
		return l, fmt.Errorf("%w: it cannot inflate to what it says", errPage)
	}
	if cap(p.raw) < int(h.inflated)+slack {
		p.raw = make([]byte, int(h.inflated)+slack)
	}
	raw := p.raw[:int(h.inflated)]
	copy(raw, b[:prefix])
	if size > 0 || n > prefix {
		if err := p.inflate(codec, raw[prefix:], b[prefix:]); err != nil {
			return l, err
		}
	}
	raw = raw[:len(raw):cap(p.raw)]
	if h.kind == dictionaryPage {
		l.values = raw
		return l, nil
	}
	if p.v2 {
		rep, def := int(h.repBytes), int(h.defBytes)
		l.rep, l.def, l.values = raw[:rep], raw[rep:rep+def], raw[rep+def:]
		return l, nil
	}
	cut := func(most int) ([]byte, error) {
		if most == 0 {
			return nil, nil
		}
		if len(raw) < 4 {
			return nil, errPage
		}
		size := int(binary.LittleEndian.Uint32(raw))
		if size > len(raw)-4 {
			return nil, errPage
		}
		part := raw[4 : 4+size]
		raw = raw[4+size:]
		return part, nil
	}
	if l.rep, err = cut(maxRep); err != nil {
		return l, err
	}
	if l.def, err = cut(maxDef); err != nil {
		return l, err
	}
	l.values = raw
	return l, nil
}

// inflatesTo is the most that src can inflate to, so that nothing is allocated that
// cannot be filled.
func (f *inflater) inflatesTo(codec format.CompressionCodec, src []byte) (int64, error) {
	size := int64(len(src))
	switch codec {
	case format.Snappy:
		n, err := s2.DecodedLen(src)
		if err != nil && size > 0 {
			return 0, fmt.Errorf("%w: %w", errPage, err)
		}
		return int64(n), nil
	case format.Gzip:
		return 1100 * size, nil // beyond what deflate can reach
	case format.Lz4Raw:
		return 256 * size, nil
	case format.Zstd:
		most := int64(0)
		if f.hop == nil {
			f.hop = &hopper{}
		}
		f.source.Reset(src)
		hop := f.hop.begin(&f.source, size)
		for {
			f, err := hop.next()
			if errors.Is(err, io.EOF) {
				return most, nil
			}
			if err != nil {
				return 0, fmt.Errorf("%w: %w", errPage, err)
			}
			most += f.most
		}
	}
	return size, nil
}

// inflate fills dst, no more and no less.
func (f *inflater) inflate(codec format.CompressionCodec, dst, src []byte) (err error) {
	n := 0
	switch codec {
	case format.Uncompressed:
		if n = len(src); n == len(dst) {
			copy(dst, src)
		}
	case format.Snappy:
		if n, err = s2.DecodedLen(src); err == nil && n == len(dst) {
			_, err = s2.Decode(dst, src)
		}
	case format.Zstd:
		if f.zstd == nil {
			if f.zstd, err = newZstd(nil); err != nil {
				return err
			}
		}
		var out []byte
		// With room behind what is expected, it copies without looking for the end.
		out, err = f.zstd.DecodeAll(src, dst[:0:min(cap(dst), len(dst)+slack)])
		n = len(out)
	case format.Gzip:
		r := bytes.NewReader(src)
		if f.gzip == nil {
			f.gzip, err = gzip.NewReader(r)
			if err != nil {
				f.gzip = nil
			}
		} else {
			err = f.gzip.Reset(r)
		}
		if err == nil {
			n, err = io.ReadFull(f.gzip, dst)
		}
		if err == nil {
			var more [1]byte
			if k, end := f.gzip.Read(more[:]); k > 0 || !errors.Is(end, io.EOF) {
				return fmt.Errorf("%w: it inflates to more than it says", errPage)
			}
		}
	case format.Lz4Raw:
		n, err = lz4.UncompressBlock(src, dst)
	default:
		return fmt.Errorf("it is compressed with %s, which is not read: write it with zstd, snappy, gzip or lz4_raw", codec)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errPage, err)
	}
	if n != len(dst) {
		return fmt.Errorf("%w: it does not inflate to what it says", errPage)
	}
	return nil
}
