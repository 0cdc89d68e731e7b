package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
)

// maxEvents is how many events a file may tell of.
const maxEvents = 20_000_000

// eventLine is one event, or a series of them at equal distances.
type eventLine struct {
	first access.Instant
	every access.Instant
	count int

	single *access.Event // of a line of JSON; else made from fields

	principal, feature, id, scopes, subject, grantor  *template // nil: absent
	operation, direction, consent, indicator, outcome *template
	records, bytes, probe, partition                  *template
	late                                              time.Duration  // how long after its time the record was written
	written                                           access.Instant // when, the same for all; Beginning: late holds
	partitionNumber                                   int32          // of a line of JSON
}

// word is a token of a line, with its place.
type word struct {
	text   string
	line   int
	column int
	of     string // the line's text
}

// parseEvents reads the section events. Lines that begin with a blank go on with
// the line before.
func parseEvents(e *section, p *problems) []eventLine {
	r := eventReader{problems: p}
	var words []word
	flush := func() {
		if len(words) > 0 {
			r.generator(words)
		}
		words = nil
	}
	for n, text := range strings.Split(string(e.data), "\n") {
		line, text := e.marker+1+n, strings.TrimRight(text, " \t\r")
		trimmed := strings.TrimLeft(text, " \t")
		switch {
		case trimmed == "" || trimmed[0] == '#':
			continue
		case !utf8.ValidString(text):
			flush()
			p.at(line, 1, text, "the line is not valid UTF-8: save the file as UTF-8")
		case trimmed == text && text[0] == '{':
			flush()
			r.json(line, text)
		case trimmed == text:
			flush()
			words = split(line, text)
		case len(words) == 0:
			p.at(line, 1, text, "the line is indented, so it goes on with the line before, and there is none that it could go on with: begin it at the margin")
		default:
			words = append(words, split(line, text)...)
		}
	}
	flush()
	return r.lines
}

func split(line int, text string) []word {
	var words []word
	column := 1
	for rest := text; ; {
		blank := len(rest) - len(strings.TrimLeft(rest, " \t"))
		column += blank
		if rest = rest[blank:]; rest == "" {
			return words
		}
		end := strings.IndexAny(rest, " \t")
		if end < 0 {
			end = len(rest)
		}
		words = append(words, word{rest[:end], line, column, text})
		column += utf8.RuneCountInString(rest[:end])
		rest = rest[end:]
	}
}

type eventReader struct {
	problems *problems
	lines    []eventLine
	events   int
	decoder  *codec.Decoder
}

func (r *eventReader) fail(w word, format string, args ...any) {
	r.problems.at(w.line, w.column, w.of, format, args...)
}

// add keeps a line, unless that is too much.
func (r *eventReader) add(w word, l eventLine) {
	if r.events += l.count; r.events > maxEvents || l.count > maxEvents {
		r.fail(w, "more than %d events: tell the story on a smaller scale", maxEvents)
		r.events = 0
		return
	}
	r.lines = append(r.lines, l)
}

// json reads an event in the native format, through the codec. Two keys beside
// it are the scenario's: partition and written.
func (r *eventReader) json(line int, text string) {
	w := word{text, line, 1, text}
	var beside struct {
		Partition *int32  `json:"partition"`
		Written   *string `json:"written"`
	}
	if err := json.Unmarshal([]byte(text), &beside); err != nil {
		r.fail(w, "the line begins with a brace and is not one JSON object with partition a number and written a time: %v", err)
		return
	}
	l := eventLine{count: 1, written: access.Beginning}
	record := codec.Record{Value: []byte(text), Timestamp: access.End}
	if beside.Written != nil {
		t, err := document.ParseInstant(*beside.Written)
		if err != nil {
			r.fail(w, "written: %v", err)
			return
		}
		l.written, record.Timestamp = t, t
	}
	if beside.Partition != nil {
		if l.partitionNumber = *beside.Partition; l.partitionNumber < 0 || l.partitionNumber > maxPartition {
			r.fail(w, "partition: must be between 0 and %d", maxPartition)
			return
		}
	}
	if r.decoder == nil {
		compiled, err := codec.Compile(codec.Mapping{})
		if err != nil {
			r.fail(w, "%v", err)
			return
		}
		r.decoder = compiled.NewDecoder()
	}
	r.decoder.Reset(&record)
	ev, rejected, _ := r.decoder.Next()
	if rejected != nil {
		r.fail(w, "the event would be rejected, %s: %s", rejected.Reason, rejected.Detail)
		return
	}
	l.single, l.first = cloned(ev), ev.Time
	r.add(w, l)
}

