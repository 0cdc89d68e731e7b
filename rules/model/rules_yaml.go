package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// RulesYAML is the rule file of section 3. Closures and disputes name findings
// by their ids, which are the product's: id gives them.
func RulesYAML(r Rules, id func(Key) string) []byte {
	var b strings.Builder
	b.WriteString("version: 1\n")
	section := func(name string, n int) {
		if n > 0 {
			fmt.Fprintf(&b, "%s:\n", name)
		}
	}
	section("kinds", len(r.Kinds))
	for _, kind := range slices.Sorted(maps.Keys(r.Kinds)) {
		k := r.Kinds[kind]
		var m flow
		if k.Disabled {
			m.add("enabled", "false")
		}
		if k.Severity != "" {
			m.add("severity", k.Severity)
		}
		if k.ClosingPeriod != 0 {
			m.add("closing_period", Duration(k.ClosingPeriod))
		}
		if k.After != 0 {
			m.add("after", Duration(k.After))
		}
		fmt.Fprintf(&b, "  %s: %s\n", kind, m.String())
	}
	section("exceptions", len(r.Exceptions))
	for _, e := range r.Exceptions {
		var m flow
		m.text("kind", e.Kind)
		m.text("partner", e.Partner)
		m.text("feature", e.Feature)
		m.instant("from", e.From)
		m.instant("until", e.Until)
		m.text("approved_by", e.ApprovedBy)
		m.text("reason", e.Reason)
		m.text("ticket", e.Ticket)
		fmt.Fprintf(&b, "  - %s\n", m.String())
	}
	section("closures", len(r.Closures))
	for _, c := range r.Closures {
		var m flow
		m.text("finding", id(c.Finding))
		m.text("by", c.By)
		m.instant("at", c.At)
		m.text("reason", c.Reason)
		fmt.Fprintf(&b, "  - %s\n", m.String())
	}
	section("disputes", len(r.Disputes))
	for _, d := range r.Disputes {
		var m flow
		m.text("finding", id(d.Finding))
		m.text("by", d.By)
		m.instant("at", d.At)
		m.text("text", d.Text)
		fmt.Fprintf(&b, "  - %s\n", m.String())
	}
	return []byte(b.String())
}
