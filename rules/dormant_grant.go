package rules

import (
	"fmt"
	"time"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// DormantGrant is the kind of a registration that is active and that nobody
// uses. Its sunset closes it, an access withdraws it.
//
// It is an info. Who must act: the partner's team, by asking whether the partner
// still needs it, and by giving it a sunset if not: what nobody uses, nobody
// watches.
const DormantGrant = "dormant_grant"

func dormantGrant() Kind {
	return Kind{
		Name:     DormantGrant,
		Summary:  "active, and no access for 90 days (the rule file's after) that the ledger itself covers",
		Basis:    ByAbsence,
		Severity: always(Info),
		Why: func(f *Finding, last *Match) string {
			used := "no access was ever counted"
			if f.LastEvent != (Coordinate{}) {
				used = "the last access was on " + date(f.LastEvent.Time)
			}
			until, what := "", "ask whether it is still needed, and give it a sunset if not"
			if t := last.Terms; t != nil && t.Sunset != access.End {
				until, what = " until "+ending(t.Program)+moment(t.Sunset), "ask whether it is still needed, and end it sooner if not"
			}
			return fmt.Sprintf("%s may use %s%s, and does not: %s. %s", plain(f.Partner), plain(f.Feature), until, used, order(f, what))
		},
	}
}

// Silence is what DormantGrant judges: a registration, and what the ledger holds
// of it.
type Silence struct {
	Now      access.Instant  // time of judgement
	Terms    *registry.Terms // at Now
	Earliest access.Instant  // the first event or probe that the ledger holds
	Last     access.Instant  // the last access up to Now and before the sunset; Beginning: none
}

// Dormant says since when s has been dormant, after which there was no access
// for the time given; ok is false where it is not. ended is the sunset that
// closed it; End where it is dormant still. due is when that can change by time
// alone; End: never. A grant that has not begun, or is paused, is not dormant.
func Dormant(s *Silence, after time.Duration) (since, ended, due access.Instant, ok bool) {
	t := s.Terms
	if s.Earliest == access.End {
		return 0, access.End, access.End, false
	}
	at := Case{Time: s.Now, Belongs: true, Terms: t}
	switch WindowOf(&at) {
	case TooEarly:
		return 0, access.End, t.From, false
	case Paused:
		return 0, access.End, min(pauseOf(&at).Until, t.Sunset), false
	case AfterEnd:
		// It closed at the sunset if it was dormant before that.
		since = max(t.From, s.Earliest, s.Last)
		return since, t.Sunset, access.End, firstInside(t, since.Plus(after)) < t.Sunset
	}
	since = max(t.From, s.Earliest, s.Last)
	due = t.Sunset
	for _, p := range t.Pauses {
		if p.From > s.Now {
			due = min(due, p.From)
		}
	}
	if dormant := since.Plus(after); dormant > s.Now {
		return since, access.End, min(due, dormant), false
	}
	return since, access.End, due, true
}

// firstInside is the first instant from at on that no pause of t holds.
func firstInside(t *registry.Terms, at access.Instant) access.Instant {
	for _, p := range t.Pauses { // sorted by From
		if p.From <= at && at < p.Until {
			at = p.Until
		}
	}
	return at
}
