// Package termsheet shows registrations to people and to programs: the terms in
// force at an instant, as a table or as JSON, and the history of one
// registration.
//
// The package refuses to read files, to know the time, and to judge: it says
// what was written down, and what follows from it for an instant.
//
// Concurrency: functions are pure.
package termsheet
