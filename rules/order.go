package rules

import (
	"cmp"
	"slices"
)

// Compare orders findings as they are listed: severity (critical first),
// partner, feature, kind, scope, rule, principals, id; what is null comes
// first. It is a total order of findings with different ids.
func Compare(a, b *Finding) int {
	return cmp.Or(
		cmp.Compare(b.Severity, a.Severity),
		cmp.Compare(a.Partner, b.Partner),
		cmp.Compare(a.Feature, b.Feature),
		cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Scope, b.Scope),
		cmp.Compare(a.Rule, b.Rule),
		slices.Compare(a.Principals, b.Principals),
		cmp.Compare(a.ID, b.ID),
	)
}
