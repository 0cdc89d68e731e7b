package document

import (
	"bytes"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// chunkBytes of a long list are parsed at a time. The tree of a whole file is
// some twenty times as large as its text; that of a chunk stays in the cache
// and is garbage before the next one is made, which halves the cost of a file
// of many megabytes.
const chunkBytes = 128 << 10

// list is a long block list under a key of the file's root. It stays out of the
// tree, and is parsed chunk by chunk when it is walked.
//
// Cutting a file before it is parsed is sound because it is believed only as
// far as it is confirmed: a line that begins, at the indentation of the list's
// items, with a dash begins an item unless it lies inside quotes or brackets;
// then the chunk before it is left open, which is an error, and on any error the
// file is parsed in one piece. The same holds for the line that ends the list,
// but what follows it has been read before the list is walked: so a chunk with a
// line that may leave something open is parsed when the file is split. What a
// chunk cannot show (anchors, directives, document markers, strange line breaks)
// keeps a file undivided.
type list struct {
	key        string
	line       int // of the key, from 1
	start, end int // of its lines in the data
	indent     int // of its items
	chunk      int
}

var listKey = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*):[ ]*(?:#.*)?\r?\n$`)

// split takes the long lists out of the tree. It is false, with nothing done,
// where the file is short or must be parsed in one piece.
func (d *Document) split(chunk int) bool {
	if len(d.data) < 2*chunk || !divisible(d.data) {
		return false
	}
	lists := longLists(d.data, chunk)
	if len(lists) == 0 {
		return false
	}
	skeleton := make([]byte, 0, len(d.data)/8)
	from := 0
	for _, l := range lists {
		skeleton = append(skeleton, d.data[from:l.start]...)
		skeleton = append(skeleton, bytes.Repeat([]byte("\n"), bytes.Count(d.data[l.start:l.end], []byte("\n")))...)
		from = l.end
	}
	skeleton = append(skeleton, d.data[from:]...)

	root, next, err := load(skeleton)
	if err != nil || next != nil || root.Kind != yaml.MappingNode || root.Style&yaml.FlowStyle != 0 {
		return false
	}
	byLine := make(map[int]*yaml.Node, len(root.Content)/2)
	times := make(map[string]int, len(root.Content)/2)
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		times[key.Value]++
		if key.Column == 1 && value.Tag == "!!null" && value.Value == "" {
			byLine[key.Line] = value
		}
	}
	found := make(map[*yaml.Node]*list, len(lists))
	for _, l := range lists {
		value := byLine[l.line]
		if value == nil || times[l.key] > 1 { // nobody would walk the second
			return false
		}
		if !l.closed(d.data) {
			return false
		}
		found[value] = l
	}
	d.lists = found
	if d.inspect(root, 0) {
		d.root = root
	} else {
		d.broken = true
	}
	return true
}

// divisible reports whether no part of data depends on another but by
// indentation, quotes and brackets, and LF ends every line.
func divisible(data []byte) bool {
	for _, lineBreak := range []string{"\u0085", "\u2028", "\u2029"} {
		if bytes.Contains(data, []byte(lineBreak)) {
			return false
		}
	}
	if bytes.Count(data, []byte("\r")) != bytes.Count(data, []byte("\r\n")) {
		return false
	}
	for i, c := range data {
		if c == '&' && i+1 < len(data) && data[i+1] > ' ' && (i == 0 || !isWord(data[i-1])) {
			return false // an anchor, or near enough
		}
	}
	if rest, ok := bytes.CutPrefix(data, []byte("---\n")); ok {
		data = rest
	}
	for _, marker := range []string{"---", "...", "%"} {
		if bytes.HasPrefix(data, []byte(marker)) || bytes.Contains(data, []byte("\n"+marker)) {
			return false
		}
	}
	return true
}

