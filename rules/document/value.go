package document

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"sunsetwatch/rules/access"
)

// Value is what stands at a key, or an item of a list. The zero Value is
// absent.
//
// The typed getters return false where the value is absent, null or of another
// type; another type they report.
type Value struct {
	document *Document
	shift    int32
	key      string     // its own, or that of the list it is an item of
	keyNode  *yaml.Node // nil for items
	node     *yaml.Node // nil: absent; never an alias
}

// Present reports whether the key is there, be it null.
func (v Value) Present() bool { return v.node != nil }

// Null reports whether the key is there and null.
func (v Value) Null() bool {
	return v.node != nil && v.node.Kind == yaml.ScalarNode && v.node.Tag == "!!null" && v.document.lists[v.node] == nil
}

// Given reports whether there is a value: not absent, not null.
func (v Value) Given() bool { return v.node != nil && !v.Null() }

// IsMapping reports whether the value is a mapping.
func (v Value) IsMapping() bool { return v.node != nil && v.node.Kind == yaml.MappingNode }

// IsList reports whether the value is a list.
func (v Value) IsList() bool {
	return v.node != nil && (v.node.Kind == yaml.SequenceNode || v.document.lists[v.node] != nil)
}

// Place of the value; of its key where the value is written as nothing.
func (v Value) Place() Place {
	n := v.node
	if n == nil {
		return Place{}
	}
	if n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 && v.keyNode != nil {
		n = v.keyNode
	}
	return Place{v.document, int32(n.Line) + v.shift, int32(n.Column)}
}

// KeyPlace is the place of the key; of the item in a list.
func (v Value) KeyPlace() Place {
	if v.keyNode == nil {
		return v.Place()
	}
	return Place{v.document, int32(v.keyNode.Line) + v.shift, int32(v.keyNode.Column)}
}

// Errorf reports an error at the value.
func (v Value) Errorf(format string, args ...any) { v.Place().Errorf(format, args...) }

// Warnf reports a warning at the value.
func (v Value) Warnf(format string, args ...any) { v.Place().Warnf(format, args...) }

// Label is what problems call the value: its key, or "an item of" its list's.
func (v Value) Label() string {
	if v.keyNode == nil {
		return "an item of " + v.key
	}
	return v.key
}

func (v Value) wrongType(want string) {
	switch {
	case v.Given():
		v.Errorf("%s must be %s, not %s", v.Label(), want, v.describe())
	case v.Null() && v.keyNode == nil: // the null of a key means something, that of an item does not
		v.Errorf("%s is empty", v.Label())
	}
}

func (v Value) describe() string {
	if v.IsList() {
		return "a list"
	}
	return describe(v.node)
}

// scalar is the text of a value that is neither list nor mapping nor null.
func (v Value) scalar() (string, bool) {
	if !v.Given() || v.node.Kind != yaml.ScalarNode || v.IsList() {
		return "", false
	}
	return v.node.Value, true
}

// Text is the value as text. A number or a time without quotes is taken as it
// is written, `1.10` stays 1.10; true and false must be quoted to be text.
func (v Value) Text() (string, bool) {
	s, ok := v.scalar()
	if !ok || v.node.Tag == "!!bool" {
		v.wrongType("text")
		return "", false
	}
	return s, true
}

// Texts are the items of a list of texts; not nil where the list is there.
func (v Value) Texts() ([]string, bool) {
	if !v.IsList() {
		v.wrongType("a list of texts")
		return nil, false
	}
	texts, ok := make([]string, 0, len(v.node.Content)), true
	v.Each(func(item Value) {
		s, good := item.Text()
		texts = append(texts, s)
		ok = ok && good
	})
	return texts, ok
}

// Word is a text that must be one of words.
func (v Value) Word(words []string) (string, bool) {
	s, ok := v.Text()
	if !ok {
		return "", false
	}
	for _, w := range words {
		if w == s {
			return s, true
		}
	}
	if near := Nearest(s, words); near != "" {
		v.Errorf("unknown word %s in %s: did you mean %s?", Show(s), v.key, near)
	} else {
		v.Errorf("unknown word %s in %s: write %s", Show(s), v.key, alternatives(words))
	}
	return "", false
}

// Instant is an RFC 3339 instant; one without a zone is refused.
func (v Value) Instant() (access.Instant, bool) {
	s, ok := v.scalar()
	if !ok {
		v.wrongType("an instant like 2015-07-01T00:00:00Z")
		return 0, false
	}
	i, complaint := parseInstant(s)
	if complaint != "" {
		v.Errorf("%s %s", v.Label(), complaint)
		return 0, false
	}
	return i, true
}

// Duration is a length of time like 30d or 1d12h.
func (v Value) Duration() (time.Duration, bool) {
	s, ok := v.scalar()
	if !ok {
		v.wrongType("a duration like 30d")
		return 0, false
	}
	d, complaint := parseDuration(s)
	if complaint != "" {
		v.Errorf("%s %s", v.Label(), complaint)
		return 0, false
	}
	return d, true
}

// Bool is true or false.
func (v Value) Bool() (bool, bool) {
	s, ok := v.scalar()
	if !ok || v.node.Tag != "!!bool" {
		v.wrongType("true or false")
		return false, false
	}
	return strings.EqualFold(s, "true"), true
}

// Int is a whole number in decimal digits.
func (v Value) Int() (int64, bool) {
	s, ok := v.scalar()
	if ok && v.node.Tag == "!!int" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err == nil {
			return n, true
		}
		v.Errorf("%s must be a whole number in decimal digits", v.Label())
		return 0, false
	}
	v.wrongType("a whole number")
	return 0, false
}

// Float is a finite number.
func (v Value) Float() (float64, bool) {
	s, ok := v.scalar()
	if ok && (v.node.Tag == "!!int" || v.node.Tag == "!!float") {
		f, err := strconv.ParseFloat(s, 64)
		if err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return f, true
		}
		v.Errorf("%s must be a finite number in decimal digits", v.Label())
		return 0, false
	}
	v.wrongType("a number")
	return 0, false
}

// Mapping is a cursor over the value; never nil.
func (v Value) Mapping() (*Mapping, bool) {
	if !v.IsMapping() {
		v.wrongType("a mapping")
		return &Mapping{}, false
	}
	return &Mapping{document: v.document, shift: v.shift, node: v.node}, true
}

// Each calls do with every item of a list, in order. It reports a value that is
// no list; an absent or null one has no items.
func (v Value) Each(do func(item Value)) {
	if !v.IsList() {
		v.wrongType("a list")
		return
	}
	item := func(n *yaml.Node, shift int32) {
		do(Value{document: v.document, shift: shift, key: v.key, node: resolve(n)})
	}
	if l := v.document.lists[v.node]; l != nil {
		v.document.eachItem(l, item)
		return
	}
	for _, n := range v.node.Content {
		item(n, v.shift)
	}
}

// Show is text as problems print it: as it is where it is a plain word, quoted
// where that would mislead, cut where it is long.
func Show(text string) string {
	const longest = 80
	cut := text
	if len(cut) > longest {
		cut = strings.ToValidUTF8(cut[:longest], "") + "…"
	}
	plain := func(r rune) bool { return unicode.IsPrint(r) && r != ' ' && r != '"' && r != utf8.RuneError }
	if cut == "" || strings.IndexFunc(cut, func(r rune) bool { return !plain(r) }) >= 0 {
		return strconv.Quote(cut)
	}
	return cut
}

// alternatives is "a, b or c".
func alternatives(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
