package rules

import (
	"fmt"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// InboundUndeclared is the kind of accesses that feed data in, where the terms do
// not declare it.
//
// It is a warning. Who must act: the partner's team, by refusing the data or by
// declaring the flow.
const InboundUndeclared = "inbound_undeclared"

func inboundUndeclared() Kind {
	return Kind{
		Name:    InboundUndeclared,
		Summary: "data flows in, and the terms do not declare it",
		Window:  Inside,
		Judge: func(c *Case, found []Match) []Match {
			if c.Direction != access.In || c.Terms.Inbound {
				return found
			}
			return append(found, decided(c, registry.Inbound))
		},
		WhyNot: func(c *Case) string {
			if c.Direction != access.In {
				return "data flows out"
			}
			return "the terms declare that data flows in"
		},
		Severity: always(Warning),
		Why: func(f *Finding, _ *Match) string {
			return fmt.Sprintf("%s fed in %s %s, which its terms do not declare%s. %s",
				plain(f.Partner), matter(f), extent(f), firstAndLast(f),
				order(f, "refuse what "+who(f)+" "+verb(f, "feeds", "feed")+" in, or declare it with inbound: true"))
		},
	}
}
