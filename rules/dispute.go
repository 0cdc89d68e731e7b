package rules

import (
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
)

// DisputeRule is what a person says against a finding. It stands on the finding
// and changes neither its state nor its count.
type DisputeRule struct {
	Finding string // its id; no such finding need exist
	By      string // never empty
	At      access.Instant
	Text    string // never empty
	Line    int    // of the file
}

func (r *ruleReader) readDispute(v document.Value) {
	m, ok := v.Mapping()
	if !ok {
		return
	}
	d := DisputeRule{Line: m.Place().Line()}
	d.Finding = findingID(m.Value("finding", document.Required))
	d.By = words(m.Value("by", document.Required))
	d.At, _ = r.past(m.Value("at", document.Required))
	d.Text = words(m.Value("text", document.Required))
	m.Done()
	r.rules.Disputes = append(r.rules.Disputes, d)
}
