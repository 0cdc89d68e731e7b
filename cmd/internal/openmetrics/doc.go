// Package openmetrics writes what a replay found as OpenMetrics text at original
// times, so that dashboards show years that nobody scraped: one file for each block
// of Prometheus, to be loaded into one of its own.
//
// The names and labels are those of a running system. A sample is what a scrape at
// midnight UTC would have seen; the last one is of the time of judgement.
//
// The package refuses to page: what is loaded lies in the past, where no rule looks.
//
// Concurrency: functions share nothing; two must not write into one directory.
package openmetrics
