package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
)

// errInterrupted is the error of reading when a signal has come.
var errInterrupted = errors.New("interrupted")

// stdin is standard input, the reading of which a signal ends: whoever waits for a
// line that does not come looks at no context. It is read by one goroutine at a time.
type stdin struct {
	ctx  context.Context
	file *os.File
	buf  []byte // what is read into: the caller may be gone when it comes
}

// stdinOf is a file as standard input. A regular one keeps nobody waiting.
func stdinOf(ctx context.Context, file *os.File) io.Reader {
	if info, err := file.Stat(); err != nil || info.Mode().IsRegular() {
		return file
	}
	return &stdin{ctx: ctx, file: file}
}

func (s *stdin) Read(b []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, errInterrupted
	}
	if cap(s.buf) < len(b) {
		s.buf = make([]byte, len(b))
	}
	type read struct {
		n   int
		err error
	}
	done := make(chan read, 1)
	go func(buf []byte) {
		n, err := s.file.Read(buf)
		done <- read{n, err}
	}(s.buf[:len(b)])
	select {
	case r := <-done:
		return copy(b, s.buf[:r.n]), r.err
	case <-s.ctx.Done():
		return 0, errInterrupted // the goroutine stays until the process ends
	}
}

// Stat tells which file it is.
func (s *stdin) Stat() (fs.FileInfo, error) { return s.file.Stat() }
