package detector

import (
	"testing"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// july is a merged bucket of events on some days of July 2015, one a day at
// noon, and more of which nothing is known.
func july(events uint64, days ...int) *ledger.Stretch {
	s := &ledger.Stretch{Cut: true, Tally: ledger.Tally{Events: events, Records: 10 * events}}
	for _, day := range days {
		t := at("2015-07-01T12:00:00Z") + access.Instant(day-1)*access.OneDay
		s.Days.Add(t)
		if s.First.Time == 0 {
			s.First.Time = t
		}
		s.Last.Time = t
	}
	return s
}

func TestBounds(t *testing.T) {
	for _, c := range []struct {
		name    string
		stretch *ledger.Stretch
		cuts    []string
		member  []bool
		events  span
		days    span
	}{
		{"no cut inside", july(10, 5, 6), []string{"2015-07-01", "2015-07-20"}, []bool{true}, span{10, 10}, span{2, 2}},
		{"a cut at the first event is none", july(10, 5, 6), []string{"2015-07-05T12:00:00Z"}, []bool{true}, span{10, 10}, span{2, 2}},
		{"all", july(10, 5, 9), []string{"2015-07-07"}, []bool{true, true}, span{10, 10}, span{2, 2}},
		{"none", july(10, 5, 9), []string{"2015-07-07"}, []bool{false, false}, span{0, 0}, span{0, 0}},
		{"the later part", july(10, 5, 9), []string{"2015-07-07"}, []bool{false, true}, span{1, 9}, span{1, 1}},
		{"the earlier part", july(10, 5, 9), []string{"2015-07-07"}, []bool{true, false}, span{1, 9}, span{1, 1}},
		{"a day between is certain", july(10, 5, 8, 9), []string{"2015-07-07"}, []bool{false, true}, span{2, 9}, span{2, 2}},
		{"a day between is excluded", july(10, 5, 6, 9), []string{"2015-07-07"}, []bool{false, true}, span{1, 8}, span{1, 1}},
		{"each event has its day", july(3, 5, 6, 9), []string{"2015-07-07"}, []bool{false, true}, span{1, 1}, span{1, 1}},
		{"a day between is cut", july(10, 5, 7, 9), []string{"2015-07-07T18:00:00Z"}, []bool{false, true}, span{1, 9}, span{1, 2}},
		{"the first day is cut, before its event", july(10, 5, 9), []string{"2015-07-05T06:00:00Z"}, []bool{true}, span{10, 10}, span{2, 2}},
		{"the first day is cut, after its event", july(10, 5, 9), []string{"2015-07-05T18:00:00Z"}, []bool{true, false}, span{1, 9}, span{1, 1}},
		{"the last day is cut, and may be ours", july(10, 5, 9), []string{"2015-07-09T06:00:00Z"}, []bool{true, false}, span{1, 9}, span{1, 2}},
		{"a part between, uncertain", july(10, 5, 9), []string{"2015-07-06", "2015-07-08"}, []bool{false, true, false}, span{0, 8}, span{0, 0}},
		{"a part between, certain", july(10, 5, 7, 9), []string{"2015-07-06", "2015-07-08"}, []bool{false, true, false}, span{1, 8}, span{1, 1}},
		{"two events", july(2, 5, 9), []string{"2015-07-06", "2015-07-08"}, []bool{false, true, false}, span{0, 0}, span{0, 0}},
	} {
		var cuts []access.Instant
		for _, s := range c.cuts {
			cuts = append(cuts, at(s))
		}
		p := part(c.stretch, cuts)
		if len(p.starts) != len(c.member) {
			t.Errorf("%s: %d parts, want %d", c.name, len(p.starts), len(c.member))
			continue
		}
		if got := p.events(c.member); got != c.events {
			t.Errorf("%s: events %v, want %v", c.name, got, c.events)
		}
		var certain, possible ledger.Days
		p.daysIn(c.member, &certain, &possible)
		possible.Union(&certain)
		if got := (span{uint64(certain.Count()), uint64(possible.Count())}); got != c.days {
			t.Errorf("%s: days %v, want %v", c.name, got, c.days)
		}
		records := volume(p.Records, p.events(c.member), exactly(p.Events))
		want := span{0, p.Records}
		switch {
		case c.events == exactly(p.Events):
			want = exactly(p.Records)
		case c.events.high == 0:
			want = span{}
		}
		if records != want {
			t.Errorf("%s: records %v, want %v", c.name, records, want)
		}
	}
}

const gap = `
version: 1
partners:
  - name: netflix
    principals: [{id: app, until: 2015-07-06T00:00:00Z}, {id: app, from: 2015-07-08T00:00:00Z}]
registrations:
  - {partner: netflix, feature: feed, from: 2010-01-01T00:00:00Z}
`

const noGap = `
version: 1
partners:
  - {name: netflix, principals: [app]}
registrations:
  - {partner: netflix, feature: feed, from: 2010-01-01T00:00:00Z}
`

// That there was an access is certain, its place is not: the finding opens, and
// says the day.
func TestOnlyTheDayIsKnown(t *testing.T) {
	f, d := begin(t, snapshot(t, noGap))
	read := call{principal: "app", feature: "feed", operation: access.Read, subject: "u1", records: 1}
	var calls []call
	for _, s := range []string{"2015-07-05T12:00:00Z", "2015-07-06T12:00:00Z", "2015-07-07T12:00:00Z", "2015-07-09T12:00:00Z", "2018-01-01T00:00:00Z"} {
		read.time = at(s)
		calls = append(calls, read)
	}
	run(f, d, numbered(calls))
	equal(t, "findings before", len(d.Findings()), 0)
	next := snapshot(t, gap)
	f.ledger.SetTerms(next)
	d.Reload(next, nil, at("2018-01-02"))
	x := only(t, d, "no_registration", "netflix")
	equal(t, "first", x.FirstEvent, rules.Coordinate{Time: at("2015-07-06")})
	equal(t, "last", x.LastEvent, rules.Coordinate{Time: at("2015-07-07")})
	equal(t, "events", x.Bounds.Fields["events"], rules.Range{Low: 2, High: 2})
	equal(t, "records", x.Bounds.Fields["records"], rules.Range{Low: 0, High: 4})
	equal(t, "people", x.Bounds.Fields["people"], rules.Range{Low: 0, High: 1})
	equal(t, "days", x.Days, 2)
	equal(t, "since", x.Since, at("2015-07-06"))
	equal(t, "state", x.State, rules.Closed)
}
