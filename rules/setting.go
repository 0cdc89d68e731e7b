package rules

import (
	"slices"
	"time"

	"sunsetwatch/rules/document"
)

// Setting is what a rule file says of one kind.
type Setting struct {
	Disabled bool
	Severity *Severity // nil: the kind's own rule
	// ClosingPeriod without an access closes a finding; at least two days. Kinds
	// that do not close by it have the default, and nobody asks.
	ClosingPeriod time.Duration
	// After so long without an access a grant is dormant; 0 for other kinds.
	After time.Duration
}

const (
	day                  = 24 * time.Hour
	defaultClosingPeriod = 30 * day
	leastClosingPeriod   = 2 * day
	defaultAfter         = 90 * day
	leastAfter           = day
)

// DefaultSetting of a kind, where no rule file says otherwise.
func DefaultSetting(kind string) Setting {
	s := Setting{ClosingPeriod: defaultClosingPeriod}
	if kind == DormantGrant {
		s.After = defaultAfter
	}
	return s
}

// Setting of a kind, defaults filled in. r may be nil.
func (r *RuleSet) Setting(kind string) Setting {
	if r != nil {
		if s, ok := r.Settings[kind]; ok {
			return s
		}
	}
	return DefaultSetting(kind)
}

// Equal reports whether s and o say the same.
func (s Setting) Equal(o Setting) bool {
	if (s.Severity == nil) != (o.Severity == nil) || s.Severity != nil && *s.Severity != *o.Severity {
		return false
	}
	s.Severity = o.Severity
	return s == o
}

// kindNames are the names of all kinds, in their order.
func kindNames() []string {
	kinds := Kinds()
	names := make([]string, len(kinds))
	for i := range kinds {
		names[i] = kinds[i].Name
	}
	return names
}

// comingKinds are of the contract, and not there yet.
var comingKinds = []string{"wind_down_stalled", "volume", "reach"}

func (r *ruleReader) readSetting(kind string, v document.Value) {
	m, ok := v.Mapping()
	if kind = r.kind(kind, false, v.KeyPlace()); kind == "" || !ok {
		return
	}
	s := DefaultSetting(kind)
	if enabled, ok := m.Value("enabled").Bool(); ok {
		s.Disabled = !enabled
	}
	if v := m.Value("severity"); v.Given() {
		s.Severity = readSeverity(v)
	}
	s.ClosingPeriod = period(m.Value("closing_period"), s.ClosingPeriod, leastClosingPeriod, func(v document.Value) bool {
		if kind == DormantGrant || kind == RetainedCapability {
			v.KeyPlace().Errorf("%s has no closing_period: it does not close by the lack of accesses", kind)
			return false
		}
		return true
	})
	s.After = period(m.Value("after"), s.After, leastAfter, func(v document.Value) bool {
		if kind != DormantGrant {
			v.KeyPlace().Errorf("%s has no after: only %s has", kind, DormantGrant)
			return false
		}
		return true
	})
	m.Done()
	if r.rules.Settings == nil {
		r.rules.Settings = make(map[string]Setting)
	}
	r.rules.Settings[kind] = s
}

func readSeverity(v document.Value) *Severity {
	all := Severities()
	words := make([]string, len(all))
	for i, s := range all {
		words[i] = s.String()
	}
	word, ok := v.Word(words)
	if !ok {
		return nil
	}
	return &all[slices.Index(words, word)]
}

// period is a threshold of at least so long, where the kind has it.
func period(v document.Value, otherwise, least time.Duration, has func(document.Value) bool) time.Duration {
	if !v.Present() || !has(v) {
		return otherwise
	}
	d, ok := v.Duration()
	if !ok {
		return otherwise
	}
	if d < least {
		v.Errorf("%s must be at least %s: a shorter one cannot be told from a quiet day", v.Label(), document.FormatDuration(least))
	}
	return d
}
