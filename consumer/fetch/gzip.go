package fetch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// source is a bytes.Reader kept for reuse.
type source = bytes.Reader

// deflateRatio is beyond what deflate can reach.
const deflateRatio = 1100

// inflateGzip trusts the size at the end of the stream as a first guess. Where
// that turns out too small, and the buffer would become large, the stream is
// walked once to learn the size, so that no buffer is ever given up for one of
// twice its size.
func (f *inflater) inflateGzip(src []byte) ([]byte, error) {
	if len(src) < 8 {
		return nil, errCorrupt
	}
	guess := int64(binary.LittleEndian.Uint32(src[len(src)-4:]))
	if guess > int64(f.max) {
		return nil, f.tooLarge()
	}
	out := f.reserve(int(min(guess, int64(len(src))*deflateRatio)))
	out, whole, err := f.gunzip(src, out[:0:cap(out)])
	if err != nil || whole {
		return f.capped(out, err)
	}
	size, err := f.gunzippedSize(src)
	if err != nil {
		return nil, err
	}
	out, _, err = f.gunzip(src, f.reserve(size))
	return f.capped(out, err)
}

func (f *inflater) capped(out []byte, err error) ([]byte, error) {
	if err == nil && len(out) > f.max {
		err = f.tooLarge()
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// gunzip inflates into the capacity of out; whole is false where that is too
// small.
func (f *inflater) gunzip(src, out []byte) (_ []byte, whole bool, err error) {
	if err := f.startGzip(src); err != nil {
		return nil, false, err
	}
	for len(out) < cap(out) {
		n, err := f.gzip.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		switch {
		case errors.Is(err, io.EOF):
			return out, true, nil
		case err != nil:
			return nil, false, fmt.Errorf("%w: %w", errCorrupt, err)
		}
	}
	return out, false, nil
}

// gunzippedSize is the size of src inflated, at most max, else errTooLarge.
func (f *inflater) gunzippedSize(src []byte) (int, error) {
	if err := f.startGzip(src); err != nil {
		return 0, err
	}
	scratch := f.reserve(min(f.max, 64<<10))
	scratch = scratch[:cap(scratch)]
	size := 0
	for {
		n, err := f.gzip.Read(scratch)
		size += n
		switch {
		case size > f.max:
			return 0, f.tooLarge()
		case errors.Is(err, io.EOF):
			return size, nil
		case err != nil:
			return 0, fmt.Errorf("%w: %w", errCorrupt, err)
		}
	}
}

func (f *inflater) startGzip(src []byte) error {
	f.src.Reset(src)
	var err error
	if f.gzip == nil {
		f.gzip, err = gzip.NewReader(&f.src)
		if err != nil {
			f.gzip = nil
		}
	} else {
		err = f.gzip.Reset(&f.src)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errCorrupt, err)
	}
	return nil
}
