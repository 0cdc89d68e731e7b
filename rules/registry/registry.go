// Package registry is what partners were allowed to do, when, and since when we
// knew: revisions compiled into an immutable Snapshot that answers "which terms
// covered this at event time T, as known at K?".
//
// The package refuses to open files, to read a clock, to log, and to guess: a
// set of files is taken whole or refused whole, with every problem and its
// place.
//
// Concurrency: a Snapshot is immutable and shared freely.
package registry

import (
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
)

// File is one file of a set.
type File struct {
	Name string
	Data []byte
}

// Options of Read.
type Options struct {
	// Now refuses revisions recorded after it; End: none is refused. (The zero
	// value is 1970.)
	Now access.Instant
}

// Read compiles the files as one set. Problems are listed in the order of the
// files and of their places in them; the Snapshot is nil where one of them is an
// error, and otherwise complete, warnings or not. A set without files is a
// Snapshot without registrations.
func Read(files []File, opts Options) (*Snapshot, document.Problems) {
	s := newSet(opts)
	documents := make([]*document.Document, len(files))
	for i, f := range files {
		documents[i] = document.Parse(f.Name, f.Data)
		s.read(documents[i])
	}
	s.check()
	var problems document.Problems
	for _, d := range documents {
		problems = append(problems, d.Problems()...)
	}
	if problems.Errors() > 0 {
		return nil, problems
	}
	return s.compile(), problems
}
