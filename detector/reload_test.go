package detector

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// yaml writes a book as registrations.
func (b *book) yaml() string {
	var s strings.Builder
	fields := func(list []statement) {
		s.WriteString("    revisions:\n")
		for _, x := range list {
			fmt.Fprintf(&s, "      - {by: %s, reason: %s", x.By, x.Reason)
			instant := func(field string, t access.Instant) {
				if t == access.End {
					fmt.Fprintf(&s, ", %s: null", field)
				} else if t != access.Beginning {
					fmt.Fprintf(&s, ", %s: %s", field, t)
				}
			}
			instant("recorded", x.Recorded)
			instant("effective", x.Effective)
			if x.from != nil {
				instant("from", *x.from)
			}
			if x.sunset != nil {
				instant("sunset", *x.sunset)
			}
			if x.grace != nil {
				fmt.Fprintf(&s, ", grace: %dm", int(x.grace.Minutes()))
			}
			s.WriteString("}\n")
		}
	}
	s.WriteString("version: 1\npartners:\n")
	for _, p := range b.partners {
		fmt.Fprintf(&s, "  - name: %s\n    owner: %s\n    team: %s\n    principals:\n      - {id: app-of-%s, until: 2001-01-01T00:00:00Z}\n", p.Name, p.Owner, p.Team, p.Name)
		for _, a := range p.Principals {
			fmt.Fprintf(&s, "      - {id: %s", a.Principal)
			if a.From != access.Beginning {
				fmt.Fprintf(&s, ", from: %s", a.From)
			}
			if a.Until != access.End {
				fmt.Fprintf(&s, ", until: %s", a.Until)
			}
			s.WriteString("}\n")
		}
	}
	s.WriteString("programs:\n  - name: umbrella\n")
	fields(b.programs["umbrella"])
	if len(b.registrations) > 0 {
		s.WriteString("registrations:\n")
	}
	for _, r := range b.registrations {
		fmt.Fprintf(&s, "  - partner: %s\n    feature: %s\n", r.Partner, r.Feature)
		if r.Program != "" {
			fmt.Fprintf(&s, "    program: %s\n", r.Program)
		}
		fields(r.statements)
	}
	return s.String()
}

// randomSnapshot is a book together with the registry that it was read into.
func randomSnapshot(t *testing.T, r *rand.Rand) (*book, *registry.Snapshot) {
	t.Helper()
	for range 200 {
		b := randomBook(r)
		for _, p := range b.partners {
			p.Team = fmt.Sprint("team-", r.IntN(2))
		}
		s, problems := registry.Read([]registry.File{{Name: "registrations.yml", Data: []byte(b.yaml())}}, registry.Options{Now: access.End})
		if problems.Errors() == 0 {
			return b, s
		}
	}
	t.Fatal("no book was accepted")
	return nil, nil
}

// A registry that replaces another while facts arrive ends in the findings of a
// detector that never knew the first, and in those of the model.
func TestReloadForgetsTheOldRegistry(t *testing.T) {
	seeds(t, 60, func(t *testing.T, r *rand.Rand) {
		b, s := randomSnapshot(t, r)
		calls := randomCalls(r, 50+r.IntN(150), b)
		f := newFeeder(t, s)
		d := newDetector(t, f.ledger)
		d.Reload(s, nil, wallOfTests)
		for _, batch := range batches(r, calls) {
			f.feed(batch)
			if r.IntN(3) > 0 {
				d.Judge(wallOfTests)
			}
			if r.IntN(6) > 0 {
				continue
			}
			if b, s = randomSnapshot(t, r); r.IntN(3) == 0 {
				// Something small changes as well.
				b.registrations = b.registrations[:len(b.registrations)/2]
				s = snapshot(t, b.yaml())
			}
			f.ledger.SetTerms(s)
			d.Reload(s, nil, wallOfTests)
			fresh := newDetector(t, f.ledger)
			fresh.Reload(s, nil, wallOfTests)
			compare(t, running(fresh.Findings()), running(d.Findings()))
		}
		d.Judge(wallOfTests)
		bounded := false
		for _, x := range running(d.Findings()) {
			bounded = bounded || x.Bounds != nil
		}
		if !bounded {
			compareCounts(t, model(b, calls, latest(calls)), running(d.Findings()))
		}
	})
}
