// Package document is strict YAML with places: a file is read into a cursor
// over its mappings that knows which keys it was asked for, and every problem
// of every file is collected with its line, its column and a caret, so that
// all are seen at once.
//
// The package refuses what a person could misread: unknown and duplicate keys,
// values of another type, instants without a zone, merge keys, tags of its
// own, a second document in a file. It knows no schema, opens no file and never
// panics, whatever the bytes.
//
// Concurrency: a Document and all that comes from it belong to one goroutine.
package document

import (
	"bytes"

	"go.yaml.in/yaml/v4"
)

// Document is one file. Problems are collected in it by whoever walks it.
type Document struct {
	name string
	data []byte

	lines    []int // where each line starts, made for the first problem
	problems Problems

	root   *yaml.Node           // nil where the file could not be read
	lists  map[*yaml.Node]*list // by the empty value that stands in the tree in their place
	broken bool
}

// Parse reads a file. It never fails: what is wrong is in Problems, and then
// Root is an empty mapping that reports nothing more. data must not be changed
// as long as the document is in use.
func Parse(name string, data []byte) *Document {
	return parse(name, data, chunkBytes)
}

func parse(name string, data []byte, chunk int) *Document {
	d := &Document{name: name, data: data}
	if !d.readable() {
		d.broken = true
		return d
	}
	if !d.split(chunk) {
		d.root = d.whole()
	}
	return d
}

// Name is the name given to Parse.
func (d *Document) Name() string { return d.name }

// Broken reports whether something of the file could not be read at all, so that
// what it says is not known. A long list is read when it is walked.
func (d *Document) Broken() bool { return d.broken }

// Problems so far, in the order of their places.
func (d *Document) Problems() Problems { return d.problems.sorted() }

// Root is the mapping that the file is.
func (d *Document) Root() *Mapping {
	if d.root == nil {
		return &Mapping{}
	}
	return &Mapping{document: d, node: d.root}
}

var byteOrderMark = []byte("\xEF\xBB\xBF")

// empty reports whether data says nothing: blanks and comments.
func empty(data []byte) bool {
	for line := range bytes.Lines(bytes.TrimPrefix(data, byteOrderMark)) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}
