package rules

import (
	"fmt"
	"strings"

	"sunsetwatch/rules/registry"
)

// AccessAfterSunset is the kind of accesses at or after the sunset of their
// registration or of its program, whichever is earlier.
//
// It is a warning while all accesses lie in the grace period, and critical from
// the first access at or after its end on. Who must act: the partner's team, by
// revoking the credential; the feature that needed the data is gone.
const AccessAfterSunset = "access_after_sunset"

func accessAfterSunset() Kind {
	return Kind{
		Name:    AccessAfterSunset,
		Summary: "access with event time at or after the sunset of its registration or of its program, whichever is earlier",
		Window:  AfterEnd,
		Judge: func(c *Case, found []Match) []Match {
			m := match(c)
			m.Since, m.Sunset, m.GraceUntil = c.Terms.Sunset, c.Terms.Sunset, c.Terms.GraceUntil
			m.AfterGrace = c.Time >= c.Terms.GraceUntil
			m.Program = c.Terms.Program
			m.Decided = c.Terms.Decided[registry.Sunset]
			return append(found, m)
		},
		Severity: graceSeverity,
		Why: func(f *Finding, _ *Match) string {
			end := "its sunset on "
			if f.Program != "" {
				end = "the end of the program " + plain(f.Program) + " on "
			}
			var b strings.Builder
			fmt.Fprintf(&b, "%s %s %s since %s%s%s", plain(f.Partner), deed(f), extent(f), end, moment(f.Since), lastTime(f))
			if n := f.EventsAfterGrace; n != nil && f.GraceUntil > f.Sunset {
				switch {
				case f.Bounds != nil && *n > 0:
					fmt.Fprintf(&b, "; at least %s of them after the grace period", number(*n))
				case f.Bounds != nil:
				case *n == 0:
					fmt.Fprintf(&b, "; all of them in the grace period, which ends on %s", moment(f.GraceUntil))
				case *n == f.Events:
					b.WriteString("; all of them after the grace period")
				default:
					fmt.Fprintf(&b, "; %s of them after the grace period", number(*n))
				}
			}
			return b.String() + ". " + order(f, "revoke "+credentials(f))
		},
	}
}

// graceSeverity is critical as soon as one access lies at or after the end of
// grace.
func graceSeverity(f *Finding) Severity {
	if f.EventsAfterGrace != nil && *f.EventsAfterGrace > 0 {
		return Critical
	}
	return Warning
}
