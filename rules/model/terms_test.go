package model

import (
	"fmt"
	"testing"

	"sunsetwatch/rules/access"
)

// active is a set of partners with one active registration each.
func active(change func(partner string, r *Revision), partners ...string) Registry {
	var g Registry
	for _, p := range partners {
		g.Partners = append(g.Partners, Partner{Name: p, Principals: always("app-" + p)})
		g.Registrations = append(g.Registrations, Registration{Partner: p, Feature: "friends", Revisions: first(func(r *Revision) { change(p, r) })})
	}
	return g
}

func requires(what ...string) func(string, *Revision) {
	return func(_ string, r *Revision) { r.Requires = Set(what) }
}

func call(partner string) Event {
	return Event{Principal: "app-" + partner, Feature: "friends", Operation: access.Read, Records: 1}
}

func TestS9(t *testing.T) {
	events := daily(100, "2018-01-01", "2018-01-10", call("bing"), func(i int, e *Event) {
		e.Subject, e.Consent = fmt.Sprint("u", i%100), access.ConsentGranted
		if i%100 < 60 {
			e.Consent = access.ConsentAbsent
		}
	})
	all := Judge(active(requires("consent"), "bing"), Rules{}, laid(events, "a"), Everything())
	only(t, all, "missing_consent bing")
	has(t, all[0], map[string]any{"severity": "critical", "events": 600, "people": 60})
}

func TestS10(t *testing.T) {
	var events []Event
	for _, p := range []string{"amazon", "sony", "microsoft"} {
		events = append(events, daily(10, "2018-01-01", "2018-01-30", call(p), func(i int, e *Event) {
			e.Subject = fmt.Sprint("u", i%50+1)
			if i%2 == 1 {
				e.Grantor = "g1"
			}
		})...)
	}
	events = append(events, daily(10, "2018-01-01", "2018-01-30", call("own"), func(i int, e *Event) {
		e.Subject = fmt.Sprint("u", i%50+1)
		e.Grantor = e.Subject
	})...)
	all := Judge(active(requires("own_data"), "amazon", "sony", "microsoft", "own"), Rules{}, laid(events, "a"), Everything())
	only(t, all, "third_party_subject amazon", "third_party_subject sony", "third_party_subject microsoft")
	for _, f := range all {
		has(t, f, map[string]any{"severity": "critical", "events": 150, "third_party_events": 150, "grantors": 1, "people": 25})
	}
}

func TestS11(t *testing.T) {
	turn := []access.Indicator{access.IndicatorHidden, access.IndicatorShown, access.IndicatorShown, access.IndicatorUnset, access.IndicatorShown}
	events := daily(10, "2018-01-01", "2018-01-30", call("apple"), func(i int, e *Event) { e.Indicator = turn[i%5] })
	all := Judge(active(requires("indicator"), "apple"), Rules{}, laid(events, "a"), Everything())
	only(t, all, "indicator_missing apple")
	has(t, all[0], map[string]any{"events": 60, "severity": "warning"})
}

func TestS12(t *testing.T) {
	g := active(func(p string, r *Revision) {
		if p == "declared" {
			r.Inbound = Set(true)
		}
	}, "huawei", "amazon", "yahoo", "declared")
	var events []Event
	for _, p := range []string{"huawei", "amazon", "yahoo", "declared"} {
		events = append(events, daily(100, "2018-01-01", "2018-01-01", call(p), func(i int, e *Event) {
			e.Direction, e.Subject = access.In, fmt.Sprint("u", i%80)
		})...)
	}
	all := Judge(g, Rules{}, laid(events, "a"), Everything())
	only(t, all, "inbound_undeclared huawei", "inbound_undeclared amazon", "inbound_undeclared yahoo")
	for _, f := range all {
		has(t, f, map[string]any{"events": 100, "people": 80, "severity": "warning", "decided_by": nil})
	}
}

func TestS14(t *testing.T) {
	g, events := netflix("")
	events = laid(events, "a")
	for i, e := range events {
		if e.Time == at("2015-07-01") {
			events = append(events[:i:i], events[i+1:]...)
		}
	}
	before := find(t, Judge(g, Rules{}, events, Everything()), AccessAfterSunset, "netflix")
	late := events[0]
	late.Time, late.Offset, late.Written = at("2015-07-01T00:00:01Z"), 1_000_000, at("2016-03-01")
	after := find(t, Judge(g, Rules{}, append(events, late), Everything()), AccessAfterSunset, "netflix")
	if before.Events+1 != after.Events || before.FirstEvent.Time != at("2015-07-01T06:00:00Z") || after.FirstEvent.Time != late.Time ||
		before.Key != after.Key || after.LateReason != "late_events" || before.LateReason != "" {
		t.Errorf("from %d events since %s to %d since %s, late because of %q", before.Events, before.FirstEvent.Time, after.Events, after.FirstEvent.Time, after.LateReason)
	}
}

