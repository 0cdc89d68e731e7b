package model

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"sunsetwatch/rules/access"
)

// at parses an instant: a date, or RFC 3339.
func at(s string) access.Instant {
	if len(s) == len(time.DateOnly) {
		s += "T00:00:00Z"
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return access.At(t)
}

// first is a first revision that has been known since always.
func first(name func(*Revision)) []Revision {
	r := Revision{Recorded: access.Beginning, Effective: access.Beginning}
	if name != nil {
		name(&r)
	}
	return []Revision{r}
}

func always(ids ...string) []Alias {
	var all []Alias
	for _, id := range ids {
		all = append(all, Alias{ID: id, From: access.Beginning, Until: access.End})
	}
	return all
}

// daily are n events at equal distances each day, first and last day included.
func daily(n int, from, to string, like Event, change func(i int, e *Event)) []Event {
	var all []Event
	for d := at(from); d <= at(to); d += access.OneDay {
		for i := range n {
			e := like
			e.Time = d + access.OneDay/access.Instant(n)*access.Instant(i)
			if change != nil {
				change(len(all), &e)
			}
			all = append(all, e)
		}
	}
	return all
}

// laid puts events into sources, in turn, in the order of their times.
func laid(events []Event, sources ...string) []Event {
	slices.SortStableFunc(events, func(a, b Event) int { return order(Event{Time: a.Time}, Event{Time: b.Time}) })
	next := map[string]int64{}
	for i := range events {
		e := &events[i]
		if e.Source == "" {
			e.Source = sources[i%len(sources)]
		}
		e.Offset = next[e.Source]
		next[e.Source]++
		e.Written = access.Beginning
	}
	return events
}

func find(t *testing.T, all []Finding, kind, partner string) Finding {
	t.Helper()
	for _, f := range all {
		if f.Kind == kind && f.Partner == partner {
			return f
		}
	}
	t.Fatalf("no %s of %s in %s", kind, partner, names(all))
	return Finding{}
}

func names(all []Finding) (out []string) {
	for _, f := range all {
		out = append(out, fmt.Sprintf("%s/%s/%s/%s %s", f.Kind, f.Partner, f.Feature, f.Scope, f.State))
	}
	return out
}

// only fails if there are findings of other kinds or partners than these.
func only(t *testing.T, all []Finding, want ...string) {
	t.Helper()
	var got []string
	for _, f := range all {
		got = append(got, f.Kind+" "+f.Partner)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("findings are %q, want %q", got, want)
	}
}

// has holds fields of section 5 against what is wanted of them.
func has(t *testing.T, f Finding, want map[string]any) {
	t.Helper()
	got := f.Fields()
	for name, w := range want {
		if n, ok := w.(int); ok {
			w = float64(n)
		}
		if !reflect.DeepEqual(got[name], w) {
			t.Errorf("%s of %s: %s is %v, want %v", f.Kind, f.Partner, name, got[name], w)
		}
	}
}

func knownAt(s string) Question {
	q := Everything()
	q.KnownAt = at(s)
	return q
}

// netflix is S1; with late, the sunset is a revision recorded then (S2).
func netflix(late string) (Registry, []Event) {
	revisions := first(func(r *Revision) {
		r.Operations = Set([]access.Operation{access.Write})
		r.From = Set(at("2014-06-01"))
	})
	last := &revisions[0]
	if late != "" {
		revisions = append(revisions, Revision{Recorded: at(late), Effective: access.Beginning, By: "audit", Reason: "the feature was shut down", Ticket: "PRIV-1"})
		last = &revisions[1]
	}
	last.Sunset, last.Grace = Set(at("2015-07-01")), Set(30*day)
	g := Registry{
		Partners: []Partner{
			{Name: "netflix", Owner: "partnerships@example.com", Team: "partner-platform", Principals: always("app-netflix-web")},
			{Name: "other", Principals: always("app-other")},
		},
		Registrations: []Registration{
			{Partner: "netflix", Feature: "msg.recommend", Revisions: revisions},
			{Partner: "other", Feature: "msg.recommend", Revisions: first(nil)},
		},
	}
	read := Event{Principal: "app-netflix-web", Feature: "msg.recommend", Operation: access.Read, Records: 1, Scopes: []string{"messages.read"}}
	events := daily(4, "2014-06-01", "2017-03-31", read, func(i int, e *Event) { e.Subject = fmt.Sprint("u", i%500+1) })
	denied := read
	denied.Outcome = access.Denied
	events = append(events, daily(3, "2017-04-03", "2017-04-03", denied, nil)...)
	other := read
	other.Principal = "app-other"
	for d := at("2014-06-01"); d <= at("2017-06-30"); d += 30 * access.OneDay {
		other.Time = d
		events = append(events, other)
	}
	return g, append(events, daily(1, "2017-04-01", "2017-06-30", other, nil)...)
}

func TestS1(t *testing.T) {
	g, events := netflix("")
	events = laid(events, "partner-access/0", "partner-access/1", "partner-access/2")
	all := Judge(g, Rules{}, events, Everything())
	only(t, all, "operation_overreach netflix", "access_after_sunset netflix")
	has(t, find(t, all, OperationOverreach, "netflix"), map[string]any{"severity": "warning", "events": 1580, "attempts": 0})
	has(t, find(t, all, AccessAfterSunset, "netflix"), map[string]any{
		"severity": "critical", "state": "closed", "events": 2560, "events_after_grace": 2440, "people": 500, "grantors": 500,
		"days": 640, "attempts": 3, "records": 2560, "since": "2015-07-01T00:00:00Z", "sunset": "2015-07-01T00:00:00Z",
		"grace_until": "2015-07-31T00:00:00Z", "closed_at": "2017-04-30T18:00:00Z", "third_party_events": 0, "relapses": 0,
		"closure": map[string]any{"verified": true, "by": nil}, "team": "partner-platform", "program": nil, "probe_days": nil,
		"operations": map[string]any{"read": 2560.0}, "scopes": map[string]any{"messages.read": 2560.0},
		"principals": []any{"app-netflix-web"},
	})
	f := find(t, all, AccessAfterSunset, "netflix")
	if f.FirstEvent.Time != at("2015-07-01") || f.LastEvent.Time != at("2017-03-31T18:00:00Z") {
		t.Errorf("from %s to %s", f.FirstEvent.Time, f.LastEvent.Time)
	}
	early := find(t, Judge(g, Rules{}, events, knownAt("2015-07-15T00:00:00Z")), AccessAfterSunset, "netflix")
	has(t, early, map[string]any{"severity": "warning", "state": "open", "events": 14 * 4, "events_after_grace": 0})
}

func TestS2(t *testing.T) {
	g, events := netflix("2016-01-15")
	events = laid(events, "partner-access/0")
	f := find(t, Judge(g, Rules{}, events, knownAt("2016-01-15T00:00:00Z")), AccessAfterSunset, "netflix")
	has(t, f, map[string]any{"events": 792})
	all := Judge(g, Rules{}, events, knownAt("2016-01-14T00:00:00Z"))
	only(t, all, "operation_overreach netflix")
	has(t, all[0], map[string]any{"events": 2368})
	has(t, find(t, Judge(g, Rules{}, events, Everything()), AccessAfterSunset, "netflix"), map[string]any{"events": 2560})
}

func TestS2AsThen(t *testing.T) {
	if testing.Short() {
		t.Skip("a judgement an instant takes seconds")
	}
	g, events := netflix("2016-01-15")
	events = laid(events, "partner-access/0")
	q := Everything()
	q.To = at("2016-01-20") // the rest changes nothing
	all := AsThen(g, Rules{}, events, q)
	only(t, all, "operation_overreach netflix", "access_after_sunset netflix")
	has(t, find(t, all, AccessAfterSunset, "netflix"), map[string]any{
		"state": "open", "events": 792 + 20, "opened_at": "2016-01-15T00:00:00Z", "late_reason": "backdated_registration", "detection_delay": 198 * 86400,
		"decided_by": map[string]any{"recorded": "2016-01-15T00:00:00Z", "by": "audit", "reason": "the feature was shut down", "ticket": "PRIV-1"},
	})
	has(t, find(t, all, OperationOverreach, "netflix"), map[string]any{
		"state": "closed", "events": 1580, "opened_at": "2014-06-01T00:00:00Z", "late_reason": nil, "detection_delay": 0})
}

// The moment before the sunset is written down, and the one of it.
func TestS2ShrinksTheOtherFinding(t *testing.T) {
	g, events := netflix("2016-01-15")
	q := Everything()
	q.To = at("2016-01-15")
	q.KnownAt = at("2016-01-15") - 1
	q.At = at("2016-01-14T18:00:00Z")
	events = laid(events, "partner-access/0")
	has(t, find(t, Judge(g, Rules{}, events, q), OperationOverreach, "netflix"), map[string]any{"events": 2372, "state": "open"})
	q.KnownAt++
	has(t, find(t, Judge(g, Rules{}, events, q), OperationOverreach, "netflix"), map[string]any{"events": 1580, "state": "closed"})
}

func TestS4(t *testing.T) {
	g := Registry{Partners: []Partner{{Name: "rbc", Principals: always("app-rbc")}}}
	probe := Event{Principal: "app-rbc", Feature: "messages", Probe: access.ProbeEnabled}
	probes := daily(1, "2013-01-01", "2017-06-30", probe, nil)
	all := Judge(g, Rules{}, laid(probes, "a"), Everything())
	only(t, all, "retained_capability rbc")
	has(t, all[0], map[string]any{"events": 0, "probe_days": 1642, "state": "open", "severity": "warning", "people": 0, "decided_by": nil})

	read := Event{Principal: "app-rbc", Feature: "messages", Operation: access.Read}
	events := append(probes, daily(12, "2016-05-02", "2016-05-02", read, func(i int, e *Event) { e.Subject = fmt.Sprint("u", i%5) })...)
	key := Key{Kind: NoRegistration, Partner: "rbc", Feature: "messages"}
	rules := Rules{Disputes: []Dispute{{Finding: key, By: "partner-manager", At: at("2018-12-19"), Text: "never had this access"}}}
	all = Judge(g, rules, laid(events, "a"), Everything())
	only(t, all, "no_registration rbc")
	has(t, all[0], map[string]any{"severity": "critical", "events": 12, "people": 5, "days": 1,
		"dispute": map[string]any{"by": "partner-manager", "at": "2018-12-19T00:00:00Z", "text": "never had this access"}})

	// As then, the capability is withdrawn by the first access.
	short := slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return e.Time < at("2016-03-01") || e.Time > at("2016-06-01") })
	all = AsThen(g, rules, short, Everything())
	only(t, all, "no_registration rbc", "retained_capability rbc")
	has(t, find(t, all, RetainedCapability, "rbc"), map[string]any{"state": "withdrawn", "probe_days": 62, "opened_at": "2016-03-01T00:00:00Z"})
}

