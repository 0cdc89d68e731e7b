package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// encoding is how the bytes of an input are to be read.
type encoding uint8

const (
	plainText encoding = iota
	gzipped
	zstded
	columns
)

var encodingWords = [...]string{"jsonl", "jsonl.gz", "jsonl.zst", "parquet"}

// magics are the first bytes of formats. Those with a why are not read.
var magics = []struct {
	first    string
	encoding encoding
	why      string
}{
	{first: "\x1f\x8b", encoding: gzipped},
	{first: "\x28\xb5\x2f\xfd", encoding: zstded},
	{first: "PAR1", encoding: columns},
	{first: "PARE", why: "it is an encrypted Parquet file, which is not read: decrypt it first"},
	{first: "ORC", why: "it is an ORC file, which is not read: convert it to Parquet or JSONL"},
	{first: "Obj\x01", why: "it is an Avro file, which is not read: convert it to Parquet or JSONL"},
	{first: "ARROW1", why: "it is an Arrow file, which is not read: convert it to Parquet or JSONL"},
	{first: "PK\x03\x04", why: "it is a zip file, which is not read: unpack it, or pack it with gzip or zstd"},
	{first: "BZh", why: "it is packed with bzip2, which is not read: pack it with gzip or zstd"},
	{first: "\xfd7zXZ\x00", why: "it is packed with xz, which is not read: pack it with gzip or zstd"},
	{first: "\x04\x22\x4d\x18", why: "it is packed with lz4, which is not read: pack it with gzip or zstd"},
	{first: "\xff\x06\x00\x00sNaPpY", why: "it is packed with snappy, which is not read: pack it with gzip or zstd"},
	{first: "\xff\xfe", why: "it is UTF-16, not UTF-8"},
	{first: "\xfe\xff", why: "it is UTF-16, not UTF-8"},
	{first: "SQLite format 3\x00", why: "it is an SQLite database, not a file of events"},
}

// sniffed is how many bytes tell a format.
const sniffed = 16

// sniff tells the encoding by the first bytes, and holds it against what was
// asked for.
func sniff(head []byte, asked Format) (encoding, error) {
	e := plainText
	if len(head) >= 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18" {
		e = zstded // a skippable frame
	}
	for _, m := range magics {
		if !bytes.HasPrefix(head, []byte(m.first)) {
			continue
		}
		if m.why != "" {
			return 0, errors.New(m.why)
		}
		e = m.encoding
	}
	switch {
	case asked == JSONL && e == columns:
		return 0, errors.New("it is Parquet, and the format asked for is jsonl")
	case asked == Parquet && e != columns:
		return 0, errors.New("it is not Parquet, which is the format asked for")
	}
	return e, nil
}

// head reads up to n bytes from the beginning.
func head(r io.ReaderAt, n int) ([]byte, error) {
	b := make([]byte, n)
	got, err := r.ReadAt(b, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:got], err
}

// open looks at the beginning of what was found, and cuts it into parts.
func (a *Archive) open(ctx context.Context, f found) (*input, error) {
	in := &input{Input: Input{Path: f.path, Bytes: -1, Rows: -1}, info: f.info}
	if f.stream() {
		return in, a.openStream(ctx, in, &f)
	}
	in.Bytes = f.info.Size()
	h, err := a.handles.open(in)
	if err != nil {
		return nil, err // it names the file
	}
	defer a.handles.release(h)
	first, err := head(h.file, sniffed)
	if err != nil {
		return nil, err
	}
	e, err := sniff(first, a.options.Format)
	if err == nil {
		in.encoding, in.Format = e, encodingWords[e]
		switch e {
		case plainText:
			err = a.cutPlain(in, h.file)
		case gzipped:
			in.parts = []Part{{Bytes: in.Bytes}}
		case zstded:
			err = a.cutZstd(in, h.file)
		case columns:
			err = a.cutParquet(in, h)
		}
	}
	if err != nil {
		return nil, named(f.path, err)
	}
	in.joints = make([]joint, len(in.parts))
	return in, nil
}

// named puts the file before each problem of it, since those of many files are read
// together.
func named(path string, err error) error {
	problems := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		problems = joined.Unwrap()
	}
	all := make([]error, len(problems))
	for i, p := range problems {
		all[i] = fmt.Errorf("%s: %w", path, p)
	}
	return errors.Join(all...)
}
