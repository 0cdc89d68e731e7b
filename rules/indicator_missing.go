package rules

import (
	"fmt"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// IndicatorMissing is the kind of accesses that people were not shown, where the
// terms require a visible indicator. An indicator that the event does not speak
// of is not judged.
//
// It is a warning. Who must act: the partner's team, by having the partner show
// that data is being read.
const IndicatorMissing = "indicator_missing"

func indicatorMissing() Kind {
	return Kind{
		Name:    IndicatorMissing,
		Summary: "the terms require a visible indicator, and the event says that it was hidden",
		Window:  Inside,
		Judge: func(c *Case, found []Match) []Match {
			if c.Terms.Requires&registry.RequireIndicator == 0 || c.Indicator != access.IndicatorHidden {
				return found
			}
			return append(found, decided(c, registry.Requires))
		},
		WhyNot: func(c *Case) string {
			if c.Terms.Requires&registry.RequireIndicator == 0 {
				return "the terms do not require an indicator"
			}
			return "the indicator is " + c.Indicator.String()
		},
		Severity: always(Warning),
		Why: func(f *Finding, _ *Match) string {
			return fmt.Sprintf("%s %s %s with the indicator hidden that its terms require%s. %s",
				plain(f.Partner), deed(f), extent(f), firstAndLast(f),
				order(f, "have the partner show people that "+who(f)+" "+verb(f, "uses", "use")+" their data"))
		},
	}
}
