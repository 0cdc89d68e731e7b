package model

import (
	"fmt"
	"time"

	"sunsetwatch/rules/access"
)

// Problems are the reasons for which section 2 refuses a set; none for a valid
// one. Only what a Registry can express is looked for.
func Problems(g Registry) []string {
	var all []string
	problem := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }

	names := map[string]bool{}
	once := func(what, name string) {
		if names[what+" "+name] {
			problem("%s %s twice", what, name)
		}
		names[what+" "+name] = true
	}
	type owned struct {
		Alias
		partner string
	}
	var aliases []owned
	for _, p := range g.Partners {
		once("partner", p.Name)
		for _, a := range p.Principals {
			if a.From >= a.Until || !minute(a.From) || !minute(a.Until) {
				problem("alias %s of %s from %s until %s", a.ID, p.Name, a.From, a.Until)
			}
			for _, o := range aliases {
				if o.ID == a.ID && o.From < a.Until && a.From < o.Until {
					problem("%s belongs to %s and %s at the same time", a.ID, o.partner, p.Name)
				}
			}
			aliases = append(aliases, owned{a, p.Name})
		}
	}
	for _, p := range g.Programs {
		once("program", p.Name)
		unsound(problem, "program "+p.Name, p.Revisions)
	}
	for _, s := range g.Scopes {
		once("scope", s.Name)
		unsound(problem, "scope "+s.Name, s.Revisions)
	}
	for _, r := range g.Registrations {
		once("registration", r.Partner+" x "+r.Feature)
		if g.partner(r.Partner) == nil || r.Program != "" && g.program(r.Program) == nil {
			problem("unknown partner %s or program %s", r.Partner, r.Program)
		}
		unsound(problem, "registration "+r.Partner+" x "+r.Feature, r.Revisions)
	}
	return all
}

// unsound finds what is wrong with the revisions of one thing.
func unsound(problem func(string, ...any), what string, revisions []Revision) {
	if len(revisions) == 0 {
		problem("%s has no revision", what)
	}
	from, sunset, deprecation := access.Beginning, access.End, access.Beginning
	for i, r := range revisions {
		if i == 0 && r.Effective != access.Beginning {
			problem("%s: effective in the first revision", what)
		}
		if i > 0 && r.Recorded < revisions[i-1].Recorded {
			problem("%s: revision %d is out of recorded order", what, i)
		}
		for _, t := range []access.Instant{r.Recorded, r.Effective, r.From.Value, r.Sunset.Value, r.Deprecation.Value} {
			if !minute(t) {
				problem("%s: %s is no whole minute", what, t)
			}
		}
		if r.Grace.Value < 0 || r.Grace.Value%time.Minute != 0 {
			problem("%s: grace of %s", what, r.Grace.Value)
		}
		for _, p := range r.Pauses.Value {
			if p.From >= p.Until || !minute(p.From) || !minute(p.Until) {
				problem("%s: pause from %s until %s", what, p.From, p.Until)
			}
		}
		// Folded in recorded order, ignoring effective.
		if r.From.Named {
			from = r.From.or(access.Beginning)
		}
		if r.Sunset.Named {
			sunset = r.Sunset.or(access.End)
		}
		if r.Deprecation.Named {
			deprecation = r.Deprecation.or(access.Beginning)
		}
		if sunset <= from {
			problem("%s: sunset %s is not after from %s", what, sunset, from)
		}
		if deprecation > sunset {
			problem("%s: deprecation %s is after sunset %s", what, deprecation, sunset)
		}
	}
}

// minute reports whether i is a whole minute, or an open side.
func minute(i access.Instant) bool {
	return i == access.Beginning || i == access.End || i.Minute() == i
}
