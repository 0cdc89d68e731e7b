package exporter

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Type of a metric, as in a TYPE line of the exposition.
type Type string

// The types of metrics.
const (
	Gauge     Type = "gauge"
	Counter   Type = "counter"
	Histogram Type = "histogram"
)

// Origin says where the values of a metric come from, and so when it is absent.
type Origin string

// The origins of metrics.
const (
	// FromState: from the State published last; absent before the first.
	FromState Origin = "state"
	// FromProcess: from this process; there from the first scrape, as far as
	// its label values are known.
	FromProcess Origin = "process"
)

// Metric is one row of the table of metrics.
type Metric struct {
	Name   string
	Type   Type
	Labels []string // in the order of the contract; nil: none
	Help   string
	Origin Origin
	Capped bool // counts against Options.MaxSeries
}

// Metrics is the table of all metrics that a Collector shows, in the order of
// the documentation. Dashboards, alert rules and the documentation are held
// against it.
func Metrics() []Metric {
	t := table()
	for i := range t {
		t[i].Labels = slices.Clone(t[i].Labels)
	}
	return t[:]
}

// metricID is an index into the table.
type metricID int

const (
	findingOpen metricID = iota
	findingEvents
	findingPeople
	findingFirstEvent
	findingLastEvent
	exceptionFindings
	exceptionHits
	exceptionLastHit
	exceptionUntil
	partnerEvents
	registrationSunset
	registrationInfo
	registrations
	unregisteredPrincipals
	recordsRead
	eventsRead
	eventsCounted
	eventsDuplicate
	eventIDConflicts
	eventsRejected
	offsetsSkipped
	offsetsIgnored
	ledgerCells
	ledgerBytes
	partitionLag
	partitionStableLag
	partitionJudged
	partitionPosition
	eventDelay
	reloadSuccessful
	reloadSuccessTime
	lastSave
	saveFailures
	seriesCapped
	buildInfo
	metricCount
)

