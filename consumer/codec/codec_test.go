package codec

import (
	"fmt"
	"testing"

	"sunsetwatch/rules/access"
)

func compile(t testing.TB, m Mapping) *Compiled {
	t.Helper()
	c, err := Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// value is a record of a value alone.
func value(text string) *Record {
	return &Record{Value: []byte(text), Timestamp: access.End}
}

// outcomes is what a record is decoded to: an event as native JSON, a rejection
// as "reason field byte: detail".
func outcomes(d *Decoder, r *Record) []string {
	var all []string
	d.Reset(r)
	for {
		ev, rej, ok := d.Next()
		switch {
		case !ok:
			return all
		case rej != nil:
			all = append(all, fmt.Sprintf("%v %s %d: %s", rej.Reason, rej.Field, rej.Byte, rej.Detail))
		default:
			all = append(all, string(AppendJSON(nil, ev)))
		}
	}
}

// one is the only event or rejection of a record.
func one(t testing.TB, d *Decoder, r *Record) (access.Event, *Rejection) {
	t.Helper()
	d.Reset(r)
	ev, rej, ok := d.Next()
	if !ok || (ev == nil) == (rej == nil) {
		t.Fatalf("Next() = %v, %v, %v; want one of both", ev, rej, ok)
	}
	var got access.Event
	if ev != nil {
		got = *ev
	}
	if ev, rej, ok := d.Next(); ok {
		t.Fatalf("a second Next() = %v, %v; want none", ev, rej)
	}
	return got, rej
}

const (
	minimal = `{"time":"2015-07-01T00:00:00Z","principal":"p","feature":"f","operation":"read"}`
	full    = `{"time":"2015-07-01T12:34:56.789+02:00","principal":"app-netflix-web","feature":"msg.recommend","operation":"list",` +
		`"id":"01J","scopes":["messages.read","friends.list","messages.read"],"direction":"in","subject":"u1","grantor":"u2",` +
		`"consent":"granted","indicator":"hidden","outcome":"denied","records":12,"bytes":3456,"probe":null,"region":"eu"}`
	fullDecoded = `{"time":"2015-07-01T10:34:56.789Z","principal":"app-netflix-web","feature":"msg.recommend","operation":"list",` +
		`"id":"01J","scopes":["friends.list","messages.read"],"direction":"in","subject":"u1","grantor":"u2",` +
		`"consent":"granted","indicator":"hidden","outcome":"denied","records":12,"bytes":3456}`
	minimalDecoded = `{"time":"2015-07-01T00:00:00Z","principal":"p","feature":"f","operation":"read","scopes":[],` +
		`"direction":"out","consent":"unknown","indicator":"unset","outcome":"served","records":1,"bytes":0}`
)

// with is the minimal event with more members.
func with(members string) string { return minimal[:len(minimal)-1] + "," + members + "}" }
