package model

import (
	"slices"
	"testing"

	"sunsetwatch/rules/access"
)

// endedRegistration is a partner whose registration ended on 2020-01-01.
func endedRegistration() Registry {
	return active(func(_ string, r *Revision) { r.Sunset = Set(at("2020-01-01")) }, "p")
}

func calls(times ...string) []Event {
	var all []Event
	for _, s := range times {
		e := call("p")
		e.Time = at(s)
		all = append(all, e)
	}
	return all
}

func probed(answer access.Probe, times ...string) []Event {
	all := calls(times...)
	for i := range all {
		all[i].Operation, all[i].Probe = access.Other, answer
	}
	return all
}

func TestLife(t *testing.T) {
	const d = access.OneDay
	key := Key{Kind: AccessAfterSunset, Partner: "p", Feature: "friends"}
	last := at("2020-02-01")
	disabled := func(times ...string) []Event { return probed(access.ProbeDisabled, times...) }
	person := func(at access.Instant) []Closing { return []Closing{{Finding: key, By: "jo", At: at}} }
	for _, test := range []struct {
		what    string
		n       access.Instant
		more    []Event
		persons []Closing
		judged  access.Instant // of a second source; Beginning: none
		state   string
		closed  access.Instant
		how     string
	}{
		{"just before a day", last + d - 1, nil, nil, access.Beginning, Open, access.Beginning, ""},
		{"a day", last + d, nil, nil, access.Beginning, Quiet, access.Beginning, ""},
		{"just before the period", last + 30*d - 1, nil, nil, access.End, Quiet, access.Beginning, ""},
		{"the period", last + 30*d, nil, nil, access.End, Closed, last + 30*d, "time"},
		{"a source just short", last + 30*d, nil, nil, last + 30*d - 1, Quiet, access.Beginning, "withheld"},
		{"a source just there", last + 30*d, nil, nil, last + 30*d, Closed, last + 30*d, "time"},
		{"a probe, within the day", last + d - 1, disabled("2020-02-01T12:00:00Z"), nil, access.Beginning, Open, access.Beginning, ""},
		{"a probe, after the day", last + d, disabled("2020-02-01T12:00:00Z"), nil, access.Beginning, Closed, last + d, "probe"},
		{"a probe later than the day", last + 5*d, disabled("2020-02-05", "2020-02-06"), nil, access.Beginning, Closed, at("2020-02-05"), "probe"},
		{"a probe at the access", last + 5*d, disabled("2020-02-01"), nil, access.Beginning, Quiet, access.Beginning, ""},
		{"a probe, and time before it", last + 40*d, disabled("2020-03-10"), nil, access.End, Closed, last + 30*d, "time"},
		{"a probe, and time withheld", last + 40*d, disabled("2020-03-10"), nil, last, Closed, at("2020-03-10"), "probe"},
		{"a person before the access", last + 2*d, nil, person(last - 1), access.Beginning, Quiet, access.Beginning, ""},
		{"a person at the access, within the day", last + d - 1, nil, person(last), access.Beginning, Open, access.Beginning, ""},
		{"a person at the access, after the day", last + d, nil, person(last), access.Beginning, Closed, last, "person"},
		{"a person after N", last + 2*d, nil, person(last + 2*d + 1), access.Beginning, Quiet, access.Beginning, ""},
		{"a person before a probe", last + 5*d, disabled("2020-02-04"), person(last + 2*d), access.Beginning, Closed, last + 2*d, "person"},
	} {
		events := laid(append(calls("2020-01-10", "2020-02-01"), test.more...), "a")
		q := Everything()
		q.At = test.n
		q.Sources = []Source{{"a", access.End}}
		if test.judged != access.Beginning {
			q.Sources = append(q.Sources, Source{"b", test.judged})
		} else {
			q.Sources[0].JudgedTo = last
		}
		f := find(t, Judge(endedRegistration(), Rules{Closures: test.persons}, events, q), AccessAfterSunset, "p")
		how := ""
		if f.Closure != nil {
			how = f.Closure.How
		}
		if f.State != test.state || f.ClosedAt != test.closed || how != test.how {
			t.Errorf("%s: %s at %s by %q, want %s at %s by %q", test.what, f.State, f.ClosedAt, how, test.state, test.closed, test.how)
		}
	}
}

