// Package exporter shows findings, facts and the health of the process to
// Prometheus, as one prometheus.Collector that computes its series at scrape
// time from the State that was published last.
//
// Three rules shape it. Alerts rest on the gauge sunsetwatch_finding_open, which
// stays 1 for a while whatever happens since, so that a scrape cannot miss a
// finding; before the first Publish the series of findings and of the ledger
// are absent, never 0, so that a restart cannot look like compliance; and a name
// that only an event carries is never a label value, so that a partner cannot
// choose how many series there are.
//
// The package refuses to judge, to count, to log and to read a clock: what it
// shows it was given, and wall time comes from Options.Now. A name that is not
// registered is shown as `_unregistered` or `_other`.
//
// Concurrency: a Collector is safe for concurrent use. A published State and
// everything that it points to must not be changed afterwards.
package exporter
