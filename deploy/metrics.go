package deploy

// A Metric is one metric of sunsetwatch with its own labels, without those that
// Prometheus adds at a scrape. A histogram is listed by the names of its series.
type Metric struct {
	Name   string
	Labels []string
}

// Metrics lists what sunsetwatch shows at /metrics. Rules and dashboards may use
// nothing else; a test holds the list against the exporter.
func Metrics() []Metric {
	finding := []string{"partner", "feature", "kind", "detail"}
	partition := []string{"topic", "partition"}
	topic := []string{"topic"}
	reason := []string{"topic", "reason"}
	return []Metric{
		{"sunsetwatch_finding_open", []string{"partner", "feature", "kind", "detail", "severity", "team", "program"}},
		{"sunsetwatch_finding_events", finding},
		{"sunsetwatch_finding_people", finding},
		{"sunsetwatch_finding_first_event_timestamp_seconds", finding},
		{"sunsetwatch_finding_last_event_timestamp_seconds", finding},
		{"sunsetwatch_partner_events_total", []string{"partner", "feature", "outcome"}},
		{"sunsetwatch_registration_sunset_timestamp_seconds", []string{"partner", "feature"}},
		{"sunsetwatch_registration_info", []string{"partner", "feature", "lifecycle", "owner", "team", "program"}},
		{"sunsetwatch_registrations", nil},
		{"sunsetwatch_records_read_total", topic},
		{"sunsetwatch_events_read_total", topic},
		{"sunsetwatch_events_counted_total", topic},
		{"sunsetwatch_events_duplicate_total", topic},
		{"sunsetwatch_event_id_conflicts_total", topic},
		{"sunsetwatch_unregistered_principals", nil},
		{"sunsetwatch_events_rejected_total", reason},
		{"sunsetwatch_offsets_skipped_total", reason},
		{"sunsetwatch_offsets_ignored_total", reason},
		{"sunsetwatch_partition_lag_records", partition},
		{"sunsetwatch_partition_stable_lag_records", partition},
		{"sunsetwatch_partition_judged_timestamp_seconds", partition},
		{"sunsetwatch_partition_position", partition},
		{"sunsetwatch_event_delay_seconds_bucket", []string{"topic", "le"}},
		{"sunsetwatch_event_delay_seconds_count", topic},
		{"sunsetwatch_event_delay_seconds_sum", topic},
		{"sunsetwatch_config_last_reload_successful", nil},
		{"sunsetwatch_config_last_reload_success_timestamp_seconds", nil},
		{"sunsetwatch_state_last_save_timestamp_seconds", nil},
		{"sunsetwatch_state_save_failures_total", nil},
		{"sunsetwatch_ledger_cells", nil},
		{"sunsetwatch_ledger_bytes", nil},
		{"sunsetwatch_series_capped_total", []string{"metric"}},
		{"sunsetwatch_build_info", []string{"version", "revision", "goversion"}},
	}
}
