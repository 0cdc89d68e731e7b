package archive

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/gzip"
)

// stream is an input that can only be read from its beginning to its end.
type stream struct {
	in     *bufio.Reader
	file   *os.File // to close; nil: standard input
	passed counter
}

// counter counts and hashes what is read.
type counter struct {
	r    io.Reader
	n    int64
	hash hash.Hash // nil: it is not hashed
	err  error     // of r, but for io.EOF
	done bool      // r was read to its end
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	if c.hash != nil {
		c.hash.Write(b[:n])
	}
	switch {
	case errors.Is(err, io.EOF):
		c.done = true
	case err != nil:
		c.err = err
	}
	return n, err
}

// openPipe opens a pipe, which takes until somebody opens it for writing. When the
// context ends before, one goroutine stays behind and waits for that.
func openPipe(ctx context.Context, path string) (*os.File, error) {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened)
	go func() {
		file, err := os.Open(path)
		select {
		case done <- opened{file, err}:
		case <-ctx.Done():
			file.Close() // which does nothing where there is none
		}
	}()
	select {
	case o := <-done:
		return o.file, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// until makes the end of the context end reading, which may wait for a writer.
// Standard input is its caller's.
func (s *stream) until(ctx context.Context) (stop func() bool) {
	if s.file == nil {
		return func() bool { return false }
	}
	// A file that knows no deadline keeps nobody waiting.
	return context.AfterFunc(ctx, func() { _ = s.file.SetReadDeadline(time.Unix(1, 0)) })
}

// openStream looks at the beginning of a stream.
func (a *Archive) openStream(ctx context.Context, in *input, f *found) error {
	s := &stream{passed: counter{r: f.in, hash: sha256.New()}}
	if f.in == nil {
		file, err := openPipe(ctx, f.path)
		if err != nil {
			return err
		}
		s.file, s.passed.r = file, file
		a.handles.also(file)
	}
	s.in = bufio.NewReaderSize(&s.passed, 64<<10)
	stop := s.until(ctx)
	first, err := s.in.Peek(sniffed)
	stop()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	e, err := sniff(first, a.options.Format)
	if err == nil && e == columns {
		err = errors.New("it is Parquet, which is read from its end, which a stream does not allow: give the path of a file")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	in.stream, in.encoding, in.Format = s, e, encodingWords[e]
	in.parts = []Part{{Bytes: -1}}
	in.joints = make([]joint, 1)
	return nil
}

func (in *input) readStream(ctx context.Context, w *worker, c *Counts) error {
	defer in.stream.until(ctx)()
	err := in.readThrough(ctx, w, in.stream.in, &in.stream.passed, in.stream.in.Buffered)
	c.Bytes = in.stream.passed.n
	in.mu.Lock()
	in.Bytes = in.stream.passed.n
	in.mu.Unlock()
	return err
}

func (in *input) readGzip(ctx context.Context, a *Archive, w *worker, c *Counts) error {
	h, err := a.handles.open(in)
	if err != nil {
		return err
	}
	defer a.handles.release(h)
	passed := &counter{r: io.NewSectionReader(h.file, 0, in.Bytes)}
	r := bufio.NewReaderSize(passed, 64<<10)
	err = in.readThrough(ctx, w, r, passed, r.Buffered)
	c.Bytes = passed.n
	return err
}

// readThrough hands over all lines of r.
func (in *input) readThrough(ctx context.Context, w *worker, r *bufio.Reader, passed *counter, buffered func() int) error {
	z := w.zstdReaders() // also for its buffer
	var from io.Reader = r
	var err error
	switch in.encoding {
	case gzipped:
		var g *gzip.Reader
		if g, err = gzip.NewReader(r); err == nil {
			defer g.Close()
			from = g
		}
	case zstded:
		from, err = z.open(r)
	}
	for err == nil {
		if err = ctx.Err(); err != nil {
			return err
		}
		var n int
		n, err = from.Read(z.piece)
		w.lines.feed(z.piece[:n])
	}
	switch {
	case passed.err != nil && ctx.Err() != nil:
		return ctx.Err()
	case passed.err != nil:
		return &Damage{Input: in.Path, Byte: passed.n, Err: passed.err}
	case errors.Is(err, io.EOF):
		w.lines.finish()
		return nil
	}
	return &Damage{Input: in.Path, Byte: passed.n - int64(buffered()),
		Truncated: passed.done && errors.Is(err, io.ErrUnexpectedEOF), Err: err}
}

// SHA256 is the hash of the bytes of input i. Of a file it reads all; of a stream
// it is known once the stream was read to its end.
func (a *Archive) SHA256(ctx context.Context, i int) (sum [sha256.Size]byte, err error) {
	in := a.inputs[i]
	if s := in.stream; s != nil {
		if !s.passed.done {
			return sum, fmt.Errorf("%s was not read to its end", in.Path)
		}
		s.passed.hash.Sum(sum[:0])
		return sum, nil
	}
	h, err := a.handles.open(in)
	if err != nil {
		return sum, err
	}
	defer a.handles.release(h)
	hash, buf := sha256.New(), make([]byte, pieceBytes)
	for r := io.NewSectionReader(h.file, 0, in.Bytes); ; {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		n, err := r.Read(buf)
		hash.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return sum, fmt.Errorf("reading %s: %w", in.Path, err)
		}
	}
	hash.Sum(sum[:0])
	return sum, nil
}
