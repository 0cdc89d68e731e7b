package rules

import (
	"fmt"

	"sunsetwatch/rules/registry"
)

// ScopeRetired is the kind of accesses to a scope that is retired for everybody,
// though the feature itself lives. Each retired name of the registry is a finding
// of its own, which lists the concrete scopes that the name covers.
//
// It is a warning while all accesses lie in the scope's grace period, and
// critical from the first access at or after its end on. Who must act: whoever
// serves the scope stops serving it, to this partner and to everybody.
const ScopeRetired = "scope_retired"

func scopeRetired() Kind {
	return Kind{
		Name:    ScopeRetired,
		Summary: "a scope retired for everybody is still served, though the feature itself lives",
		Window:  Inside,
		Judge: func(c *Case, found []Match) []Match {
			if c.Folded {
				return found
			}
			for i := range c.Retired {
				r := &c.Retired[i]
				m := match(c)
				m.Since, m.Sunset, m.GraceUntil = r.Sunset, r.Sunset, r.GraceUntil
				m.AfterGrace = c.Time >= r.GraceUntil
				m.Decided = r.Decided
				m.Scope, m.Scopes = r.Name, nil
				for _, scope := range c.Scopes {
					if registry.Covers(r.Name, scope) {
						m.Scopes = append(m.Scopes, scope)
					}
				}
				found = append(found, m)
			}
			return found
		},
		WhyNot: func(c *Case) string {
			switch {
			case c.Folded:
				return "its scopes are not known"
			case len(c.Scopes) == 0:
				return "it names no scope"
			}
			return "none of its scopes was retired by then"
		},
		Severity: graceSeverity,
		Why: func(f *Finding, _ *Match) string {
			return fmt.Sprintf("%s %s %s since %s was retired for everybody on %s%s%s. %s",
				plain(f.Partner), deed(f), extent(f), plain(f.Scope), moment(f.Since), lastTime(f), inGrace(f),
				order(f, "stop serving "+plain(f.Scope)+" to "+who(f)))
		},
	}
}
