package scenario

import (
	"fmt"
	"strconv"
	"strings"
)

// template is a value with braces: u{1..500} counts, {read,write} takes turns.
// The value of event n of a line is the same whenever it is asked for.
type template struct {
	parts []piece
	cycle int      // after so many events all values have been there; 0: more than maxCycle
	known [][]byte // the values of one cycle; nil where there are more
}

// piece is a literal, a list of alternatives, or a range of numbers.
type piece struct {
	literal      string
	alternatives []string
	from, count  int // count 0: no range
}

// maxCycle is how many different values are made beforehand.
const maxCycle = 1024

// maxRange is the longest range, and the greatest number in one.
const maxRange = 1_000_000_000

func parseTemplate(text string) (*template, error) {
	t := &template{}
	for rest := text; rest != ""; {
		open := strings.IndexAny(rest, "{}")
		if open < 0 {
			t.parts = append(t.parts, piece{literal: rest})
			break
		}
		if open > 0 {
			t.parts = append(t.parts, piece{literal: rest[:open]})
		}
		inside, after, closed := strings.Cut(rest[open+1:], "}")
		if rest[open] == '}' || !closed || strings.Contains(inside, "{") {
			return nil, fmt.Errorf("a brace is not closed or not opened: write {1..500} or {read,write}; an event with braces in its names can be written as JSON")
		}
		p, err := parseBraces(inside)
		if err != nil {
			return nil, err
		}
		t.parts = append(t.parts, p)
		rest = after
	}
	t.prepare()
	return t, nil
}

func parseBraces(inside string) (piece, error) {
	if low, high, ok := strings.Cut(inside, ".."); ok {
		from, err1 := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		if err1 != nil || err2 != nil || from < 0 || to < from || to > maxRange {
			return piece{}, fmt.Errorf("{%s} is no range: write it like {1..500}, the lower number first, up to %d", inside, maxRange)
		}
		return piece{from: from, count: to - from + 1}, nil
	}
	alternatives := strings.Split(inside, ",")
	if len(alternatives) < 2 {
		return piece{}, fmt.Errorf("{%s} has nothing to choose from: write {1..500} or {read,write}", inside)
	}
	if len(alternatives) > maxCycle {
		return piece{}, fmt.Errorf("more than %d alternatives in braces", maxCycle)
	}
	return piece{alternatives: alternatives}, nil
}

// length is after how many events the part begins again.
func (p *piece) length() int { return max(1, p.count, len(p.alternatives)) }

func (t *template) prepare() {
	t.cycle = 1
	for i := range t.parts {
		n := t.parts[i].length()
		if t.cycle = t.cycle / gcd(t.cycle, n) * n; t.cycle > maxCycle {
			t.cycle = 0
			return
		}
	}
	for n := range t.cycle {
		t.known = append(t.known, t.write(nil, n))
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// append adds the value of event n, from 0.
func (t *template) append(b []byte, n int) []byte {
	if t.cycle > 0 {
		return append(b, t.known[n%t.cycle]...)
	}
	return t.write(b, n)
}

func (t *template) write(b []byte, n int) []byte {
	for i := range t.parts {
		switch p := &t.parts[i]; {
		case p.count > 0:
			b = strconv.AppendInt(b, int64(p.from+n%p.count), 10)
		case p.alternatives != nil:
			b = append(b, p.alternatives[n%len(p.alternatives)]...)
		default:
			b = append(b, p.literal...)
		}
	}
	return b
}

// longest is the greatest length of a value.
func (t *template) longest() int {
	total := 0
	for i := range t.parts {
		p := &t.parts[i]
		n := len(p.literal)
		for _, a := range p.alternatives {
			n = max(n, len(a))
		}
		if p.count > 0 {
			n = len(strconv.Itoa(p.from + p.count - 1))
		}
		total += n
	}
	return total
}
