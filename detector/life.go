package detector

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// Turn is a step in the life of a finding: it opened, or its state or severity
// changed. It stands in the finding's history.
type Turn struct {
	Was *rules.Finding // nil: there was none
	Is  *rules.Finding
}

// Opened reports that the finding is new, or back after it was withdrawn.
func (t Turn) Opened() bool {
	return t.Is.State != rules.Withdrawn && (t.Was == nil || t.Was.State == rules.Withdrawn)
}

// Rose reports that a finding that was there before became more severe.
func (t Turn) Rose() bool {
	return t.Is.State != rules.Withdrawn && t.Was != nil && t.Is.Severity > t.Was.Severity
}

// Returned reports that a finding that was closed, or whose page an exception
// suppressed, goes on: a relapse, a closure that was taken back, an exception
// that expired.
func (t Turn) Returned() bool {
	if t.Was == nil || t.Is.State == rules.Withdrawn {
		return false
	}
	expired := t.Was.SuppressedBy != nil && t.Is.SuppressedBy == nil
	if alive(t.Is) {
		return t.Was.State == rules.Closed || expired || relapse(t.Was, t.Is)
	}
	// What closed in the judgement in which it came back has both written down.
	n := len(t.Is.History)
	back := n > 1 && t.Is.History[n-2].State == rules.Open && n > len(t.Was.History)+1
	return relapse(t.Was, t.Is) || expired && back
}

// Withdrawn reports that no access is left in the finding.
func (t Turn) Withdrawn() bool { return t.Is.State == rules.Withdrawn }

// Pages reports whether the turn is news to a person: one finding is one page,
// unless its severity rises, it relapses, or nothing suppresses it any more.
func (t Turn) Pages() bool {
	return t.Is.SuppressedBy == nil && (t.Opened() || t.Rose() || t.Returned())
}

// alive reports that f is open or quiet.
func alive(f *rules.Finding) bool { return f.State == rules.Open || f.State == rules.Quiet }

// relapse reports that an access came back to f after it had ended. One that an
// event of long ago made is none: it arrives late and reopens nothing.
func relapse(was, f *rules.Finding) bool {
	return f.Relapses > was.Relapses && f.LastEvent.Time > was.LastEvent.Time && was.State != rules.Withdrawn
}

// amend judges a group and compares what is found with what is known of it.
func (d *Detector) amend(g group, wall access.Instant, turns []Turn) []Turn {
	sums, due := d.judge.of(g, d.now)
	known := d.groups[g]
	delete(d.hits, g)
	delete(d.withheld, g)
	var found []string  // ids
	var gained []string // kinds
	for _, s := range sums {
		if d.unverified(s) {
			d.withheld[g] = struct{}{}
			continue
		}
		f := d.finding(g, s)
		was := d.lives[f.ID]
		due = min(due, d.conclude(g, was, f, s))
		found = append(found, f.ID)
		if was == nil || was.State == rules.Withdrawn || was.Events < f.Events {
			gained = append(gained, f.Kind)
		}
		if t, turned := d.live(was, f, wall); turned {
			turns = append(turns, t)
		}
	}
	d.agenda.set(g, due)
	slices.Sort(gained)
	for _, id := range known {
		was := d.lives[id]
		if was.State == rules.Withdrawn || slices.Contains(found, id) {
			continue
		}
		turns = append(turns, d.withdraw(was, gained, wall))
	}
	return turns
}

// unverified reports that a silence is not certain, because a source is not judged
// past it: what nobody uses waits, as closing does.
func (d *Detector) unverified(s *sum) bool {
	return s.kind.Basis == rules.ByAbsence && len(d.lagging(s.absent.dormant)) > 0
}

// conclude says of a finding, which was was before, how far it has come, and what
// the rule file says of it. It returns when time alone can change that.
func (d *Detector) conclude(g group, was, f *rules.Finding, s *sum) (due access.Instant) {
	e := d.end(was, f, s)
	f.State, f.ClosedAt, f.Closure, f.Relapses = e.state, e.closedAt, e.closure, e.relapses
	if e.withheld {
		d.withheld[g] = struct{}{}
	}
	applies, due := d.exceptionFor(f)
	if applies != nil {
		text := applies.String()
		f.SuppressedBy = &text
	}
	f.Dispute = d.disputeOf(f.ID)
	for x, h := range s.hits {
		if d.hits[g] == nil {
			d.hits[g] = map[*rules.Exception]hit{}
		}
		total, met := d.hits[g][x]
		if !met {
			total.last = access.Beginning
		}
		d.hits[g][x] = hit{total.events + h.events, max(total.last, h.last)}
	}
	return min(due, e.due)
}

