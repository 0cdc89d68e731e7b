package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// maxDepth of nesting; our formats need six.
const maxDepth = 64

// readable reports whether the bytes are text at all: UTF-8 without control
// characters, of which the parser would not tell the place.
func (d *Document) readable() bool {
	if empty(d.data) {
		d.placeAt(0).Errorf("the file is empty")
		return false
	}
	for i := 0; i < len(d.data); {
		c := d.data[i]
		if c >= ' ' && c < utf8.RuneSelf || c == '\n' || c == '\r' || c == '\t' {
			i++
			continue
		}
		r, size := utf8.DecodeRune(d.data[i:])
		if r == utf8.RuneError && size == 1 {
			d.placeAt(i).Errorf("byte 0x%02X is not UTF-8: save the file as UTF-8", c)
			return false
		}
		if r < ' ' {
			d.placeAt(i).Errorf("control character 0x%02X is not allowed", r)
			return false
		}
		i += size
	}
	return true
}

// whole parses the file in one piece; nil where that reported an error.
func (d *Document) whole() *yaml.Node {
	root := d.parseWhole()
	d.broken = d.broken || root == nil
	return root
}

func (d *Document) parseWhole() *yaml.Node {
	node, next, err := load(d.data)
	if err != nil {
		d.syntaxError(err)
		return nil
	}
	if next != nil {
		(Place{d, int32(next.Line), int32(next.Column)}).Errorf("a second document begins here: keep one document in a file")
		return nil
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.MappingNode {
		(Place{d, int32(node.Line), int32(node.Column)}).Errorf("the file must be a mapping of keys to values, not %s", describe(node))
		return nil
	}
	if !d.inspect(node, 0) {
		return nil
	}
	return node
}

// load parses one document: its root, and where a second one begins.
func load(data []byte) (root, next *yaml.Node, err error) {
	// The parser is not ours and the bytes are anybody's: should it panic, a
	// reload refuses the file and the daemon lives on.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the parser gave up: %v", r)
		}
	}()
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err != nil {
		return nil, nil, err
	}
	var first, second yaml.Node
	if err := loader.Load(&first); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil, errors.New("there is no document in the file")
		}
		return nil, nil, err
	}
	switch err := loader.Load(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, nil, err
	default:
		next = &second
	}
	if len(first.Content) != 1 {
		return nil, nil, errors.New("there is no document in the file")
	}
	return first.Content[0], next, nil
}

// syntaxError reports what the parser said, where it said it.
func (d *Document) syntaxError(err error) {
	var detail *yaml.LoadError
	if !errors.As(err, &detail) {
		d.placeAt(0).Errorf("not YAML: %v", err)
		return
	}
	place := d.placeAt(detail.Mark.Index)
	switch {
	case detail.Mark.Line > 0:
		place = Place{d, int32(detail.Mark.Line), int32(max(detail.Mark.Column, 1))}
	case detail.Mark.Index == 0: // a tag that its value contradicts: the parser does not say where
		place = d.placeAt(max(bytes.Index(d.data, []byte("!!")), 0))
	}
	message := detail.Message
	if detail.ContextMsg != "" {
		message += " " + detail.ContextMsg
		if from := detail.ContextMark; from.Line > 0 && from.Line != place.Line() {
			message += fmt.Sprintf(" that begins on line %d", from.Line)
		}
	}
	if indent := d.lineText(place.Line()); bytes.IndexByte(indent[:len(indent)-len(bytes.TrimLeft(indent, " \t"))], '\t') >= 0 {
		message = "a tab indents this line: use spaces"
	}
	place.Errorf("not YAML: %s", strings.ReplaceAll(message, "\n", " "))
}
