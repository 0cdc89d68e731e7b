package deploy

import (
	"strings"
	"time"

	"sunsetwatch/deploy/grafana"
)

// Selections of the variables at the top of the dashboard.
const (
	ofFinding      = `partner=~"$partner",feature=~"$feature",kind=~"$kind"`
	ofOpen         = ofFinding + `,severity=~"$severity",team=~"$team"`
	ofRegistration = `partner=~"$partner",feature=~"$feature"`
	ofSunset       = ofRegistration + `,kind="access_after_sunset"`
	// An exception stands for a kind, or for all.
	ofException = `partner=~"\\*|$partner",feature=~"\\*|$feature",kind=~"\\*|$kind"`
)

// Overview is the dashboard that says who goes on after a sunset, and whether
// sunsetwatch can see it. Every expression takes the maximum over instances: those
// of a pair show the same.
func Overview() grafana.Dashboard {
	return grafana.Dashboard{
		UID:         "sunsetwatch-overview",
		Title:       "sunsetwatch / Overview",
		Description: "Which partner still pulls people's data although the feature that needed it was shut down.",
		Tags:        []string{"sunsetwatch"},
		Variables: []grafana.Variable{
			{Name: "partner", Label: "Partner", Query: `label_values(sunsetwatch_registration_info, partner)`},
			{Name: "feature", Label: "Feature", Query: `label_values(sunsetwatch_registration_info{partner=~"$partner"}, feature)`},
			{Name: "team", Label: "Team", Query: `label_values(sunsetwatch_registration_info, team)`},
			{Name: "kind", Label: "Kind", Query: `label_values(sunsetwatch_finding_open, kind)`},
			{Name: "severity", Label: "Severity", Query: `label_values(sunsetwatch_finding_open, severity)`},
		},
		Annotations: []grafana.Annotation{{
			Name:  "Sunsets",
			Expr:  `max by (partner, feature) (sunsetwatch_registration_sunset_timestamp_seconds{` + ofRegistration + `}) * 1000`,
			Title: "sunset of {{partner}}/{{feature}}",
			Color: "red",
		}},
		Panels: append(findingPanels(), pipelinePanels()...),
	}
}

