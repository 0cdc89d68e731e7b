package detector

import (
	"cmp"
	"slices"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// keep gives f the life of the finding that it amends, was, with what happened to
// it since s.began.
func (s *simulation) keep(was, f *rules.Finding, sum *sum, when func(was, f *rules.Finding) access.Instant) {
	opened := was == nil || was.State == rules.Withdrawn
	note := func(at access.Instant, state rules.State, severity rules.Severity, why string) {
		f.History = extend(f.History, rules.Change{At: at, State: state, Severity: severity, Suppressed: f.SuppressedBy != nil, Why: why})
	}
	since, severity := s.began, f.Severity
	if was != nil {
		f.OpenedAt, f.DetectionDelay, f.History = was.OpenedAt, was.DetectionDelay, was.History
		severity = was.Severity
	}
	if opened {
		since = when(was, f)
		if sum.kind.Basis == rules.ByAbsence {
			// Every source was to be judged past it.
			since = max(since, s.exactly(sum.absent.dormant, s.arrivals.passed))
		}
		why := whyOpen(f)
		if was == nil {
			f.OpenedAt = since
			f.DetectionDelay = delay(f, since)
		} else {
			why = "back: " + why
		}
		severity = f.Severity
		if f.Kind == rules.OperationOverreach && s.rules.Setting(f.Kind).Severity == nil && s.rise(f) > since {
			severity = rules.Warning
		}
		note(since, rules.Open, severity, why)
	}
	open := opened || was.State != rules.Closed
	period := s.rules.Setting(f.Kind).ClosingPeriod
	closures, probes := s.detector.closuresOf(f.ID), &s.detector.judge.probing
	for i, runs := 1, sum.basis().runs(); i < len(runs); i++ {
		last, next := runs[i-1].Last, runs[i].First
		if next < since || last < f.FirstEvent.Time || opened && next == since || !relapsed(last, next, period, probes, closures) {
			continue
		}
		if open {
			note(min(last.Plus(period), next), rules.Closed, severity, "no access for "+rules.Length(period))
		}
		note(next, rules.Open, severity, "relapse: access at "+next.String()+" after it had ended")
		open = true
	}
	if f.Severity != severity {
		why := "severity was " + severity.String()
		if f.EventsAfterGrace != nil && *f.EventsAfterGrace > 0 && f.Severity > severity {
			why = "access after the end of grace on " + f.GraceUntil.String()
		}
		state := f.State
		if state == rules.Quiet || state == rules.Closed && open {
			state = rules.Open
		}
		note(max(since, s.rise(f)), state, f.Severity, why)
	}
	if f.State == rules.Closed && open {
		note(max(f.ClosedAt, since), rules.Closed, f.Severity, whyState(f))
	}
	slices.SortStableFunc(f.History, func(a, b rules.Change) int {
		if a.At < b.At {
			return -1
		}
		if a.At > b.At {
			return 1
		}
		return 0
	})
	s.detector.keep(f)
}

// rise is the first access since s.began that makes the severity of f what it is;
// Beginning where nothing that happened since does.
func (s *simulation) rise(f *rules.Finding) access.Instant {
	first := access.End
	s.served(func(c *ledger.Cell, t *ledger.Stretch) {
		switch {
		case t.First.Time < s.began, t.First.Time < f.FirstEvent.Time:
		case f.Kind == rules.OperationOverreach && c.Attributes().Operation != access.Write && c.Attributes().Operation != access.Delete:
		case f.Scope != "" && !slices.ContainsFunc(c.Scopes(), func(scope string) bool { return registry.Covers(f.Scope, scope) }):
		default:
			first = min(first, t.First.Time)
		}
	})
	if first == access.End {
		return access.Beginning
	}
	return first
}

// served yields the accesses of the group at hand.
func (s *simulation) served(yield func(*ledger.Cell, *ledger.Stretch)) {
	for _, principal := range s.detector.judge.owners.principals(s.group) {
		for _, c := range s.facts.Cells(principal, s.group.feature) {
			if a := c.Attributes(); a.Outcome != access.Served || a.Probe != access.NoProbe {
				continue
			}
			for t := range c.Stretches() {
				if t.Events > 0 && (s.view.instant == access.End || t.First.Time < s.view.instant) && s.whose(principal, t.First.Time) {
					yield(c, t)
				}
			}
		}
	}
}

// whose reports whether an access at t is the group's.
func (s *simulation) whose(principal string, t access.Instant) bool {
	partner, _ := s.registry.Owner(principal, t)
	if partner == "" {
		partner = rules.Unregistered
	}
	return partner == s.group.partner
}

// endings looks for what an access ended since began that was a finding until then:
// of attempts alone, or of a capability. It is judged just before, if it is not
// yet.
func (s *simulation) endings(g group, began access.Instant) {
	d := s.detector
	for _, id := range d.groups[g] {
		f := d.lives[id]
		if f.State == rules.Withdrawn || f.FirstEvent.Time <= began {
			continue
		}
		switch f.Kind {
		case rules.AccessAfterSunset:
			if f.Attempts == 0 && !s.probed() {
				continue
			}
		case rules.NoRegistration:
			if !s.probed() {
				continue
			}
		default:
			continue
		}
		s.want(f.FirstEvent.Time)
	}
}

// turns looks for the probes after which a finding of a capability can be there
// again, or gone again: it was withdrawn because something allows it now, and then
// it stands, closed, only while the latest probe says disabled.
func (s *simulation) turns(f *rules.Finding) {
	type said struct {
		at     access.Instant
		enable bool
	}
	var all []said
	for _, principal := range s.detector.judge.owners.principals(s.group) {
		for _, c := range s.facts.Cells(principal, s.group.feature) {
			probe := c.Attributes().Probe
			if probe == access.NoProbe {
				continue
			}
			for t := range c.Stretches() {
				for _, r := range t.Days.Runs() {
					all = append(all, said{r.First, probe == access.ProbeEnabled})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b said) int { return cmp.Compare(a.at, b.at) })
	for i := 1; i < len(all); i++ {
		if all[i].enable != all[i-1].enable && all[i].at > f.LastEvent.Time {
			s.want(all[i].at)
		}
	}
}

// unseen are when accesses can have ended a finding without one of their own, since
// the rule file has their kind disabled.
func (s *simulation) unseen() (at []access.Instant) {
	if !s.rules.Setting(rules.AccessAfterSunset).Disabled && !s.rules.Setting(rules.NoRegistration).Disabled {
		return nil
	}
	s.view.instant = access.End
	s.served(func(_ *ledger.Cell, t *ledger.Stretch) { at = append(at, t.First.Time) })
	return at
}

// probed reports whether a capability of the group was probed.
func (s *simulation) probed() bool {
	for _, principal := range s.detector.judge.owners.principals(s.group) {
		for _, c := range s.facts.Cells(principal, s.group.feature) {
			if c.Attributes().Probe != access.NoProbe {
				return true
			}
		}
	}
	return false
}

// silences are when a grant can have become dormant, and when an access ended
// that. cuts are the other instants of the group.
func (s *simulation) silences(g group, cuts []access.Instant) []access.Instant {
	setting := s.rules.Setting(rules.DormantGrant)
	if setting.Disabled || s.registry.Registration(g.partner, g.feature) == nil {
		return nil
	}
	var days ledger.Days
	s.view.instant = access.End
	s.served(func(_ *ledger.Cell, t *ledger.Stretch) { days.Union(&t.Days) })
	var at []access.Instant
	earliest, latest := s.facts.Earliest(), s.facts.Latest()
	// last is the access before a silence, next the one that ends it.
	silence := func(last, next access.Instant) {
		begins := append([]access.Instant{earliest, last}, cuts...)
		for _, begin := range begins {
			if begin == access.Beginning || begin < last || begin >= next {
				continue
			}
			if due := begin.Plus(setting.After); due < next && due <= latest {
				at = append(at, due)
				if next != access.End {
					at = append(at, next)
				}
			}
		}
	}
	last := access.Beginning
	for _, r := range days.Runs() {
		silence(last, r.First)
		last = r.Last
	}
	silence(last, access.End)
	return at
}
