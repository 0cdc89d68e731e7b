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
			what := "has no registration for it"
			switch {
			case f.Partner == Unregistered:
				return fmt.Sprintf("%s, which belongs to no partner, could still use %s: %s. No access was counted. Find out whose it is and register it, or revoke its credential.",
					who(f), plain(f.Feature), probed(f))
			case last.Terms != nil && last.Since == last.Terms.Sunset:
				what = "must not since " + ending(f.Program) + moment(last.Since)
			case last.Since != access.Beginning:
				what = "gave " + verb(f, "it", "them") + " up on " + moment(last.Since)
			}
			return fmt.Sprintf("%s could still use %s with %s, and %s: %s. No access was counted. %s",
				plain(f.Partner), plain(f.Feature), credentials(f), what, probed(f), order(f, "revoke "+credentials(f)))
		},
	}
}

// probed is how often probes said so.
func probed(f *Finding) string {
	var n uint64
	if f.ProbeDays != nil {
		n = *f.ProbeDays
	}
	switch {
	case n == 0:
		return "probes said so" + firstAndLast(f)
	case n == 1 && f.Bounds == nil:
		return "probes said so on 1 day" + firstAndLast(f)
	case n == 1:
		return "probes said so on at least 1 day" + firstAndLast(f)
	}
	return "probes said so on " + atLeast(f) + number(n) + " days" + firstAndLast(f)
}
