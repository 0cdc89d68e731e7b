// Package ledger keeps facts: counts of like events in buckets of event time.
//
// Fold counts events; Ledger adds facts up, rolls them up with age, and keeps
// totals between the instants at which terms change. Facts of disjoint ranges
// add up in any order to the same Ledger.
//
// The package refuses to know registrations, verdicts, clocks, files and
// goroutines: instants at which time is cut, and the key that hashes people,
// are arguments.
//
// Concurrency: a Fold belongs to one goroutine; a Ledger is guarded by its
// owner, who calls one method at a time.
package ledger
