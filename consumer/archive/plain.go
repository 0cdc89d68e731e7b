package archive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
)

// Sizes in which plain text is read.
const (
	pieceBytes = 256 << 10 // fits the cache of a core
	leastChunk = 1 << 20
	mostChunk  = 8 << 20
	mostParts  = 16 << 10 // of a file, before chunks grow
)

// cutPlain cuts plain text into parts of about one size.
func (a *Archive) cutPlain(in *input, file *os.File) error {
	size := in.Bytes
	end, err := contentEnd(file, size)
	if err != nil {
		return err
	}
	in.end = end
	chunk := a.options.Chunk
	if chunk <= 0 {
		chunk = min(max(leastChunk, size/mostParts), mostChunk)
	}
	for at := int64(0); at == 0 || at < end; at += chunk {
		in.parts = append(in.parts, Part{First: at, Bytes: chunk})
	}
	last := &in.parts[len(in.parts)-1]
	last.Bytes = size - last.First
	in.content = len(in.parts) - 1
	return nil
}

// contentEnd is the place behind the last byte that is not blank.
func contentEnd(r io.ReaderAt, size int64) (int64, error) {
	var buf []byte
	for end := size; end > 0; {
		from := max(end-pieceBytes, 0)
		var err error
		if buf, err = span(r, buf, from, end); err != nil {
			return 0, err
		}
		if content := bytes.TrimRight(buf, " \t\r\n"); len(content) > 0 {
			return from + int64(len(content)), nil
		}
		end = from
	}
	return 0, nil
}

// readPlain hands the bytes of part k to feed.
func (in *input) readPlain(ctx context.Context, a *Archive, w *worker, k int, feed func([]byte)) error {
	h, err := a.handles.open(in)
	if err != nil {
		return err
	}
	defer a.handles.release(h)
	if w == nil {
		w = &worker{}
	}
	p := in.parts[k]
	end := min(p.First+p.Bytes, in.end)
	for at := p.First; at < end; {
		if err := ctx.Err(); err != nil {
			return err
		}
		next := min(at+pieceBytes, end)
		w.raw, err = span(h.file, w.raw, at, next)
		feed(w.raw)
		if err != nil {
			return &Damage{Input: in.Path, Byte: at + int64(len(w.raw)), Truncated: errors.Is(err, io.ErrUnexpectedEOF), Err: err}
		}
		at = next
	}
	return nil
}
