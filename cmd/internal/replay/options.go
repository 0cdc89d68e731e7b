package replay

import (
	"io"
	"time"

	"sunsetwatch/consumer/archive"
	"sunsetwatch/consumer/codec"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/detector/ledger/table"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Source is what events are read from, and how.
type Source struct {
	Inputs []string // files, directories, globs, - or kafka:// addresses
	Stdin  io.Reader
	Format archive.Format
	Codec  *codec.Compiled
	// Dedupe counts equal events once over all inputs. Without it, ranges of Kafka
	// topics have the window of a live instance, unless KeepRepeats is set.
	Dedupe      bool
	KeepRepeats bool
	Workers     int           // 0: the number of CPUs
	Patience    time.Duration // how long brokers may take to answer; 0: 30 s
	Key         ledger.Key
	// KeyID is the ID that ledgers among the inputs must have; empty: any, but the
	// same one.
	KeyID string
}

// Set is what events are judged by.
type Set struct {
	Registry *registry.Snapshot
	Rules    *rules.RuleSet // nil: all defaults
}

// Question is what is asked of the events.
type Question struct {
	From, To access.Instant // event-time range, half-open
	KnownAt  access.Instant // only what was recorded by then, and only events before then; End: everything
	AsThen   bool
}

// Everything asks about all events, as is known now.
func Everything() Question {
	return Question{From: access.Beginning, To: access.End, KnownAt: access.End}
}

// until is before when events count.
func (q *Question) until() access.Instant { return min(q.To, q.KnownAt) }

// now is the time of judgement, of the latest event time counted.
func (q *Question) now(latest access.Instant) access.Instant {
	if until := q.until(); until != access.End {
		return until
	}
	return latest
}

// Options of Run.
type Options struct {
	Source
	Set
	Question
	Out    string // directory of the output; empty: none
	Ledger string // directory for the facts; empty: they are not kept
	Facts  table.Header
	Resume bool
	Keep   time.Duration // how often what was counted is kept for a run that is killed; 0: every 30 s
	// MaxRejected is the part of the events that may be rejected.
	MaxRejected float64
	// Name is what else tells this run from another, so that it is not resumed as
	// one: a value for each flag that is not in the other fields.
	Name map[string]string
	// Also is what is written beside findings and summary, into a directory that is
	// moved to its place when all of it is whole.
	Also []func(dir string, r *Result) error
	// Room says what in Out stands in the way of what Also writes, before anything is
	// read; nil: nothing can.
	Room func(dir string) error

	Progress Progress
	Clock    func() time.Time // required

	Tick func() // told of each event counted or rejected, for tests that interrupt; nil: nobody
}

// Progress is told to a person.
type Progress struct {
	To       io.Writer // nil: nobody
	Terminal bool      // draws a bar, else a line every 10 s
}