// maxPartition is the greatest partition of a scenario.
const maxPartition = 999

func cloned(ev *access.Event) *access.Event {
	c := *ev
	for _, b := range []*[]byte{&c.Principal, &c.Feature, &c.ID, &c.Subject, &c.Grantor} {
		*b = bytes.Clone(*b)
	}
	c.Scopes = nil
	for _, s := range ev.Scopes {
		c.Scopes = append(c.Scopes, bytes.Clone(s))
	}
	return &c
}

const generatorForms = "every 6h from TIME to TIME: NAME=VALUE ..., 100 times every 6h from TIME: ..., at TIME: ..., or an event as JSON"

// generator reads a series: its times, a colon, and the fields of its events.
func (r *eventReader) generator(words []word) {
	head := slices.IndexFunc(words, func(w word) bool { return strings.HasSuffix(w.text, ":") })
	if head < 0 {
		r.fail(words[0], "there is no colon after the times: write %s", generatorForms)
		return
	}
	l := eventLine{count: 1, written: access.Beginning}
	times := slices.Clone(words[:head+1])
	times[head].text = strings.TrimSuffix(times[head].text, ":")
	if !r.times(&l, times) || !r.fields(&l, words[head+1:], words[head]) {
		return
	}
	r.add(words[0], l)
}

// times reads what stands before the colon.
func (r *eventReader) times(l *eventLine, words []word) bool {
	at := words[0]
	next := func(keyword string) (word, bool) {
		if len(words) > 0 && words[0].text == keyword {
			at, words = words[0], words[1:]
			if len(words) > 0 && words[0].text != "" {
				at, words = words[0], words[1:]
				return at, true
			}
			r.fail(at, "%s is followed by nothing: write %s", keyword, generatorForms)
			return word{}, false
		}
		if len(words) > 0 {
			at = words[0]
		}
		r.fail(at, "%s is expected here: write %s", keyword, generatorForms)
		return word{}, false
	}
	instant := func(keyword string) (access.Instant, bool) {
		w, ok := next(keyword)
		if !ok {
			return 0, false
		}
		t, err := document.ParseInstant(w.text)
		if err != nil {
			r.fail(w, "%v", err)
		}
		return t, err == nil
	}
	rest := func() bool {
		if len(words) > 0 && words[0].text != "" {
			r.fail(words[0], "%s is not expected here: write %s", document.Show(words[0].text), generatorForms)
			return false
		}
		return true
	}
	var ok bool
	if at.text == "at" {
		l.first, ok = instant("at")
		return ok && rest()
	}
	times := 0
	if len(words) > 1 && words[1].text == "times" {
		var err error
		if times, err = strconv.Atoi(words[0].text); err != nil || times < 1 || times > maxEvents {
			r.fail(at, "%s is no number of times: write %s", document.Show(at.text), generatorForms)
			return false
		}
		words = words[2:]
	}
	w, ok := next("every")
	if !ok {
		return false
	}
	every, err := document.ParseDuration(w.text)
	if err == nil && every <= 0 {
		err = fmt.Errorf("%s must be longer than nothing", document.Show(w.text))
	}
	if err != nil {
		r.fail(w, "%v", err)
		return false
	}
	l.every = access.Instant(every)
	if l.first, ok = instant("from"); !ok {
		return false
	}
	if times > 0 {
		if l.count = times; l.first.Plus(every*time.Duration(times-1)) == access.End || every > time.Duration(access.End)/time.Duration(times) {
			r.fail(w, "the last event would be after the year 2261")
			return false
		}
		return rest()
	}
	last, ok := instant("to")
	if !ok {
		return false
	}
	if last < l.first {
		r.fail(at, "%s is before the first event", at.text)
		return false
	}
	l.count = int(min(access.Instant(maxEvents), (last-l.first)/l.every) + 1)
	return rest()
}

// fieldNames are what a series may say of its events.
var fieldNames = []string{"principal", "feature", "operation", "id", "scopes", "direction", "subject", "grantor", "consent",
	"indicator", "outcome", "records", "bytes", "probe", "partition", "written", "late"}

