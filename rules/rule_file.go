package rules

import (
	"slices"
	"strings"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
	"sunsetwatch/rules/registry"
)

// RuleSet is a rule file that was read: thresholds and severities of kinds,
// exceptions, closures, disputes. The zero value and nil are that of no file:
// everything has its default. A RuleSet is not changed once it is read.
type RuleSet struct {
	Settings   map[string]Setting // by kind; use Setting to read them
	Exceptions []Exception        // in the order of the file
	Closures   []ClosureRule      // in the order of the file
	Disputes   []DisputeRule      // in the order of the file
}

// RuleOptions of ReadRules.
type RuleOptions struct {
	// Now refuses closures and disputes after it, and warns of exceptions that
	// ended by it; End: neither. (The zero value is 1970.)
	Now access.Instant
}

// ReadRules reads a rule file against the set of registrations that its
// exceptions speak of; a nil set knows everything. Problems are listed in the
// order of their places; the RuleSet is nil where one of them is an error, and
// otherwise complete, warnings or not.
func ReadRules(f registry.File, s *registry.Snapshot, opts RuleOptions) (*RuleSet, document.Problems) {
	d := document.Parse(f.Name, f.Data)
	r := ruleReader{snapshot: s, now: opts.Now, advice: mostAdvice, closures: make(map[closing]document.Place)}
	r.read(d.Root())
	problems := d.Problems()
	if problems.Errors() > 0 {
		return nil, problems
	}
	return &r.rules, problems
}

// Equal reports whether r and o say the same, wherever in a file they say it.
func (r *RuleSet) Equal(o *RuleSet) bool {
	if r == nil {
		r = &RuleSet{}
	}
	if o == nil {
		o = &RuleSet{}
	}
	for _, set := range [...]*RuleSet{r, o} {
		for kind := range set.Settings {
			if !r.Setting(kind).Equal(o.Setting(kind)) {
				return false
			}
		}
	}
	return slices.EqualFunc(r.Exceptions, o.Exceptions, func(a, b Exception) bool {
		a.Line = b.Line
		return a == b
	}) && slices.EqualFunc(r.Closures, o.Closures, func(a, b ClosureRule) bool {
		a.Line = b.Line
		return a == b
	}) && slices.EqualFunc(r.Disputes, o.Disputes, func(a, b DisputeRule) bool {
		a.Line = b.Line
		return a == b
	})
}

// ruleFileVersion is the version of the format that is understood.
const ruleFileVersion = 1

// mostAdvice is how many unknown names get a suggestion: to look for the nearest
// name is slow, and after some the file has another problem than a slip of the
// pen.
const mostAdvice = 20

// ruleReader walks a rule file; what is wrong, the document collects.
type ruleReader struct {
	snapshot *registry.Snapshot // nil: whatever is named is known
	now      access.Instant
	advice   int // suggestions that are left
	rules    RuleSet
	closures map[closing]document.Place // where each was written first
}

func (r *ruleReader) read(m *document.Mapping) {
	if v := m.Value("version", document.Required); v.Given() {
		if n, ok := v.Int(); ok && n != ruleFileVersion {
			v.Errorf("version %d is not understood: write version: %d", n, ruleFileVersion)
		}
	}
	m.Mapping("kinds").Entries(r.readSetting)
	m.Each("exceptions", r.readException)
	m.Each("closures", r.readClosure)
	m.Each("disputes", r.readDispute)
	if v := m.Value("custom"); v.Given() {
		v.KeyPlace().Errorf("custom is not supported yet: leave it out; there are no kinds but those that are built in")
	}
	m.Done()
}

// kind is the name of a kind, or also Any; empty where it is none, which is then
// reported at place.
func (r *ruleReader) kind(name string, any bool, place document.Place) string {
	known := kindNames()
	switch {
	case slices.Contains(known, name), any && name == Any:
		return name
	case slices.Contains(comingKinds, name), name == "custom", strings.HasPrefix(name, "custom:"):
		place.Errorf("kind %s is not supported yet: leave it out", name)
	default:
		message := r.unknown("kind", name, func() []string { return known })
		if !strings.HasSuffix(message, "?") {
			message += ": there are " + strings.Join(known, ", ")
		}
		place.Errorf("%s", message)
	}
	return ""
}

// unknown is the message about a name that is not among names.
func (r *ruleReader) unknown(what, name string, names func() []string) string {
	message := "unknown " + what + " " + document.Show(name)
	if r.advice--; r.advice >= 0 {
		if near := document.Nearest(name, names()); near != "" {
			message += ": did you mean " + document.Show(near) + "?"
		}
	}
	return message
}

// words are the text of a key that must say something: who, or why.
func words(v document.Value) string {
	text, ok := v.Text()
	if ok && strings.TrimSpace(text) == "" {
		v.Errorf("%s is empty", v.Label())
	}
	return text
}

// minute is an instant on a whole minute, as in registrations.
func minute(v document.Value) (access.Instant, bool) {
	i, ok := v.Instant()
	if ok && i != i.Minute() {
		v.Errorf("%s is not a whole minute: write %s or %s", v.Label(), i.Minute(), i.Minute().Plus(60e9))
		return 0, false
	}
	return i, ok
}

// past is a minute that a person cannot write of before it has come.
func (r *ruleReader) past(v document.Value) (access.Instant, bool) {
	i, ok := minute(v)
	if ok && r.now != access.End && i > r.now {
		v.Errorf("%s %s lies in the future", v.Label(), i)
		return 0, false
	}
	return i, ok
}

// findingID is the id of a finding, which may not exist yet or not any more.
func findingID(v document.Value) string {
	id, ok := v.Text()
	if !ok {
		return ""
	}
	digit := func(c rune) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'v' }
	if len(id) != idLength || strings.IndexFunc(id, func(c rune) bool { return !digit(c) }) >= 0 {
		v.Errorf("%s is not the id of a finding, which has %d digits of 0-9 and a-v", document.Show(id), idLength)
		return ""
	}
	return id
}
