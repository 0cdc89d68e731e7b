package rules

import (
	"fmt"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// ThirdPartySubject is the kind of accesses about people who are not the ones
// who authorised the call, where the terms require own data. It takes both a
// subject and a grantor in the event, and they differ.
//
// It is critical. Who must act: whoever serves the data stops serving that of
// friends and contacts; the privacy team learns about whom it was.
const ThirdPartySubject = "third_party_subject"

func thirdPartySubject() Kind {
	return Kind{
		Name:    ThirdPartySubject,
		Summary: "the terms require own data, and the subject is not the grantor",
		Window:  Inside,

		ByRelation: true,
		Judge: func(c *Case, found []Match) []Match {
			if c.Terms.Requires&registry.RequireOwnData == 0 || c.Relation != access.ThirdParty {
				return found
			}
			return append(found, decided(c, registry.Requires))
		},
		WhyNot: func(c *Case) string {
			if c.Terms.Requires&registry.RequireOwnData == 0 {
				return "the terms do not require own data"
			}
			return "it does not say that another person than the subject authorised the call"
		},
		Severity: always(Critical),
		Why: func(f *Finding, _ *Match) string {
			about := extent(f)
			if f.People == 0 {
				about += " about people"
			}
			return fmt.Sprintf("%s %s %s who did not authorise it, and its terms require own data%s. %s",
				plain(f.Partner), deed(f), about, firstAndLast(f),
				order(f, "serve "+who(f)+" only data of the person who authorised the call"))
		},
	}
}
