package codec

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"sunsetwatch/rules/access"
)

// seeds are the values that fuzzing begins with.
func seeds() [][]byte {
	all := [][]byte{
		[]byte(minimal), []byte(full), []byte(cloudTrailEvent), []byte(`{"Records":[` + cloudTrailEvent + `,{},1]}`),
		[]byte(with(`"\u0069d":"\u00e9\ud83d\ude00","x":{"y":[1,-2.5e+3,true,false,null,{"z":{}}]}`)),
		[]byte(with(`"scopes":"b a b","records":9223372036854775807,"bytes":0,"probe":"enabled"`)),
	}
	for _, row := range hostile() {
		if len(row.value) <= 4096 {
			all = append(all, []byte(row.value))
		}
	}
	return append(all, nativeEvents(3, false)...)
}

// strictDecoder is the decoder that the others are held against: it learns
// nothing and knows no short way to fill an event.
func strictDecoder(c *Compiled) *Decoder {
	strict := *c
	strict.native = false
	return strict.newDecoder()
}

// primed are decoders for the fuzzed value: the strict one, and some that have
// learned from other events.
func primed(c *Compiled, value []byte) (strict *Decoder, learned []*Decoder) {
	half := value[:len(value)/2]
	for _, before := range [][][]byte{
		{[]byte(minimal)},
		{[]byte(full), []byte(cloudTrailEvent)},
		{value, value},
		{value, []byte(full), half, value, slices.Concat(half, half)},
	} {
		d := c.NewDecoder()
		for _, v := range before {
			outcomes(d, &Record{Value: v, Timestamp: access.End})
		}
		learned = append(learned, d)
	}
	return strictDecoder(c), append(learned, c.newDecoder())
}

// FuzzDecode holds a decoder that has learned against one that has not, and the
// strict one against encoding/json as far as that is strict.
func FuzzDecode(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	flat := cloudTrail()
	flat.Explode = ""
	var compiled []*Compiled
	for _, m := range []Mapping{{}, flat, cloudTrail(), {Explode: "x.y"}, {TimeFormat: "unix_ms"}} {
		compiled = append(compiled, compile(f, m))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		for i, c := range compiled {
			r := &Record{Value: value, Timestamp: access.End}
			strict, learned := primed(c, value)
			want := outcomes(strict, r)
			for j, d := range learned {
				if got := outcomes(d, r); !slices.Equal(got, want) {
					t.Fatalf("mapping %d, learned %d: %q\n   got %s\nstrict %s", i, j, value, got, want)
				}
			}
			if i == 0 {
				holdAgainstJSON(t, value, want)
			}
			holdAgainstSpaced(t, strict, value, want)
		}
	})
}

// holdAgainstJSON checks what encoding/json knows better: what is JSON at all,
// and the values of an event that was accepted.
func holdAgainstJSON(t *testing.T, value []byte, got []string) {
	if len(got) != 1 {
		t.Fatalf("%q gives %d events and rejections", value, len(got))
	}
	accepted := strings.HasPrefix(got[0], "{")
	valid := json.Valid(value)
	if accepted && !valid {
		t.Fatalf("%q is accepted, and not JSON", value)
	}
	object := bytes.HasPrefix(bytes.TrimLeft(value, " \t\r\n"), []byte("{"))
	if valid && object && strings.HasPrefix(got[0], "syntax") {
		t.Fatalf("%q is rejected as %s, and is JSON", value, got[0])
	}
	if !accepted {
		return
	}
	var all map[string]any // not a struct: those fold case
	if err := json.Unmarshal(value, &all); err != nil {
		t.Fatal(err)
	}
	var native map[string]any
	if err := json.Unmarshal([]byte(got[0]), &native); err != nil {
		t.Fatalf("%q is rendered as %s: %v", value, got[0], err)
	}
	for _, name := range []string{"principal", "feature", "id", "subject", "grantor"} {
		want, _ := all[name].(string)
		if have, _ := native[name].(string); have != want {
			t.Fatalf("%q: %s is %q, want %q", value, name, have, want)
		}
	}
	again := outcomes(compiledNative(t), &Record{Value: []byte(got[0]), Timestamp: access.End})
	if !slices.Equal(again, got) {
		t.Fatalf("%s decodes to %s", got, again)
	}
}

// holdAgainstSpaced writes white space between all the words of a value, which
// closes every short way of the scanner.
func holdAgainstSpaced(t *testing.T, d *Decoder, value []byte, want []string) {
	var spaced bytes.Buffer
	if len(value) > 1<<16 || json.Indent(&spaced, value, " ", "\t") != nil {
		return
	}
	got := outcomes(d, &Record{Value: spaced.Bytes(), Timestamp: access.End})
	same := slices.EqualFunc(got, want, func(a, b string) bool {
		if strings.HasPrefix(a, "{") || strings.HasPrefix(b, "{") {
			return a == b
		}
		reasonAndField := func(s string) []string { return strings.SplitN(s, " ", 3)[:2] }
		return slices.Equal(reasonAndField(a), reasonAndField(b))
	})
	if !same {
		t.Fatalf("%q\n   got %s\nspaced %s", value, want, got)
	}
}

func compiledNative(t testing.TB) *Decoder { return compile(t, Mapping{}).newDecoder() }