func TestRelapses(t *testing.T) {
	key := Key{Kind: AccessAfterSunset, Partner: "p", Feature: "friends"}
	for _, test := range []struct {
		what     string
		times    []string
		disabled []string
		person   string
		want     int
	}{
		{"just within the period", []string{"2020-02-01", "2020-03-01T23:59:59.999999999Z"}, nil, "", 0},
		{"the period", []string{"2020-02-01", "2020-03-02"}, nil, "", 1},
		{"twice", []string{"2020-02-01", "2020-03-02", "2020-04-02", "2020-04-03"}, nil, "", 2},
		{"after a probe", []string{"2020-02-01", "2020-02-04"}, []string{"2020-02-02"}, "", 1},
		{"within a day of the access before", []string{"2020-02-01", "2020-02-02"}, []string{"2020-02-01T06:00:00Z"}, "", 0},
		{"just after that day", []string{"2020-02-01", "2020-02-02T00:00:00.000000001Z"}, []string{"2020-02-01T06:00:00Z"}, "", 1},
		{"at the probe", []string{"2020-02-01", "2020-02-04"}, []string{"2020-02-04"}, "", 0},
		{"a probe at the access before", []string{"2020-02-01", "2020-02-04"}, []string{"2020-02-01"}, "", 0},
		{"after a person at the access before", []string{"2020-02-01", "2020-02-04"}, nil, "2020-02-01", 1},
		{"after a person, a probe and the period", []string{"2020-02-01", "2020-04-04"}, []string{"2020-02-05"}, "2020-02-07", 1},
	} {
		events := laid(append(calls(test.times...), probed(access.ProbeDisabled, test.disabled...)...), "a")
		var rules Rules
		if test.person != "" {
			rules.Closures = []Closing{{Finding: key, By: "jo", At: at(test.person)}}
		}
		if f := find(t, Judge(endedRegistration(), rules, events, Everything()), AccessAfterSunset, "p"); f.Relapses != test.want {
			t.Errorf("%s: %d relapses, want %d", test.what, f.Relapses, test.want)
		}
	}
}

func TestRetainedCapability(t *testing.T) {
	enabled := func(times ...string) []Event { return probed(access.ProbeEnabled, times...) }
	disabled := func(times ...string) []Event { return probed(access.ProbeDisabled, times...) }
	back := endedRegistration() // registered again from 2020-06-01 on
	back.Registrations[0].Revisions = append(back.Registrations[0].Revisions,
		Revision{Recorded: access.Beginning, Effective: at("2020-06-01"), Sunset: Null[access.Instant]()})
	retired := active(func(string, *Revision) {}, "p")
	retired.Partners[0].Principals[0].Until = at("2020-01-01")
	for _, test := range []struct {
		what   string
		g      Registry
		events []Event
		n      string
		state  string // empty: no finding
		closed string
		days   int
	}{
		{"before the sunset", endedRegistration(), enabled("2019-12-31T23:59:59Z"), "2020-01-05", "", "", 0},
		{"open", endedRegistration(), enabled("2019-12-31", "2020-01-01", "2020-01-01T12:00:00Z"), "2020-01-02", Open, "", 1},
		{"quiet", endedRegistration(), enabled("2020-01-01"), "2020-01-02", Quiet, "", 1},
		{"never closed by time", endedRegistration(), enabled("2020-01-01"), "2022-01-02", Quiet, "", 1},
		{"disabled, at once", endedRegistration(), slices.Concat(enabled("2020-01-01"), disabled("2020-01-01T06:00:00Z", "2020-02-01")), "2020-01-01T07:00:00Z", Closed, "2020-01-01T06:00:00Z", 1},
		{"enabled again", endedRegistration(), slices.Concat(enabled("2020-01-01"), disabled("2020-01-03"), enabled("2020-01-04")), "2020-02-01", Quiet, "", 2},
		{"only disabled", endedRegistration(), disabled("2020-01-03"), "2020-02-01", "", "", 0},
		{"attempts change nothing", endedRegistration(), append(enabled("2020-01-01"), Event{Time: at("2020-01-02"), Principal: "app-p", Feature: "friends", Outcome: access.Denied}), "2020-02-01", Quiet, "", 1},
		{"an access", endedRegistration(), append(enabled("2020-01-02"), calls("2020-01-01")...), "2020-02-01", "", "", 0},
		{"a lawful access", endedRegistration(), append(enabled("2020-01-02"), calls("2019-01-01")...), "2020-02-01", Quiet, "", 1},
		{"lawful at N", back, enabled("2020-01-02"), "2020-06-01", "", "", 0},
		{"lawful at N, disabled before", back, slices.Concat(enabled("2020-01-02"), disabled("2020-02-02")), "2020-06-01", Closed, "2020-02-02", 1},
		{"a retired credential", retired, enabled("2020-01-02"), "2020-06-01", Quiet, "", 1},
	} {
		q := Everything()
		q.At = at(test.n)
		var got Finding
		for _, f := range Judge(test.g, Rules{}, laid(test.events, "a"), q) {
			if f.Kind == RetainedCapability {
				got = f
			}
		}
		if got.State != test.state {
			t.Errorf("%s: %q, want %q", test.what, got.State, test.state)
			continue
		}
		if test.state != "" {
			var closed any
			if test.closed != "" {
				closed = instant(at(test.closed))
			}
			has(t, got, map[string]any{"closed_at": closed, "probe_days": test.days, "events": 0, "severity": "warning"})
		}
	}
}

