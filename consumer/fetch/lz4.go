package fetch

import (
	"encoding/binary"
	"fmt"

	"github.com/pierrec/lz4/v4"
)

// The frame of lz4: magic, flags, block sizes, optional content size and
// dictionary id, a check byte; then blocks up to one of length 0. Checksums
// inside are not verified: the batch has its own, over all of it.
const (
	lz4Magic        = 0x184D2204
	lz4Version      = 1 << 6 // in the two upper bits of the flags
	lz4Independent  = 1 << 5
	lz4BlockCheck   = 1 << 4
	lz4ContentSize  = 1 << 3
	lz4ContentCheck = 1 << 2
	lz4Dictionary   = 1 << 0
	lz4Plain        = 1 << 31 // in the length of a block: not compressed
	lz4Window       = 64 << 10
	lz4Ratio        = 255 // no block inflates further
)

func (f *inflater) inflateLZ4(src []byte) ([]byte, error) {
	bound := 0
	err := lz4Blocks(src, func(block []byte, compressed, _ bool, most int) error {
		if compressed {
			bound += min(most, lz4Ratio*len(block))
		} else if bound += len(block); bound > f.max {
			return f.tooLarge()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := f.reserve(min(bound, f.max))
	limit := min(bound, f.max)
	err = lz4Blocks(src, func(block []byte, compressed, independent bool, most int) error {
		if !compressed {
			if len(out)+len(block) > limit {
				return f.tooLarge()
			}
			out = append(out, block...)
			return nil
		}
		var window []byte
		if !independent {
			window = out[max(0, len(out)-lz4Window):]
		}
		end := min(limit, len(out)+most)
		n, err := lz4.UncompressBlockWithDict(block, out[len(out):end], window)
		if err != nil {
			if bound > f.max && end == f.max {
				return f.tooLarge() // or damaged, which cannot be told apart
			}
			return fmt.Errorf("%w: %w", errCorrupt, err)
		}
		out = out[:len(out)+n]
		return nil
	})
	return out, err
}

// lz4Blocks calls each with the blocks of all frames of src; most is the size
// that a block can inflate to.
func lz4Blocks(src []byte, each func(block []byte, compressed, independent bool, most int) error) error {
	for len(src) > 0 {
		if len(src) < 7 || binary.LittleEndian.Uint32(src) != lz4Magic {
			return fmt.Errorf("%w: no lz4 frame", errCorrupt)
		}
		flags, sizes := src[4], src[5]
		size := sizes >> 4 & 7
		if flags&0xC0 != lz4Version || size < 4 || flags&lz4Dictionary != 0 {
			return fmt.Errorf("%w: unknown lz4 frame", errCorrupt)
		}
		most := 1 << (8 + 2*size) // 64 KiB to 4 MiB
		header := 7
		if flags&lz4ContentSize != 0 {
			header += 8
		}
		if len(src) < header {
			return errCorrupt
		}
		src = src[header:]
		for {
			if len(src) < 4 {
				return errCorrupt
			}
			head := binary.LittleEndian.Uint32(src)
			src = src[4:]
			if head == 0 {
				break
			}
			n := int64(head &^ lz4Plain)
			if n > int64(len(src)) || n > int64(most) {
				return errCorrupt
			}
			if err := each(src[:n], head&lz4Plain == 0, flags&lz4Independent != 0, most); err != nil {
				return err
			}
			src = src[n:]
			if flags&lz4BlockCheck != 0 {
				if len(src) < 4 {
					return errCorrupt
				}
				src = src[4:]
			}
		}
		if flags&lz4ContentCheck != 0 {
			if len(src) < 4 {
				return errCorrupt
			}
			src = src[4:]
		}
	}
	return nil
}
