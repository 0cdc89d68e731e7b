package scenario

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
)

// difference is a field that is not as expected.
type difference struct {
	path      string // dotted
	got, want string
}

// matcher is what is expected of one value. Values are those of the JSON form of
// a finding, decoded with json.Number.
type matcher interface {
	// differ adds the differences of got, which stands at path.
	differ(path string, got any, all []difference) []difference
	// yaml is got, written as the matcher was.
	yaml(got any) string
}

// nothing matches null.
type nothing struct{}

func (nothing) differ(path string, got any, all []difference) []difference {
	if got == nil {
		return all
	}
	return append(all, difference{path, show(got), "null"})
}
func (nothing) yaml(got any) string { return plain(got) }

// exactly matches a text, number or truth.
type exactly struct{ want any } // string, json.Number or bool

func (m exactly) differ(path string, got any, all []difference) []difference {
	if got == m.want {
		return all
	}
	return append(all, difference{path, show(got), show(m.want)})
}
func (exactly) yaml(got any) string { return plain(got) }

// sentence matches a text in which ... stands for anything.
type sentence struct{ want string }

const ellipsis = "..."

func (m sentence) differ(path string, got any, all []difference) []difference {
	text, ok := got.(string)
	if ok && matchesEllipsis(m.want, text) {
		return all
	}
	return append(all, difference{path, show(got), show(m.want)})
}
func (sentence) yaml(got any) string { return plain(got) }

func matchesEllipsis(pattern, text string) bool {
	parts := strings.Split(pattern, ellipsis)
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	// The blank between a word and ... belongs to the pattern's looks.
	first, last = strings.TrimRight(first, " "), strings.TrimLeft(last, " ")
	if !strings.HasPrefix(text, first) {
		return false
	}
	text = text[len(first):]
	for _, part := range parts[1 : len(parts)-1] {
		part = strings.TrimSpace(part)
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, last)
}

// moment matches an instant, however it is written.
type moment struct{ want access.Instant }

func (m moment) differ(path string, got any, all []difference) []difference {
	if text, ok := got.(string); ok {
		if t, err := document.ParseInstant(text); err == nil && t == m.want {
			return all
		}
	}
	return append(all, difference{path, show(got), m.want.String()})
}
func (moment) yaml(got any) string { return plain(got) }

// place matches the time of a coordinate.
type place struct{ moment }

func (m place) differ(path string, got any, all []difference) []difference {
	return m.moment.differ(path, timeOf(got), all)
}
func (place) yaml(got any) string { return plain(timeOf(got)) }

func timeOf(coordinate any) any {
	if c, ok := coordinate.(map[string]any); ok {
		return c["time"]
	}
	return coordinate
}

// about matches a number within some per cent.
type about struct {
	want    uint64
	percent float64
}

func (m about) String() string {
	return fmt.Sprintf("about %d within %s%%", m.want, strconv.FormatFloat(m.percent, 'f', -1, 64))
}

func (m about) differ(path string, got any, all []difference) []difference {
	if n, ok := number(got); ok && math.Abs(float64(n)-float64(m.want)) <= float64(m.want)*m.percent/100 {
		return all
	}
	return append(all, difference{path, show(got), m.String()})
}

func (m about) yaml(got any) string {
	n, ok := number(got)
	if !ok {
		return plain(got)
	}
	return about{n, m.percent}.String()
}

func number(v any) (uint64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	u, err := strconv.ParseUint(n.String(), 10, 64)
	return u, err == nil
}

// length matches a number of seconds, written as a duration.
type length struct{ want time.Duration }

func (m length) differ(path string, got any, all []difference) []difference {
	if n, ok := got.(json.Number); ok && n.String() == strconv.FormatInt(int64(m.want/time.Second), 10) {
		return all
	}
	return append(all, difference{path, m.yaml(got), document.FormatDuration(m.want)})
}

func (length) yaml(got any) string {
	if n, ok := number(got); ok && n <= math.MaxInt64/uint64(time.Second) {
		return document.FormatDuration(time.Duration(n) * time.Second)
	}
	return plain(got)
}

// list matches a list of as many items.
type list []matcher

func (m list) differ(path string, got any, all []difference) []difference {
	items, ok := got.([]any)
	if !ok || len(items) != len(m) {
		return append(all, difference{path, show(got), fmt.Sprintf("a list of %d", len(m))})
	}
	for i := range m {
		all = m[i].differ(fmt.Sprintf("%s.%d", path, i+1), items[i], all)
	}
	return all
}

func (m list) yaml(got any) string {
	items, ok := got.([]any)
	if !ok {
		return plain(got)
	}
	texts := make([]string, len(items))
	for i, item := range items {
		if texts[i] = plain(item); len(m) > 0 {
			texts[i] = m[min(i, len(m)-1)].yaml(item)
		}
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// entry is one key of an object.
type entry struct {
	key  string
	want matcher
}

// object matches a mapping that has what is named, and more if it likes.
type object []entry

func (m object) differ(path string, got any, all []difference) []difference {
	values, ok := got.(map[string]any)
	if !ok && got != nil { // null has nothing in it
		return append(all, difference{path, show(got), m.describe()})
	}
	for _, e := range m {
		all = e.want.differ(path+"."+e.key, values[e.key], all)
	}
	return all
}

func (m object) describe() string {
	var keys []string
	for _, e := range m {
		keys = append(keys, e.key)
	}
	return "one with " + strings.Join(keys, ", ")
}

func (m object) yaml(got any) string {
	values, ok := got.(map[string]any)
	if !ok {
		return plain(got)
	}
	var texts []string
	for _, e := range m {
		texts = append(texts, e.key+": "+e.want.yaml(values[e.key]))
	}
	return "{" + strings.Join(texts, ", ") + "}"
}

// counts matches a mapping that has what is named and nothing else.
type counts struct{ object }

func (m counts) differ(path string, got any, all []difference) []difference {
	all = m.object.differ(path, got, all)
	values, _ := got.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !slices.ContainsFunc(m.object, func(e entry) bool { return e.key == key }) {
			all = append(all, difference{path + "." + key, show(values[key]), "nothing"})
		}
	}
	return all
}
func (counts) yaml(got any) string { return plain(got) }

// show is a value as differences print it.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return printable(v)
	case json.Number:
		return v.String()
	}
	return printable(plain(v))
}

// plain is a value as YAML on one line.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return plainText(v)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case []any:
		texts := make([]string, len(v))
		for i := range v {
			texts[i] = plain(v[i])
		}
		return "[" + strings.Join(texts, ", ") + "]"
	case map[string]any:
		var texts []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			texts = append(texts, plainText(key)+": "+plain(v[key]))
		}
		return "{" + strings.Join(texts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// plainText is text as YAML, quoted where it could be read as something else.
func plainText(text string) string {
	simple := func(r rune) bool {
		return r == '_' || r == '-' || r == '.' || r == '/' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	if _, err := document.ParseInstant(text); err == nil {
		return text
	}
	if text != "" && (text[0] == '_' || 'a' <= text[0] && text[0] <= 'z') && strings.IndexFunc(text, func(r rune) bool { return !simple(r) }) < 0 &&
		!slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}, text) {
		return text
	}
	quoted, _ := json.Marshal(text) // JSON is YAML
	return string(quoted)
}