func TestS5(t *testing.T) {
	g := Registry{
		Partners: []Partner{{Name: "nyt", Principals: always("app-nyt")}},
		Registrations: []Registration{{Partner: "nyt", Feature: "friends", Revisions: first(func(r *Revision) {
			r.From, r.Sunset = Set(at("2008-01-01")), Set(at("2012-01-01"))
		})}},
	}
	probe := Event{Principal: "app-nyt", Feature: "friends", Probe: access.ProbeEnabled}
	events := daily(1, "2011-01-01", "2017-06-30", probe, nil)
	probe.Probe = access.ProbeDisabled
	events = laid(append(events, daily(1, "2017-07-01", "2017-07-10", probe, nil)...), "a")
	all := Judge(g, Rules{}, events, Everything())
	only(t, all, "retained_capability nyt", "dormant_grant nyt")
	has(t, find(t, all, RetainedCapability, "nyt"), map[string]any{"probe_days": 2008, "events": 0, "state": "closed", "closed_at": "2017-07-01T00:00:00Z"})
	has(t, find(t, all, DormantGrant, "nyt"), map[string]any{"state": "closed", "closed_at": "2012-01-01T00:00:00Z"})
	q := Everything()
	q.To = at("2011-12-01")
	all = Judge(g, Rules{}, events, q)
	only(t, all, "dormant_grant nyt")
	has(t, all[0], map[string]any{"state": "open", "severity": "info", "first_event": nil, "last_event": nil, "principals": []any{"app-nyt"}})
}

