package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sunsetwatch/consumer/archive"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

// origin is where events come from: files, or ranges of a topic. Its parts may be
// read in any order, by any number of goroutines, each once.
type origin interface {
	inputs() []input
	parts() []archive.Part
	// read hands over the events of a part. What an earlier run was handed of it may
	// come again, or not. The counts are of all of the part, or beside an error of
	// what lies before next. The error is an *archive.Damage or a *gap where the input
	// is to blame. Without an error next is the offset that a live instance would read
	// on from, -1 where there is none.
	read(ctx context.Context, p archive.Part, before resumption, sink archive.Sink) (c archive.Counts, next int64, err error)
	close()
}

// input is what has a line in the summary.
type input struct {
	path   string
	bytes  int64 // -1: not known before it was read
	format string
	file   string // whose bytes these are, as long as they can be read again; empty: none
	source ledger.Source
	// mark tells it from another of the same path, where it can be resumed.
	mark string
	// window recognises repeated events as a live instance does.
	window bool
	// note is something that a person should know.
	note string
}

// resumption is how far a part was read before it was interrupted.
type resumption struct {
	Any   bool            `json:"any,omitempty"`
	After access.Position `json:"after,omitzero"` // the last event that was handed over
	// What origin.read returned.
	Counts archive.Counts `json:"counts,omitzero"`
	Next   int64          `json:"next,omitempty"`
}

// openOrigins opens all inputs. The workers are those that will read.
func openOrigins(ctx context.Context, s *Source, q *Question, now access.Instant, workers int, saved *checkpoint, tell *teller) ([]origin, error) {
	var paths []string
	var all []origin
	var failed []error
	for _, in := range s.Inputs {
		if !strings.HasPrefix(in, kafkaScheme) {
			paths = append(paths, in)
			continue
		}
		o, err := openRange(ctx, in, s, q, saved, tell)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		for _, other := range all {
			if err := overlap(other.(*topicRange), o); err != nil {
				failed = append(failed, err)
			}
		}
		all = append(all, o)
	}
	if len(paths) > 0 || len(s.Inputs) == 0 {
		a, err := archive.Open(ctx, archive.Options{
			Inputs: paths, Stdin: s.Stdin, Format: s.Format, Mapping: s.Codec, Workers: workers,
			From: q.From, To: q.until(), Now: now, IDs: s.Dedupe,
		})
		if err != nil {
			failed = append(failed, err)
		} else {
			all = append(all, &files{a})
		}
	}
	if err := errors.Join(failed...); err != nil {
		closeAll(all)
		if ctx.Err() != nil {
			return nil, &Interrupted{Reason: "nothing was read yet"}
		}
		return nil, &BadInput{err}
	}
	return all, nil
}

// overlap is the error of two ranges that hold the same records. A topic is told by
// its name: so are the sources of events.
func overlap(a, b *topicRange) error {
	if a.topic != b.topic {
		return nil
	}
	for _, p := range a.partitions {
		for _, q := range b.partitions {
			if from, to := max(p.From, q.From), min(p.To, q.To); p.Partition == q.Partition && from < to {
				return fmt.Errorf("%s and %s: offsets %d to %d of %s/%d are in both: their events would be counted twice",
					a.address, b.address, from, to-1, a.topic, p.Partition)
			}
		}
	}
	return nil
}

func closeAll(all []origin) {
	for _, o := range all {
		o.close()
	}
}

// files are the inputs that are no ranges of topics.
type files struct{ *archive.Archive }

func (f *files) inputs() []input {
	var all []input
	for _, in := range f.Inputs() {
		i := input{path: in.Path, bytes: in.Bytes, format: in.Format, source: ledger.Source{Name: in.Path}}
		if info, err := os.Stat(in.Path); err == nil && info.Mode().IsRegular() && in.Path != "-" {
			i.file = in.Path
			i.mark = fmt.Sprintf("%d bytes, changed at %s", info.Size(), access.At(info.ModTime()))
		}
		if len(in.Absent) > 0 {
			i.note = fmt.Sprintf("%s has no column for %s", in.Path, strings.Join(in.Absent, ", "))
		}
		all = append(all, i)
	}
	return all
}

// passedOver says what in directories is not read.
func (f *files) passedOver() []string {
	var all, others []string
	for _, path := range f.Skipped() {
		if !strings.ContainsAny(filepath.Base(path)[:1], "._") && isDirLink(path) {
			all = append(all, path+" is a link to a directory, and was passed over: what is in it is read where it is an input of its own")
			continue
		}
		others = append(others, path)
	}
	switch len(others) {
	case 0:
	case 1:
		all = append(all, others[0]+" was passed over: its name begins with a dot or an underscore, or it is no file")
	default:
		all = append(all, fmt.Sprintf("%s and %s more were passed over: their names begin with a dot or an underscore, or they are no files",
			others[0], grouped(uint64(len(others)-1))))
	}
	return all
}

func isDirLink(path string) bool {
	link, err := os.Lstat(path)
	if err != nil || link.Mode()&os.ModeSymlink == 0 {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func (f *files) parts() []archive.Part { return f.Parts() }

func (f *files) read(ctx context.Context, p archive.Part, _ resumption, sink archive.Sink) (archive.Counts, int64, error) {
	c, err := f.Read(ctx, p, sink)
	return c, -1, err
}

func (f *files) close() { f.Close() }

// job is a part with what became of it.
type job struct {
	origin origin
	part   archive.Part
	input  int // in the inputs of the run
	jobState
	// kept is the state as of what its worker handed over last, with the window of its
	// input; nil: of nothing.
	kept   *jobState
	window []byte
}

// jobState is what is kept of a job between two runs.
type jobState struct {
	Done      bool           `json:"done,omitempty"`
	Resume    resumption     `json:"resume,omitzero"` // of a job that is not done
	Counts    archive.Counts `json:"counts,omitzero"`
	Duplicate uint64         `json:"duplicate,omitempty"`
	Rejected  []rejected     `json:"rejected,omitempty"`
	Damage    string         `json:"damage,omitempty"`
}

// jobsOf are the parts of all origins, in the order of the sources that they are
// of, and of their places there: the order in which repeated events count.
func jobsOf(all []origin) ([]input, []*job) {
	var inputs []input
	var jobs []*job
	for _, o := range all {
		first := len(inputs)
		inputs = append(inputs, o.inputs()...)
		for _, p := range o.parts() {
			jobs = append(jobs, &job{origin: o, part: p, input: first + p.Input})
		}
	}
	slices.SortStableFunc(jobs, func(a, b *job) int {
		return cmp.Or(cmp.Compare(inputs[a.input].source.Name, inputs[b.input].source.Name), cmp.Compare(a.part.Index, b.part.Index))
	})
	return inputs, jobs
}
