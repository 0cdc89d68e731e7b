// Package archive gives the same events from files as the consumer gives from
// Kafka.
//
// Open resolves files, directories, globs and standard input to Inputs, tells
// each one's format by its content, and cuts them into Parts: what one goroutine
// reads at a time. Read hands the events of one part to a Sink, each with its
// position: the number of its line or row, from 1. Which parts there are, and
// what each of them gives, depends on the content of the files alone, never on
// how many goroutines read, or in which order.
//
// Lines are decoded by consumer/codec, exactly as the values of Kafka records.
// Rows of Parquet pass the same rules, once for each combination of the values
// that repeat (a Shape), so that a field map costs nothing per row. Columns that
// nobody asks for are not read: what is wrong in them is not seen.
//
// The package refuses to know Kafka, registrations and verdicts. It has no clock,
// opens no socket, and never writes. Memory depends on the number of goroutines,
// not on the size of the inputs: a line is at most 1 MiB, what a file declares
// about itself is checked before anything is allocated for it.
//
// Concurrency: an Archive is used by any number of goroutines. Each part is read
// once. A Sink belongs to the goroutine that called Read.
package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/access"
)

// Options say what to read, and how.
type Options struct {
	Inputs  []string  // files, directories, globs, or - for Stdin
	Stdin   io.Reader // read for -
	Format  Format    // Any: by content
	Mapping *codec.Compiled

	// Workers is how many goroutines will call Read at a time, at least 1. It
	// changes speed and memory, and nothing else.
	Workers int
	// From and To bound the event time of what is handed over, half-open; what
	// lies outside is counted. Where both are zero, both ends are open; else an
	// open end is access.Beginning or access.End.
	From, To access.Instant
	// Now is the start of the run: events after it are rejected as future. The
	// zero value rejects none.
	Now access.Instant

	// People says whether subjects and grantors can be needed of accesses
	// between two instants, both included; nil: always. It is asked about pieces
	// of Parquet files, for which an answer of false spares reading them; the
	// events of such a piece then have neither. It is called from any goroutine.
	People func(first, last access.Instant) bool
	// IDs says that event ids are needed; without it, those of Parquet files are
	// not read.
	IDs bool

	// Chunk is about how many bytes of JSONL one part has; 0: a size that fits
	// the file.
	Chunk int64
}

// Format is how events are written down.
type Format uint8

// The formats.
const (
	Any Format = iota
	JSONL
	Parquet
)

// ParseFormat is the value of --format.
func ParseFormat(word string) (Format, error) {
	switch word {
	case "":
		return Any, nil
	case "jsonl":
		return JSONL, nil
	case "parquet":
		return Parquet, nil
	}
	return Any, fmt.Errorf("unknown format %q%s; known are jsonl and parquet", word,
		codec.Suggest(word, []string{"jsonl", "parquet"}))
}

// Input is one file, or one stream.
type Input struct {
	Path   string // as given, or joined to the directory that was given: the source of its events
	Bytes  int64  // -1: not known before it was read
	Format string // jsonl, jsonl.gz, jsonl.zst or parquet
	Rows   int64  // of Parquet; else -1
	// Absent names the fields of the field map that a Parquet file has no column
	// for: their events are read as if the field were not there.
	Absent []string
}

// Part is a piece of an input that one goroutine reads. Parts of one input follow
// each other in the file.
type Part struct {
	Input int   // index in Inputs
	Index int   // among the parts of the input
	First int64 // byte at which it begins; of Parquet, the row before its first
	Bytes int64 // that it takes in the file; -1: not known
}

// Counts are what became of the events of a part.
//
//	Events = Added + OutOfRange + sum(Rejected)
type Counts struct {
	Records    uint64 // lines or rows, blank lines at the end of an input left out
	Events     uint64 // read from them
	Added      uint64 // handed to the sink
	OutOfRange uint64 // outside From and To
	Rejected   [access.Reasons]uint64
	Bytes      int64 // of the file
}

// Add adds the counts of another part.
func (c *Counts) Add(o *Counts) {
	c.Records += o.Records
	c.Events += o.Events
	c.Added += o.Added
	c.OutOfRange += o.OutOfRange
	c.Bytes += o.Bytes
	for i, n := range o.Rejected {
		c.Rejected[i] += n
	}
}

// Sink takes the events of a part, in the order of the file. What it is given is
// borrowed until it returns.
type Sink interface {
	Add(ev *access.Event, at access.Position)
	Reject(rej *codec.Rejection, at access.Position)
}

// Damage is the error of an input that cannot be read to its end. What lies
// before the damage was handed over; of the rest of this input nothing is, but for
// the row groups of Parquet, which are whole or not by themselves. Each part that it
// touches returns it.
type Damage struct {
	Input     string
	Byte      int64 // at or after which the damage lies; of a truncated file, its end
	Truncated bool
	RowGroup  bool // Byte is where a row group begins, of which alone the rest is missing
	Err       error
}

