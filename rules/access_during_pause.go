package rules

import (
	"fmt"

	"sunsetwatch/rules/registry"
)

// AccessDuringPause is the kind of accesses inside a pause of their
// registration: a brownout that did not stop the partner.
//
// It is an info. Who must act: whoever announced the pause finds out why the
// platform still answered.
const AccessDuringPause = "access_during_pause"

func accessDuringPause() Kind {
	return Kind{
		Name:    AccessDuringPause,
		Summary: "access inside a pause (a brownout) of its registration",
		Window:  Paused,
		Judge: func(c *Case, found []Match) []Match {
			m := decided(c, registry.Pauses)
			p := pauseOf(c)
			m.Since, m.Until = p.From, p.Until
			return append(found, m)
		},
		Severity: always(Info),
		Why: func(f *Finding, last *Match) string {
			// A pause is one stretch: between two accesses in it, all others are in it.
			pauses := "the pause"
			if f.Since != last.Since {
				pauses = "pauses, the last one"
			}
			return fmt.Sprintf("%s %s %s during %s from %s to %s%s. %s",
				plain(f.Partner), deed(f), extent(f), pauses, moment(last.Since), moment(last.Until), firstAndLast(f),
				order(f, "find out why "+who(f)+" "+verb(f, "was", "were")+" served"))
		},
	}
}