// fields reads what stands after the colon.
func (r *eventReader) fields(l *eventLine, words []word, colon word) bool {
	given := map[string]bool{}
	ok := true
	for _, w := range words {
		name, value, equals := strings.Cut(w.text, "=")
		switch {
		case !equals:
			r.fail(w, "%s is no NAME=VALUE. A value with blanks in it can be written as JSON; scopes are joined by +", document.Show(w.text))
		case !slices.Contains(fieldNames, name):
			advice := "fields are " + strings.Join(fieldNames, ", ")
			if near := document.Nearest(name, fieldNames); near != "" {
				advice = "did you mean " + near + "?"
			}
			r.fail(w, "unknown field %s: %s", document.Show(name), advice)
		case given[name]:
			r.fail(w, "%s is given twice", name)
		case value == "":
			r.fail(w, "%s is empty: leave it out", name)
		default:
			given[name] = true
			if err := l.set(name, value); err != nil {
				r.fail(w, "%s: %v", name, err)
				break
			}
			continue
		}
		ok = false
	}
	if !ok {
		return false
	}
	for _, name := range []string{"principal", "feature", "operation"} {
		if !given[name] && (name != "operation" || !given["probe"]) {
			r.fail(colon, "%s is missing: say who called, for what feature, and what was done: principal=app feature=msg operation=read", name)
			return false
		}
	}
	if given["written"] && given["late"] {
		r.fail(colon, "written and late are both given: written is a time, late is how long after the event")
		return false
	}
	last := l.first + l.every*access.Instant(l.count-1)
	if l.written != access.Beginning && last > l.written.Plus(time.Duration(access.FutureSlack)) {
		r.fail(colon, "events up to %s are more than five minutes after they were written, %s: they would be rejected as future", last, l.written)
		return false
	}
	return true
}

// set takes one field.
func (l *eventLine) set(name, value string) error {
	switch name {
	case "written":
		t, err := document.ParseInstant(value)
		l.written = t
		return err
	case "late":
		d, err := document.ParseDuration(value)
		l.late = d
		return err
	}
	t, err := parseTemplate(value)
	if err != nil {
		return err
	}
	every := func(check func(v []byte) bool, complaint string) error {
		if t.cycle == 0 {
			return fmt.Errorf("more than %d different values", maxCycle)
		}
		for _, v := range t.known {
			if !check(v) {
				return fmt.Errorf("%s %s", document.Show(string(v)), complaint)
			}
		}
		return nil
	}
	aword := func(into **template, words ...string) error {
		*into = t
		return every(func(v []byte) bool { return slices.Contains(words, string(v)) }, "is none of "+strings.Join(words, ", "))
	}
	number := func(into **template, highest uint64) error {
		*into = t
		return every(func(v []byte) bool {
			n, err := strconv.ParseUint(string(v), 10, 64)
			return err == nil && n <= highest
		}, fmt.Sprintf("is no whole number from 0 to %d", highest))
	}
	text := func(into **template, empty bool) error {
		*into = t
		if n := t.longest(); n > access.MaxNameBytes {
			return fmt.Errorf("%d bytes are more than %d, the event would be rejected", n, access.MaxNameBytes)
		}
		if !empty && slices.ContainsFunc(t.known, func(v []byte) bool { return len(v) == 0 }) {
			return fmt.Errorf("one of the alternatives is empty")
		}
		return nil
	}
	switch name {
	case "principal":
		return text(&l.principal, false)
	case "feature":
		return text(&l.feature, false)
	case "id":
		return text(&l.id, true)
	case "subject":
		return text(&l.subject, true)
	case "grantor":
		return text(&l.grantor, true)
	case "scopes":
		l.scopes = t
		return every(func(v []byte) bool {
			set := scopesOf(nil, v)
			return len(set) <= access.MaxScopes && !slices.ContainsFunc(set, func(s []byte) bool { return len(s) > access.MaxNameBytes })
		}, "has too many scopes, or too long ones: the event would be rejected")
	case "operation":
		return aword(&l.operation, "read", "list", "write", "delete", "other")
	case "direction":
		return aword(&l.direction, "out", "in")
	case "consent":
		return aword(&l.consent, "granted", "absent", "unknown")
	case "indicator":
		return aword(&l.indicator, "shown", "hidden", "unset")
	case "outcome":
		return aword(&l.outcome, "served", "denied", "error")
	case "probe":
		return aword(&l.probe, "enabled", "disabled")
	case "records":
		return number(&l.records, 1<<53)
	case "bytes":
		return number(&l.bytes, 1<<53)
	default:
		return number(&l.partition, maxPartition)
	}
}

// scopesOf splits scopes at +, into a sorted set.
func scopesOf(set [][]byte, text []byte) [][]byte {
	for s := range bytes.SplitSeq(text, []byte("+")) {
		if i, there := slices.BinarySearchFunc(set, s, bytes.Compare); !there && len(s) > 0 {
			set = slices.Insert(set, i, s)
		}
	}
	return set
}
