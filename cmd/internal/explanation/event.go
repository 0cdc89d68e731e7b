package explanation

import (
	"bytes"
	"errors"
	"fmt"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/access"
)

// Read decodes the one event that data holds, over as many lines as it takes.
// Where it is rejected, the error says why and
// where, and nothing of what it holds.
func Read(data []byte, c *codec.Compiled) (*access.Event, error) {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return nil, errors.New("standard input is empty: give one event, a JSON object")
	}
	ev, rej := only(data, c)
	if rej == nil && ev == nil {
		return nil, errors.New("the record holds no event")
	}
	if rej == nil {
		return ev, nil
	}
	if first, _, several := bytes.Cut(data, []byte("\n")); several {
		if ev, _ := only(first, c); ev != nil {
			return nil, errors.New("standard input holds several events: explain takes one")
		}
	}
	return nil, rej
}

// only is the one event of a record; both are nil where it holds none.
func only(data []byte, c *codec.Compiled) (*access.Event, error) {
	d := c.NewDecoder()
	d.Reset(&codec.Record{Value: data, Timestamp: access.End})
	ev, rej, ok := d.Next()
	switch {
	case !ok:
		return nil, nil
	case rej != nil:
		place := ""
		if rej.Byte >= 0 {
			line, column := lineOf(data, rej.Byte)
			place = fmt.Sprintf("line %d, column %d: ", line, column)
		}
		return nil, fmt.Errorf("the event is rejected as %s: %s%s", rej.Reason, place, rej.Detail)
	}
	// Asking for the next one reuses the first.
	first := *ev
	first.Scopes = append([][]byte(nil), ev.Scopes...)
	first.Principal, first.Feature, first.ID = bytes.Clone(ev.Principal), bytes.Clone(ev.Feature), bytes.Clone(ev.ID)
	first.Subject, first.Grantor = bytes.Clone(ev.Subject), bytes.Clone(ev.Grantor)
	for i := range first.Scopes {
		first.Scopes[i] = bytes.Clone(first.Scopes[i])
	}
	if _, _, more := d.Next(); more {
		return nil, errors.New("the record holds several events: explain takes one")
	}
	return &first, nil
}

// lineOf is the line and the column, in bytes, of a byte, both from 1.
func lineOf(data []byte, at int) (line, column int) {
	before := data[:min(at, len(data))]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, len(before) - bytes.LastIndexByte(before, '\n')
}
