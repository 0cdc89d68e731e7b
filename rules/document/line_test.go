package document

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestLinesThatCloseWhatTheyOpen(t *testing.T) {
	for line, want := range map[string]bool{
		"":                                    true,
		"  - partner: a":                      true,
		"    reason: the partner's 2\" don't": true,
		"    reason: \"a\\\"b\"  # it's":      true,
		"    reason: 'it''s'":                 true,
		"  - {a: [b, -1, c-d], 'e': \"f,\", from: 2014-06-01T00:00:00Z}\r\n": true,
		"  - [scope.*, a:b:c, x\"y]":                                         true,
		"  - \"a\": b":                                                       true,
		"  - |- # 'text":                                                     true,
		"  - - ? a":                                                          true,
		"# \"":                                                               true,
		"  - a: # [":                                                         true,
		"  - : \"x":                                                          false,
		"  - 'x":                                                             false,
		"  - 'x''":                                                           false,
		"  - \"x\\\"":                                                        false,
		"  - \"x\\":                                                          false,
		"  - x \"y: \"z":                                                     false,
		"  - [a, b":                                                          false,
		"  - [a, [b]":                                                        false,
		"  - {a: b, # }":                                                     false,
		"  - {a: \"b}":                                                       false,
		"  - ? - \"a":                                                        false,
		"  - !x \"a":                                                         false,
		"  - [a]: \"b":                                                       false,
		"\uFEFF\"a":                                                          false,
		"  - [\"a\": 'b', \"c\": d, 'e: [":                                   false,
	} {
		if got := closes([]byte(line)); got != want {
			t.Errorf("closes(%q) is %t", line, got)
		}
	}
}

// Behind lines that close what they open, the parser sees a key at the margin.
func TestLinesAgainstTheParser(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pieces := strings.Split(`" ' " ' [ ] { } , : ? - # | > & * ! \ a b`, " ")
	pieces = append(pieces, " ", " ", " ", " ", " ", ": ", "- ", "? ", "\t", "\uFEFF", "é")
	parsed := 0
	for range 100_000 {
		var lines []string
		closed := true
		for range 1 + r.IntN(2) {
			var line strings.Builder
			for range 1 + r.IntN(8) {
				line.WriteString(pieces[r.IntN(len(pieces))])
			}
			closed = closed && closes([]byte(line.String()))
			lines = append(lines, line.String())
		}
		if !closed {
			continue
		}
		text := "list:\n  - " + strings.Join(lines, "\n   ") + "\nend: 1\n"
		root, next, err := load([]byte(text))
		if err != nil || next != nil {
			continue
		}
		parsed++
		if n := len(root.Content); n != 4 || root.Content[n-2].Value != "end" {
			t.Fatalf("%q is open at its end", text)
		}
	}
	if parsed < 5_000 {
		t.Errorf("only %d texts were YAML", parsed)
	}
}
