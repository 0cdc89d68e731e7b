package codec

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sunsetwatch/rules/access"
)

// A row gives what the same values in an object give, but for the byte.
func TestRow(t *testing.T) {
	c := compile(t, Mapping{Fields: map[string]Rule{
		"operation": {Path: "readOnly", Values: map[string]string{"true": "read", "false": "write"}},
		"feature":   {Path: "a.b | c"},
		"outcome":   {Path: "error", Present: "denied", Absent: "served"},
	}})
	places := c.Places()
	text := func(s string) Value { return Value{Kind: TextValue, Text: []byte(s)} }
	list := func(of ...string) Value {
		v := Value{Kind: ListValue}
		for _, s := range of {
			v.List = append(v.List, []byte(s))
		}
		return v
	}
	d := c.NewDecoder()
	for _, test := range []struct {
		row  map[string]Value
		json string
	}{
		{map[string]Value{"time": text("2015-07-01T00:00:00Z"), "principal": text("p"), "a.b": text("f"), "readOnly": {Kind: TrueValue}, "scopes": list("b", "a", "b"), "records": {Kind: NumberValue, Text: []byte("7")}},
			`{"time":"2015-07-01T00:00:00Z","principal":"p","a":{"b":"f"},"readOnly":true,"scopes":["b","a","b"],"records":7}`},
		{map[string]Value{"time": text("2015-07-01T00:00:00Z"), "principal": text("p"), "a.b": text(""), "c": text("f"), "readOnly": {Kind: FalseValue}, "scopes": text("b a"), "error": text("x")},
			`{"time":"2015-07-01T00:00:00Z","principal":"p","a":{"b":""},"c":"f","readOnly":false,"scopes":"b a","error":"x"}`},
		{map[string]Value{"time": text("2015-07-01"), "principal": text("p")}, `{"time":"2015-07-01","principal":"p"}`},
		{map[string]Value{"time": text("2015-07-01T00:00:00Z"), "principal": {Kind: NumberValue, Text: []byte("1")}}, `{"time":"2015-07-01T00:00:00Z","principal":1}`},
		{map[string]Value{"principal": text("p")}, `{"principal":"p"}`},
		{map[string]Value{"time": text("2015-07-01T00:00:00Z"), "principal": text("p"), "c": text("f"), "readOnly": {Kind: TrueValue}, "records": {Kind: NumberValue, Text: []byte("-1")}},
			`{"time":"2015-07-01T00:00:00Z","principal":"p","c":"f","readOnly":true,"records":-1}`},
		{map[string]Value{"time": text("2015-07-01T00:00:00Z"), "principal": text("\xff")}, "{\"time\":\"2015-07-01T00:00:00Z\",\"principal\":\"\xff\"}"},
		{map[string]Value{"scopes": list("\xff")}, "{\"scopes\":[\"\xff\"]}"},
	} {
		values := make([]Value, len(places))
		for name, v := range test.row {
			i := slices.IndexFunc(places, func(p Place) bool {
				joined := p.Names[0]
				for _, n := range p.Names[1:] {
					joined += "." + n
				}
				return joined == name
			})
			if i < 0 {
				t.Fatalf("no place %s in %v", name, places)
			}
			if (name == "scopes") != places[i].List {
				t.Errorf("%+v", places[i])
			}
			values[i] = v
		}
		say := func(ev *access.Event, rej *Rejection) string {
			if rej != nil {
				return fmt.Sprint(rej.Reason, rej.Field)
			}
			return string(AppendJSON(nil, ev))
		}
		ev, rej := d.Row(values)
		got := say(ev, rej)
		if rej != nil && rej.Byte != -1 {
			t.Errorf("%s: byte %d", test.json, rej.Byte)
		}
		d.Reset(&Record{Value: []byte(test.json), Timestamp: access.End})
		ev, rej, _ = d.Next()
		if want := say(ev, rej); got != want {
			t.Errorf("%s: got %s, want %s", test.json, got, want)
		}
	}
}

func TestReadings(t *testing.T) {
	c := compile(t, Mapping{TimeFormat: "unix_ms", Explode: "all", Fields: map[string]Rule{
		"subject": {Path: "header:x | who | =nobody"}, "outcome": {Path: "e", Absent: "denied"}, "records": {Const: "3"},
	}})
	if !c.Explodes() || c.TimeDigits() != 3 || compile(t, Mapping{}).TimeDigits() != -1 {
		t.Error("explode or time format")
	}
	for _, r := range c.Readings() {
		switch r.Field {
		case "subject":
			if len(r.Sources) != 3 || !r.Sources[0].Outside || c.Places()[r.Sources[1].Place].Names[0] != "who" || string(r.Sources[2].Text) != "nobody" || !r.Plain || !r.Mapped || r.Filled {
				t.Errorf("%+v", r)
			}
		case "outcome":
			if r.Plain || !r.Filled {
				t.Errorf("%+v", r)
			}
		case "records":
			if len(r.Sources) != 1 || string(r.Sources[0].Text) != "3" {
				t.Errorf("%+v", r)
			}
		case "principal":
			if r.Mapped || !r.Plain || c.Places()[r.Sources[0].Place].Names[0] != "principal" {
				t.Errorf("%+v", r)
			}
		}
	}
}

// What happens after the start of the run is from the future, in whatever shape.
func TestUntil(t *testing.T) {
	at := time.Date(2015, 7, 1, 0, 0, 0, 0, time.UTC)
	for _, m := range []Mapping{{}, {Fields: map[string]Rule{"principal": {Path: "principal"}}}} {
		d := compile(t, m).NewDecoder()
		d.Until(access.At(at))
		for text, want := range map[string]bool{"2015-07-01T00:00:00Z": true, "2015-07-01T00:00:00.000000001Z": false} {
			d.Reset(&Record{Value: []byte(`{"time":"` + text + `","principal":"p","feature":"f","operation":"read"}`), Timestamp: access.End})
			ev, rej, _ := d.Next()
			if (ev != nil) != want || rej != nil && (rej.Reason != access.Future || rej.Detail != "time: is after the start of this run (byte 9)") {
				t.Errorf("%s: %v %+v", text, ev, rej)
			}
		}
	}
}
