package rules

import (
	"fmt"

	"sunsetwatch/rules/registry"
)

// BeforeStart is the kind of accesses before the start of their registration.
//
// It is a warning: most often the registration was dated too late. Who must
// act: the partner's team, by mending the date or by asking how the partner had
// access before it was agreed.
const BeforeStart = "before_start"

func beforeStart() Kind {
	return Kind{
		Name:    BeforeStart,
		Summary: "registered, but event time is before the registration's from",
		Window:  TooEarly,
		Judge: func(c *Case, found []Match) []Match {
			m := decided(c, registry.From)
			m.Until = c.Terms.From
			return append(found, m)
		},
		Severity: always(Warning),
		Why: func(f *Finding, last *Match) string {
			return fmt.Sprintf("%s %s %s before its start on %s%s. %s",
				plain(f.Partner), deed(f), extent(f), moment(last.Until), firstAndLast(f),
				order(f, "correct the date of the registration, or find out how "+who(f)+" had access before it"))
		},
	}
}
