// Package records hands the events of fetched records to a sink: what one record
// gives is the same in a live instance and in a replay, by this code.
//
// It refuses to know where records come from, which of their events count, and how
// far a partition was read. Nothing is allocated per record or event.
//
// Concurrency: a Decoder belongs to one goroutine, which is the one that its Sink is
// called from.
package records

import (
	"math"
	"time"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/consumer/fetch"
	"sunsetwatch/rules/access"
)

// Sink takes what records hold, in their order. What it is given is borrowed until it
// returns.
type Sink interface {
	Add(ev *access.Event, at access.Position)
	Reject(rej *codec.Rejection, at access.Position)
}

// Decoder hands the events of one record after another to its sink.
type Decoder struct {
	// Events and Rejected count what was handed over; the caller may set them back.
	Events   uint64
	Rejected [access.Reasons]uint64

	sink    Sink
	codec   *codec.Decoder
	named   bool // some field is that of a header
	record  codec.Record
	headers []fetch.Header
}

// NewDecoder decodes by a field map.
func NewDecoder(m *codec.Compiled, sink Sink) *Decoder {
	return &Decoder{sink: sink, codec: m.NewDecoder(), named: m.NeedsHeaders()}
}

// Decode hands over the events of one record.
func (d *Decoder) Decode(rec *fetch.Record) {
	d.record.Key, d.record.Value, d.record.Timestamp = rec.Key, rec.Value, instant(rec.Timestamp)
	if d.named {
		d.headers = rec.AppendHeaders(d.headers[:0])
		d.record.Headers = d.record.Headers[:0]
		for _, h := range d.headers {
			d.record.Headers = append(d.record.Headers, codec.Header(h))
		}
	}
	d.codec.Reset(&d.record)
	at := access.Position{Offset: rec.Offset}
	for {
		ev, rej, ok := d.codec.Next()
		if !ok {
			return
		}
		d.Events++
		if rej != nil {
			d.Rejected[rej.Reason]++
			d.sink.Reject(rej, at)
		} else {
			d.sink.Add(ev, at)
		}
		at.Index++
	}
}

// instant is a record's timestamp, in milliseconds; none is access.End.
func instant(ms int64) access.Instant {
	const perMilli = int64(time.Millisecond)
	switch {
	case ms == -1 || ms > math.MaxInt64/perMilli:
		return access.End
	case ms < math.MinInt64/perMilli:
		return access.Beginning
	}
	return access.Instant(ms * perMilli)
}
