package exporter

import (
	"cmp"
	"slices"

	"sunsetwatch/detector"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// exceptionLabels are the labels of the metrics of exceptions. What stands for
// all is rules.Any, but detail, which is empty then.
type exceptionLabels struct {
	kind, partner, feature, detail, approvedBy string
}

func exceptionLabelsOf(s *registry.Snapshot, e *rules.Exception) exceptionLabels {
	l := exceptionLabels{label(e.Kind), rules.Any, rules.Any, "", label(e.ApprovedBy)}
	if e.Partner != rules.Any {
		l.partner = partnerLabel(s, e.Partner)
	}
	if e.Feature != rules.Any {
		l.feature = featureLabel(s, e.Feature)
	}
	if e.Scope != rules.Any {
		l.detail = label(e.Scope)
	}
	return l
}

// exceptionGauges are the values of exceptions that share labels, such as one and
// its renewal: hits and findings add up, the last hit is the latest.
type exceptionGauges struct {
	all      []*rules.Exception
	hits     uint64
	last     access.Instant // access.Beginning: no hit
	findings int
}

// exceptionRows are the series of exceptions at the time of judgement.
func exceptionRows(s *State, at access.Instant) []row {
	var order []exceptionLabels
	gauges := map[exceptionLabels]*exceptionGauges{}
	suppressing := suppressedBy(s)
	for i := range s.Exceptions {
		use := &s.Exceptions[i]
		l := exceptionLabelsOf(s.Registrations, use.Exception)
		g := gauges[l]
		if g == nil {
			g = &exceptionGauges{last: access.Beginning}
			gauges[l] = g
			order = append(order, l)
		}
		g.all = append(g.all, use.Exception)
		g.hits += use.Hits
		g.last = max(g.last, use.Last)
		g.findings += suppressing[use.Exception]
	}
	var rows []row
	for _, l := range order {
		g := gauges[l]
		labels := []string{l.kind, l.partner, l.feature, l.detail, l.approvedBy}
		rows = append(rows,
			row{exceptionHits, rankRegistry, float64(g.hits), labels},
			row{exceptionUntil, rankRegistry, seconds(until(g.all, at)), labels},
			row{exceptionFindings, rankRegistry, float64(g.findings), labels})
		if g.last != access.Beginning {
			rows = append(rows, row{exceptionLastHit, rankRegistry, seconds(g.last), labels})
		}
	}
	return rows
}

// suppressedBy counts the findings that are open or quiet by the exception that
// suppresses their page: the first of the file that says what the finding says.
func suppressedBy(s *State) map[*rules.Exception]int {
	counts := map[*rules.Exception]int{}
	for _, f := range s.Findings {
		if f.SuppressedBy == nil || f.State != rules.Open && f.State != rules.Quiet {
			continue
		}
		i := slices.IndexFunc(s.Exceptions, func(u detector.ExceptionUse) bool {
			return u.Matches(f.Kind, f.Partner, f.Feature, f.Scope) && u.String() == *f.SuppressedBy
		})
		if i >= 0 {
			counts[s.Exceptions[i].Exception]++
		}
	}
	return counts
}

// until is when exceptions that share labels end: of those that apply at the
// time, the end of the stretch that they and those that follow cover without a
// break; where none applies, the latest of all ends.
func until(all []*rules.Exception, at access.Instant) access.Instant {
	byStart := slices.SortedFunc(slices.Values(all), func(a, b *rules.Exception) int { return cmp.Compare(a.From, b.From) })
	covered, latest := at, access.Beginning
	for _, e := range byStart {
		if e.From <= covered {
			covered = max(covered, e.Until)
		}
		latest = max(latest, e.Until)
	}
	if covered > at {
		return covered
	}
	return latest
}