func findingPanels() []grafana.Panel {
	open := func(more string) string {
		return `sum(max by (partner, feature, kind, detail) (sunsetwatch_finding_open{` + ofOpen + more + `}))`
	}
	return []grafana.Panel{
		{
			Title: "Open findings", Type: grafana.Stat, Width: 4, Height: 4, Unit: "short",
			Description: "Findings that are open or quiet, without those whose page an exception suppresses.",
			NoValue:     "not known: the state is not restored",
			Targets:     []grafana.Target{{Expr: open("")}},
			Thresholds:  []grafana.Threshold{{Color: "green"}, {Color: "orange", Value: 1}},
		},
		{
			Title: "Critical findings", Type: grafana.Stat, Width: 4, Height: 4, Unit: "short",
			Description: "Open or quiet findings that page at once: access after the end of grace, without a registration or without consent, for instance.",
			NoValue:     "none",
			Targets:     []grafana.Target{{Expr: open(`,severity="critical"`), MayBeEmpty: true}},
			Thresholds:  []grafana.Threshold{{Color: "green"}, {Color: "red", Value: 1}},
		},
		{
			Title: "Partners active after sunset", Type: grafana.Stat, Width: 4, Height: 4, Unit: "short",
			Description: "Partners with an access after a sunset that has not been found to have ended.",
			NoValue:     "not known: the state is not restored",
			Targets:     []grafana.Target{{Expr: `sum(max by (partner) (sunsetwatch_finding_open{` + ofSunset + `,team=~"$team"}))`}},
			Thresholds:  []grafana.Threshold{{Color: "green"}, {Color: "red", Value: 1}},
		},
		{
			Title: "Registrations", Type: grafana.Stat, Width: 4, Height: 4, Unit: "short",
			Description: "Registrations that are loaded. A sudden fall means that the files were read in part.",
			NoValue:     "none loaded",
			Targets:     []grafana.Target{{Expr: `min(sunsetwatch_registrations)`}},
		},
		{
			Title: "Unknown principals", Type: grafana.Stat, Width: 4, Height: 4, Unit: "short",
			Description: "Principals that have got data and belong to no partner.",
			NoValue:     "not known",
			Targets:     []grafana.Target{{Expr: `max(sunsetwatch_unregistered_principals)`}},
			Thresholds:  []grafana.Threshold{{Color: "green"}, {Color: "orange", Value: 1}},
		},
		{
			Title: "Records lost", Type: grafana.Stat, Width: 4, Height: 4, Unit: "short",
			Description: "Records that were skipped over, because retention removed them or they could not be read. No finding can count them.",
			NoValue:     "not known",
			Targets:     []grafana.Target{{Expr: `sum(max by (topic, reason) (sunsetwatch_offsets_skipped_total))`}},
			Thresholds:  []grafana.Threshold{{Color: "green"}, {Color: "red", Value: 1}},
		},
		{
			Title: "Open findings", Type: grafana.Table, Width: 24, Height: 9, SortBy: "Accesses",
			Description: "One row a finding that is open or quiet. Accesses and people are those of the finding since it began.",
			NoValue:     "no open finding",
			Targets: []grafana.Target{
				{Expr: `max by (severity, partner, feature, kind, detail, team, program) (sunsetwatch_finding_open{` + ofOpen + `}) > 0`, MayBeEmpty: true},
				ofOpenFindings("max", "sunsetwatch_finding_events", ""),
				ofOpenFindings("max", "sunsetwatch_finding_people", ""),
				ofOpenFindings("min", "sunsetwatch_finding_first_event_timestamp_seconds", " * 1000"),
				ofOpenFindings("max", "sunsetwatch_finding_last_event_timestamp_seconds", " * 1000"),
			},
			Columns: []grafana.Column{
				{Field: "severity", Title: "Severity"}, {Field: "partner", Title: "Partner"}, {Field: "feature", Title: "Feature"},
				{Field: "kind", Title: "Kind"}, {Field: "detail", Title: "Detail"}, {Field: "team", Title: "Team"}, {Field: "program", Title: "Program"},
				{Field: "Value #B", Title: "Accesses", Unit: "short"}, {Field: "Value #C", Title: "People", Unit: "short"},
				{Field: "Value #D", Title: "First access", Unit: "dateTimeAsIso"}, {Field: "Value #E", Title: "Last access", Unit: "dateTimeAsIso"},
			},
		},
		{
			Title: "Open findings by kind", Type: grafana.Timeseries, Width: 12, Height: 8, Unit: "short",
			Description: "Findings that are open or quiet, by kind and severity.",
			NoValue:     "no open finding",
			Targets: []grafana.Target{{
				Expr:   `sum by (kind, severity) (max by (partner, feature, kind, detail, severity) (sunsetwatch_finding_open{` + ofOpen + `})) > 0`,
				Legend: "{{kind}} ({{severity}})", MayBeEmpty: true,
			}},
		},
		{
			Title: "Findings under an exception", Type: grafana.Timeseries, Width: 12, Height: 8, Unit: "short",
			Description: "Open or quiet findings whose page an exception suppresses. They count on.",
			NoValue:     "no exception",
			Targets: []grafana.Target{{
				Expr:   `max by (kind, partner, feature, detail, approved_by) (sunsetwatch_exception_findings{` + ofException + `})`,
				Legend: "{{partner}} / {{feature}}: {{kind}} by {{approved_by}}", MayBeEmpty: true,
			}},
		},
		{
			Title: "Exceptions", Type: grafana.Table, Width: 24, Height: 7, SortBy: "Findings",
			Description: "The exceptions of the rule file: how many findings each suppresses, the accesses that it covers, and when it ends.",
			NoValue:     "no exception",
			Targets: []grafana.Target{
				ofExceptions("sunsetwatch_exception_findings", ""),
				ofExceptions("sunsetwatch_exception_hits_total", ""),
				ofExceptions("sunsetwatch_exception_last_hit_timestamp_seconds", " * 1000"),
				ofExceptions("sunsetwatch_exception_until_timestamp_seconds", " * 1000"),
			},
			Columns: []grafana.Column{
				{Field: "kind", Title: "Kind"}, {Field: "partner", Title: "Partner"}, {Field: "feature", Title: "Feature"},
				{Field: "detail", Title: "Detail"}, {Field: "approved_by", Title: "Approved by"},
				{Field: "Value #A", Title: "Findings", Unit: "short"}, {Field: "Value #B", Title: "Accesses", Unit: "short"},
				{Field: "Value #C", Title: "Last access", Unit: "dateTimeAsIso"}, {Field: "Value #D", Title: "Ends", Unit: "dateTimeAsIso"},
			},
		},
		{
			Title: "Accesses after sunset", Type: grafana.Timeseries, Width: 12, Height: 8, Unit: "short",
			Description: "Accesses after the sunset, counted up. A line that still rises is a partner that goes on.",
			NoValue:     "no access after a sunset",
			Targets: []grafana.Target{{
				Expr:   `max by (partner, feature) (sunsetwatch_finding_events{` + ofSunset + `})`,
				Legend: "{{partner}} / {{feature}}", MayBeEmpty: true,
			}},
		},
		{
			Title: "Accesses a second of partners with an open finding", Type: grafana.Timeseries, Width: 12, Height: 8, Unit: "ops",
			Description: "Served calls of every partner and feature that has an open finding of access after sunset, as they are counted.",
			NoValue:     "no open finding",
			Targets: []grafana.Target{{
				Expr: `max by (partner, feature) (rate(sunsetwatch_partner_events_total{` + ofRegistration + `,outcome="served"}[$__rate_interval]))` +
					` and on (partner, feature) sunsetwatch_finding_open{` + ofSunset + `,team=~"$team"} > 0`,
				Legend: "{{partner}} / {{feature}}", MayBeEmpty: true,
			}},
		},
		{
			Title: "People", Type: grafana.Timeseries, Width: 12, Height: 8, Unit: "short",
			Description: "Distinct people whose data a finding is about. Findings may share people: do not add them up.",
			NoValue:     "no finding",
			Targets: []grafana.Target{{
				Expr:   `max by (partner, feature, kind, detail) (sunsetwatch_finding_people{` + ofFinding + `})`,
				Legend: "{{partner}} / {{feature}}: {{kind}}", MayBeEmpty: true,
			}},
		},
		{
			Title: "Partners still active after sunset", Type: grafana.Table, Width: 12, Height: 8, SortBy: "Last access",
			Description: "Sunset and last access of each partner and feature with an open finding of access after sunset.",
			NoValue:     "nobody",
			Targets: []grafana.Target{
				afterSunset("max by (partner, feature) (sunsetwatch_registration_sunset_timestamp_seconds{" + ofRegistration + "}) * 1000"),
				afterSunset("max by (partner, feature) (sunsetwatch_finding_last_event_timestamp_seconds{" + ofSunset + "}) * 1000"),
			},
			Columns: []grafana.Column{
				{Field: "partner", Title: "Partner"}, {Field: "feature", Title: "Feature"},
				{Field: "Value #A", Title: "Sunset", Unit: "dateTimeAsIso"}, {Field: "Value #B", Title: "Last access", Unit: "dateTimeAsIso"},
			},
		},
	}
}

