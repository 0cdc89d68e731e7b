package fetch

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"sunsetwatch/rules/access"
)

// codec is how the records of a batch are compressed.
type codec uint8

const (
	plain codec = iota
	gzipped
	snappied
	lz4ed
	zstded
)

var (
	errTooLarge = errors.New("it inflates beyond the cap")
	errCorrupt  = errors.New("its compressed records are damaged")
)

func reasonOf(err error) access.Skip {
	if errors.Is(err, errTooLarge) {
		return access.SkipTooLarge
	}
	return access.SkipUnreadable
}

// inflater inflates one batch after another into one buffer. Each codec says
// how large its output can become before anything is allocated for it: exactly
// where the format tells, else an upper bound.
type inflater struct {
	max  int // bytes of one batch
	out  []byte
	gzip *gzip.Reader
	src  source
	zstd *zstd.Decoder
}

// Limits of the buffer.
const (
	kept = 8 << 20 // a larger one is given back when the response is done
	room = 64      // codecs copy faster where a little is free behind the output
)

// inflate is src inflated; it is valid until the next call, or a view of src.
// The error is errTooLarge, or says what is damaged.
func (f *inflater) inflate(c codec, src []byte) ([]byte, error) {
	switch c {
	case plain:
		return src, nil // in memory already
	case gzipped:
		return f.inflateGzip(src)
	case snappied:
		return f.inflateSnappy(src)
	case lz4ed:
		return f.inflateLZ4(src)
	case zstded:
		return f.inflateZstd(src)
	}
	return nil, fmt.Errorf("its codec %d is unknown", c)
}

// tooLarge also gives the buffer back, which is about as large as allowed.
func (f *inflater) tooLarge() error {
	f.shrink()
	return fmt.Errorf("%w of %d bytes", errTooLarge, f.max)
}

// reserve makes the buffer hold n bytes, which are at most max. What it holds
// is lost.
func (f *inflater) reserve(n int) []byte {
	if n+room > cap(f.out) {
		f.out = nil // before the next one is made, so that both never live
		f.out = make([]byte, 0, n+room)
	}
	return f.out[:0]
}

func (f *inflater) shrink() {
	if cap(f.out) > kept+room {
		f.out = nil
	}
}
