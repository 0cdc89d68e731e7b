package document

import (
	"fmt"
	"math"
	"strings"
	"time"
)

var units = [...]struct {
	name   string
	length time.Duration
}{
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
}

// ParseDuration reads a length of time: 30d, 12h, 90m, 1d12h, 10s, 250ms, or 0.
// A day is 24 hours. Units come in falling order, each at most once. The error
// quotes text and says what to write.
func ParseDuration(text string) (time.Duration, error) {
	d, complaint := parseDuration(text)
	if complaint != "" {
		return 0, fmt.Errorf("%q %s", text, complaint)
	}
	return d, nil
}

// FormatDuration is the shortest text that ParseDuration reads as d, for d >= 0
// of whole milliseconds.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	var b strings.Builder
	for _, u := range units {
		if n := d / u.length; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.length
		}
	}
	return b.String()
}

// parseDuration returns an empty complaint where text is good.
func parseDuration(text string) (_ time.Duration, complaint string) {
	const example = "is not a duration: write it like 30d, 12h, 90m or 1d12h"
	if text == "0" {
		return 0, ""
	}
	var total time.Duration
	rest, next := text, 0
	for first := true; first || rest != ""; first = false {
		n := 0
		for n < len(rest) && digit(rest[n]) {
			n++
		}
		if n == 0 {
			return 0, example
		}
		digits := rest[:n]
		rest = rest[n:]
		n = 0
		for n < len(rest) && !digit(rest[n]) {
			n++
		}
		name := rest[:n]
		rest = rest[n:]
		if name == "" {
			return 0, "has a number without a unit: write it like 30d, 12h, 90m or 1d12h"
		}
		for next < len(units) && units[next].name != name {
			next++
		}
		if next == len(units) {
			return 0, example
		}
		var value time.Duration
		for _, c := range digits {
			if value > (math.MaxInt64-time.Duration(c-'0'))/10 {
				return 0, tooLong
			}
			value = value*10 + time.Duration(c-'0')
		}
		if value > (math.MaxInt64-total)/units[next].length {
			return 0, tooLong
		}
		total += value * units[next].length
		next++
	}
	return total, ""
}

const tooLong = "is longer than 106751d"
