package fetch

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/s2"
)

// xerial begins the framing of Java's snappy streams: magic, version and least
// compatible version, then chunks with their length. Other producers send one
// bare snappy block.
var xerial = []byte("\x82SNAPPY\x00")

const xerialHeader = 16

func (f *inflater) inflateSnappy(src []byte) ([]byte, error) {
	size := 0
	err := snappyBlocks(src, func(block []byte) error {
		n, err := s2.DecodedLen(block)
		if err != nil {
			return fmt.Errorf("%w: %w", errCorrupt, err)
		}
		if size += n; size > f.max {
			return f.tooLarge()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := f.reserve(size)
	err = snappyBlocks(src, func(block []byte) error {
		n, err := s2.DecodedLen(block)
		if err == nil {
			_, err = s2.Decode(out[len(out):len(out)+n], block)
			out = out[:len(out)+n]
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errCorrupt, err)
		}
		return nil
	})
	return out, err
}

func snappyBlocks(src []byte, each func(block []byte) error) error {
	if len(src) < xerialHeader || !bytes.HasPrefix(src, xerial) {
		return each(src)
	}
	for rest := src[xerialHeader:]; len(rest) > 0; {
		if len(rest) < 4 {
			return errCorrupt
		}
		n := int64(binary.BigEndian.Uint32(rest))
		if n > int64(len(rest)-4) {
			return errCorrupt
		}
		if err := each(rest[4 : 4+n]); err != nil {
			return err
		}
		rest = rest[4+n:]
	}
	return nil
}