// ofOpenFindings asks for a number of the findings that are open.
func ofOpenFindings(aggregation, metric, factor string) grafana.Target {
	return grafana.Target{
		Expr: aggregation + ` by (partner, feature, kind, detail) (` + metric + `{` + ofFinding + `})` + factor +
			` and on (partner, feature, kind, detail) sunsetwatch_finding_open{` + ofOpen + `} > 0`,
		MayBeEmpty: true,
	}
}

// ofExceptions asks for a number of each exception.
func ofExceptions(metric, factor string) grafana.Target {
	return grafana.Target{
		Expr:       `max by (kind, partner, feature, detail, approved_by) (` + metric + `{` + ofException + `})` + factor,
		MayBeEmpty: true,
	}
}

// afterSunset keeps the pairs that have an open finding of access after sunset.
func afterSunset(expr string) grafana.Target {
	return grafana.Target{
		Expr:       expr + ` and on (partner, feature) sunsetwatch_finding_open{` + ofSunset + `,team=~"$team"} > 0`,
		MayBeEmpty: true,
	}
}

func pipelinePanels() []grafana.Panel {
	return []grafana.Panel{
		{
			Title: "Lag in records", Type: grafana.Timeseries, Width: 8, Height: 7, Unit: "short",
			Description: "Records between the position and the high watermark, of all partitions of a topic.",
			NoValue:     "no partitions: Kafka does not answer",
			Targets: []grafana.Target{{
				Expr: `sum by (topic) (max by (topic, partition) (sunsetwatch_partition_lag_records))`, Legend: "{{topic}}",
			}},
		},
		{
			Title: "Lag in event time", Type: grafana.Timeseries, Width: 8, Height: 7, Unit: "s",
			Description: "How far the partition that is furthest behind is judged behind the clock, among those in which records wait. An idle topic is not behind.",
			NoValue:     "no records wait",
			Targets: []grafana.Target{{
				Expr: `max by (topic) (time() - sunsetwatch_partition_judged_timestamp_seconds` +
					` and on (job, instance, topic, partition) sunsetwatch_partition_lag_records > 0)`,
				Legend: "{{topic}}", MayBeEmpty: true,
			}},
		},
		{
			Title: "Event time to judgement", Type: grafana.Timeseries, Width: 8, Height: 7, Unit: "s",
			Description: "Delay from event time to judgement that 99 of 100 events stay below.",
			NoValue:     "no events",
			Targets: []grafana.Target{{
				Expr:   `histogram_quantile(0.99, sum by (topic, le) (rate(sunsetwatch_event_delay_seconds_bucket[$__rate_interval])))`,
				Legend: "{{topic}}",
			}},
		},
		{
			Title: "Events", Type: grafana.Timeseries, Width: 8, Height: 7, Unit: "ops",
			Description: "Events a second: read, and of these counted and duplicate. The rest was rejected.",
			NoValue:     "no events",
			Targets: []grafana.Target{
				{Expr: `max by (topic) (rate(sunsetwatch_events_read_total[$__rate_interval]))`, Legend: "{{topic}} read"},
				{Expr: `max by (topic) (rate(sunsetwatch_events_counted_total[$__rate_interval]))`, Legend: "{{topic}} counted"},
				{Expr: `max by (topic) (rate(sunsetwatch_events_duplicate_total[$__rate_interval]))`, Legend: "{{topic}} duplicate"},
			},
		},
		{
			Title: "Rejected events", Type: grafana.Timeseries, Width: 8, Height: 7, Unit: "ops",
			Description: "Events a second that could not be read, by reason. Their positions are in the state directory.",
			NoValue:     "none",
			Targets: []grafana.Target{{
				Expr: `max by (topic, reason) (rate(sunsetwatch_events_rejected_total[$__rate_interval]))`, Legend: "{{topic}} {{reason}}",
			}},
		},
		{
			Title: "Age of the saved state", Type: grafana.Timeseries, Width: 8, Height: 7, Unit: "s",
			Description: "Time since the last save of each instance. After a restart, events are read again from there.",
			NoValue:     "not saved yet",
			Targets: []grafana.Target{{
				Expr: `time() - (sunsetwatch_state_last_save_timestamp_seconds > 0)`, Legend: "{{instance}}",
			}},
		},
	}
}

// An Expression is one query of a dashboard, as a Prometheus understands it.
type Expression struct {
	Panel      string // title of the panel, or name of the annotation
	Text       string
	MayBeEmpty bool // no series is a good answer
}

// DashboardExpressions returns every query of the dashboards with all variables on
// "All" and rates over the given time, at least four scrape intervals.
func DashboardExpressions(rate time.Duration) []Expression {
	fill := strings.NewReplacer(
		"$__rate_interval", promDuration(rate),
		"$partner", ".*", "$feature", ".*", "$team", ".*", "$kind", ".*", "$severity", ".*",
	)
	var list []Expression
	overview := Overview()
	for _, annotation := range overview.Annotations {
		list = append(list, Expression{Panel: annotation.Name, Text: fill.Replace(annotation.Expr), MayBeEmpty: true})
	}
	for _, panel := range overview.Panels {
		for _, target := range panel.Targets {
			list = append(list, Expression{Panel: panel.Title, Text: fill.Replace(target.Expr), MayBeEmpty: target.MayBeEmpty})
		}
	}
	return list
}
