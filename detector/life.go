package detector

import (
	"reflect"
	"slices"
	"strings"

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

// Withdrawn reports that no access is left in the finding.
func (t Turn) Withdrawn() bool { return t.Is.State == rules.Withdrawn }

// Pages reports whether the turn is news to a person: one finding is one page,
// unless its severity rises.
func (t Turn) Pages() bool { return t.Opened() || t.Rose() }

// amend compares what was found in a group with what is known of it.
func (d *Detector) amend(g group, sums []*sum, wall access.Instant, turns []Turn) []Turn {
	known := d.groups[g]
	if len(sums) == 0 && len(known) == 0 {
		return turns
	}
	var found []string  // ids
	var gained []string // kinds
	for _, s := range sums {
		f := d.finding(g, s)
		found = append(found, f.ID)
		was := d.lives[f.ID]
		if was == nil || was.State == rules.Withdrawn || was.Events < f.Events {
			gained = append(gained, f.Kind)
		}
		if t, turned := d.live(was, f, wall); turned {
			turns = append(turns, t)
		}
	}
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

// live gives f the life of the finding that it amends, was, and keeps it.
func (d *Detector) live(was, f *rules.Finding, wall access.Instant) (t Turn, turned bool) {
	f.State = stateAt(f, d.now)
	t = Turn{was, f}
	why := ""
	switch {
	case was == nil:
		f.OpenedAt = wall
		why = whyOpen(f)
	default:
		f.OpenedAt = was.OpenedAt
		f.History = was.History
		switch {
		case was.State == rules.Withdrawn:
			why = "back: " + whyOpen(f)
		case f.Severity > was.Severity && f.EventsAfterGrace != nil:
			why = "access after the end of grace on " + f.GraceUntil.String()
		case f.Severity != was.Severity:
			why = "severity was " + was.Severity.String()
		case f.State != was.State:
			why = whyState(f)
		default:
			if !reflect.DeepEqual(was, f) {
				d.keep(f)
			}
			return t, false
		}
	}
	f.History = extend(f.History, rules.Change{At: wall, State: f.State, Severity: f.Severity, Why: why})
	d.keep(f)
	return t, true
}

// withdraw ends a finding in which no access is left, with the values that it
// had.
func (d *Detector) withdraw(was *rules.Finding, gained []string, wall access.Instant) Turn {
	f := *was
	f.State = rules.Withdrawn
	why := "no access is left in it under what is registered now"
	if len(gained) > 0 {
		why += "; see " + strings.Join(gained, ", ")
	}
	f.History = extend(was.History, rules.Change{At: wall, State: f.State, Severity: f.Severity, Why: why})
	d.keep(&f)
	return Turn{was, &f}
}

// age lets open findings fall quiet.
func (d *Detector) age(wall access.Instant, turns []Turn) []Turn {
	if d.now < d.quietAt {
		return turns
	}
	d.quietAt = access.End
	for id := range d.open {
		was := d.lives[id]
		from := quietFrom(was)
		if from > d.now {
			d.quietAt = min(d.quietAt, from)
			continue
		}
		f := *was
		f.State = rules.Quiet
		f.History = extend(was.History, rules.Change{At: wall, State: f.State, Severity: f.Severity, Why: whyState(&f)})
		d.keep(&f)
		turns = append(turns, Turn{was, &f})
	}
	return turns
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
	delete(d.open, f.ID)
	if f.State == rules.Open {
		d.open[f.ID] = struct{}{}
		d.quietAt = min(d.quietAt, quietFrom(f))
	}
}
