// Package report writes what a replay found as one page of HTML, for people who
// were not there: on a screen or on paper, without a network, a script or a font of
// others.
//
// The package refuses to judge, and to say what it was not given. Names come from
// events, and so from whoever calls: they are shown as text, never as markup, and
// with what is not printable escaped. No subject is in what it is given.
//
// Concurrency: functions are pure.
package report
