package ledger

import (
	"encoding/binary"
	"fmt"

	"sunsetwatch/rules/access"
)

// Source is where events come from: a Kafka partition, or the files of a
// replay.
type Source struct {
	Name      string // topic/partition, or a file's path as given
	Topic     string // empty for files
	Partition int32
}

// SourceStatus is how far one source has been read and what became of it. For
// every status
//
//	Earlier + Next - Start = Coverage.Offsets()
//	Coverage.Events = Counted + Duplicate + sum(Coverage.Rejected)
type SourceStatus struct {
	Source
	Start, Next int64  // offsets [Start, Next) of the topic as it is now were read
	Earlier     uint64 // offsets of topics of the same name that were deleted since
	Coverage    access.Coverage
	Fingerprint access.Fingerprint // of the last record read before Next
	Counted     uint64
	Duplicate   uint64
	Conflicts   uint64         // same id, other content: counted, and worth a warning
	JudgedTo    access.Instant // latest event time counted; Beginning: none
}

// Progress is a stretch of a source that was read whole.
type Progress struct {
	From, Next  int64
	Coverage    access.Coverage
	Fingerprint access.Fingerprint
	Recreated   bool // From begins a new history of offsets
}

// Judged is how far a source is judged.
type Judged struct {
	Source
	Held bool           // it held a record at some time, or that is not known yet
	To   access.Instant // latest event time counted; Beginning: none
}

type source struct {
	SourceStatus
	id      SourceID
	history history
	dirty   bool
}

func (s *source) advance(p *Progress, t *foldTally) error {
	switch {
	case s.Next < 0:
		s.Start = p.From
	case p.Recreated:
		s.Earlier += uint64(s.Next - s.Start)
		s.Start = p.From
	case p.From != s.Next:
		return fmt.Errorf("%s: a batch from offset %d after position %d: this is a defect of sunsetwatch", s.Name, p.From, s.Next)
	}
	if got, want := p.Coverage.Offsets(), uint64(p.Next-p.From); got != want {
		return fmt.Errorf("%s: %d offsets accounted for in [%d, %d): this is a defect of sunsetwatch", s.Name, got, p.From, p.Next)
	}
	s.Next = p.Next
	s.Coverage.Add(&p.Coverage)
	if p.Fingerprint.Known || p.Recreated {
		s.Fingerprint = p.Fingerprint
	}
	s.Counted += t.counted
	s.Duplicate += t.duplicate
	s.Conflicts += t.conflicts
	if t.counted > 0 {
		s.JudgedTo = max(s.JudgedTo, t.latest)
	}
	s.JudgedTo = max(s.JudgedTo, t.imported)
	s.dirty = true
	return nil
}

func (s *source) append(b []byte) []byte {
	b = appendString(b, s.Name)
	b = appendString(b, s.Topic)
	b = binary.AppendVarint(b, int64(s.Partition))
	b = binary.AppendVarint(b, s.Start)
	b = binary.AppendVarint(b, s.Next)
	b = binary.AppendUvarint(b, s.Earlier)
	b = appendCoverage(b, &s.Coverage)
	f := &s.Fingerprint
	known := byte(0)
	if f.Known {
		known = 1
	}
	b = append(b, known)
	b = binary.AppendVarint(b, f.Offset)
	b = binary.AppendVarint(b, f.Timestamp)
	b = binary.BigEndian.AppendUint32(b, f.CRC)
	b = binary.AppendUvarint(b, s.Counted)
	b = binary.AppendUvarint(b, s.Duplicate)
	b = binary.AppendUvarint(b, s.Conflicts)
	b = binary.AppendVarint(b, int64(s.JudgedTo))
	return binary.AppendUvarint(b, s.history.next)
}

func (d *decoder) source(id SourceID) *source {
	s := &source{id: id}
	s.Name, s.Topic, s.Partition = d.string(), d.string(), int32(d.varint())
	s.Start, s.Next, s.Earlier = d.varint(), d.varint(), d.uvarint()
	s.Coverage = d.coverage()
	s.Fingerprint.Known = d.byte() == 1
	s.Fingerprint.Offset = d.varint()
	s.Fingerprint.Timestamp = d.varint()
	s.Fingerprint.CRC = d.uint32()
	s.Counted, s.Duplicate, s.Conflicts = d.uvarint(), d.uvarint(), d.uvarint()
	s.JudgedTo = access.Instant(d.varint())
	s.history.next = d.uvarint()
	return s
}

// A coverage is encoded as lists with their lengths, so that a reason that is
// added later reads as 0 in older state.
func appendCoverage(b []byte, c *access.Coverage) []byte {
	b = binary.AppendUvarint(b, c.Records)
	b = binary.AppendUvarint(b, c.Events)
	for _, list := range [][]uint64{c.Ignored[:], c.Skipped[:], c.Rejected[:]} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, n := range list {
			b = binary.AppendUvarint(b, n)
		}
	}
	return b
}

func (d *decoder) coverage() access.Coverage {
	c := access.Coverage{Records: d.uvarint(), Events: d.uvarint()}
	for _, list := range [][]uint64{c.Ignored[:], c.Skipped[:], c.Rejected[:]} {
		n := d.count()
		if n > len(list) {
			d.fail("a coverage with %d reasons", n)
		}
		for i := range n {
			if v := d.uvarint(); i < len(list) {
				list[i] = v
			}
		}
	}
	return c
}
