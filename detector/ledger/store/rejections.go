package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sunsetwatch/rules/access"
)

// Names and default limits of the file of rejections.
const (
	rejectionsName = "rejected.ndjson"
	rejectionsOld  = "rejected.1.ndjson"

	defaultRejectionsBytes  = 5 << 20
	defaultRejectionsSecond = 100

	rejectionsBuffer = 64 << 10
	maxDetailBytes   = 512
)

// Rejection is where one event was rejected, and why. It holds nothing of what
// is in the event.
type Rejection struct {
	Topic     string
	Partition int32
	access.Position
	Reason access.Reason
	Field  string // native name of the field; empty when the whole value is meant
	Byte   int    // place in the record's value, from 0; -1 where there is none
	Detail string // one sentence, without content of the event
}

// RejectionsOptions are the limits of a Rejections. Zero values are defaults.
type RejectionsOptions struct {
	MaxBytes  int64 // of each of the two files; default 5 MiB
	PerSecond int   // lines in one second of the times given to Add; default 100
}

// Rejections keeps the latest rejections as lines of JSON in two bounded
// files, rejected.ndjson and, older, rejected.1.ndjson. A flood is cut at a
// number of lines a second, and a line says how many were left out. It is a
// help for people and never in the way: Add cannot fail and a broken disk
// costs lines, which are counted. Methods may be called from several
// goroutines.
type Rejections struct {
	dir string
	o   RejectionsOptions

	mu      sync.Mutex
	file    *os.File // nil: it could not be opened again; tried at the next write
	closed  bool
	size    int64
	buffer  []byte
	lines   uint64 // in buffer
	second  int64
	written int // lines of that second
	pending uint64
	since   time.Time
	leftOut uint64
	err     error // of writing, since the last Flush
}

// OpenRejections opens or makes the files in dir, which must exist.
func OpenRejections(dir string, o RejectionsOptions) (*Rejections, error) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultRejectionsBytes
	}
	if o.PerSecond <= 0 {
		o.PerSecond = defaultRejectionsSecond
	}
	r := &Rejections{dir: dir, o: o}
	if err := r.open(); err != nil {
		return nil, fmt.Errorf("file of rejected events: %w: make the state directory writable for this user", err)
	}
	return r, nil
}

// open opens the file at its end, after a whole line.
func (r *Rejections) open() error {
	f, err := os.OpenFile(filepath.Join(r.dir, rejectionsName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	r.file, r.size = f, size
	var last [1]byte
	if size > 0 {
		if _, err := f.ReadAt(last[:], size-1); err != nil {
			return errors.Join(err, f.Close())
		}
		if last[0] != '\n' { // a kill cut the last line off
			r.buffer = append(r.buffer, '\n')
		}
	}
	return nil
}

// rejectedLine is a line of the file.
type rejectedLine struct {
	Time      string `json:"time"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Index     int32  `json:"index"`
	Reason    string `json:"reason"`
	Field     string `json:"field,omitempty"`
	Byte      *int   `json:"byte,omitempty"`
	Detail    string `json:"detail,omitempty"`
}

// leftOutLine stands for rejections without a line of their own.
type leftOutLine struct {
	Time    string `json:"time"`
	LeftOut uint64 `json:"left_out"`
	Since   string `json:"since"`
}

// Add notes x at the time now. The line reaches the disk with the next Flush,
// or when enough have gathered.
func (r *Rejections) Add(now time.Time, x Rejection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		r.leftOut++
		return
	}
	if second := now.Unix(); second != r.second {
		r.second, r.written = second, 0
	}
	if r.written >= r.o.PerSecond {
		if r.pending == 0 {
			r.since = now
		}
		r.pending++
		r.leftOut++
		return
	}
	r.noteLeftOut(now)
	r.written++
	r.note(now, x)
}

func (r *Rejections) note(now time.Time, x Rejection) {
	l := rejectedLine{
		Time: stamp(now), Topic: x.Topic, Partition: x.Partition, Offset: x.Offset, Index: x.Index,
		Reason: x.Reason.String(), Field: x.Field, Detail: x.Detail[:min(len(x.Detail), maxDetailBytes)],
	}
	if x.Byte >= 0 {
		l.Byte = &x.Byte
	}
	r.line(l)
}

// noteLeftOut adds the line about what was left out so far.
func (r *Rejections) noteLeftOut(now time.Time) {
	if r.pending > 0 {
		r.line(leftOutLine{Time: stamp(now), LeftOut: r.pending, Since: stamp(r.since)})
		r.pending = 0
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func (r *Rejections) line(l any) {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // plain structs of strings and numbers
	}
	if len(r.buffer)+len(text)+1 > rejectionsBuffer || r.size+int64(len(r.buffer)+len(text)+1) > r.o.MaxBytes {
		r.write()
	}
	r.buffer = append(append(r.buffer, text...), '\n')
	r.lines++
}

// write writes the buffer out, into a new file where the old one is full. What
// cannot be written is dropped: an old rejection is not worth memory.
func (r *Rejections) write() {
	if r.lines == 0 {
		return
	}
	err := r.rotate()
	if err == nil {
		var n int
		n, err = r.file.WriteAt(r.buffer, r.size)
		if err == nil {
			r.size += int64(n)
		} else {
			_ = r.file.Truncate(r.size) // not a torn line, if it can be had
		}
	}
	if err != nil {
		r.leftOut += r.lines
		r.err = err
	}
	r.buffer, r.lines = r.buffer[:0], 0
}

func (r *Rejections) rotate() error {
	if r.file != nil && (r.size == 0 || r.size+int64(len(r.buffer)) <= r.o.MaxBytes) {
		return nil
	}
	if r.file != nil {
		err := os.Rename(filepath.Join(r.dir, rejectionsName), filepath.Join(r.dir, rejectionsOld))
		if err != nil {
			return err
		}
		_ = r.file.Close() // what was written to it is not synced either
		r.file = nil
	}
	kept := r.buffer
	err := r.open()
	r.buffer = kept
	if err != nil {
		r.file = nil
	}
	return err
}

// Flush hands the lines so far to the operating system. The error is that of
// the latest write that failed since the Flush before; the lines of it are
// left out, and the next ones are tried again.
func (r *Rejections) Flush(now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.flush(now)
}

func (r *Rejections) flush(now time.Time) error {
	if r.closed {
		return nil
	}
	r.noteLeftOut(now)
	r.write()
	err := r.err
	r.err = nil
	if err != nil {
		return fmt.Errorf("rejected events are counted but not listed in %s: %w", filepath.Join(r.dir, rejectionsName), err)
	}
	return nil
}

// LeftOut is the number of rejections that have no line, since the start.
func (r *Rejections) LeftOut() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.leftOut
}

// Close flushes and closes the file. What is added later is left out.
func (r *Rejections) Close(now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.flush(now)
	if r.file != nil {
		err = errors.Join(err, r.file.Close())
		r.file = nil
	}
	r.closed = true
	return err
}
