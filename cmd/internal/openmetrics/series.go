package openmetrics

import (
	"cmp"
	"slices"
	"sort"

	"sunsetwatch/cmd/internal/timeline"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

const (
	findingOpen   = "sunsetwatch_finding_open"
	findingEvents = "sunsetwatch_finding_events"
	findingDay    = "sunsetwatch_finding_day_events"
)

// metrics in the order in which they are written.
var metrics = [...]struct{ name, help string }{
	{findingDay, "Accesses of a finding in the UTC day before."},
	{findingEvents, "Accesses of a finding until then."},
	{findingOpen, "1 while a finding is open or quiet and no exception suppresses it."},
}

// otherFeature is the label of features that nobody registered.
const otherFeature = "_other"

// series is one of the metrics, of all findings that share its labels.
type series struct {
	metric, labels string
	severity       rules.Severity // of findingOpen
	from, until    access.Instant // outside of which it has no samples
	members        []*member
}

// member is a finding over time.
type member struct {
	finding *rules.Finding
	rules   *rules.RuleSet
	end     access.Instant // the time of the last sample
	steps   []step         // in rising order
	points  []point        // in rising order; none: the accesses have no days
	daily   bool           // the points tell days apart
}

// step is a change of a finding's life.
type step struct {
	at       access.Instant
	live     bool
	severity rules.Severity
}

// point is the number of accesses of a finding before an instant.
type point struct {
	before access.Instant
	n      uint64
}

func seriesOf(d *Data) []*series {
	all := map[[2]string]*series{}
	for _, f := range d.Findings {
		m := memberOf(d, f)
		if len(m.steps) == 0 {
			continue
		}
		partner, feature := f.Partner, f.Feature
		if d.Registry.Partner(partner) == nil {
			partner = rules.Unregistered
		}
		if !d.Registry.KnownFeature(feature) {
			feature = otherFeature
		}
		common := []string{"partner", partner, "feature", feature, "kind", f.Kind, "detail", cmp.Or(f.Scope, f.Rule)}
		join := func(metric, labels string, severity rules.Severity) {
			k := [2]string{metric, labels}
			s := all[k]
			if s == nil {
				s = &series{metric: metric, labels: labels, severity: severity, from: access.End, until: m.end}
				all[k] = s
			}
			s.members = append(s.members, m)
			s.from = min(s.from, m.steps[0].at.Day().Start())
		}
		joined := map[rules.Severity]bool{}
		for _, s := range m.steps {
			if s.live && !joined[s.severity] {
				joined[s.severity] = true
				join(findingOpen, labelsOf(slices.Concat(common, []string{"severity", s.severity.String(), "team", f.Team, "program", f.Program})...), s.severity)
			}
		}
		join(findingEvents, labelsOf(common...), f.Severity)
		join(findingDay, labelsOf(common...), f.Severity)
	}
	var list []*series
	for _, s := range all {
		if s.metric != findingDay || !slices.ContainsFunc(s.members, func(m *member) bool { return !m.daily }) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *series) int {
		return cmp.Or(cmp.Compare(a.metric, b.metric), cmp.Compare(a.labels, b.labels))
	})
	return list
}

func memberOf(d *Data, f *rules.Finding) *member {
	m := &member{finding: f, rules: d.Rules, end: end(d.Now)}
	for _, h := range f.History {
		m.steps = append(m.steps, step{h.At, h.State == rules.Open || h.State == rules.Quiet, h.Severity})
	}
	live := f.State == rules.Open || f.State == rules.Quiet
	switch {
	case len(m.steps) > 0:
	case f.FirstEvent != (rules.Coordinate{}):
		// One judgement has no history: what is known now is taken to have been known.
		m.steps = append(m.steps, step{f.FirstEvent.Time, true, f.Severity})
		if !live {
			m.steps = append(m.steps, step{max(f.ClosedAt, f.LastEvent.Time), false, f.Severity})
		}
	case live:
		m.steps = append(m.steps, step{d.Now, true, f.Severity}) // since when, nobody says
	}
	slices.SortStableFunc(m.steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })

	tl := timeline.OfFinding(d.Registry, d.Facts, f)
	if !tl.Exact {
		m.points = []point{{f.LastEvent.Time + 1, f.Events}}
		return m
	}
	m.daily = f.Events > 0
	slices.SortStableFunc(tl.Accesses, func(a, b timeline.Accesses) int { return cmp.Compare(a.Until, b.Until) })
	total := uint64(0)
	for _, a := range tl.Accesses {
		m.daily = m.daily && a.Until-a.From <= access.OneDay
		if a.Found > 0 {
			total += a.Found
			m.points = append(m.points, point{min(a.Until, m.end), total})
		}
	}
	return m
}

// before is the number of accesses before t; known is false where it is not known
// yet.
func (m *member) before(t access.Instant) (n uint64, known bool) {
	i := sort.Search(len(m.points), func(i int) bool { return m.points[i].before > t })
	if i > 0 {
		return m.points[i-1].n, true
	}
	return 0, m.daily || len(m.points) != 1
}

// life is whether the finding is live before t under which severity, and whether
// that began or ended within a day around t.
func (m *member) life(t access.Instant, is func(*step) bool) (live, near bool) {
	for i := range m.steps {
		s := &m.steps[i]
		switch {
		case s.at < t:
			if live && !is(s) {
				near = t-s.at <= access.OneDay
			}
			live = is(s)
		case s.at < t+access.OneDay && is(s):
			near = true
		}
	}
	return live, near
}

func (m *member) suppressed(t access.Instant) bool {
	if m.rules == nil {
		return false
	}
	f := m.finding
	for i := range m.rules.Exceptions {
		e := &m.rules.Exceptions[i]
		if e.Matches(f.Kind, f.Partner, f.Feature, f.Scope) && e.Covers(t) {
			return true
		}
	}
	return false
}

// at is the sample of s at t; is is false where there is none.
func (s *series) at(t access.Instant) (value float64, is bool) {
	if t < s.from || t > s.until {
		return 0, false
	}
	for _, m := range s.members {
		if s.metric == findingOpen {
			live, near := m.life(t, func(x *step) bool { return x.live && x.severity == s.severity })
			is = is || live || near
			if live && !m.suppressed(t) {
				value = 1
			}
			continue
		}
		live, near := m.life(t, func(x *step) bool { return x.live })
		n, known := m.before(t)
		if !known || !live && !near {
			continue
		}
		is = true
		if s.metric == findingDay {
			earlier, _ := m.before((t - 1).Day().Start())
			n -= earlier
		}
		value += float64(n)
	}
	return value, is
}

func (s *series) shown(t access.Instant) bool {
	_, is := s.at(t)
	return is
}
