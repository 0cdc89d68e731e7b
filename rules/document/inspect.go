package document

import (
	"go.yaml.in/yaml/v4"
)

// inspection goes once over a tree before anybody walks it. What it lets pass
// is finite and cheap to walk.
type inspection struct {
	document *Document
	shift    int32 // added to lines
	nodes    int   // of the tree, aliases counted as one
	expanded map[*yaml.Node]int
	ok       bool
}

// expanding marks an anchored node that is being measured.
const expanding = -1

// inspect reports duplicate keys, keys that are no text, merge keys and foreign
// tags below root. It is false where the tree must not be walked, because
// aliases make it endless or huge.
func (d *Document) inspect(root *yaml.Node, shift int32) bool {
	in := &inspection{document: d, shift: shift, ok: true}
	size := in.visit(root)
	if !in.ok {
		return false
	}
	// Ten times is a great deal of sharing; a bomb is millions.
	if limit := 10*in.nodes + 10_000; size > limit {
		in.place(root).Errorf("aliases blow this file up to more than %d values: write the values out", limit)
		return false
	}
	return true
}

func (in *inspection) place(n *yaml.Node) Place {
	return Place{in.document, int32(n.Line) + in.shift, int32(n.Column)}
}

// visit is the number of nodes that a walk over n sees, held below a billion.
func (in *inspection) visit(n *yaml.Node) int {
	in.nodes++
	if n.Kind == yaml.AliasNode {
		size, seen := in.expanded[n.Alias]
		if !seen || size == expanding {
			in.place(n).Errorf("alias %s stands for something that contains it: write the values out", Show(n.Value))
			in.ok = false
			return 1
		}
		return size
	}
	if n.Anchor != "" {
		if in.expanded == nil {
			in.expanded = make(map[*yaml.Node]int)
		}
		in.expanded[n] = expanding
	}
	if n.Style&yaml.TaggedStyle != 0 && !plainTag(n.Tag) {
		in.place(n).Errorf("tag %s is not understood: leave it out", Show(n.Tag))
	}
	size := 1
	for _, child := range n.Content {
		size = min(size+in.visit(child), 1_000_000_000)
	}
	if n.Kind == yaml.MappingNode {
		in.keys(n)
	}
	if n.Anchor != "" {
		in.expanded[n] = size
	}
	return size
}

func (in *inspection) keys(n *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			in.place(key).Errorf("a key must be text, not %s", describe(key))
		case key.Tag == "!!merge":
			in.place(key).Errorf("merge keys are not understood: write the values out")
		}
	}
	if len(n.Content) <= 64 {
		for i := 2; i+1 < len(n.Content); i += 2 {
			for j := 0; j < i; j += 2 {
				if in.repeats(n.Content[j], n.Content[i]) {
					break
				}
			}
		}
		return
	}
	first := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if before := first[key.Value]; before == nil || !in.repeats(before, key) {
			first[key.Value] = key
		}
	}
}

// repeats reports key where it is the same as one before it.
func (in *inspection) repeats(before, key *yaml.Node) bool {
	if key.Kind != yaml.ScalarNode || before.Kind != yaml.ScalarNode || before.Value != key.Value {
		return false
	}
	in.place(key).Errorf("%s is given twice: first on line %d", Show(key.Value), before.Line+int(in.shift))
	return true
}

func plainTag(tag string) bool {
	switch tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!seq", "!!map":
		return true
	}
	return false
}

// describe is what a node is, for "not ...".
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a mapping"
	case yaml.AliasNode:
		return "an alias"
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!bool":
		return n.Value
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a time"
	}
	return "text"
}
