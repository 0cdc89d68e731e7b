package rules

import (
	"fmt"

	"sunsetwatch/rules/access"
)

// NoRegistration is the kind of accesses that no registration covers: the
// principal belongs to no partner at that time, or no registration of partner x
// feature is known. A principal that a partner gave up counts for its last
// owner, a principal that nobody ever owned for itself.
//
// It is critical. Who must act: whoever runs the registry finds out who the
// principal is; until then its credential is revoked.
const NoRegistration = "no_registration"

func noRegistration() Kind {
	return Kind{
		Name:    NoRegistration,
		Summary: "the principal belongs to no partner at that time (a retired credential counts for its last owner), or no registration of partner and feature is known",
		Window:  Unknown,
		Judge: func(c *Case, found []Match) []Match {
			m := match(c)
			if c.Terms != nil {
				// Without a registration it was wrong before that as well.
				m.Since = c.Left
			}
			return append(found, m)
		},
		Severity: always(Critical),
		Why: func(f *Finding, last *Match) string {
			switch {
			case f.Partner == Unregistered:
				return fmt.Sprintf("%s, which belongs to no partner, %s %s%s. Find out whose it is and register it, or revoke its credential.",
					who(f), deed(f), extent(f), firstAndLast(f))
			case last.Since != access.Beginning:
				return fmt.Sprintf("%s %s %s with a credential that it gave up on %s%s. %s",
					plain(f.Partner), deed(f), extent(f), moment(last.Since), firstAndLast(f), order(f, "revoke "+credentials(f)))
			default:
				return fmt.Sprintf("%s %s %s without a registration for it%s. %s",
					plain(f.Partner), deed(f), extent(f), firstAndLast(f), order(f, "register it or revoke "+credentials(f)))
			}
		},
	}
}
