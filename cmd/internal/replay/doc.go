// Package replay judges archived events: it folds files and ranges of Kafka topics
// into facts, on any number of workers, judges the facts once, and writes what was
// found.
//
// The package refuses to page: it has no notifier, joins no group, commits nothing,
// serves nothing, and opens no socket at all where its inputs are files. It does
// not log; what is told to a person on the way goes to a writer of the caller's.
//
// Concurrency: Run and Diff belong to their caller's goroutine; workers live no
// longer than the call.
package replay
