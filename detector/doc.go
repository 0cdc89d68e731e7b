// Package detector is the judge: from facts, the registry and an instant it
// computes findings, and keeps the life of each.
//
// What is wrong is said by the kinds of package rules, what happened by the
// facts of package detector/ledger; this package joins the two for what
// changed, adds up like accesses of one partner and feature to a finding, and
// remembers when a finding opened, rose, fell silent or was withdrawn.
//
// The package refuses to read a clock, to touch files or the network, to log,
// and to start goroutines: time is an argument, and what happened is returned.
//
// Concurrency: a Detector is guarded by its owner, who calls one method at a
// time and changes neither facts nor registry meanwhile. Findings that were
// handed out are never changed again and may be read by anybody.
package detector
