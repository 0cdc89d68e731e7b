package document

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Place is a line and column of a document: where a problem is reported that
// shows only later, when the set is seen as a whole. It keeps the document
// alive. The zero value is nowhere, and reports nothing.
type Place struct {
	document     *Document
	line, column int32
}

// File is the name of the document.
func (p Place) File() string {
	if p.document == nil {
		return ""
	}
	return p.document.name
}

// Line counts from 1; 0 is nowhere.
func (p Place) Line() int { return int(p.line) }

// String is file:line.
func (p Place) String() string { return fmt.Sprintf("%s:%d", p.File(), p.line) }

// Errorf reports an error at p.
func (p Place) Errorf(format string, args ...any) { p.report(Error, format, args) }

// Warnf reports a warning at p.
func (p Place) Warnf(format string, args ...any) { p.report(Warning, format, args) }

func (p Place) report(severity Severity, format string, args []any) {
	d := p.document
	if d == nil {
		return
	}
	problem := Problem{
		File:     d.name,
		Line:     int(p.line),
		Column:   int(p.column),
		Severity: severity,
		Message:  oneLine(fmt.Sprintf(format, args...)),
	}
	problem.Excerpt, problem.Caret = excerpt(d.lineText(int(p.line)), int(p.column))
	d.problems = append(d.problems, problem)
}

// oneLine is message as a terminal can show it, cut where it quotes a file at
// length.
func oneLine(message string) string {
	const longest = 1000
	if len(message) > longest {
		message = message[:longest] + "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, message)
}

// Bounds of what is quoted of a line: a generated file may be one line of
// megabytes with a problem in every second word.
const (
	excerptRunes  = 160
	quotableRunes = 4096
)

// excerpt is the part of line around column, and which column of it that is.
// What a terminal would obey or cannot show is replaced.
func excerpt(line []byte, column int) (string, int) {
	if column > quotableRunes {
		return "", 0
	}
	from := 0
	if column > excerptRunes*3/4 {
		from = column - excerptRunes/2
	}
	var b strings.Builder
	if from > 0 {
		b.WriteString("…")
	}
	for n := 0; len(line) > 0; n++ {
		if n == from+excerptRunes {
			b.WriteString("…")
			break
		}
		r, size := utf8.DecodeRune(line)
		line = line[size:]
		switch {
		case n < from:
		case r == '\t', unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteRune(utf8.RuneError)
		}
	}
	if from > 0 {
		return b.String(), column - from + 1
	}
	return b.String(), column
}

// lineText is line n from 1, without its break; empty beyond the end.
// Lines are broken where the YAML parser breaks them, or places would drift.
func (d *Document) lineText(n int) []byte {
	if d.lines == nil {
		d.lines = lineStarts(d.data)
	}
	if n < 1 || n > len(d.lines) {
		return nil
	}
	end := len(d.data)
	if n < len(d.lines) {
		end = d.lines[n] // the rest may be megabytes: look for the break in this line only
	}
	line := d.data[d.lines[n-1]:end]
	if n < len(d.lines) {
		line = line[:breakIndex(line)]
	}
	if n == 1 {
		line = bytes.TrimPrefix(line, byteOrderMark)
	}
	return line
}

// placeAt is the place of the byte at offset.
func (d *Document) placeAt(offset int) Place {
	if d.lines == nil {
		d.lines = lineStarts(d.data)
	}
	offset = min(max(offset, 0), len(d.data))
	line := sort.SearchInts(d.lines, offset+1)
	column := utf8.RuneCount(d.data[d.lines[line-1]:offset]) + 1
	return Place{d, int32(line), int32(column)}
}

func lineStarts(data []byte) []int {
	starts := []int{0}
	for i := 0; ; {
		n := breakIndex(data[i:])
		if n < 0 {
			return starts
		}
		i += n + breakWidth(data[i+n:])
		starts = append(starts, i)
	}
}

// breakIndex is where the first line break of b begins: LF, CR, CR LF, NEL,
// LS or PS.
func breakIndex(b []byte) int {
	for i, c := range b {
		switch {
		case c == '\n', c == '\r':
			return i
		case c == 0xC2 && i+1 < len(b) && b[i+1] == 0x85:
			return i
		case c == 0xE2 && i+2 < len(b) && b[i+1] == 0x80 && (b[i+2] == 0xA8 || b[i+2] == 0xA9):
			return i
		}
	}
	return -1
}

func breakWidth(b []byte) int {
	switch {
	case b[0] == '\r' && len(b) > 1 && b[1] == '\n':
		return 2
	case b[0] == 0xC2:
		return 2
	case b[0] == 0xE2:
		return 3
	}
	return 1
}
