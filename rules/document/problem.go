package document

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Severity says whether a problem refuses the set or only wants to be read.
type Severity uint8

// The severities of a problem.
const (
	Error Severity = iota
	Warning
)

// String is the word that is printed.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Problem is one thing that is wrong in a file, with its place.
type Problem struct {
	File     string
	Line     int // from 1
	Column   int // in characters, from 1
	Severity Severity
	Message  string // one line, says what to do
	Excerpt  string // the part of the line around Column, safe to print
	Caret    int    // the column of Excerpt that Column is, from 1; 0: there is no excerpt
}

// Problems are printed in the order of the slice.
type Problems []Problem

// Errors is the number of problems that are errors.
func (ps Problems) Errors() int {
	n := 0
	for i := range ps {
		if ps[i].Severity == Error {
			n++
		}
	}
	return n
}

// Err is nil where ps holds no error; else an error whose text is the rendered
// problems.
func (ps Problems) Err() error {
	if ps.Errors() == 0 {
		return nil
	}
	return refusal{ps}
}

type refusal struct{ problems Problems }

func (r refusal) Error() string { return strings.TrimSuffix(r.problems.String(), "\n") }

// Summary counts: "2 errors, 1 warning"; empty where there is no problem.
func (ps Problems) Summary() string {
	errors := ps.Errors()
	var parts []string
	for _, c := range []struct {
		n    int
		word string
	}{{errors, "error"}, {len(ps) - errors, "warning"}} {
		switch c.n {
		case 0:
		case 1:
			parts = append(parts, "1 "+c.word)
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", c.n, c.word))
		}
	}
	return strings.Join(parts, ", ")
}

// String is what Print writes.
func (ps Problems) String() string {
	var b strings.Builder
	for i := range ps {
		ps[i].render(&b)
	}
	return b.String()
}

// Print writes the problems as text, three lines each:
//
//	registrations/netflix.yml:12:15: error: sunset has no zone: write 2015-07-01T00:00:00Z
//	   12 |       sunset: 2015-07-01
//	      |               ^
func (ps Problems) Print(w io.Writer) error {
	var b strings.Builder
	for i := range ps {
		b.Reset()
		ps[i].render(&b)
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// String is p as Print writes it.
func (p Problem) String() string {
	var b strings.Builder
	p.render(&b)
	return b.String()
}

func (p *Problem) render(b *strings.Builder) {
	fmt.Fprintf(b, "%s:%d:%d: %s: %s\n", p.File, p.Line, p.Column, p.Severity, p.Message)
	if p.Caret == 0 {
		return
	}
	gutter := fmt.Sprintf("%5d |", p.Line)
	b.WriteString(strings.TrimRight(gutter+" "+p.Excerpt, " \t"))
	b.WriteByte('\n')
	b.WriteString(strings.Repeat(" ", len(gutter)-1))
	b.WriteString("| ")
	n := 1
	for _, r := range p.Excerpt {
		if n == p.Caret {
			break
		}
		if r != '\t' { // a tab is as wide as the tab above it
			r = ' '
		}
		b.WriteRune(r)
		n++
	}
	b.WriteString(strings.Repeat(" ", p.Caret-n))
	b.WriteString("^\n")
}

// sorted orders the problems of one document by place, and lists each once: an
// alias leads to the same place again and again.
func (ps Problems) sorted() Problems {
	out := slices.Clone(ps)
	slices.SortStableFunc(out, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Severity, b.Severity), strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(out)
}
