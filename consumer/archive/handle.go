package archive

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// input is an Input with what is needed to read it.
type input struct {
	Input
	encoding encoding
	info     fs.FileInfo // as it was opened first; nil: standard input that is no file
	parts    []Part

	stream *stream // nil: a file
	end    int64   // of plain text: behind its last byte that is not blank
	zstd   []run   // of frames, by part
	// content is the last part with anything but blanks in it: blank lines at the
	// end of an input are none of its lines.
	content int
	groups  []group // of rows, by part
	binding *binding

	mu     sync.Mutex
	joints []joint
	joined int           // the joints before this one are known
	moved  chan struct{} // closed when something changes; nil: nobody waits
}

// handle is an open file, shared by those who read it.
type handle struct {
	in   *input
	file *os.File
	meta *footer // of Parquet, where it was read
	used int
}

// handles keeps few files open.
type handles struct {
	keep  int
	mu    sync.Mutex
	files []*handle // oldest first
	pipes []*os.File
}

// also closes a file at the end.
func (hs *handles) also(file *os.File) { hs.pipes = append(hs.pipes, file) }

// open gives the file of an input, which is still what it was.
func (hs *handles) open(in *input) (*handle, error) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	for _, h := range hs.files {
		if h.in == in {
			h.used++
			return h, nil
		}
	}
	for i := 0; i < len(hs.files) && len(hs.files) >= hs.keep; {
		if hs.files[i].used > 0 {
			i++
			continue
		}
		hs.files[i].file.Close() // it was only read
		hs.files = append(hs.files[:i], hs.files[i+1:]...)
	}
	file, err := os.Open(in.Path)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !os.SameFile(info, in.info) || info.Size() < in.info.Size() {
		file.Close()
		if err == nil {
			err = fmt.Errorf("%s was replaced or cut since it was opened", in.Path)
		}
		return nil, err
	}
	h := &handle{in: in, file: file, used: 1}
	hs.files = append(hs.files, h)
	return h, nil
}

func (hs *handles) release(h *handle) {
	hs.mu.Lock()
	h.used--
	hs.mu.Unlock()
}

func (hs *handles) close() {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	for _, h := range hs.files {
		h.file.Close()
	}
	for _, f := range hs.pipes {
		f.Close()
	}
	hs.files, hs.pipes = nil, nil
}

// span reads [from, to) of a file, of which all must be there.
func span(r io.ReaderAt, buf []byte, from, to int64) ([]byte, error) {
	n := int(to - from)
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	got, err := r.ReadAt(buf, from)
	if got == n {
		return buf, nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return buf[:got], err
}
