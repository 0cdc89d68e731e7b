package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

// run is the frames of one part.
type run struct {
	from, to  int64
	most      int64 // bytes that they can inflate to
	truncated bool
	err       error // there is no frame here, and from here on
}

// inMemory is how much a part may inflate to that is inflated at once.
const inMemory = 16 << 20

// zstdReaders are the decoders of one goroutine.
type zstdReaders struct {
	whole  *zstd.Decoder // frames in memory
	stream *zstd.Decoder
	piece  []byte
}

func (w *worker) zstdReaders() *zstdReaders {
	if w.zstd == nil {
		w.zstd = &zstdReaders{piece: make([]byte, pieceBytes)}
	}
	return w.zstd
}

func newZstd(r io.Reader) (*zstd.Decoder, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(windowMost), zstd.WithDecodeAllCapLimit(true))
}

// open makes the stream decoder begin with r.
func (z *zstdReaders) open(r io.Reader) (*zstd.Decoder, error) {
	var err error
	if z.stream == nil {
		z.stream, err = newZstd(r)
	} else {
		err = z.stream.Reset(r)
	}
	return z.stream, err
}

// cutZstd cuts a file between its frames.
func (a *Archive) cutZstd(in *input, file *os.File) error {
	chunk := a.options.Chunk
	if chunk <= 0 {
		chunk = 4 << 20
	}
	hop := &hopper{r: file, size: in.Bytes}
	var open run
	flush := func() {
		if open.to > open.from {
			in.zstd = append(in.zstd, open)
		}
		open = run{from: open.to, to: open.to}
	}
	for {
		f, err := hop.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if f.from == 0 || errors.Is(err, errDictionary) || errors.Is(err, errWindow) {
				return fmt.Errorf("at byte %d: %w", f.from, err)
			}
			flush()
			open = run{from: f.from, to: in.Bytes, err: err}
			break
		}
		if open.to > open.from && (open.most+f.most > chunk || f.truncated) {
			flush()
		}
		open.to, open.most = f.to, open.most+f.most
		if f.truncated {
			open.truncated = true
			break
		}
	}
	flush()
	for _, r := range in.zstd {
		in.parts = append(in.parts, Part{First: r.from, Bytes: r.to - r.from})
	}
	return in.findContent(file)
}

// findContent finds the last part that holds anything but blanks. Most of the
// time it is the last one, and its first bytes say so.
func (in *input) findContent(file *os.File) error {
	z := &zstdReaders{piece: make([]byte, 4<<10)}
	defer z.close()
	for in.content = len(in.zstd) - 1; in.content > 0; in.content-- {
		r := in.zstd[in.content]
		if r.err != nil {
			continue
		}
		d, err := z.open(io.NewSectionReader(file, r.from, r.to-r.from))
		if err != nil {
			continue
		}
		for {
			n, err := d.Read(z.piece)
			if !blank(z.piece[:n]) {
				return nil
			}
			if err != nil {
				break
			}
		}
	}
	in.content = max(in.content, 0)
	return nil
}

func (z *zstdReaders) close() {
	if z.stream != nil {
		z.stream.Close()
	}
	if z.whole != nil {
		z.whole.Close()
	}
}

// wholeRun inflates the frames of part k at once, where they are small and whole.
func (in *input) wholeRun(a *Archive, w *worker, k int) (b []byte, ok bool, err error) {
	r := &in.zstd[k]
	if r.err != nil || r.truncated || r.most > inMemory || r.to-r.from > inMemory {
		return nil, false, nil
	}
	h, err := a.handles.open(in)
	if err != nil {
		return nil, false, err
	}
	defer a.handles.release(h)
	if w.raw, err = span(h.file, w.raw, r.from, r.to); err != nil {
		return nil, false, nil // inflateRun says what is wrong
	}
	z := w.zstdReaders()
	if z.whole == nil {
		if z.whole, err = newZstd(nil); err != nil {
			return nil, false, err
		}
	}
	if int64(cap(w.plain)) < r.most {
		w.plain = make([]byte, 0, r.most)
	}
	w.plain, err = z.whole.DecodeAll(w.raw, w.plain[:0:r.most])
	if err != nil {
		return nil, false, nil
	}
	return w.plain, true, nil
}

// inflateRun hands what the frames of part k hold to feed; w may be nil.
func (in *input) inflateRun(ctx context.Context, a *Archive, w *worker, k int, feed func([]byte)) error {
	r := &in.zstd[k]
	if r.err != nil {
		return &Damage{Input: in.Path, Byte: r.from, Err: r.err}
	}
	if w == nil {
		w = &worker{}
		defer func() { w.zstd.close() }()
		w.zstdReaders()
	}
	if b, ok, err := in.wholeRun(a, w, k); err != nil {
		return err
	} else if ok {
		for len(b) > 0 {
			n := min(len(b), pieceBytes)
			if err := ctx.Err(); err != nil {
				return err
			}
			feed(b[:n])
			b = b[n:]
		}
		return nil
	}
	h, err := a.handles.open(in)
	if err != nil {
		return err
	}
	defer a.handles.release(h)
	z := w.zstdReaders()
	d, err := z.open(io.NewSectionReader(h.file, r.from, r.to-r.from))
	for err == nil {
		if err = ctx.Err(); err != nil {
			return err
		}
		var n int
		n, err = d.Read(z.piece)
		feed(z.piece[:n])
	}
	if errors.Is(err, io.EOF) {
		if !r.truncated {
			return nil
		}
		err = io.ErrUnexpectedEOF // cut within a skippable frame
	}
	return in.damage(r.from, err, r.truncated)
}

// damage says that an input cannot be read from a place on.
func (in *input) damage(at int64, err error, truncated bool) *Damage {
	if truncated {
		return &Damage{Input: in.Path, Byte: in.Bytes, Truncated: true, Err: err}
	}
	return &Damage{Input: in.Path, Byte: at, Err: err}
}
