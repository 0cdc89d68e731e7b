package fetch

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
)

const (
	zstdBlock  = 128 << 10 // no block inflates further
	zstdWindow = 128 << 20 // the largest that zstd itself accepts by default
)

// inflateZstd inflates at once into a buffer of the size that the frames
// declare, or that their number of blocks allows.
func (f *inflater) inflateZstd(src []byte) ([]byte, error) {
	least, most, err := zstdSize(src)
	if err != nil {
		return nil, err
	}
	if least > int64(f.max) {
		return nil, f.tooLarge()
	}
	if f.zstd == nil {
		f.zstd, err = zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1),
			// The batch's CRC-32C covers the frames and was found right before.
			zstd.IgnoreChecksum(true),
			zstd.WithDecoderMaxWindow(zstdWindow),
			zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return nil, err
		}
	}
	out, err := f.zstd.DecodeAll(src, f.reserve(int(min(most, int64(f.max)))))
	switch {
	case err == nil && len(out) <= f.max:
		return out, nil
	case err == nil, most > int64(f.max) && len(out)+zstdBlock > f.max:
		return nil, f.tooLarge() // or damaged in the last block, which cannot be told apart
	}
	return nil, fmt.Errorf("%w: %w", errCorrupt, err)
}

// zstdSize is the least and the most that the frames of src can inflate to,
// read from the headers of their blocks.
func zstdSize(src []byte) (least, most int64, err error) {
	for len(src) > 0 {
		var h zstd.Header
		if err := h.Decode(src); err != nil {
			return 0, 0, fmt.Errorf("%w: %w", errCorrupt, err)
		}
		src = src[h.HeaderSize:]
		if h.Skippable {
			if int64(h.SkippableSize) > int64(len(src)) {
				return 0, 0, errCorrupt
			}
			src = src[h.SkippableSize:]
			continue
		}
		rest, lo, hi, ok := zstdBlocks(src)
		if !ok || h.HasCheckSum && len(rest) < 4 {
			return 0, 0, errCorrupt
		}
		if h.HasCheckSum {
			rest = rest[4:]
		}
		if h.HasFCS {
			if h.FrameContentSize > uint64(hi) {
				return 0, 0, errCorrupt
			}
			lo, hi = int64(h.FrameContentSize), int64(h.FrameContentSize)
		}
		least, most, src = least+lo, most+hi, rest
	}
	return least, most, nil
}

// zstdBlocks walks the blocks of one frame: three bytes each say whether it is
// the last, its kind and its size.
func zstdBlocks(src []byte) (rest []byte, least, most int64, ok bool) {
	for last := false; !last; {
		if len(src) < 3 {
			return nil, 0, 0, false
		}
		head := uint32(src[0]) | uint32(src[1])<<8 | uint32(src[2])<<16
		size := int(head >> 3)
		src = src[3:]
		last = head&1 != 0
		stored := size
		switch head >> 1 & 3 {
		case 0: // raw
			least, most = least+int64(size), most+int64(size)
		case 1: // one byte, repeated
			stored = 1
			least, most = least+int64(size), most+int64(size)
		case 2: // compressed
			most += zstdBlock
		default:
			return nil, 0, 0, false
		}
		if stored > len(src) {
			return nil, 0, 0, false
		}
		src = src[stored:]
	}
	return src, least, most, true
}
