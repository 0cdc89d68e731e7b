package model

import (
	"cmp"
	"slices"

	"sunsetwatch/rules/access"
)

// Event is one access, or, where Probe is set, one capability probe.
type Event struct {
	Time      access.Instant
	Principal string
	Feature   string
	ID        string
	Scopes    []string
	Subject   string
	Grantor   string
	Records   uint64
	Bytes     uint64

	Operation access.Operation
	Direction access.Direction
	Consent   access.Consent
	Indicator access.Indicator
	Outcome   access.Outcome
	Probe     access.Probe

	Source  string // topic/partition, or the path of a file
	Offset  int64  // the record's, or the line from 1
	Index   int
	Written access.Instant // the record's timestamp; Beginning where there is none
}

// access reports whether it is a served access (DESIGN section 2).
func (e Event) access() bool {
	return e.Probe == access.NoProbe && e.Outcome == access.Served
}

// attempt reports whether it is a denied or failed call.
func (e Event) attempt() bool {
	return e.Probe == access.NoProbe && e.Outcome != access.Served
}

// thirdParty is rule 5: both given, and different.
func (e Event) thirdParty() bool {
	return e.Subject != "" && e.Grantor != "" && e.Subject != e.Grantor
}

// order is rule 8: by (time, source, offset, index within the record).
func order(a, b Event) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Source, b.Source),
		cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Index, b.Index))
}

// sameContent reports whether two events say the same, wherever they stand.
func sameContent(a, b Event) bool {
	sets := func(s []string) []string { return slices.Compact(slices.Sorted(slices.Values(s))) }
	return a.Time == b.Time && a.Principal == b.Principal && a.Feature == b.Feature && a.ID == b.ID &&
		slices.Equal(sets(a.Scopes), sets(b.Scopes)) && a.Subject == b.Subject && a.Grantor == b.Grantor &&
		a.Records == b.Records && a.Bytes == b.Bytes && a.Operation == b.Operation && a.Direction == b.Direction &&
		a.Consent == b.Consent && a.Indicator == b.Indicator && a.Outcome == b.Outcome && a.Probe == b.Probe
}

// Dedupe says where equal events (same id, same content) are counted once.
type Dedupe int

// The ways to count duplicates.
const (
	DedupeOff     Dedupe = iota // files, unless asked for
	DedupeSources               // within each source: Kafka (the window of 65,536 events is not modelled)
	DedupeAll                   // over all inputs: files with --dedupe
)

// distinct are the events that count. Of equal ones it is the one at the
// smallest position.
func distinct(events []Event, dedupe Dedupe) []Event {
	if dedupe == DedupeOff {
		return slices.Clone(events)
	}
	byPlace := slices.Clone(events)
	slices.SortStableFunc(byPlace, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Index, b.Index))
	})
	var counted []Event
	for _, e := range byPlace {
		again := false
		for _, c := range counted {
			if e.ID != "" && sameContent(c, e) && (dedupe == DedupeAll || c.Source == e.Source) {
				again = true
			}
		}
		if !again {
			counted = append(counted, e)
		}
	}
	return counted
}
