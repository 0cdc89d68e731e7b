package ledger

import (
	"encoding/binary"
	"math"

	"sunsetwatch/rules/access"
)

// SourceID is a source of one Ledger; see Ledger.SourceName.
type SourceID uint32

// Mark is the place of one event.
type Mark struct {
	Time   access.Instant
	Offset int64
	place  uint32 // the index within its record, doubled, and 1 more where it was late
	Source SourceID
}

func markOf(ev *access.Event, at access.Position, source SourceID) Mark {
	return Mark{Time: ev.Time, Offset: at.Offset, place: placeOf(ev.Late, at), Source: source}
}

func placeOf(late bool, at access.Position) uint32 {
	place := uint32(at.Index) << 1
	if late {
		place |= 1
	}
	return place
}

// Index of the event within its record.
func (m Mark) Index() int32 { return int32(m.place >> 1) }

// Late is that of access.Event.
func (m Mark) Late() bool { return m.place&1 != 0 }

// count is what is counted of the events of one cell in one bucket of time. It
// holds at least one event.
type count struct {
	events, records, bytes uint64
	first, last            Mark
}

// Tally is what was counted of one cell in one stretch of event time.
type Tally struct {
	Events, Records, Bytes uint64
	First, Last            Mark    // of the Events; in a stretch without Events, of the People
	Days                   Days    // of the Events
	People                 *People // nil: nobody. Attempts have no people
	Grantors               *People // only those who are not the subject of their event; nil: nobody
}

// volume adds up records or bytes, up to what a signed number holds and each event
// may have at most: a sum never turns into a small number, in whatever order.
func volume(a, b uint64) uint64 {
	if sum := a + b; sum >= a && sum <= math.MaxInt64 {
		return sum
	}
	return math.MaxInt64
}

func (l *Ledger) add(c *count, o *count) {
	if c.events == 0 {
		*c = *o
		return
	}
	c.events += o.events
	c.records, c.bytes = volume(c.records, o.records), volume(c.bytes, o.bytes)
	if l.Before(o.first, c.first) {
		c.first = o.first
	}
	if l.Before(c.last, o.last) {
		c.last = o.last
	}
}

func (c *count) append(b []byte) []byte {
	b = binary.AppendUvarint(b, c.events)
	b = binary.AppendUvarint(b, c.records)
	b = binary.AppendUvarint(b, c.bytes)
	b = c.first.append(b, 0)
	if c.first == c.last {
		return append(b, 0)
	}
	b = append(b, 1)
	return c.last.append(b, c.first.Time)
}

func (d *decoder) tally() count {
	c := count{events: d.uvarint(), records: d.uvarint(), bytes: d.uvarint()}
	c.first = d.mark(0)
	c.last = c.first
	if d.byte() == 1 {
		c.last = d.mark(c.first.Time)
	}
	if d.err == nil && (c.events == 0 || c.last.Time < c.first.Time) {
		d.fail("an impossible count")
	}
	return c
}

func (m Mark) append(b []byte, base access.Instant) []byte {
	b = binary.AppendVarint(b, int64(m.Time-base))
	b = binary.AppendVarint(b, m.Offset)
	b = binary.AppendUvarint(b, uint64(m.place))
	return binary.AppendUvarint(b, uint64(m.Source))
}

func (d *decoder) mark(base access.Instant) Mark {
	return Mark{
		Time:   base + access.Instant(d.varint()),
		Offset: d.varint(),
		place:  uint32(d.uvarint()),
		Source: SourceID(d.uvarint()),
	}
}
