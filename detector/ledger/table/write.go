package table

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

// FileName is what the file is called in the directory of a ledger.
const FileName = "facts.parquet"

// Format is the version of the columns and of the metadata.
const Format = 1

// Keys of the metadata.
const (
	keyFormat   = "sunsetwatch.facts.format"
	keySubjects = "sunsetwatch.facts.subject_key_id"
	keyTool     = "sunsetwatch.facts.tool"
	keyEarliest = "sunsetwatch.facts.earliest"
	keyLatest   = "sunsetwatch.facts.latest"
	keySources  = "sunsetwatch.facts.sources"
	keyChecksum = "sunsetwatch.facts.checksum"
)

const (
	// groupRows is the number of rows of a row group: enough for compression, and
	// few enough that one with a sketch in every row is written in some memory.
	groupRows = 16384
	// batchRows are read or written at a time.
	batchRows = 64
)

// Header says who wrote a file.
type Header struct {
	KeyID string // of the subject key with which people were hashed
	Tool  string // version of the program
}

// Write writes the facts of a ledger. Ledgers that hold the same give the same
// bytes, but for the Header. It fails where the ledger has no months, as of
// ledger.Pieces without them.
func Write(w io.Writer, l *ledger.Ledger, h Header) error {
	facts, err := l.Facts()
	if err != nil {
		return err
	}
	sources, err := json.Marshal(sourcesOf(l.Statuses()))
	if err != nil {
		return err
	}
	meta := map[string]string{
		keyFormat:   strconv.Itoa(Format),
		keySubjects: h.KeyID,
		keyTool:     h.Tool,
		keySources:  string(sources),
	}
	if l.Earliest() <= l.Latest() {
		meta[keyEarliest], meta[keyLatest] = l.Earliest().String(), l.Latest().String()
	}
	out := parquet.NewGenericWriter[row](w, newSchema(),
		parquet.CreatedBy("sunsetwatch", h.Tool, ""),
		parquet.Compression(&parquet.Snappy),
		parquet.MaxRowsPerRowGroup(groupRows),
		parquet.DataPageStatistics(false),       // the column index has them
		parquet.SkipPageBounds("people_sketch"), // their least and greatest would be as long as a sketch, and say nothing
		parquet.SkipPageBounds("grantors_sketch"),
	)
	sum := newChecksum(meta)
	rows := make([]row, batchRows)
	n := 0
	for f := range facts {
		rows[n].fill(l, f)
		sum.add(&rows[n])
		if n++; n < len(rows) {
			continue
		}
		if _, err := out.Write(rows); err != nil {
			return err
		}
		n = 0
	}
	if _, err := out.Write(rows[:n]); err != nil {
		return err
	}
	meta[keyChecksum] = sum.String()
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		out.SetKeyValueMetadata(key, meta[key])
	}
	return out.Close()
}

// source is one source in the metadata.
type source struct {
	Name      string `json:"name"`
	Topic     string `json:"topic,omitempty"`
	Partition int32  `json:"partition,omitempty"`
	Next      *int64 `json:"next,omitempty"`
	JudgedTo  string `json:"judged_to,omitempty"`
	Counted   uint64 `json:"counted"`
}

func sourcesOf(statuses []ledger.SourceStatus) []source {
	all := make([]source, len(statuses))
	for i := range statuses {
		s := &statuses[i]
		all[i] = source{Name: s.Name, Topic: s.Topic, Partition: s.Partition, Counted: s.Counted}
		if s.Next >= 0 {
			all[i].Next = &s.Next
		}
		if s.JudgedTo != access.Beginning {
			all[i].JudgedTo = s.JudgedTo.String()
		}
	}
	return all
}

// status is the status of a source in the metadata.
func (s *source) status() (ledger.SourceStatus, error) {
	to := ledger.SourceStatus{Source: ledger.Source{Name: s.Name, Topic: s.Topic, Partition: s.Partition},
		Start: -1, Next: -1, JudgedTo: access.Beginning, Counted: s.Counted}
	if s.Name == "" {
		return to, errors.New("it has no name")
	}
	if s.Next != nil {
		if to.Next = *s.Next; to.Next < 0 {
			return to, errors.New("a negative offset")
		}
	}
	if s.JudgedTo != "" {
		var err error
		if to.JudgedTo, err = instant(s.JudgedTo); err != nil {
			return to, err
		}
	}
	return to, nil
}
