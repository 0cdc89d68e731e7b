package model

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sunsetwatch/rules/access"
)

// RegistrationsYAML is the set as one file of section 2, in flow style.
func RegistrationsYAML(g Registry) []byte {
	var b strings.Builder
	b.WriteString("version: 1\n")
	section := func(name string, n int) {
		if n > 0 {
			fmt.Fprintf(&b, "%s:\n", name)
		}
	}
	section("partners", len(g.Partners))
	for _, p := range g.Partners {
		var m flow
		m.text("name", p.Name)
		m.text("owner", p.Owner)
		m.text("team", p.Team)
		var ids []string
		for _, a := range p.Principals {
			ids = append(ids, aliasYAML(a))
		}
		m.add("principals", "["+strings.Join(ids, ", ")+"]")
		fmt.Fprintf(&b, "  - %s\n", m.String())
	}
	section("programs", len(g.Programs))
	for _, p := range g.Programs {
		fmt.Fprintf(&b, "  - name: %s\n", quoted(p.Name))
		lineOf(&b, "owner", p.Owner)
		lineOf(&b, "team", p.Team)
		revisionsYAML(&b, p.Revisions)
	}
	section("scopes", len(g.Scopes))
	for _, s := range g.Scopes {
		fmt.Fprintf(&b, "  - name: %s\n", quoted(s.Name))
		revisionsYAML(&b, s.Revisions)
	}
	section("registrations", len(g.Registrations))
	for _, r := range g.Registrations {
		fmt.Fprintf(&b, "  - partner: %s\n", quoted(r.Partner))
		lineOf(&b, "feature", r.Feature)
		lineOf(&b, "program", r.Program)
		revisionsYAML(&b, r.Revisions)
	}
	return []byte(b.String())
}

func lineOf(b *strings.Builder, name, value string) {
	if value != "" {
		fmt.Fprintf(b, "    %s: %s\n", name, quoted(value))
	}
}

func aliasYAML(a Alias) string {
	if a.From == access.Beginning && a.Until == access.End {
		return quoted(a.ID)
	}
	var m flow
	m.text("id", a.ID)
	m.instant("from", a.From)
	m.instant("until", a.Until)
	return m.String()
}

func revisionsYAML(b *strings.Builder, revisions []Revision) {
	b.WriteString("    revisions:\n")
	for _, r := range revisions {
		fmt.Fprintf(b, "      - %s\n", revisionYAML(r))
	}
}

func revisionYAML(r Revision) string {
	var m flow
	m.instant("recorded", r.Recorded)
	m.instant("effective", r.Effective)
	m.text("by", r.By)
	m.text("reason", r.Reason)
	m.text("ticket", r.Ticket)
	field(&m, "from", r.From, access.Instant.String)
	field(&m, "sunset", r.Sunset, access.Instant.String)
	field(&m, "deprecation", r.Deprecation, access.Instant.String)
	field(&m, "grace", r.Grace, Duration)
	field(&m, "pauses", r.Pauses, pausesYAML)
	field(&m, "operations", r.Operations, operationsYAML)
	field(&m, "scopes", r.Scopes, listYAML)
	field(&m, "inbound", r.Inbound, func(v bool) string { return fmt.Sprint(v) })
	field(&m, "requires", r.Requires, listYAML)
	return m.String()
}

func field[T any](m *flow, name string, f Field[T], write func(T) string) {
	switch {
	case f.Null:
		m.add(name, "null")
	case f.Named:
		m.add(name, write(f.Value))
	}
}

func pausesYAML(all []Pause) string {
	var out []string
	for _, p := range all {
		var m flow
		m.instant("from", p.From)
		m.instant("until", p.Until)
		m.text("why", p.Why)
		out = append(out, m.String())
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func operationsYAML(all []access.Operation) string {
	var words []string
	for _, o := range all {
		words = append(words, o.String())
	}
	return listYAML(words)
}

func listYAML(all []string) string {
	var out []string
	for _, s := range all {
		out = append(out, quoted(s))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// Duration is a length as files write it, such as 1d12h30m.
func Duration(d time.Duration) string {
	out := ""
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}} {
		if n := d / unit.length; n > 0 {
			out += fmt.Sprintf("%d%s", n, unit.name)
			d %= unit.length
		}
	}
	if out == "" {
		return "0"
	}
	return out
}

// flow is a mapping in flow style.
type flow []string

func (m *flow) add(name, value string) { *m = append(*m, name+": "+value) }

func (m *flow) text(name, value string) {
	if value != "" {
		m.add(name, quoted(value))
	}
}

func (m *flow) instant(name string, i access.Instant) {
	if i != access.Beginning && i != access.End {
		m.add(name, i.String())
	}
}

func (m *flow) String() string { return "{" + strings.Join(*m, ", ") + "}" }

// quoted is a string in double quotes, as JSON and YAML both read it.
func quoted(s string) string {
	out, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(out)
}
