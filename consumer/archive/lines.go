package archive

import (
	"bytes"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/access"
)

// lines cuts bytes into lines, decodes each, and hands over what it holds. A line
// is never kept beyond the size at which it is rejected.
type lines struct {
	decoder  *codec.Decoder
	record   codec.Record
	from, to access.Instant

	sink   Sink
	counts *Counts
	ended  int64  // lines that have ended before what is fed next
	rest   []byte // the beginning of the line that has not ended
	blank  int64  // blank lines directly before it
	empty  codec.Record
}

// kept is how much memory for the odd long line is kept.
const kept = 1 << 16

func (l *lines) begin(sink Sink, c *Counts) {
	l.sink, l.counts, l.ended, l.blank = sink, c, 0, 0
	l.empty.Timestamp = access.End
	l.rest = l.rest[:0]
}

func (l *lines) end() {
	l.sink, l.counts = nil, nil
	if cap(l.rest) > kept {
		l.rest = nil
	}
}

// enter goes on where the part before ended.
func (l *lines) enter(e entry) {
	l.ended = e.lines
	l.rest = append(l.rest[:0], e.rest...)
}

// keep appends to the line that has not ended as much as shows what it is.
func (l *lines) keep(b []byte) {
	l.rest = append(l.rest, b[:min(len(b), access.MaxValueBytes+1-len(l.rest))]...)
}

// feed takes the next bytes of the input.
func (l *lines) feed(b []byte) {
	if len(l.rest) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			l.keep(b)
			return
		}
		l.keep(b[:i])
		l.line(l.rest)
		l.rest = l.rest[:0]
		b = b[i+1:]
	}
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			break
		}
		l.line(b[:min(i, access.MaxValueBytes+1)])
		b = b[i+1:]
	}
	l.keep(b)
}

// finish is the end of the input: the last line has no end of its own, and blank
// lines are none.
func (l *lines) finish() {
	if len(l.rest) > 0 {
		l.line(l.rest)
		l.rest = l.rest[:0]
	}
	l.blank = 0
}

// byteOrderMark is what some programs begin UTF-8 with; it is no part of the first
// event.
var byteOrderMark = []byte("\xef\xbb\xbf")

// line takes one whole line.
func (l *lines) line(b []byte) {
	l.ended++
	if l.ended == 1 {
		b = bytes.TrimPrefix(b, byteOrderMark)
	}
	if len(b) == 0 || b[0] != '{' && blank(b) {
		l.blank++
		return
	}
	if l.blank > 0 {
		l.blanks()
	}
	l.record.Value = b
	l.decode(&l.record, l.ended)
}

// blanks rejects the blank lines before the line that ended last.
func (l *lines) blanks() {
	for ; l.blank > 0; l.blank-- {
		l.decode(&l.empty, l.ended-l.blank)
	}
}

// pause is the end of a part that others follow: whether there is anything but
// blanks in these says what blank lines at its end are.
func (l *lines) pause(more bool) {
	if l.blank > 0 && (more || !blank(l.rest)) {
		l.ended++ // as if the line after them had ended
		l.blanks()
		l.ended--
	}
	l.blank = 0
}

// blank reports whether there is nothing in b that makes a line an event.
func blank(b []byte) bool { return len(bytes.Trim(b, " \t\r\n")) == 0 }

func (l *lines) decode(r *codec.Record, number int64) {
	d, c := l.decoder, l.counts
	c.Records++
	d.Reset(r)
	for at := (access.Position{Offset: number}); ; at.Index++ {
		ev, rej, ok := d.Next()
		if !ok {
			return
		}
		c.Events++
		switch {
		case ev == nil:
			c.Rejected[rej.Reason]++
			l.sink.Reject(rej, at)
		case ev.Time < l.from || ev.Time >= l.to:
			c.OutOfRange++
		default:
			c.Added++
			l.sink.Add(ev, at)
		}
	}
}