// brownout is S15: the second revision is recorded then.
func brownout(recorded string) (Registry, []Event) {
	g := active(func(_ string, r *Revision) {
		r.Sunset = Set(at("2022-03-15"))
		r.Pauses = Set([]Pause{
			{From: at("2022-03-01"), Until: at("2022-03-01T12:00:00Z")},
			{From: at("2022-03-08"), Until: at("2022-03-09")},
		})
	}, "p")
	r := &g.Registrations[0]
	r.Revisions = append(r.Revisions, Revision{Recorded: at(recorded), Effective: at("2022-03-04"), Sunset: Null[access.Instant](), Pauses: Set([]Pause{})})
	return g, laid(daily(4, "2022-02-01", "2022-04-30", call("p"), nil), "a")
}

func TestS15(t *testing.T) {
	for _, recorded := range []string{"2022-03-04", "2022-03-20"} {
		g, events := brownout(recorded)
		all := Judge(g, Rules{}, events, Everything())
		only(t, all, "access_during_pause p")
		has(t, all[0], map[string]any{"severity": "info", "events": 2, "since": "2022-03-01T00:00:00Z"})
	}
}

func TestS15AsThen(t *testing.T) {
	g, events := brownout("2022-03-04")
	only(t, AsThen(g, Rules{}, events, Everything()), "access_during_pause p")

	g, events = brownout("2022-03-20")
	all := AsThen(g, Rules{}, events, Everything())
	only(t, all, "access_during_pause p", "access_after_sunset p")
	has(t, find(t, all, AccessAfterSunset, "p"), map[string]any{"state": "withdrawn", "events": 20, "opened_at": "2022-03-15T00:00:00Z", "detection_delay": 0})
	has(t, find(t, all, AccessDuringPause, "p"), map[string]any{"events": 2, "opened_at": "2022-03-01T00:00:00Z"})
	q := Everything()
	q.KnownAt = at("2022-03-20") - 1
	has(t, find(t, AsThen(g, Rules{}, events, q), AccessDuringPause, "p"), map[string]any{"events": 6})
}

func TestS18(t *testing.T) {
	g, events := netflix("")
	again := call("netflix")
	again.Principal, again.Feature, again.Time = "app-netflix-web", "msg.recommend", at("2017-08-01T12:00:00Z")
	other := again
	other.Principal, other.Time = "app-other", at("2017-08-02")
	all := Judge(g, Rules{}, laid(append(events, again, other), "a", "b"), Everything())
	has(t, find(t, all, AccessAfterSunset, "netflix"), map[string]any{"state": "open", "events": 2561, "relapses": 1, "closed_at": nil})
}

func TestS19(t *testing.T) {
	g, events := netflix("")
	sources := []string{"partner-access/0", "partner-access/1", "partner-access/2", "partner-access/3"}
	for i := range events {
		events[i].Source = sources[i%4]
		if events[i].Time > at("2017-04-05") {
			events[i].Source = sources[i%3]
		}
		if events[i].Time == at("2017-04-05") {
			events[i].Source = sources[3]
		}
	}
	events = laid(events)
	f := find(t, Judge(g, Rules{}, events, Everything()), AccessAfterSunset, "netflix")
	has(t, f, map[string]any{"state": "quiet", "closed_at": nil, "closure": map[string]any{"verified": false, "by": nil}})
	if len(f.Closure.Short) != 1 || f.Closure.Short[0] != (Source{sources[3], at("2017-04-05")}) {
		t.Errorf("closing is withheld by %v", f.Closure.Short)
	}
	q := Everything()
	q.Files = true
	has(t, find(t, Judge(g, Rules{}, events, q), AccessAfterSunset, "netflix"), map[string]any{"state": "closed"})
}

func TestS20(t *testing.T) {
	g := active(func(_ string, r *Revision) { r.Sunset = Set(at("2020-01-01")) }, "p")
	var events []Event
	for d := range access.Instant(3) {
		e := call("p")
		e.Time = at("2020-01-01") + d - 1
		events = append(events, e)
	}
	all := Judge(g, Rules{}, laid(events, "a"), Everything())
	only(t, all, "access_after_sunset p")
	has(t, all[0], map[string]any{"events": 2, "severity": "critical", "grace_until": "2020-01-01T00:00:00Z"})
	if all[0].FirstEvent.Time != at("2020-01-01") || all[0].LastEvent.Time != at("2020-01-01")+1 {
		t.Errorf("from %s to %s", all[0].FirstEvent.Time, all[0].LastEvent.Time)
	}
}
