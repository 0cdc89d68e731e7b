package rules

import (
	"fmt"
	"slices"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// OperationOverreach is the kind of accesses by an operation that the terms do
// not grant. An operation that the event format does not know is never granted
// by terms that name operations.
//
// It is a warning, and critical as soon as one write or delete is among its
// accesses. Who must act: the partner's team, by taking the operation away or by
// agreeing on it.
const OperationOverreach = "operation_overreach"

func operationOverreach() Kind {
	return Kind{
		Name:    OperationOverreach,
		Summary: "access by an operation outside the grant",
		Window:  Inside,
		Judge: func(c *Case, found []Match) []Match {
			if operationGranted(c) {
				return found
			}
			return append(found, decided(c, registry.Operations))
		},
		WhyNot: func(c *Case) string {
			if c.Terms.Operations == nil {
				return "operations are not restricted"
			}
			return "the operation " + c.Operation.String() + " is granted"
		},
		Severity: func(f *Finding) Severity {
			if f.Operations[access.Write.String()]+f.Operations[access.Delete.String()] > 0 {
				return Critical
			}
			return Warning
		},
		Why: func(f *Finding, last *Match) string {
			return fmt.Sprintf("%s %s %s, and is granted %s%s. %s",
				plain(f.Partner), deed(f), extent(f), operations(last.Terms), firstAndLast(f),
				order(f, "refuse what is not granted to "+who(f)+", or agree on it"))
		},
	}
}

func operationGranted(c *Case) bool {
	return c.Terms.Operations == nil || slices.Contains(c.Terms.Operations, c.Operation)
}

// operations are what terms grant, as words.
func operations(t *registry.Terms) string {
	switch {
	case t == nil || t.Operations == nil:
		return "other operations"
	case len(t.Operations) == 0:
		return "no operation"
	}
	words := make([]string, len(t.Operations))
	for i, o := range t.Operations {
		words[i] = o.String()
	}
	return "only " + list(words)
}
