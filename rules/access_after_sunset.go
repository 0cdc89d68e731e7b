package rules

import (
	"fmt"

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
			m := decided(c, registry.Sunset)
			m.Since, m.Sunset, m.GraceUntil = c.Terms.Sunset, c.Terms.Sunset, c.Terms.GraceUntil
			m.AfterGrace = c.Time >= c.Terms.GraceUntil
			m.Program = c.Terms.Program
			return append(found, m)
		},
		Severity: graceSeverity,
		Why: func(f *Finding, _ *Match) string {
			return fmt.Sprintf("%s %s %s since %s%s%s%s. %s", plain(f.Partner), deed(f), extent(f), ending(f.Program), moment(f.Since), lastTime(f),
				inGrace(f), order(f, "revoke "+credentials(f)))
		},
	}
}

// ending is what ended, up to its date: a program, or a registration by its own
// sunset.
func ending(program string) string {
	if program != "" {
		return "the end of the program " + plain(program) + " on "
	}
	return "its sunset on "
}

// inGrace says how much of f lies after the grace period, if there is one.
func inGrace(f *Finding) string {
	n := f.EventsAfterGrace
	if n == nil || f.GraceUntil <= f.Sunset {
		return ""
	}
	switch {
	case f.Events == 1 && f.Bounds == nil && *n == 0:
		return fmt.Sprintf("; it was in the grace period, which ends on %s", moment(f.GraceUntil))
	case f.Events == 1 && f.Bounds == nil:
		return "; it was after the grace period"
	case f.Bounds != nil && *n > 0:
		return fmt.Sprintf("; at least %s of them after the grace period", number(*n))
	case f.Bounds != nil:
		return ""
	case *n == 0:
		return fmt.Sprintf("; all of them in the grace period, which ends on %s", moment(f.GraceUntil))
	case *n == f.Events:
		return "; all of them after the grace period"
	default:
		return fmt.Sprintf("; %s of them after the grace period", number(*n))
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
