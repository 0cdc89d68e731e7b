package rules

import (
	"strings"
	"testing"
)

func TestPlain(t *testing.T) {
	for name, want := range map[string]string{
		"app-netflix_web.1":     "app-netflix_web.1",
		"arn:aws:iam::1/x@y":    "arn:aws:iam::1/x@y",
		"":                      `""`,
		"two words":             `"two words"`,
		"a. Team b: rejoice":    `"a. Team b: rejoice"`,
		"\x1b[31mred":           `"\x1b[31mred"`,
		"right\u202eleft":       `"right\u202eleft"`,
		"line\nbreak":           `"line\nbreak"`,
		`say "hi"`:              `"say \"hi\""`,
		"é":                     `"é"`,
		strings.Repeat("x", 65): strings.Repeat("x", 64) + "…",
		strings.Repeat("é", 40): `"` + strings.Repeat("é", 32) + `"…`,
	} {
		if got := plain(name); got != want {
			t.Errorf("plain(%q): %s, want %s", name, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 12345678: "12,345,678", 1<<64 - 1: "18,446,744,073,709,551,615"} {
		if got := number(n); got != want {
			t.Errorf("number(%d): %s, want %s", n, got, want)
		}
	}
}