func TestS6(t *testing.T) {
	const program = "instant_personalization"
	g := Registry{Programs: []Program{{Name: program, Team: "policy", Revisions: first(func(r *Revision) { r.Sunset = Set(at("2014-12-31")) })}}}
	var events []Event
	add := func(partner, until string) {
		g.Partners = append(g.Partners, Partner{Name: partner, Principals: always("app-" + partner)})
		g.Registrations = append(g.Registrations, Registration{Partner: partner, Feature: "search", Program: program, Revisions: first(nil)})
		events = append(events, daily(2, "2014-01-01", until, Event{Principal: "app-" + partner, Feature: "search", Operation: access.Read}, nil)...)
	}
	add("bing", "2017-06-30")
	add("pandora", "2018-08-31")
	add("rottentomatoes", "2018-08-31")
	g.Partners = append(g.Partners, Partner{Name: "other", Principals: always("app-other")})
	g.Registrations = append(g.Registrations, Registration{Partner: "other", Feature: "search", Revisions: first(nil)})
	events = append(events, daily(1, "2018-08-01", "2018-12-31", Event{Principal: "app-other", Feature: "search"}, nil)...)
	all := Judge(g, Rules{}, laid(events, "a"), Everything())
	only(t, all, "access_after_sunset bing", "access_after_sunset pandora", "access_after_sunset rottentomatoes")
	for partner, want := range map[string]struct {
		events, days int
		closed       string
	}{"bing": {1826, 913, "2017-07-30T12:00:00Z"}, "pandora": {2680, 1340, "2018-09-30T12:00:00Z"}, "rottentomatoes": {2680, 1340, "2018-09-30T12:00:00Z"}} {
		has(t, find(t, all, AccessAfterSunset, partner), map[string]any{"program": program, "team": "policy", "severity": "critical",
			"events": want.events, "days": want.days, "state": "closed", "closed_at": want.closed})
	}
}

func TestS7(t *testing.T) {
	g := Registry{
		Partners: []Partner{{Name: "yandex", Principals: always("app-yandex")}},
		Scopes: []Scope{{Name: "user.global_id", Revisions: first(func(r *Revision) {
			r.Sunset, r.Grace = Set(at("2014-04-30")), Set(365*day)
		})}},
		Registrations: []Registration{{Partner: "yandex", Feature: "search", Revisions: first(nil)}},
	}
	events := daily(1, "2014-01-01", "2017-12-31", Event{Principal: "app-yandex", Feature: "search", Operation: access.Read,
		Scopes: []string{"profile.basic", "user.global_id"}}, nil)
	all := Judge(g, Rules{}, laid(events, "a"), Everything())
	only(t, all, "scope_retired yandex")
	has(t, all[0], map[string]any{"severity": "critical", "events": 1342, "events_after_grace": 977, "scope": "user.global_id",
		"scopes": map[string]any{"user.global_id": 1342.0}, "grace_until": "2015-04-30T00:00:00Z"})
}
