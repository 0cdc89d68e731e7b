// Package timeline lays accesses out over event time: what was allowed to a partner
// for a feature and when, and how many accesses of each day belong to a finding.
// Pictures and metrics at original times are made of it.
//
// The package refuses to judge: whether an access is wrong, the facts say; here it
// is only held against the window of its registration.
//
// Concurrency: functions are pure.
package timeline
