package detector

import (
	"slices"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Cuts are the terms by which the time of facts is cut that are judged by s and
// by the rule file's set, which may be nil: at the instants of s, and where an
// exception begins or ends, so that its hits are counted.
func Cuts(s *registry.Snapshot, set *rules.RuleSet) ledger.Terms {
	if set == nil || len(set.Exceptions) == 0 {
		return s
	}
	return cuts{s, set}
}

type cuts struct {
	*registry.Snapshot
	rules *rules.RuleSet
}

// Instants is that of ledger.Terms.
func (c cuts) Instants(principal, feature string, scopes []string) []access.Instant {
	at := c.Snapshot.Instants(principal, feature, scopes)
	for _, partner := range append(c.Owners(principal), rules.Unregistered) {
		at = append(at, c.rules.Instants(partner, feature)...)
	}
	slices.Sort(at)
	return slices.Compact(at)
}
