package table

import (
	"encoding/json"
	"fmt"
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
	Name      string    `json:"name"`
	Topic     string    `json:"topic,omitempty"`
	Partition int32     `json:"partition,omitempty"`
	JudgedTo  string    `json:"judged_to,omitempty"`
	Counted   uint64    `json:"counted"`
	Duplicate uint64    `json:"duplicate,omitempty"`
	Conflicts uint64    `json:"conflicts,omitempty"`
	Position  *position `json:"position,omitempty"`
}

// position is how far a partition was read.
type position struct {
	Start       int64             `json:"start"`
	Next        int64             `json:"next"`
	Earlier     uint64            `json:"earlier,omitempty"`
	Records     uint64            `json:"records"`
	Events      uint64            `json:"events"`
	Ignored     map[string]uint64 `json:"ignored,omitempty"`
	Skipped     map[string]uint64 `json:"skipped,omitempty"`
	Rejected    map[string]uint64 `json:"rejected,omitempty"`
	Fingerprint *fingerprint      `json:"fingerprint,omitempty"`
}

type fingerprint struct {
	Offset    int64  `json:"offset"`
	Timestamp int64  `json:"timestamp_ms"`
	CRC       uint32 `json:"crc"`
}

func sourcesOf(statuses []ledger.SourceStatus) []source {
	all := make([]source, len(statuses))
	for i := range statuses {
		s := &statuses[i]
		all[i] = source{Name: s.Name, Topic: s.Topic, Partition: s.Partition, Counted: s.Counted, Duplicate: s.Duplicate, Conflicts: s.Conflicts}
		if s.JudgedTo != access.Beginning {
			all[i].JudgedTo = s.JudgedTo.String()
		}
		if s.Next < 0 {
			continue
		}
		p := &position{Start: s.Start, Next: s.Next, Earlier: s.Earlier, Records: s.Coverage.Records, Events: s.Coverage.Events}
		p.Ignored = byReason(s.Coverage.Ignored[:], ignoredWord)
		p.Skipped = byReason(s.Coverage.Skipped[:], skippedWord)
		p.Rejected = byReason(s.Coverage.Rejected[:], rejectedWord)
		if f := s.Fingerprint; f.Known {
			p.Fingerprint = &fingerprint{f.Offset, f.Timestamp, f.CRC}
		}
		all[i].Position = p
	}
	return all
}

// status is the status of a source in the metadata.
func (s *source) status() (ledger.SourceStatus, error) {
	to := ledger.SourceStatus{Source: ledger.Source{Name: s.Name, Topic: s.Topic, Partition: s.Partition},
		Start: -1, Next: -1, JudgedTo: access.Beginning, Counted: s.Counted, Duplicate: s.Duplicate, Conflicts: s.Conflicts}
	if s.JudgedTo != "" {
		at, err := instant(s.JudgedTo)
		if err != nil {
			return to, err
		}
		to.JudgedTo = at
	}
	p := s.Position
	if p == nil {
		return to, nil
	}
	if s.Topic == "" || p.Start < 0 || p.Next < p.Start {
		return to, fmt.Errorf("the position [%d, %d) of topic %q", p.Start, p.Next, s.Topic)
	}
	to.Start, to.Next, to.Earlier = p.Start, p.Next, p.Earlier
	to.Coverage.Records, to.Coverage.Events = p.Records, p.Events
	for _, part := range []struct {
		from map[string]uint64
		to   []uint64
		word func(int) string
	}{
		{p.Ignored, to.Coverage.Ignored[:], ignoredWord},
		{p.Skipped, to.Coverage.Skipped[:], skippedWord},
		{p.Rejected, to.Coverage.Rejected[:], rejectedWord},
	} {
		if err := fromReasons(part.to, part.from, part.word); err != nil {
			return to, err
		}
	}
	if f := p.Fingerprint; f != nil {
		to.Fingerprint = access.Fingerprint{Known: true, Offset: f.Offset, Timestamp: f.Timestamp, CRC: f.CRC}
	}
	if to.Earlier+uint64(to.Next-to.Start) != to.Coverage.Offsets() {
		return to, fmt.Errorf("%d offsets accounted for in [%d, %d)", to.Coverage.Offsets(), p.Start, p.Next)
	}
	return to, nil
}

func ignoredWord(i int) string  { return access.Ignore(i).String() }
func skippedWord(i int) string  { return access.Skip(i).String() }
func rejectedWord(i int) string { return access.Reason(i).String() }

func byReason(counts []uint64, word func(int) string) map[string]uint64 {
	m := map[string]uint64{}
	for i, n := range counts {
		if n > 0 {
			m[word(i)] = n
		}
	}
	return m
}

func fromReasons(counts []uint64, m map[string]uint64, word func(int) string) error {
	left := len(m)
	for i := range counts {
		if n, ok := m[word(i)]; ok {
			counts[i] = n
			left--
		}
	}
	if left > 0 {
		return fmt.Errorf("a reason for offsets or events that this version does not know")
	}
	return nil
}