func table() [metricCount]Metric {
	finding := []string{"partner", "feature", "kind", "detail"}
	exception := []string{"kind", "partner", "feature", "detail", "approved_by"}
	topic := []string{"topic"}
	topicReason := []string{"topic", "reason"}
	partition := []string{"topic", "partition"}
	return [metricCount]Metric{
		findingOpen: {"sunsetwatch_finding_open", Gauge,
			[]string{"partner", "feature", "kind", "detail", "severity", "team", "program"},
			"1 while a finding is open or quiet, and for the hold time after it opens, relapses or rises; else, and while an exception suppresses it, 0. The source of alerts.",
			FromState, true},
		findingEvents: {"sunsetwatch_finding_events", Gauge, finding,
			"Accesses counted in the findings with these labels.", FromState, true},
		findingPeople: {"sunsetwatch_finding_people", Gauge, finding,
			"Distinct people in the finding with these labels; where several share them, of the largest.", FromState, true},
		findingFirstEvent: {"sunsetwatch_finding_first_event_timestamp_seconds", Gauge, finding,
			"Event time of the first event of the finding.", FromState, true},
		findingLastEvent: {"sunsetwatch_finding_last_event_timestamp_seconds", Gauge, finding,
			"Event time of the last event of the finding.", FromState, true},
		exceptionFindings: {"sunsetwatch_exception_findings", Gauge, exception,
			"Open and quiet findings whose page the exceptions with these labels suppress.", FromState, true},
		exceptionHits: {"sunsetwatch_exception_hits_total", Counter, exception,
			"Accesses in findings, at event times that the exceptions with these labels cover, as of the last save; another rule file, or registrations that make accesses lawful, count anew.", FromState, true},
		exceptionLastHit: {"sunsetwatch_exception_last_hit_timestamp_seconds", Gauge, exception,
			"Event time of the last access that an exception with these labels covers; absent until there is one.", FromState, true},
		exceptionUntil: {"sunsetwatch_exception_until_timestamp_seconds", Gauge, exception,
			"When the exceptions with these labels end: those that apply now and follow without a break, else the latest.", FromState, true},
		partnerEvents: {"sunsetwatch_partner_events_total", Counter,
			[]string{"partner", "feature", "outcome"},
			"Events counted in the ledger, as of the last save.", FromState, true},
		registrationSunset: {"sunsetwatch_registration_sunset_timestamp_seconds", Gauge,
			[]string{"partner", "feature"},
			"Effective sunset of the registration; absent where it has none.", FromState, true},
		registrationInfo: {"sunsetwatch_registration_info", Gauge,
			[]string{"partner", "feature", "lifecycle", "owner", "team", "program"},
			"1 for every registration; lifecycle is planned, active, paused, grace or ended at the time of judgement.", FromState, true},
		registrations: {"sunsetwatch_registrations", Gauge, nil,
			"Registrations that are loaded.", FromState, false},
		unregisteredPrincipals: {"sunsetwatch_unregistered_principals", Gauge, nil,
			"Principals seen in events that belong to no partner; alert on its rise.", FromState, false},
		recordsRead: {"sunsetwatch_records_read_total", Counter, topic,
			"Records read from the topic, as of the last save.", FromState, false},
		eventsRead: {"sunsetwatch_events_read_total", Counter, topic,
			"Events read: counted, duplicate and rejected ones together, as of the last save.", FromState, false},
		eventsCounted: {"sunsetwatch_events_counted_total", Counter, topic,
			"Events counted into facts, as of the last save.", FromState, false},
		eventsDuplicate: {"sunsetwatch_events_duplicate_total", Counter, topic,
			"Events with id and content of an earlier one, not counted again, as of the last save.", FromState, false},
		eventIDConflicts: {"sunsetwatch_event_id_conflicts_total", Counter, topic,
			"Events with the id of an earlier one but other content; they are counted, as of the last save.", FromState, false},
		eventsRejected: {"sunsetwatch_events_rejected_total", Counter, topicReason,
			"Events rejected, by reason, as of the last save.", FromState, false},
		offsetsSkipped: {"sunsetwatch_offsets_skipped_total", Counter, topicReason,
			"Offsets whose records were lost to us, by reason, as of the last save.", FromState, false},
		offsetsIgnored: {"sunsetwatch_offsets_ignored_total", Counter, topicReason,
			"Offsets rightly passed over, by reason, as of the last save.", FromState, false},
		ledgerCells: {"sunsetwatch_ledger_cells", Gauge, nil,
			"Cells in the ledger, as of the last save.", FromState, false},
		ledgerBytes: {"sunsetwatch_ledger_bytes", Gauge, nil,
			"Size of the facts in the ledger, as of the last save.", FromState, false},
		partitionLag: {"sunsetwatch_partition_lag_records", Gauge, partition,
			"Offsets between the position and the high watermark of the partition.", FromProcess, false},
		partitionStableLag: {"sunsetwatch_partition_stable_lag_records", Gauge, partition,
			"Offsets between the position and the last stable offset of the partition.", FromProcess, false},
		partitionJudged: {"sunsetwatch_partition_judged_timestamp_seconds", Gauge, partition,
			"Latest event time counted in the partition; absent while it held no event.", FromProcess, false},
		partitionPosition: {"sunsetwatch_partition_position", Gauge, partition,
			"Offset from which the partition is read next.", FromProcess, false},
		eventDelay: {"sunsetwatch_event_delay_seconds", Histogram, topic,
			"Time from the event to its judgement.", FromProcess, false},
		reloadSuccessful: {"sunsetwatch_config_last_reload_successful", Gauge, nil,
			"1 if the last load of the registrations was successful, else 0 and the ones before it are kept.", FromProcess, false},
		reloadSuccessTime: {"sunsetwatch_config_last_reload_success_timestamp_seconds", Gauge, nil,
			"Wall time of the last successful load of the registrations; 0 before the first.", FromProcess, false},
		lastSave: {"sunsetwatch_state_last_save_timestamp_seconds", Gauge, nil,
			"Wall time of the last successful save of the state; 0 before the first.", FromProcess, false},
		saveFailures: {"sunsetwatch_state_save_failures_total", Counter, nil,
			"Saves of the state that failed.", FromProcess, false},
		seriesCapped: {"sunsetwatch_series_capped_total", Counter, []string{"metric"},
			"Series left out by the cap on series, added up over scrapes.", FromProcess, false},
		buildInfo: {"sunsetwatch_build_info", Gauge, []string{"version", "revision", "goversion"},
			"1, with the build of this process as labels.", FromProcess, false},
	}
}

// descriptions are the table as the client library wants it.
type descriptions struct {
	desc [metricCount]*prometheus.Desc
	kind [metricCount]prometheus.ValueType
	name [metricCount]string
}

func describe() *descriptions {
	d := &descriptions{}
	for id, m := range table() {
		d.desc[id] = prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)
		d.name[id] = m.Name
		d.kind[id] = prometheus.GaugeValue
		if m.Type == Counter {
			d.kind[id] = prometheus.CounterValue
		}
	}
	return d
}

// metric is one series. A label value that the library refuses becomes a scrape
// error that names the metric, never a panic.
func (d *descriptions) metric(id metricID, value float64, labels ...string) prometheus.Metric {
	m, err := prometheus.NewConstMetric(d.desc[id], d.kind[id], value, labels...)
	if err != nil {
		return prometheus.NewInvalidMetric(d.desc[id], err)
	}
	return m
}
