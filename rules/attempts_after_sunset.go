package rules

import "fmt"

// AttemptsAfterSunset is the kind of a partner that still knocks: after the
// sunset there are denied or failed calls, and no access. Its first access
// withdraws it, and its attempts move to AccessAfterSunset.
//
// It is an info: the shutdown works. Who must act: the partner's team, by asking
// the partner to stop calling; a client that is still running is one flaw away
// from an access.
const AttemptsAfterSunset = "attempts_after_sunset"

func attemptsAfterSunset() Kind {
	return Kind{
		Name:     AttemptsAfterSunset,
		Summary:  "only denied or failed calls after the sunset: the partner still knocks",
		Basis:    ByAttempts,
		Window:   AfterEnd,
		Severity: always(Info),
		Why: func(f *Finding, _ *Match) string {
			served := "was never served"
			if f.Attempts == 1 && f.Bounds == nil {
				served = "was not served"
			}
			return fmt.Sprintf("%s tried to use %s %s%s since %s%s, and %s%s. %s",
				plain(f.Partner), plain(f.Feature), atLeast(f), times(f.Attempts), ending(f.Program), moment(f.Since), served, firstAndLast(f),
				order(f, "ask the partner to stop, and remove "+credentials(f)))
		},
	}
}
