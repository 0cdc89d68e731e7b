package codec

import (
	"slices"
	"strconv"
)

// node is a place in a value that a mapping names, or one on the way to it. The
// nodes of a mapping form a tree; its root is the value (or the element of an
// exploded record) itself.
type node struct {
	id    int    // among all nodes of the mapping: the index of its layout
	name  string // under its parent; a number also indexes an array
	field string // native name of the first field that reads this node, or empty
	slot  int    // where the scanner leaves what it finds here; -1: nowhere
	list  bool   // the elements of an array found here are wanted one by one
	whole bool   // the array of an exploded record: names are checked later, per element

	kids    []*node
	table   []bucket // open addressing by the hash of the name; the length is a power of two
	unknown edge     // of all other names
	indexes []index  // the kids whose names are numbers, in order
}

// bucket is one place of a look-up table.
type bucket struct {
	key  key
	edge *edge // of the kid; nil: the place is free
}

type index struct {
	at  int
	kid *node
}

// tree collects the nodes of a mapping while it is compiled.
type tree struct {
	root  *node
	nodes int // the id of the next node
	slots int
}

// newTree is a tree whose nodes are numbered from firstID on.
func newTree(firstID int) *tree {
	return &tree{root: &node{id: firstID, slot: -1}, nodes: firstID + 1}
}

// slot is the node that the names lead to, with a slot.
func (t *tree) slot(names []string, reads string) *node {
	n := t.root
	for _, name := range names {
		i := slices.IndexFunc(n.kids, func(k *node) bool { return k.name == name })
		if i < 0 {
			i = len(n.kids)
			n.kids = append(n.kids, &node{id: t.nodes, name: name, slot: -1})
			t.nodes++
		}
		n = n.kids[i]
	}
	if n.slot < 0 {
		n.slot, n.field = t.slots, reads
		t.slots++
	}
	return n
}

// seal builds the look-up tables, when all paths are in the tree.
func (n *node) seal() {
	n.unknown = *newEdge(nil, maxNumbers)
	if len(n.kids) == 0 {
		return
	}
	size := 4
	for size < 4*len(n.kids) {
		size *= 2
	}
	n.table = make([]bucket, size)
	for i, k := range n.kids {
		key := keyOf([]byte(k.name), 0, len(k.name))
		at := key.hash()
		for n.table[at&uint32(size-1)].edge != nil {
			at++
		}
		n.table[at&uint32(size-1)] = bucket{key: key, edge: newEdge(k, i)}
		if at, err := strconv.Atoi(k.name); err == nil && at >= 0 && strconv.Itoa(at) == k.name {
			n.indexes = append(n.indexes, index{at, k})
		}
		k.seal()
	}
	slices.SortFunc(n.indexes, func(a, b index) int { return a.at - b.at })
}

// widest is the greatest number of kids of n and all below it.
func (n *node) widest() int {
	most := len(n.kids)
	for _, k := range n.kids {
		most = max(most, k.widest())
	}
	return most
}

// element is the kid for the element at i of an array, or nil.
func (n *node) element(i int) *node {
	for _, x := range n.indexes {
		if x.at == i {
			return x.kid
		}
	}
	return nil
}

// find is the edge of the kid whose name begins at b[start], or nil; hash is
// the key's.
func (n *node) find(b []byte, start int, k key, hash uint32) *edge {
	if len(n.table) == 0 {
		return nil
	}
	for {
		at := &n.table[hash&uint32(len(n.table)-1)]
		if at.edge == nil || at.key == k && (k.length <= keyBytes || at.edge.kid.name == string(b[start:start+k.length])) {
			return at.edge
		}
		hash++
	}
}
