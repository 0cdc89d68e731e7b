package detector

import (
	"iter"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

// Facts is what the detector reads of the ledger.
type Facts interface {
	// Earliest is the earliest event time counted; access.End: none.
	Earliest() access.Instant
	// Latest is the latest event time counted; access.Beginning: none.
	Latest() access.Instant
	// TakeDirty empties and yields the pairs (principal, feature) whose facts
	// changed since the last call.
	TakeDirty() iter.Seq2[string, string]
	// Pairs are all pairs that hold facts.
	Pairs() iter.Seq2[string, string]
	// Features are those of which principal holds facts.
	Features(principal string) []string
	// Cells of a pair. Their cuts are those of the registry that the detector
	// judges by.
	Cells(principal, feature string) []*ledger.Cell
	// Before orders marks by time, source name, offset and index.
	Before(a, b ledger.Mark) bool
	// Judged says how far each source is judged, in any order.
	Judged() []ledger.Judged
	// SourceName is topic/partition, or a file's path.
	SourceName(id ledger.SourceID) string
}
