package scenario

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable is text as a terminal can show it: names in events are anybody's.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, text)
}
