// Package explanation says of one event what the judge would say, and why: who
// it was, which terms held and which revision set each of them, in which window
// it lies, and the verdict of each kind.
//
// Compose holds an event against registrations and rules; Text and the JSON of
// an Explanation show what came out. A kind that is added to rules.Kinds is
// explained without a change here.
//
// The package refuses to read files, to know the time, and to judge by rules of
// its own: a verdict is that of the kind.
//
// Concurrency: functions are pure; an Explanation is plain data.
package explanation
