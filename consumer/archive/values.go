package archive

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/parquet-go/bitpack"
)

// The encodings of Parquet, decoded under one rule: nothing is larger than what a
// page is allowed to be. Of what is malformed errValues is returned.

var errValues = errors.New("the values of a page are damaged")

// slack is how many bytes behind what is decoded may be read.
const slack = 24

// hybrid decodes n values of RLE and bit packing, each of so many bits, from src,
// which has slack. Where a page ends early, the rest is zero, as writers leave out
// zeros.
func hybrid(dst []uint32, src []byte, n, width int) ([]uint32, error) {
	if width > 32 {
		return nil, errValues
	}
	dst = resize(dst, n)
	at := 0
	size := (width + 7) / 8
	mask := uint64(1)<<width - 1
	for at < n && len(src) > 0 {
		head, k := binary.Uvarint(src)
		if k <= 0 {
			return nil, errValues
		}
		src = src[k:]
		if head&1 == 0 { // a run
			count := head >> 1
			if len(src) < size {
				return nil, errValues
			}
			v := uint32(0)
			for i := range size {
				v |= uint32(src[i]) << (8 * i)
			}
			src = src[size:]
			end := n
			if count < uint64(n-at) {
				end = at + int(count)
			}
			for ; at < end; at++ {
				dst[at] = v
			}
			continue
		}
		groups := head >> 1
		count, need := n-at, 0
		if groups < uint64(count+7)/8 {
			count = int(groups) * 8
		}
		if width > 0 {
			need = len(src)
			if groups <= uint64(len(src)) {
				need = min(need, int(groups)*width)
			}
			if count = min(count, need*8/width); count == 0 {
				return nil, errValues
			}
		}
		unpack(dst[at:at+count], src[:need:cap(src)], width, mask)
		at += count
		src = src[need:]
	}
	clear(dst[at:])
	return dst, nil
}

