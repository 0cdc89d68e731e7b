package document_test

import (
	"strings"
	"testing"

	"sunsetwatch/rules/document"
)

// read walks a small schema with every kind of getter.
func read(d *document.Document) {
	m := d.Root()
	m.String("name", document.Required)
	m.Strings("brokers")
	m.Instant("sunset")
	m.Duration("grace")
	m.Bool("enabled")
	m.Int("count")
	m.Float("ratio")
	m.Word("start", []string{"earliest", "latest"})
	inner := m.Mapping("state")
	inner.String("dir", document.Required)
	inner.Done()
	m.Each("items", func(v document.Value) {
		item, _ := v.Mapping()
		item.String("id", document.Required)
		item.Done()
	})
	m.Done()
}

func TestProblems(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"good", "name: 5\nbrokers: []\nsunset: 2015-07-01T00:00:00Z\ngrace: 1d12h\nenabled: true\ncount: 7\nratio: 0.5\nstart: latest\nstate: {dir: x}\nitems: [{id: a}]\n", ""},
		{"no zone", "name: x\nsunset: 2015-07-01\n", `
f.yml:2:9: error: sunset has no zone: write 2015-07-01T00:00:00Z
    2 | sunset: 2015-07-01
      |         ^
`},
		{"all at once", "nmae: x\nbrokers: a\nsunset: [1]\ngrace: 5\nenabled: 1\ncount: x\nratio: {}\nstart: earlist\nstate: {dri: x}\nitems: [{id: {}}, 3, ~]\n", `
f.yml:1:1: error: name is missing
    1 | nmae: x
      | ^
f.yml:1:1: error: unknown key nmae: did you mean name?
    1 | nmae: x
      | ^
f.yml:2:10: error: brokers must be a list of texts, not text
    2 | brokers: a
      |          ^
f.yml:3:9: error: sunset must be an instant like 2015-07-01T00:00:00Z, not a list
    3 | sunset: [1]
      |         ^
f.yml:4:8: error: grace has a number without a unit: write it like 30d, 12h, 90m or 1d12h
    4 | grace: 5
      |        ^
f.yml:5:10: error: enabled must be true or false, not a number
    5 | enabled: 1
      |          ^
f.yml:6:8: error: count must be a whole number, not text
    6 | count: x
      |        ^
f.yml:7:8: error: ratio must be a number, not a mapping
    7 | ratio: {}
      |        ^
f.yml:8:8: error: unknown word earlist in start: did you mean earliest?
    8 | start: earlist
      |        ^
f.yml:9:8: error: dir is missing
    9 | state: {dri: x}
      |        ^
f.yml:9:9: error: unknown key dri: did you mean dir?
    9 | state: {dri: x}
      |         ^
f.yml:10:14: error: id must be text, not a mapping
   10 | items: [{id: {}}, 3, ~]
      |              ^
f.yml:10:19: error: an item of items must be a mapping, not a number
   10 | items: [{id: {}}, 3, ~]
      |                   ^
f.yml:10:22: error: an item of items is empty
   10 | items: [{id: {}}, 3, ~]
      |                      ^
`},
		{"duplicate key", "name: x\ngrace: 1d\nname: y\n", `
f.yml:3:1: error: name is given twice: first on line 1
    3 | name: y
      | ^
`},
		{"empty", "", `
f.yml:1:1: error: the file is empty
    1 |
      | ^
`},
		{"comments alone", "# nothing\n\n", `
f.yml:1:1: error: the file is empty
    1 | # nothing
      | ^
`},
		{"a null document", "---\n", `
f.yml:2:1: error: the file must be a mapping of keys to values, not nothing
    2 |
      | ^
`},
		{"a list", "- name: x\n", `
f.yml:1:1: error: the file must be a mapping of keys to values, not a list
    1 | - name: x
      | ^
`},
		{"two documents", "name: x\n---\nname: y\n", `
f.yml:2:1: error: a second document begins here: keep one document in a file
    2 | ---
      | ^
`},
		{"tab", "name: x\nstate:\n\tdir: x\n", `
f.yml:3:1: error: not YAML: a tab indents this line: use spaces
    3 | 	dir: x
      | ^
`},
		{"open quote", "name: \"x\n  - b\n", `
f.yml:3:1: error: not YAML: found unexpected end of stream while scanning a quoted scalar that begins on line 1
    3 |
      | ^
`},
		{"colon", "name: x: y\n", `
f.yml:1:8: error: not YAML: mapping values are not allowed in this context
    1 | name: x: y
      |        ^
`},
		{"not UTF-8", "name: x\ngrace: \"\xff\"\n", `
f.yml:2:9: error: byte 0xFF is not UTF-8: save the file as UTF-8
    2 | grace: "�"
      |         ^
`},
		{"UTF-16", "\xff\xfen\x00a\x00", `
f.yml:1:1: error: byte 0xFF is not UTF-8: save the file as UTF-8
    1 | ��n�a�
      | ^
`},
		{"control character", "name: x\x00y\n", `
f.yml:1:8: error: control character 0x00 is not allowed
    1 | name: x�y
      |        ^
`},
		{"unknown alias", "name: *x\n", `
f.yml:1:7: error: not YAML: unknown anchor 'x' referenced
    1 | name: *x
      |       ^
`},
		{"alias of itself", "name: x\nitems: &a [*a]\n", `
f.yml:2:12: error: alias a stands for something that contains it: write the values out
    2 | items: &a [*a]
      |            ^
`},
		{"good alias", "name: &n x\nbrokers: &l [*n, *n]\nitems: [{id: *n}]\n", ""},
		{"merge key", "name: x\nstate: {<<: {dir: y}, dir: x}\n", `
f.yml:2:9: error: merge keys are not understood: write the values out
    2 | state: {<<: {dir: y}, dir: x}
      |         ^
`},
		{"foreign tag", "name: !secret x\n", `
f.yml:1:7: error: tag !secret is not understood: leave it out
    1 | name: !secret x
      |       ^
`},
		{"contradicting tag", "name: x\ncount: !!int x\n", `
f.yml:2:8: error: count must be a whole number in decimal digits
    2 | count: !!int x
      |        ^
`},
		{"key is a list", "name: x\n[a]: 1\n", `
f.yml:2:1: error: a key must be text, not a list
    2 | [a]: 1
      | ^
`},
		{"null where text is needed", "name:\n", `
f.yml:1:1: error: name is empty
    1 | name:
      | ^
`},
		{"true where text is needed", "name: true\n", `
f.yml:1:7: error: name must be text, not true
    1 | name: true
      |       ^
`},
		{"deep", "name: x\nitems: " + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "\n", `
f.yml:2:72: error: not YAML: exceeded max depth of 64 while increasing flow level
    2 | items: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]…
      |                                                                        ^
`},
		{"a long line", "name: x\n" + strings.Repeat("#", 5) + "\nstate: {dir: \"" + strings.Repeat("é", 200) + "\", x: 1}\n", `
f.yml:3:218: error: unknown key x
    3 | …éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé", x: 1}
      |                                                                                 ^
`},
		{"an endless line", "name: x\nstate: {dir: " + strings.Repeat("x", 5000) + ", y: 1}\n", `
f.yml:2:5016: error: unknown key y
`},
		{"tabs and wide text before the caret", "name: x\nstate: {\tdir: é, y: 1}\n", `
f.yml:2:18: error: unknown key y
    2 | state: {	dir: é, y: 1}
      |         	        ^
`},
		{"terminal escapes", "name: x\n\"\\e[31m\u00a0\": 1\n", `
f.yml:2:1: error: unknown key "\x1b[31m\u00a0"
    2 | "\e[31m�": 1
      | ^
`},
		{"windows line ends and a byte order mark", "\uFEFFname: x\r\ngrace: x\r\n", `
f.yml:2:8: error: grace is not a duration: write it like 30d, 12h, 90m or 1d12h
    2 | grace: x
      |        ^
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := document.Parse("f.yml", []byte(c.text))
			read(d)
			want := strings.TrimPrefix(c.want, "\n")
			if got := d.Problems().String(); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}
