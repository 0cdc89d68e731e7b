package exporter

import (
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// kindAccessAfterSunset is the kind whose series exist from the start.
const kindAccessAfterSunset = "access_after_sunset"

// registryRows are the series that follow from a State and its time of judgement
// whatever the wall time, and so stay the same until the next Publish.
type registryRows struct {
	registrations int
	rows          []row
	// start are the label sets of finding_open that are 0 from the start, in
	// the order of the registrations.
	start []openLabels
}

func registryRowsOf(s *State, wall access.Instant) registryRows {
	at := s.At
	if at == access.Beginning {
		at = wall
	}
	all := s.Registrations.Registrations()
	r := registryRows{registrations: len(all), rows: make([]row, 0, 2*len(all)), start: make([]openLabels, 0, len(all))}
	for _, reg := range all {
		partner, feature := label(reg.Partner), label(reg.Feature)
		var owner, team string
		if p := s.Registrations.Partner(reg.Partner); p != nil {
			owner, team = label(p.Owner), label(p.Team)
		}
		r.start = append(r.start, openLabels{
			findingLabels: findingLabels{partner: partner, feature: feature, kind: kindAccessAfterSunset},
			severity:      rules.Warning,
			team:          team,
		})
		terms, known := s.Registrations.TermsAt(reg, at, access.End)
		if !known {
			continue
		}
		if terms.Sunset != access.End {
			r.rows = append(r.rows, row{registrationSunset, rankRegistry, seconds(terms.Sunset), []string{partner, feature}})
		}
		r.rows = append(r.rows, row{registrationInfo, rankInfo, 1,
			[]string{partner, feature, terms.LifecycleAt(at).String(), owner, team, label(reg.Program)}})
	}
	r.rows = append(r.rows, partnerRows(s)...)
	r.rows = append(r.rows, exceptionRows(s, at)...)
	return r
}

// partnerRows are the series of sunsetwatch_partner_events_total. Every
// registration has all outcomes from the start.
func partnerRows(s *State) []row {
	type key struct {
		partner, feature string
		outcome          access.Outcome
	}
	outcomes := []access.Outcome{access.Served, access.Denied, access.Failed}
	counts := map[key]uint64{}
	var order []key
	add := func(k key, n uint64) {
		if _, there := counts[k]; !there {
			order = append(order, k)
		}
		counts[k] += n
	}
	for _, r := range s.Registrations.Registrations() {
		for _, o := range outcomes {
			add(key{label(r.Partner), label(r.Feature), o}, 0)
		}
	}
	for _, e := range s.PartnerEvents {
		add(key{partnerLabel(s.Registrations, e.Partner), featureLabel(s.Registrations, e.Feature), e.Outcome}, e.Events)
	}
	rows := make([]row, 0, len(order))
	for _, k := range order {
		rank := rankRegistry
		if counts[k] == 0 {
			rank = rankZero
		}
		rows = append(rows, row{partnerEvents, rank, float64(counts[k]), []string{k.partner, k.feature, k.outcome.String()}})
	}
	return rows
}

// seconds are those since 1970, as Prometheus wants timestamps.
func seconds(i access.Instant) float64 { return float64(i) / 1e9 }
