package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Limits of zstd.
const (
	blockMost  = 128 << 10 // no block inflates further
	windowMost = 128 << 20 // the largest that zstd itself accepts by default
	headerMost = 18        // bytes of a frame header with its magic number
)

var (
	errFrame      = errors.New("there is no zstd frame")
	errBlock      = errors.New("a zstd block is of no known kind")
	errDictionary = errors.New("it needs a zstd dictionary, which is not supported: pack it without")
	errWindow     = fmt.Errorf("it needs a zstd window of more than %d MiB", windowMost>>20)
)

// frame is a zstd frame. Frames lie one behind the other; each inflates by itself.
type frame struct {
	from, to  int64 // in the file; of a frame that is cut off, to is the end of the file
	most      int64 // bytes that it can inflate to; 0: it is skippable
	truncated bool
}

// hopper finds the frames of a file by hopping over the headers of their blocks.
type hopper struct {
	r    io.ReaderAt
	size int64
	at   int64

	buf   [4 << 10]byte
	start int64 // in the file
	held  int
}

// begin makes it begin with another file.
func (h *hopper) begin(r io.ReaderAt, size int64) *hopper {
	h.r, h.size, h.at, h.start, h.held = r, size, 0, 0, 0
	return h
}

// peek gives up to n bytes at a place, fewer at the end of the file.
func (h *hopper) peek(at int64, n int) ([]byte, error) {
	n = int(max(min(int64(n), h.size-at), 0))
	if at < h.start || at+int64(n) > h.start+int64(h.held) {
		want := min(int64(len(h.buf)), h.size-at)
		got, err := h.r.ReadAt(h.buf[:max(want, 0)], at)
		if got < n {
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		h.start, h.held = at, got
	}
	at -= h.start
	return h.buf[at : at+int64(n)], nil
}

// next is the next frame, or io.EOF. Other errors are of the bytes at h.at.
func (h *hopper) next() (frame, error) {
	f := frame{from: h.at, to: h.size}
	if h.at >= h.size {
		return f, io.EOF
	}
	head, err := h.peek(h.at, headerMost)
	if err != nil {
		return f, err
	}
	var header zstd.Header
	if err := header.Decode(head); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) && int64(len(head)) == h.size-h.at && bytes.HasPrefix(zstdMagic, head[:min(len(head), 4)]) {
			f.truncated = true
			h.at = h.size
			return f, nil
		}
		return f, errFrame
	}
	at := h.at + int64(header.HeaderSize)
	switch {
	case header.Skippable:
		at += int64(header.SkippableSize)
		if f.to = at; at > h.size {
			f.to, f.truncated = h.size, true
		}
		h.at = f.to
		return f, nil
	case header.DictionaryID != 0:
		return f, errDictionary
	case !header.SingleSegment && header.WindowSize > windowMost:
		return f, errWindow
	case header.SingleSegment && header.FrameContentSize > windowMost:
		return f, errWindow
	}
	least, last := int64(0), false
	for !last {
		b, err := h.peek(at, 3)
		if err != nil {
			return f, err
		}
		if len(b) < 3 {
			f.truncated = true
			break
		}
		word := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
		size := int64(word >> 3)
		last = word&1 != 0
		at += 3
		switch word >> 1 & 3 {
		case 0:
			at, f.most, least = at+size, f.most+size, least+size
		case 1:
			at, f.most, least = at+1, f.most+size, least+size
		case 2:
			at, f.most = at+size, f.most+blockMost
		default:
			return f, errBlock
		}
		if at > h.size {
			f.truncated = true
			break
		}
	}
	if header.HasCheckSum {
		at += 4
	}
	if at > h.size {
		f.truncated = true
	}
	if header.HasFCS && header.FrameContentSize < uint64(f.most) {
		f.most = max(int64(header.FrameContentSize), 1)
	}
	f.most = max(f.most, 1)
	if !f.truncated {
		f.to = at
	}
	h.at = f.to
	return f, nil
}

var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