func TestDormantGrant(t *testing.T) {
	g := active(func(_ string, r *Revision) {
		r.From, r.Sunset = Set(at("2020-01-01")), Set(at("2020-12-01"))
		r.Pauses = Set([]Pause{{From: at("2020-10-01"), Until: at("2020-10-02")}})
	}, "p")
	probe := probed(access.ProbeEnabled, "2020-02-01")
	for _, test := range []struct {
		what   string
		events []Event
		n      string
		state  string
		last   any
	}{
		{"nothing read", nil, "2020-09-01", "", nil},
		{"just short of it", probe, "2020-04-30T23:59:59Z", "", nil},
		{"after the first probe", probe, "2020-05-01", Open, nil},
		{"after from", probed(access.ProbeEnabled, "2019-02-01"), "2020-03-31", Open, nil},
		{"before from", probed(access.ProbeEnabled, "2019-02-01"), "2019-12-31", "", nil},
		{"after an access", append(calls("2020-03-01"), probe...), "2020-05-30", Open, "2020-03-01T00:00:00Z"},
		{"just short of it after an access", append(calls("2020-03-01"), probe...), "2020-05-29T23:59:59Z", "", nil},
		{"in a pause", probe, "2020-10-01", "", nil},
		{"after a pause", probe, "2020-10-02", Open, nil},
		{"just before the sunset", probe, "2020-11-30T23:59:59Z", Open, nil},
		{"at the sunset", probe, "2020-12-01", Closed, nil},
		{"an access too late for it", append(calls("2020-11-01"), probe...), "2020-12-01", "", nil},
		{"an access after the sunset", append(calls("2020-12-01"), probe...), "2020-12-02", Closed, nil},
	} {
		q := Everything()
		q.At = at(test.n)
		q.Sources = []Source{{"a", at(test.n)}}
		var got Finding
		for _, f := range Judge(g, Rules{}, laid(test.events, "a"), q) {
			if f.Kind == DormantGrant {
				got = f
			}
		}
		if got.State != test.state {
			t.Errorf("%s: %q, want %q", test.what, got.State, test.state)
		}
		if (got.LastEvent == nil) != (test.last == nil) || got.LastEvent != nil && got.LastEvent.Time.String() != test.last {
			t.Errorf("%s: last event is %v, want %v", test.what, got.LastEvent, test.last)
		}
	}
	// A source that is not judged that far may still bring an access.
	q := Everything()
	q.At = at("2020-05-02")
	for to, want := range map[string]int{"2020-04-30T23:59:59Z": 0, "2020-05-01T00:00:00Z": 1} {
		q.Sources = []Source{{"a", at("2020-05-02")}, {"b", at(to)}}
		if n := len(Judge(g, Rules{}, laid(probe, "a"), q)); n != want {
			t.Errorf("a source judged to %s: %d findings, want %d", to, n, want)
		}
	}
}