func (d *Damage) Error() string {
	switch {
	case d.Truncated:
		return fmt.Sprintf("%s is cut off at byte %d: the rest is missing (%v)", d.Input, d.Byte, d.Err)
	case d.RowGroup:
		return fmt.Sprintf("%s is damaged in the row group at byte %d: the rest of that row group was not read (%v)", d.Input, d.Byte, d.Err)
	}
	return fmt.Sprintf("%s is damaged at or after byte %d: the rest of it was not read (%v)", d.Input, d.Byte, d.Err)
}

func (d *Damage) Unwrap() error { return d.Err }

// Archive is a set of inputs, opened.
type Archive struct {
	options Options
	inputs  []*input
	parts   []Part
	skipped []string

	handles handles
	idle    sync.Pool // of *worker
	limits  limits
}

// worker is what a goroutine needs to read, kept for the next part.
type worker struct {
	lines lines
	raw   []byte // of a file
	plain []byte // the same inflated
	zstd  *zstdReaders
	table *table
}

// Open resolves the inputs and looks at the beginning and, where the format has
// it, at the table of contents of each. It reads no events. The error joins the
// problems found, of very many inputs the first.
func Open(ctx context.Context, o Options) (*Archive, error) {
	if o.Mapping == nil {
		return nil, errors.New("archive: no field map")
	}
	o.Workers = max(o.Workers, 1)
	if o.From == 0 && o.To == 0 {
		o.From, o.To = access.Beginning, access.End
	}
	if o.Now == 0 {
		o.Now = access.End
	}
	a := &Archive{options: o, handles: handles{keep: min(2*o.Workers, mostOpen)}, limits: usualLimits()}
	a.idle.New = func() any { return a.newWorker() }

	found, skipped, err := resolve(o.Inputs, o.Stdin)
	a.skipped = skipped
	var problems []error
	for _, f := range found {
		if err := ctx.Err(); err != nil {
			a.Close()
			return nil, err
		}
		if f.stream() && err != nil {
			continue // its beginning may keep us waiting
		}
		in, err := a.open(ctx, f)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		a.inputs = append(a.inputs, in)
		for i := range in.parts {
			part := in.parts[i]
			part.Input, part.Index = len(a.inputs)-1, i
			a.parts = append(a.parts, part)
		}
	}
	if err := errors.Join(err, few(problems)); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// few are the first of many problems, and how many more there are.
func few(problems []error) error {
	if more := len(problems) - mostProblems; more > 0 {
		problems = append(problems[:mostProblems:mostProblems], fmt.Errorf("and %d more like these", more))
	}
	return errors.Join(problems...)
}

// Limits of Open.
const (
	mostOpen     = 128 // files that nobody reads at the moment
	mostProblems = 20  // that are told
)

// Close closes what is open. No part is being read any more.
func (a *Archive) Close() { a.handles.close() }

// Inputs are the inputs, in the order in which they were given, those of a
// directory or a glob sorted.
func (a *Archive) Inputs() []Input {
	all := make([]Input, len(a.inputs))
	for i, in := range a.inputs {
		all[i] = in.Input
	}
	return all
}

// Skipped are the paths in directories that were passed over: hidden ones (their
// names begin with a dot or an underscore), and what is no file.
func (a *Archive) Skipped() []string { return slices.Clone(a.skipped) }

// Parts are the pieces to read. Each is read once, by any goroutine, in any
// order; reading them in this order waits the least.
func (a *Archive) Parts() []Part { return slices.Clone(a.parts) }

// Read hands the events of a part to the sink. The counts are right also beside
// an error, which is a *Damage where the input is to blame, or that of the
// context.
//
// A part whose predecessors nobody reads (because an earlier run did) costs one
// pass over them, to count their lines.
func (a *Archive) Read(ctx context.Context, p Part, sink Sink) (Counts, error) {
	w := a.idle.Get().(*worker)
	defer a.idle.Put(w)
	in := a.inputs[p.Input]
	var c Counts
	w.lines.begin(sink, &c)
	defer w.lines.end()
	err := in.read(ctx, a, w, p.Index, sink, &c)
	var damage *Damage
	if err != nil && !errors.As(err, &damage) && ctx.Err() == nil {
		err = fmt.Errorf("reading %s: %w", in.Path, err)
	}
	return c, err
}

func (a *Archive) newWorker() *worker {
	w := &worker{}
	w.lines.decoder = a.options.Mapping.NewDecoder()
	w.lines.decoder.Until(a.options.Now)
	w.lines.record.Timestamp = access.End
	w.lines.from, w.lines.to = a.options.From, a.options.To
	return w
}