// live gives f the life of the finding that it amends, was, and keeps it.
func (d *Detector) live(was, f *rules.Finding, wall access.Instant) (t Turn, turned bool) {
	t = Turn{was, f}
	if was == nil {
		f.OpenedAt = wall
		f.DetectionDelay = delay(f, wall)
		d.turn(f, wall, whyOpen(f), rules.Open)
		return t, true
	}
	f.OpenedAt, f.DetectionDelay, f.History = was.OpenedAt, was.DetectionDelay, was.History
	switch {
	case was.State == rules.Withdrawn:
		d.turn(f, wall, "back: "+whyOpen(f), rules.Open)
	case relapse(was, f):
		d.turn(f, wall, "relapse: access at "+f.LastEvent.Time.String()+" after it had ended", rules.Open)
	case f.Severity > was.Severity && f.EventsAfterGrace != nil && *f.EventsAfterGrace > 0:
		d.turn(f, wall, "access after the end of grace on "+f.GraceUntil.String(), f.State)
	case f.Severity != was.Severity:
		d.turn(f, wall, "severity was "+was.Severity.String(), f.State)
	case was.SuppressedBy != nil && f.SuppressedBy == nil && f.State == rules.Closed && d.outlived(f):
		// It closed after that, in the same judgement: it pages all the same.
		d.turn(f, wall, "the exception expired, and it went on", rules.Open)
	case f.State != was.State:
		d.turn(f, wall, whyState(f), f.State)
	case (f.SuppressedBy == nil) != (was.SuppressedBy == nil):
		why := "no exception suppresses its page any more"
		if f.SuppressedBy != nil {
			why = "its page is suppressed: " + *f.SuppressedBy
		}
		d.turn(f, wall, why, f.State)
	default:
		if !reflect.DeepEqual(was, f) {
			d.keep(f)
		}
		return t, false
	}
	return t, true
}

// turn writes into the history that f has come to a state, and keeps it. What
// opened and is over already, as in a fast catch-up, has both written down.
func (d *Detector) turn(f *rules.Finding, wall access.Instant, why string, by rules.State) {
	if by == rules.Open && f.State == rules.Closed {
		f.History = extend(f.History, change(f, wall, rules.Open, why))
		why = whyState(f)
	}
	f.History = extend(f.History, change(f, wall, f.State, why))
	d.keep(f)
}

func change(f *rules.Finding, wall access.Instant, state rules.State, why string) rules.Change {
	return rules.Change{At: wall, State: state, Severity: f.Severity, Suppressed: f.SuppressedBy != nil, Why: why}
}

// delay is how long the first access went unseen, in seconds; nil where there is
// none.
func delay(f *rules.Finding, wall access.Instant) *int64 {
	if f.FirstEvent == (rules.Coordinate{}) {
		return nil
	}
	// Centuries do not fit into a time.Duration, and not into an Instant with a sign.
	whole := func(from, to access.Instant) int64 { return int64(uint64(to-from) / uint64(time.Second)) }
	seconds := whole(f.FirstEvent.Time, wall)
	if wall < f.FirstEvent.Time {
		seconds = -whole(wall, f.FirstEvent.Time)
	}
	return &seconds
}

// withdraw ends a finding in which no access is left, with the values that it
// had.
func (d *Detector) withdraw(was *rules.Finding, gained []string, wall access.Instant) Turn {
	f := *was
	f.State = rules.Withdrawn
	why := whyWithdrawn(was)
	if d.judge.rules.Setting(was.Kind).Disabled {
		why = "the rule file disables the kind"
	} else if len(gained) > 0 {
		why += "; see " + strings.Join(gained, ", ")
	}
	f.History = extend(was.History, change(&f, wall, f.State, why))
	d.keep(&f)
	return Turn{was, &f}
}

// keep makes f the finding of its id.
func (d *Detector) keep(f *rules.Finding) {
	if d.lives[f.ID] == nil {
		g := groupOf(f)
		d.groups[g] = append(d.groups[g], f.ID)
	}
	d.lives[f.ID] = f
	d.changed[f.ID] = struct{}{}
	d.sorted = nil
}
