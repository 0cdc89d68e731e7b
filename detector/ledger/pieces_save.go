package ledger

import (
	"encoding/binary"
	"fmt"

	"sunsetwatch/rules/access"
)

// AppendPieces appends the facts that Pieces counted, so that an interrupted
// replay can go on. It is read by the version that wrote it, and by no other.
func (l *Ledger) AppendPieces(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(l.sources)))
	for _, s := range l.sources {
		b = s.append(b)
	}
	b = binary.AppendVarint(b, int64(l.earliest))
	b = binary.AppendVarint(b, int64(l.latest))
	b = binary.AppendUvarint(b, uint64(len(l.cells)))
	for _, c := range l.cells {
		b = c.append(b)
		for _, s := range c.totals {
			n := count{s.Events, s.Records, s.Bytes, s.First, s.Last}
			b = n.append(b)
			b = s.People.append(b)
			b = s.Grantors.append(b)
		}
		for t := range tiers {
			b = binary.AppendUvarint(b, uint64(len(c.chunks[t])))
			for i := range c.chunks[t] {
				k := &c.chunks[t][i]
				b = binary.AppendVarint(b, int64(k.unit))
				b = k.append(b)
			}
		}
	}
	return b
}

// LoadPieces is the ledger that AppendPieces was called of. Its options and terms
// are to be those of that one.
func LoadPieces(data []byte, o Options) (*Ledger, error) {
	l := New(o)
	d := &decoder{b: data}
	for range d.count() {
		read := d.source(0)
		l.source(read.Source).SourceStatus = read.SourceStatus
	}
	l.earliest, l.latest = access.Instant(d.varint()), access.Instant(d.varint())
	for id := range uint32(d.count()) {
		if d.err != nil {
			break
		}
		l.loadPiece(id, d)
	}
	if err := d.end(); err != nil {
		return nil, fmt.Errorf("facts of an interrupted replay: %w", err)
	}
	return l, nil
}

func (l *Ledger) loadPiece(id uint32, d *decoder) {
	loader := Loader{l: l, cells: map[uint32]*Cell{}, days: map[*Cell]map[access.Instant]Days{}}
	starts := loader.head(id, d)
	c := loader.cells[id]
	if c == nil {
		d.fail("cell %d cannot be read", id)
		return
	}
	for _, from := range starts {
		s := c.total(from)
		t := d.tally()
		s.Events, s.Records, s.Bytes, s.First, s.Last = t.events, t.records, t.bytes, t.first, t.last
		s.People, s.Grantors = d.people(), d.people()
		s.Days = loader.days[c][from]
		if int(s.First.Source) >= len(l.sources) || int(s.Last.Source) >= len(l.sources) {
			d.fail("a source that is not there")
			return
		}
	}
	for t := range uint32(tiers) {
		for range d.count() {
			loader.chunk([]uint32{id, t, uint32(int32(d.varint()))}, d)
		}
	}
	l.list(c, cellKey{attr: c.attr, folded: c.folded, scopes: c.keyScopes()})
	l.changed(c)
}
