package rules

import (
	"fmt"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// RetainedCapability is the kind of a credential that would still work although
// nothing allows it: the latest capability probe says enabled, and no access was
// counted. A probe that says disabled closes it, an access withdraws it: then
// another finding says what was done.
//
// It is a warning. Who must act: the partner's team, by revoking the credential
// before it is used.
const RetainedCapability = "retained_capability"

func retainedCapability() Kind {
	return Kind{
		Name:    RetainedCapability,
		Summary: "nothing allows it, no access was counted, and the latest capability probe says enabled",
		Basis:   ByProbes,
		// A probe is held against what would be found of an access at its time.
		Judge: func(c *Case, found []Match) []Match {
			if c.Probe != access.ProbeEnabled {
				return found
			}
			m := match(c)
			switch WindowOf(c) {
			case AfterEnd:
				m = decided(c, registry.Sunset)
				m.Since, m.Program = c.Terms.Sunset, c.Terms.Program
			case Unknown:
				if c.Terms != nil {
					m.Since = c.Left
				}
			default:
				return found
			}
			m.Scopes = nil
			return append(found, m)
		},
		WhyNot: func(c *Case) string {
			if c.Probe != access.ProbeEnabled {
				return "the probe says " + c.Probe.String()
			}
			return "the access would have a registration, and be before its sunset"
		},
		Severity: always(Warning),
		Why: func(f *Finding, last *Match) string {
			what := "without a registration for it"
			switch {
			case f.Partner == Unregistered:
				what = "and belongs to no partner"
			case last.Terms != nil && last.Since == last.Terms.Sunset:
				what = "after " + ending(f) + moment(last.Since)
			case last.Since != access.Beginning:
				what = "though " + plain(f.Partner) + " gave it up on " + moment(last.Since)
			}
			return fmt.Sprintf("The credential of %s would still work for %s, %s: probes said so on %s%s. No access was counted. %s",
				names(f.Principals), plain(f.Feature), what, days(f.ProbeDays), firstAndLast(f), order(f, "revoke it"))
		},
	}
}

func days(n *uint64) string {
	switch {
	case n == nil:
		return "some days"
	case *n == 1:
		return "1 day"
	}
	return number(*n) + " days"
}