// unpack decodes values of so many bits; behind src there is slack.
func unpack(dst []uint32, src []byte, width int, mask uint64) {
	if len(dst) >= 64 && width > 0 {
		bitpack.Unpack(dst, src[:len(src)+slack], uint(width))
		return
	}
	src = src[:len(src)+slack]
	bit := 0
	for i := range dst {
		dst[i] = uint32(binary.LittleEndian.Uint64(src[bit>>3:]) >> (bit & 7) & mask)
		bit += width
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// anyOf has the bits that are set in any of the numbers.
func anyOf(numbers []uint32) (any uint32) {
	for ; len(numbers) >= 4; numbers = numbers[4:] {
		any |= numbers[0] | numbers[1] | numbers[2] | numbers[3]
	}
	for _, n := range numbers {
		any |= n
	}
	return any
}

// anyWord does the same of words of eight bytes.
func anyWord(words []byte) (any uint64) {
	for ; len(words) >= 32; words = words[32:] {
		any |= binary.LittleEndian.Uint64(words) | binary.LittleEndian.Uint64(words[8:]) |
			binary.LittleEndian.Uint64(words[16:]) | binary.LittleEndian.Uint64(words[24:])
	}
	for ; len(words) >= 8; words = words[8:] {
		any |= binary.LittleEndian.Uint64(words)
	}
	return any
}

// plainInts decodes n integers of so many bytes.
func plainInts(dst []int64, src []byte, n, size int, unsigned bool) ([]int64, error) {
	if len(src)/size < n {
		return nil, errValues
	}
	dst = resize(dst, n)
	switch {
	case size == 8:
		for i := range dst {
			dst[i] = int64(binary.LittleEndian.Uint64(src[8*i:]))
		}
	case unsigned:
		for i := range dst {
			dst[i] = int64(binary.LittleEndian.Uint32(src[4*i:]))
		}
	default:
		for i := range dst {
			dst[i] = int64(int32(binary.LittleEndian.Uint32(src[4*i:])))
		}
	}
	return dst, nil
}

// plainTexts finds n texts, each behind its length, in src, whose first byte is at
// from in the texts' buffer.
func plainTexts(pos, length []uint32, src []byte, n, from int) ([]uint32, []uint32, error) {
	pos, length = resize(pos, n), resize(length, n)
	at := 0
	for i := range n {
		if len(src)-at < 4 {
			return nil, nil, errValues
		}
		size := int(binary.LittleEndian.Uint32(src[at:]))
		at += 4
		if size < 0 || size > len(src)-at {
			return nil, nil, errValues
		}
		pos[i], length[i] = uint32(from+at), uint32(size)
		at += size
	}
	return pos, length, nil
}

// deltaHead is how DELTA_BINARY_PACKED begins.
type deltaHead struct {
	n     int    // values that are wanted
	left  int    // of those that were written, after the first
	minis uint64 // miniblocks of a block
	per   int    // values of a miniblock
	first int64
	at    int // where the blocks begin
}

// headOfDeltas reads it for n values; n < 0: as many as there are, at most most.
func headOfDeltas(src []byte, n, most int) (h deltaHead, err error) {
	var fields [4]uint64
	for i := range fields {
		v, k := binary.Uvarint(src[h.at:])
		if k <= 0 {
			return h, errValues
		}
		fields[i] = v
		h.at += k
	}
	block, minis, total := fields[0], fields[1], fields[2]
	if minis == 0 || minis > 512 || block == 0 || block > 1<<16 || block%minis != 0 || block/minis%8 != 0 {
		return h, errValues
	}
	if n < 0 {
		n = int(min(total, uint64(most)+1))
	}
	if n > most || total < uint64(n) {
		return h, errValues
	}
	h.n, h.left = n, int(min(total, uint64(most)))-1
	h.minis, h.per, h.first = minis, int(block/minis), zigzag(fields[3])
	return h, nil
}

func zigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// deltas decodes DELTA_BINARY_PACKED: n integers and the place behind them. n < 0:
// as many as there are, at most most.
func deltas(dst []int64, src []byte, n, most int) ([]int64, int, error) {
	h, err := headOfDeltas(src, n, most)
	if err != nil {
		return nil, 0, err
	}
	dst = resize(dst, h.n)
	if h.n == 0 {
		return dst, h.at, nil
	}
	at, per, value := h.at, h.per, h.first
	dst[0] = value
	// All that was written is walked over, what is wanted is kept.
	for i, left := 1, h.left; left > 0; {
		v, k := binary.Uvarint(src[at:])
		if at += k; k <= 0 || len(src)-at < int(h.minis) {
			return nil, 0, errValues
		}
		least := zigzag(v)
		widths := src[at : at+int(h.minis)]
		at += int(h.minis)
		for _, w := range widths {
			if left <= 0 {
				break // the widths of what is not there may be anything
			}
			width := int(w)
			if width > 64 || len(src)-at < (width*per+7)/8 {
				return nil, 0, errValues
			}
			some := max(0, min(per, left, h.n-i))
			if width == 0 { // all alike
				for k := range dst[i : i+some] {
					value += least
					dst[i+k] = value
				}
			} else {
				for k := range some {
					value += least + int64(bitsAt(src[at:], k*width, width))
					dst[i+k] = value
				}
			}
			i += some
			left -= per
			at += (width*per + 7) / 8
		}
	}
	return dst, at, nil
}

// sameDeltas reads DELTA_BINARY_PACKED of n integers that are all the same, and
// gives the place behind them; ok is false where they are not, or are damaged.
func sameDeltas(src []byte, n int) (value int64, at int, ok bool) {
	h, err := headOfDeltas(src, n, n)
	if err != nil || h.n == 0 {
		return 0, 0, false
	}
	at = h.at
	for left := h.left; left > 0; {
		v, k := binary.Uvarint(src[at:])
		if at += k; k <= 0 || len(src)-at < int(h.minis) {
			return 0, 0, false
		}
		least, widths := zigzag(v), src[at:at+int(h.minis)]
		at += int(h.minis)
		for _, w := range widths {
			if left <= 0 {
				break
			}
			width := int(w)
			if width == 0 && least != 0 || width > 64 || len(src)-at < (width*h.per+7)/8 {
				return 0, 0, false
			}
			if width > 0 { // as in the last block, which writers fill up with anything
				for k := range min(h.per, left) {
					if least+int64(bitsAt(src[at:], k*width, width)) != 0 {
						return 0, 0, false
					}
				}
			}
			left -= h.per
			at += (width*h.per + 7) / 8
		}
	}
	return h.first, at, true
}

// bitsAt is the number of up to 64 bits at a bit of b.
func bitsAt(b []byte, bit, width int) uint64 {
	if width == 0 {
		return 0
	}
	first, shift := bit>>3, bit&7
	var word uint64
	if first+8 <= len(b) {
		word = binary.LittleEndian.Uint64(b[first:])
	} else {
		for i := first; i < len(b); i++ {
			word |= uint64(b[i]) << (8 * (i - first))
		}
	}
	word >>= shift
	if shift+width > 64 {
		word |= uint64(b[first+8]) << (64 - shift)
	}
	if width < 64 {
		word &= 1<<width - 1
	}
	return word
}

// deltaTexts decodes DELTA_LENGTH_BYTE_ARRAY: lengths, then the texts.
func deltaTexts(pos, length []uint32, scratch []int64, src []byte, n, from int) ([]uint32, []uint32, []int64, error) {
	scratch, at, err := deltas(scratch, src, n, n)
	if err != nil {
		return nil, nil, nil, err
	}
	pos, length = resize(pos, n), resize(length, n)
	for i, size := range scratch {
		if size < 0 || size > int64(len(src)-at) {
			return nil, nil, nil, errValues
		}
		pos[i], length[i] = uint32(from+at), uint32(size)
		at += int(size)
	}
	return pos, length, scratch, nil
}

// frontCoded decodes DELTA_BYTE_ARRAY: each text takes so many bytes of the one
// before it. The texts are appended to buf, which may not grow beyond most.
func frontCoded(buf []byte, pos, length []uint32, src []byte, n, most int) ([]byte, []uint32, []uint32, error) {
	prefixes, at, err := deltas(nil, src, n, n)
	if err != nil {
		return nil, nil, nil, err
	}
	src = src[at:]
	suffixes, at, err := deltas(nil, src, n, n)
	if err != nil {
		return nil, nil, nil, err
	}
	pos, length = resize(pos, n), resize(length, n)
	last := buf[len(buf):]
	for i := range n {
		p, s := prefixes[i], suffixes[i]
		if p < 0 || p > int64(len(last)) || s < 0 || s > int64(len(src)-at) || int64(len(buf))+p+s > int64(most) {
			return nil, nil, nil, errValues
		}
		start := len(buf)
		buf = append(buf, last[:p]...)
		buf = append(buf, src[at:at+int(s)]...)
		at += int(s)
		last = buf[start:]
		pos[i], length[i] = uint32(start), uint32(len(last))
	}
	return buf, pos, length, nil
}

// levelWidth is how many bits a level up to most takes.
func levelWidth(most int) int { return bits.Len(uint(most)) }
