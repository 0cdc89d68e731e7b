package rules

import (
	"fmt"

	"sunsetwatch/rules/registry"
)

// ScopeOverreach is the kind of accesses to a scope that the terms do not grant.
// The finding lists the offending scopes alone; an access counts once, whatever
// the number of them. An access without a scope is not judged.
//
// It is a warning. Who must act: the partner's team, by taking the scope away or
// by agreeing on it.
const ScopeOverreach = "scope_overreach"

func scopeOverreach() Kind {
	return Kind{
		Name:    ScopeOverreach,
		Summary: "access to a scope outside the grant",
		Window:  Inside,
		Judge: func(c *Case, found []Match) []Match {
			if c.Folded || c.Terms.Scopes == nil {
				return found
			}
			var offending []string
			for _, scope := range c.Scopes {
				if !covered(c.Terms.Scopes, scope) {
					offending = append(offending, scope)
				}
			}
			if offending == nil {
				return found
			}
			m := decided(c, registry.Scopes)
			m.Scopes = offending
			return append(found, m)
		},
		WhyNot: func(c *Case) string {
			switch {
			case c.Terms.Scopes == nil:
				return "scopes are not restricted"
			case c.Folded:
				return "its scopes are not known"
			case len(c.Scopes) == 0:
				return "it names no scope"
			}
			return "granted: " + names(c.Scopes)
		},
		Severity: always(Warning),
		Why: func(f *Finding, last *Match) string {
			return fmt.Sprintf("%s %s %s, and is granted %s%s. %s",
				plain(f.Partner), deed(f), extent(f), scopes(last.Terms), firstAndLast(f),
				order(f, "refuse what is not granted to "+who(f)+", or agree on it"))
		},
	}
}

// scopes are what terms grant, as words.
func scopes(t *registry.Terms) string {
	switch {
	case t == nil || t.Scopes == nil:
		return "other scopes"
	case len(t.Scopes) == 0:
		return "no scope"
	}
	return "only " + names(t.Scopes)
}

func covered(patterns []string, scope string) bool {
	for _, p := range patterns {
		if registry.Covers(p, scope) {
			return true
		}
	}
	return false
}