func isWord(c byte) bool {
	return c >= 0x80 || c == '_' || digit(c) || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// longLists are the lists under keys at the left margin that are longer than
// chunk bytes.
func longLists(data []byte, chunk int) []*list {
	var found []*list
	var current *list
	finish := func(end int) {
		if current != nil && current.indent >= 0 && end-current.start > chunk {
			current.end = end
			found = append(found, current)
		}
		current = nil
	}
	line, offset := 0, 0
	for text := range bytes.Lines(data) {
		line++
		begin := offset
		offset += len(text)
		content := bytes.TrimLeft(text, " ")
		blank := len(bytes.TrimSpace(content)) == 0 || content[0] == '#'
		switch {
		case current != nil && current.indent < 0 && !blank:
			if current.indent = len(text) - len(content); !dash(content) {
				current = nil
			}
		case current != nil && (blank || len(content) < len(text) || current.indent == 0 && dash(content)):
		case len(content) == len(text) && !blank:
			finish(begin)
		}
		if current == nil {
			if m := listKey.FindSubmatch(text); m != nil {
				current = &list{key: string(m[1]), line: line, start: offset, indent: -1, chunk: chunk}
			}
		}
	}
	finish(offset)
	return found
}

// dash reports whether s begins an item.
func dash(s []byte) bool {
	return len(s) > 0 && s[0] == '-' && (len(s) == 1 || s[1] == ' ' || s[1] == '\n' || s[1] == '\r')
}

// boundary is where a chunk that begins at from ends.
func (l *list) boundary(data []byte, from int) int {
	item := []byte("\n" + strings.Repeat(" ", l.indent) + "-")
	for at := from + l.chunk; at < l.end; {
		n := bytes.Index(data[at:l.end], item)
		if n < 0 {
			break
		}
		at += n + 1
		if dash(data[at+l.indent : l.end]) {
			return at
		}
	}
	return l.end
}

// eachItem walks a long list: for every item its node, and what to add to its
// lines.
func (d *Document) eachItem(l *list, do func(item *yaml.Node, shift int32)) {
	done := 0
	line := l.line + 1
	var text []byte
	for from := l.start; from < l.end; {
		to := l.boundary(d.data, from)
		text = l.text(text, d.data[from:to])
		items := l.items(text)
		if items == nil {
			d.wholeItems(l, done, do)
			return
		}
		shift := int32(line - 2)
		if !d.inspect(items, shift) {
			d.broken = true
			return
		}
		for _, item := range items.Content {
			do(item, shift)
		}
		done += len(items.Content)
		line += bytes.Count(d.data[from:to], []byte("\n"))
		from = to
	}
}

// closed reports whether no quotes and no brackets are open where a chunk ends.
func (l *list) closed(data []byte) bool {
	for from := l.start; from < l.end; {
		to := l.boundary(data, from)
		for line := range bytes.Lines(data[from:to]) {
			if closes(line) {
				continue
			}
			if l.items(l.text(nil, data[from:to])) == nil {
				return false
			}
			break
		}
		from = to
	}
	return true
}

// text is a chunk under the list's key, written over into.
func (l *list) text(into, chunk []byte) []byte {
	return append(append(append(into[:0], l.key...), ":\n"...), chunk...)
}

// items parses a chunk that stands under the list's key; nil where it is not
// what it was taken for.
func (l *list) items(text []byte) *yaml.Node {
	root, next, err := load(text)
	if err != nil || next != nil || root.Kind != yaml.MappingNode || len(root.Content) != 2 {
		return nil
	}
	items := root.Content[1]
	if items.Kind != yaml.SequenceNode || items.Style&yaml.FlowStyle != 0 || items.Column != l.indent+1 {
		return nil
	}
	return items
}

// wholeItems goes on from item number done in the tree of the whole file: to
// report the error that the parser then finds, or because a chunk was cut in
// the middle of a value.
func (d *Document) wholeItems(l *list, done int, do func(item *yaml.Node, shift int32)) {
	root := d.whole()
	if root == nil {
		return
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if items := root.Content[i+1]; root.Content[i].Line == l.line && items.Kind == yaml.SequenceNode {
			for _, item := range items.Content[min(done, len(items.Content)):] {
				do(item, 0)
			}
			return
		}
	}
	(Place{d, int32(l.line), 1}).Errorf("%s must be a list", l.key)
}
