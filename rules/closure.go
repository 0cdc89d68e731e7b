package rules

import (
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
)

// ClosureRule says that a person has verified that a finding ended, by At.
type ClosureRule struct {
	Finding string // its id; no such finding need exist
	By      string // never empty
	At      access.Instant
	Reason  string // never empty
	Line    int    // of the file
}

// closing is what may be written once.
type closing struct {
	finding string
	at      access.Instant
}

func (r *ruleReader) readClosure(v document.Value) {
	m, ok := v.Mapping()
	if !ok {
		return
	}
	c := ClosureRule{Line: m.Place().Line()}
	finding := m.Value("finding", document.Required)
	c.Finding = findingID(finding)
	c.By = words(m.Value("by", document.Required))
	at, ok := r.past(m.Value("at", document.Required))
	c.At = at
	c.Reason = words(m.Value("reason", document.Required))
	m.Done()
	if ok && c.Finding != "" {
		key := closing{c.Finding, c.At}
		if first, twice := r.closures[key]; twice {
			finding.Errorf("finding %s is closed twice at %s: first at %s", c.Finding, c.At, first)
		} else {
			r.closures[key] = finding.Place()
		}
	}
	r.rules.Closures = append(r.rules.Closures, c)
}
