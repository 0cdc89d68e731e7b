package document

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"sunsetwatch/rules/access"
)

// Mapping is a cursor over the keys of one mapping. Asking for a key makes it
// known; Done reports the keys that nobody asked for.
//
// The getters return the zero value where a key is absent, null or wrong, and
// report what is wrong. The zero Mapping stands for one that could not be read:
// it has no keys and reports nothing.
type Mapping struct {
	document *Document
	shift    int32
	node     *yaml.Node // nil: reports nothing
	known    []string
	all      bool // Entries has made every key known
}

// Need says whether a key may be left out.
type Need bool

// Required makes a getter report a key that is absent or null.
const Required Need = true

// Place of the mapping: that of its first key.
func (m *Mapping) Place() Place {
	if m.node == nil {
		return Place{}
	}
	n := m.node
	if n.Style&yaml.FlowStyle == 0 && len(n.Content) > 0 {
		n = n.Content[0]
	}
	return Place{m.document, int32(n.Line) + m.shift, int32(n.Column)}
}

// Value of key, which is absent where the mapping does not have it.
func (m *Mapping) Value(key string, needs ...Need) Value {
	if m.node == nil {
		return Value{key: key}
	}
	if m.known == nil {
		m.known = make([]string, 0, 16)
	}
	m.known = append(m.known, key)
	v := Value{key: key}
	for i := 0; i+1 < len(m.node.Content); i += 2 {
		if k := m.node.Content[i]; k.Value == key && k.Kind == yaml.ScalarNode {
			v = Value{document: m.document, shift: m.shift, key: key, keyNode: k, node: resolve(m.node.Content[i+1])}
			break
		}
	}
	for _, need := range needs {
		if need != Required || v.Given() {
			continue
		}
		if v.Present() {
			v.Errorf("%s is empty", key)
		} else {
			m.Place().Errorf("%s is missing", key)
		}
	}
	return v
}

// Has reports whether key is there, be it null. It does not make it known.
func (m *Mapping) Has(key string) bool {
	if m.node == nil {
		return false
	}
	for i := 0; i+1 < len(m.node.Content); i += 2 {
		if k := m.node.Content[i]; k.Value == key && k.Kind == yaml.ScalarNode {
			return true
		}
	}
	return false
}

// String of key.
func (m *Mapping) String(key string, needs ...Need) string {
	s, _ := m.Value(key, needs...).Text()
	return s
}

// Strings of the list at key; nil where it is absent or null, else not nil.
func (m *Mapping) Strings(key string, needs ...Need) []string {
	s, _ := m.Value(key, needs...).Texts()
	return s
}

// Instant at key.
func (m *Mapping) Instant(key string, needs ...Need) access.Instant {
	i, _ := m.Value(key, needs...).Instant()
	return i
}

// Duration at key.
func (m *Mapping) Duration(key string, needs ...Need) time.Duration {
	d, _ := m.Value(key, needs...).Duration()
	return d
}

// Bool at key: true or false.
func (m *Mapping) Bool(key string, needs ...Need) bool {
	b, _ := m.Value(key, needs...).Bool()
	return b
}

// Int at key.
func (m *Mapping) Int(key string, needs ...Need) int64 {
	n, _ := m.Value(key, needs...).Int()
	return n
}

// Float at key.
func (m *Mapping) Float(key string, needs ...Need) float64 {
	f, _ := m.Value(key, needs...).Float()
	return f
}

// Word at key, one of words; empty where it is absent or another.
func (m *Mapping) Word(key string, words []string, needs ...Need) string {
	w, _ := m.Value(key, needs...).Word(words)
	return w
}

// Mapping at key; never nil. Where it is absent, null or no mapping, it has no
// keys and reports nothing.
func (m *Mapping) Mapping(key string, needs ...Need) *Mapping {
	inner, _ := m.Value(key, needs...).Mapping()
	return inner
}

// Each calls do with every item of the list at key, in order.
func (m *Mapping) Each(key string, do func(Value), needs ...Need) {
	m.Value(key, needs...).Each(do)
}

// Entries calls do with every key that nobody has asked for so far and makes it
// known: for mappings whose keys are names given by the user.
func (m *Mapping) Entries(do func(key string, v Value)) {
	if m.node == nil {
		return
	}
	m.all = true
	seen := make(map[string]bool, len(m.known))
	for _, k := range m.known {
		seen[k] = true
	}
	for i := 0; i+1 < len(m.node.Content); i += 2 {
		k := m.node.Content[i]
		if k.Kind != yaml.ScalarNode || seen[k.Value] {
			continue
		}
		seen[k.Value] = true
		do(k.Value, Value{document: m.document, shift: m.shift, key: k.Value, keyNode: k, node: resolve(m.node.Content[i+1])})
	}
}

// suggestions is how many unknown keys of one mapping get one: after some, the
// mapping is another thing than a slip of the pen.
const suggestions = 20

// Done reports the keys that nobody asked for, each with the known key that was
// probably meant. Call it when all keys have been asked for.
func (m *Mapping) Done() {
	if m.node == nil || m.all {
		return
	}
	var free []string // known keys that are not there
	unknown := 0
	for i := 0; i+1 < len(m.node.Content); i += 2 {
		k := m.node.Content[i]
		if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" || slices.Contains(m.known, k.Value) {
			continue // inspect has reported the first two
		}
		advice := ""
		if unknown++; unknown == 1 {
			free = slices.DeleteFunc(slices.Clone(m.known), m.Has)
		}
		if unknown <= suggestions {
			advice = didYouMean(k.Value, free)
		}
		place := Place{m.document, int32(k.Line) + m.shift, int32(k.Column)}
		place.Errorf("unknown key %s%s", Show(k.Value), advice)
	}
}

// resolve follows an alias. An alias of an alias does not exist.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
