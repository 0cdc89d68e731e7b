package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"sunsetwatch/cmd/internal/timeline"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Facts is what is read of the ledger.
type Facts interface {
	timeline.Facts
	Cells(principal, feature string) []*ledger.Cell
}

// Data is what a report tells. The same Data gives the same page.
type Data struct {
	// The question.
	Registrations  []File // registration files and folders as they were named
	Rules          []File
	RegistrySHA256 string
	Inputs         []Input
	From, To       access.Instant // event-time range asked for; Beginning, End: open
	KnownAt        access.Instant // End: as is known now
	AsThen         bool
	Version        string // of the program; may be empty

	// The answer.
	Registry *registry.Snapshot // as it was known
	Findings []*rules.Finding   // in the order of rules.Compare; withdrawn ones are told apart
	Facts    Facts              // pictures want days, see ledger.PiecesOptions.Daily
	Now      access.Instant     // time of judgement; Beginning: no event was counted, so that nothing is judged

	// How complete it is: Read = Counted + Duplicate + sum of Rejected + OutOfRange.
	Read, Counted, Duplicate, OutOfRange uint64
	Rejected                             []Rejected
	First, Last                          access.Instant // of the events counted; no meaning where there is none
	Lacks                                []string       // why it is not complete; none: it is
	Notes                                []string       // what else a reader is to know
}

// File is a file that was judged by.
type File struct {
	Path   string
	SHA256 string // in hex; empty: not known
}

// Input is a file or range of a topic that events were read from.
type Input struct {
	Path   string
	SHA256 string // in hex; empty: not known
	Bytes  int64
	Events uint64
}

// Rejected is how many events were rejected for a reason.
type Rejected struct {
	Reason string
	Events uint64
	Places []string // of the first few
}

//go:embed page.html
var pageSource string

//go:embed page.css
var style string

// Write writes the page.
func Write(w io.Writer, d Data) error {
	page, err := template.New("page").Funcs(template.FuncMap{
		"n":      number,
		"moment": moment,
		"exact":  exact,
		"text":   text,
		"plural": plural,
	}).Parse(pageSource)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return page.Execute(w, pageOf(&d))
}
