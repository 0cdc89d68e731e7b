package rules

import (
	"fmt"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// MissingConsent is the kind of accesses about people of whom the event says
// that they did not consent, where the terms require consent. Consent that the
// event does not speak of is not judged.
//
// It is critical. Who must act: whoever serves the data stops serving that of
// people without consent; the privacy team learns about whom it was.
const MissingConsent = "missing_consent"

func missingConsent() Kind {
	return Kind{
		Name:    MissingConsent,
		Summary: "the terms require consent, and the event says that it is absent",
		Window:  Inside,
		Judge: func(c *Case, found []Match) []Match {
			if c.Terms.Requires&registry.RequireConsent == 0 || c.Consent != access.ConsentAbsent {
				return found
			}
			return append(found, decided(c, registry.Requires))
		},
		WhyNot: func(c *Case) string {
			if c.Terms.Requires&registry.RequireConsent == 0 {
				return "the terms do not require consent"
			}
			return "consent is " + c.Consent.String()
		},
		Severity: always(Critical),
		Why: func(f *Finding, _ *Match) string {
			return fmt.Sprintf("%s %s %s without the consent that its terms require%s. %s",
				plain(f.Partner), deed(f), extent(f), firstAndLast(f),
				order(f, "serve "+who(f)+" no data of people without consent"))
		},
	}
}
