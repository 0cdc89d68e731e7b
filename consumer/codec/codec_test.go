package codec

import (
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

// outcome is what a record was decoded to, rendered: events and rejections.
func outcomes(d *Decoder, r *Record) []string {
	var all []string
	d.Reset(r)
	for {
		ev, rej, ok := d.Next()
		switch {
		case !ok:
			return all
		case rej != nil:
			all = append(all, string(rej.AppendJSON(nil, rej.Byte)))
		default:
			all = append(all, string(AppendJSON(nil, ev)))
		}
	}
}

func value(text string) *Record {
	return &Record{Value: []byte(text), Timestamp: access.End}
}
func TestX(t *testing.T) {
	d := compile(t, Mapping{}).NewDecoder()
	for range 3 {
		t.Log(outcomes(d, value(`{"time":"2018-12-05T10:11:12.123456789+01:00","principal":"app-x","feature":"f","operation":"read","scopes":["b","a","b"],"x":{"a":[1,2.5e3,true]},"records":7}`)))
		t.Log(outcomes(d, value(`{"time":"2018-12-05T10:11:12.123456789+01:00","principal":"app-x","feature":"f","operation":"read","scopes":["b","a","b"],"x":{"a":[1,2.5e3,true],"a":1},"records":7}`)))
		t.Log(outcomes(d, value(`{"time":"2018-12-05T10:11:12.123456789+01:00","principal":"app-x","feature":"f","princip\u0061l":"read","scopes":["b","a","b"],"x":{"a":[1,2.5e3,true],"a":1},"records":7}`)))
	}
}
