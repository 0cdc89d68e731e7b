package ledger

import (
	"iter"

	"sunsetwatch/rules/access"
)

// Attributes are the small attributes of a cell.
type Attributes struct {
	Operation access.Operation
	Direction access.Direction
	Outcome   access.Outcome
	Relation  access.Relation
	Consent   access.Consent
	Indicator access.Indicator
}

// Cell holds the facts of one principal, feature, scope set and Attributes.
type Cell struct{}

func (c *Cell) Principal() string      { panic("stub") }
func (c *Cell) Feature() string        { panic("stub") }
func (c *Cell) Scopes() []string       { panic("stub") } // sorted; shared
func (c *Cell) Attributes() Attributes { panic("stub") }

// Incomplete: the cell took facts in that a cap folded together, so that scope
// set, consent, indicator and relation (or principal, or feature) are not known
// of each of them.
func (c *Cell) Incomplete() bool { panic("stub") }

// Stretches are the facts of the cell, by stretches of event time in rising
// order. A stretch that is not Cut lies between two neighbouring instants of
// its pair, so that the same terms held for all of it. A Cut one is a merged
// bucket that a later-known boundary cuts: its facts lie somewhere in
// [From, Until).
func (c *Cell) Stretches() iter.Seq[*Stretch] { panic("stub") }

// Stretch is a part of a cell's event time.
type Stretch struct {
	From, Until access.Instant
	Cut         bool
	Tally
}

// Tally is what was counted.
type Tally struct {
	Events, Records, Bytes uint64
	First, Last            Mark
	Days                   Days
	People                 *People // nil: nobody
	Grantors               *People // only those that differ from the subject; nil: nobody
}

// Mark is the place of one event.
type Mark struct {
	Time     access.Instant
	Source   SourceID
	Position access.Position
}

// SourceID is a source of this Ledger; see Ledger.SourceName.
type SourceID uint32

// Ledger is all facts.
type Ledger struct{}

// SourceName is topic/partition, or a file's path.
func (l *Ledger) SourceName(id SourceID) string { panic("stub") }

// Before orders marks by time, source name, offset and index.
func (l *Ledger) Before(a, b Mark) bool { panic("stub") }

// Latest is the latest event time counted; Beginning where there is none.
func (l *Ledger) Latest() access.Instant { panic("stub") }

// TakeDirty empties and yields the pairs whose facts changed since the last
// call, in no order.
func (l *Ledger) TakeDirty() iter.Seq2[string, string] { panic("stub") }

// Principals are those that hold facts of feature, sorted.
func (l *Ledger) Principals(feature string) []string { panic("stub") }

// Features are those of which principal holds facts, sorted.
func (l *Ledger) Features(principal string) []string { panic("stub") }

// Cells of a pair, in the order in which they were first seen.
func (l *Ledger) Cells(principal, feature string) []*Cell { panic("stub") }

// Days is a set of UTC days, each with its first and last access.
type Days struct{}

func (d *Days) Count() int    { panic("stub") }
func (d *Days) Union(o *Days) { panic("stub") }

// People is a set of keyed hashes: exact up to 1,024, then a HyperLogLog of
// precision 14.
type People struct{}

func (p *People) Union(o *People)               { panic("stub") }
func (p *People) Count() (n uint64, exact bool) { panic("stub") }

// SourceStatus is how far one source has been read and what became of it.
type SourceStatus struct {
	Name        string
	Topic       string
	Partition   int32
	Start, Next int64
	Coverage    access.Coverage
	Counted     uint64
	Duplicate   uint64
	Conflicts   uint64         // same id, other content
	JudgedTo    access.Instant // latest event time counted; Beginning: none
}
