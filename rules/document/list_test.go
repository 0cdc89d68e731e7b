package document

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// trace walks all of a document and writes down every value with its place.
func trace(d *Document) string {
	var b strings.Builder
	var visit func(v Value)
	visit = func(v Value) {
		switch {
		case v.IsMapping():
			m, _ := v.Mapping()
			fmt.Fprintf(&b, "%s {\n", m.Place())
			m.Entries(func(key string, v Value) {
				fmt.Fprintf(&b, "%q at %s:%d\n", key, v.KeyPlace(), v.KeyPlace().column)
				visit(v)
			})
			b.WriteString("}\n")
		case v.IsList():
			fmt.Fprintf(&b, "[\n")
			v.Each(visit)
			b.WriteString("]\n")
		case v.Given():
			fmt.Fprintf(&b, "%s:%d %q\n", v.Place(), v.Place().column, v.node.Value)
		default:
			fmt.Fprintf(&b, "%s:%d null\n", v.Place(), v.Place().column)
		}
	}
	d.Root().Entries(func(key string, v Value) {
		fmt.Fprintf(&b, "%q at %s:%d\n", key, v.KeyPlace(), v.KeyPlace().column)
		visit(v)
	})
	return b.String()
}

// sameDivided compares a document read in chunks with the same read whole. It
// reports whether chunks were made.
func sameDivided(t *testing.T, data []byte, chunk int) bool {
	t.Helper()
	whole, divided := parse("f.yml", data, 1<<40), parse("f.yml", data, chunk)
	lists := len(divided.lists)
	a, b := trace(whole), trace(divided)
	if !whole.Broken() {
		if a != b || whole.Problems().String() != divided.Problems().String() || divided.Broken() {
			t.Fatalf("%q\nwhole:\n%s%s\nin chunks of %d:\n%s%s", data, a, whole.Problems(), chunk, b, divided.Problems())
		}
		return lists > 0
	}
	if !divided.Broken() {
		t.Fatalf("%q\nwhole:\n%s\nin chunks of %d:\n%s", data, whole.Problems(), chunk, divided.Problems())
	}
	found := divided.Problems().String()
	for _, p := range whole.Problems() {
		if !strings.Contains(found, p.String()) {
			t.Fatalf("%q\nwhole:\n%s\nin chunks of %d:\n%s", data, whole.Problems(), chunk, found)
		}
	}
	return lists > 0
}

// Texts that try to be cut in the wrong place.
var hostile = []string{
	"version: 1\nregistrations:\n  - partner: a\n    feature: b\n  - partner: c\n    feature: d\n\n  # e\n  - f\nrules: x\n",
	"registrations:\n- a: 1\n- b: 2\n-\n  c: 3\n- - d\n  - e\n",
	"registrations:\n  - a: \"x\n  - b\n  - c\"\n  - d: 'y\n  - z'\n",
	"registrations:\n  - a: [1,\n  - 2]\n",
	"registrations:\n  - a: |\n      - b\n      - c\n  - |\n   - d\n  - |+\n\n\n  - e: >-\n     f\n     g\n\n  - h\n",
	"registrations:\n  - a: x\n    - y\n  - b\n",
	"registrations:\n  - a\n - b\n",
	"registrations:\n  - a\n   - b\n  - c\n",
	"registrations:\n  - a\n- b\n- c\n",
	"registrations: # these\n  - a\n  - b\nregistrations:\n  - c\n  - d\n",
	"note: \"\nregistrations:\n  - a\n  - b\n\"\n",
	"{note: 1,\nregistrations:\n  - a\n  - b\n}\n",
	"n:\n -  : \"x\ns:\n   - b\n  - c\"",
	"n:\n  - a\n  - 'x\ns:\n  - b\n  - c'\n",
	"n:\n  - [x,\ns:\n  - b\n  - c]\n",
	"n:\n  - x: {y: \"z\n\ns: 1\n  - b\"}\nt:\n  - d\n  - e\n",
	"n:\n  - x: \"a\n      b\"\n  - c\ns:\n  - d\n  - 'e\n    f'\n",
	"a: |\n  text\nregistrations:\n  - a\n  - b\nb: 1\n",
	"registrations:\n  - &a {x: 1}\n  - *a\n  - *a\n",
	"registrations:\n  - a\n  - b\n---\nregistrations:\n  - c\n  - d\n",
	"registrations:\n  - a\n  - b\n...\n",
	"---\nregistrations:\n  - a\n  - b\n  - c\n",
	"registrations:\r\n  - a: 1\r\n    b: 2\r\n  - c\r\n  - d\r\n",
	"registrations:\r  - a\r  - b\r",
	"registrations:\n  - a\u2028  - b\n  - c\n",
	"registrations:\n  - a\n\uFEFF  - b\n  - c\n",
	"\uFEFFregistrations:\n  - a\n  - b\n  - c\n",
	"registrations:\n  - R&D\n  - a & b\n  - c\n",
	"registrations:\n  - a: 1\n    a: 2\n  - {b: 1, b: 2}\n  - <<: {c: 1}\n  - !x d\n",
	"registrations:\n  - a\n  - b\n  - \"c\n",
	"registrations:\n  - a\n  -b\n  - c\n  -\n  - d\n",
	"registrations:\n\n\n  - a\n  - b\n\n\n# end\n",
	"registrations:\n  ? a\n  : b\n",
	"registrations:\n  - a\n  - b\n  c: d\n",
	"registrations:\n  - a\n\t- b\n  - c\n",
	"registrations:\n  - a\n  - b",
	"? registrations:\n  - a\n  - b\n: 1\n",
	"registrations:\n  - a: b\n      c\n  - d: e\n     - f\n  - g\n",
}

func TestChunksAreBelievedOnlyWhereTheParserConfirmsThem(t *testing.T) {
	divided := 0
	for _, text := range hostile {
		for _, chunk := range []int{1, 5, 12, 30} {
			if sameDivided(t, []byte(text), chunk) {
				divided++
			}
		}
	}
	if divided < len(hostile) {
		t.Errorf("only %d texts were read in chunks", divided)
	}
}

// Lines of hostile texts in any order.
func TestChunksOfRandomLines(t *testing.T) {
	var lines []string
	for _, text := range hostile {
		lines = append(lines, strings.SplitAfter(text, "\n")...)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		var b strings.Builder
		b.WriteString("registrations:\n")
		for range r.IntN(12) {
			if r.IntN(2) == 0 {
				b.WriteString("  - a: 1\n")
			} else {
				b.WriteString(lines[r.IntN(len(lines))])
			}
		}
		sameDivided(t, []byte(b.String()), 1+r.IntN(40))
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range hostile {
		f.Add([]byte(text), uint8(10))
	}
	f.Fuzz(func(t *testing.T, data []byte, chunk uint8) {
		sameDivided(t, data, 1+int(chunk))
	})
}
