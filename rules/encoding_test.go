package rules

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sunsetwatch/rules/access"
)

// at is the instant of an RFC 3339 time or of a date.
func at(s string) access.Instant {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return access.At(t)
		}
	}
	panic("no time: " + s)
}

func pointer[T any](v T) *T { return &v }

// netflix is the example of the contract.
func netflix() *Finding {
	return &Finding{
		ID: "k3f9c2a1d8e0", Kind: "access_after_sunset", Severity: Critical, State: Closed,
		Partner: "netflix", Feature: "msg.recommend",
		Principals: []string{"app-netflix-web"}, Team: "partner-platform", Owner: "partnerships@example.com",
		Since: at("2015-07-01"), Sunset: at("2015-07-01"), GraceUntil: at("2015-07-31"),
		FirstEvent: Coordinate{at("2015-07-01"), "partner-access/3", 1234},
		LastEvent:  Coordinate{at("2017-03-31T18:00:00Z"), "partner-access/0", 99},
		Events:     2560, EventsAfterGrace: pointer(uint64(2440)), Attempts: 3, Records: 2560, Days: 640,
		People: 500, PeopleExact: true, Grantors: 500, GrantorsExact: true,
		Operations: map[string]uint64{"read": 2560}, Scopes: map[string]uint64{"messages.read": 2560},
		OpenedAt: at("2016-01-15"), LateReason: "backdated_registration", DetectionDelay: pointer(int64(17107200)),
		DecidedBy: &Decision{at("2016-01-15"), "audit", "the feature was shut down in July 2015", "PRIV-1"},
		ClosedAt:  at("2017-04-30T18:00:00Z"),
		Closure:   &Closure{Verified: true, Why: "no access for 30 days; every source judged past 2017-04-30T18:00:00Z"},
		History:   []Change{{At: at("2016-01-15"), State: Open, Severity: Critical, Why: "recorded by audit: ..."}},
		Why:       "netflix read messages.read for msg.recommend 2,560 times about 500 people since its sunset on 2015-07-01 ...",
	}
}

const netflixJSON = `{"schema":"sunsetwatch.finding.v1","id":"k3f9c2a1d8e0","kind":"access_after_sunset","severity":"critical","state":"closed",
 "partner":"netflix","feature":"msg.recommend","program":null,"scope":null,"rule":null,
 "principals":["app-netflix-web"],"team":"partner-platform","owner":"partnerships@example.com",
 "since":"2015-07-01T00:00:00Z","sunset":"2015-07-01T00:00:00Z","grace_until":"2015-07-31T00:00:00Z",
 "first_event":{"time":"2015-07-01T00:00:00Z","source":"partner-access/3","offset":1234},
 "last_event":{"time":"2017-03-31T18:00:00Z","source":"partner-access/0","offset":99},
 "events":2560,"events_after_grace":2440,"attempts":3,"records":2560,"bytes":0,"days":640,
 "people":500,"people_exact":true,"grantors":500,"grantors_exact":true,"third_party_events":0,"probe_days":null,
 "operations":{"read":2560},"scopes":{"messages.read":2560},"bounds":null,"incomplete":false,
 "opened_at":"2016-01-15T00:00:00Z","late_reason":"backdated_registration","detection_delay":17107200,
 "decided_by":{"recorded":"2016-01-15T00:00:00Z","by":"audit","reason":"the feature was shut down in July 2015","ticket":"PRIV-1"},
 "closed_at":"2017-04-30T18:00:00Z","closure":{"verified":true,"by":null,"why":"no access for 30 days; every source judged past 2017-04-30T18:00:00Z"},
 "relapses":0,"suppressed_by":null,"dispute":null,
 "history":[{"at":"2016-01-15T00:00:00Z","state":"open","severity":"critical","why":"recorded by audit: ..."}],
 "why":"netflix read messages.read for msg.recommend 2,560 times about 500 people since its sunset on 2015-07-01 ..."}`

func TestEncodingIsTheContract(t *testing.T) {
	got, err := json.Marshal(netflix())
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.ReplaceAll(netflixJSON, "\n ", ""); string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var back Finding
	if err := json.Unmarshal([]byte(netflixJSON), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(netflix(), &back); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestEncodingOfAbsence(t *testing.T) {
	f := Finding{
		Since: access.Beginning, Sunset: access.End, GraceUntil: access.End,
		OpenedAt: access.Beginning, ClosedAt: access.Beginning,
		DecidedBy:  &Decision{Recorded: access.Beginning},
		FirstEvent: Coordinate{Time: at("2015-07-01")},
		Bounds: &Bounds{
			Fields:     map[string]Range{"events": {1, 3}, "days": {1, 1}},
			Operations: map[string]Range{"read": {1, 3}},
			Scopes:     map[string]Range{},
		},
	}
	got, err := json.Marshal(&f)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"program":null,"scope":null,"rule":null,"principals":[],"team":null,"owner":null,"since":null,"sunset":null,"grace_until":null`,
		`"first_event":{"time":"2015-07-01T00:00:00Z","source":null,"offset":null},"last_event":null`,
		`"events_after_grace":null`, `"probe_days":null,"operations":{},"scopes":{}`,
		`"bounds":{"days":[1,1],"events":[1,3],"operations":{"read":[1,3]},"scopes":{}}`,
		`"opened_at":null,"late_reason":null,"detection_delay":null,"decided_by":{"recorded":null,"by":null,"reason":null,"ticket":null},"closed_at":null,"closure":null`,
		`"suppressed_by":null,"dispute":null,"history":[],"why":""}`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s\nlacks %s", got, want)
		}
	}
}

func TestDecodingRefuses(t *testing.T) {
	for _, c := range []struct{ replace, by, problem string }{
		{"finding.v1", "finding.v2", "written by another version"},
		{`"critical"`, `"dire"`, `severity "dire"`},
		{`"closed"`, `"ajar"`, `state "ajar"`},
		{"2015-07-31T00:00:00Z", "July", `finding "k3f9c2a1d8e0"`},
		{`"bounds":null`, `"bounds":{"events":[3,1]}`, "want [low, high]"},
		{`"bounds":null`, `"bounds":{"events":[3]}`, "want [low, high]"},
		{`"events":2560`, `"events":-1`, "finding"},
	} {
		var f Finding
		err := json.Unmarshal([]byte(strings.Replace(netflixJSON, c.replace, c.by, 1)), &f)
		if err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: error %v, want one with %q", c.by, err, c.problem)
		}
	}
	for _, f := range []*Finding{{Severity: 9}, {State: 9}} {
		if _, err := json.Marshal(f); err == nil {
			t.Errorf("severity %d, state %d: encoded", f.Severity, f.State)
		}
	}
}

func TestEncodingGoesRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFinding(t)
		data, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var back Finding
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(f, &back) {
			t.Fatalf("read back (-want +got):\n%s", cmp.Diff(f, &back))
		}
	})
}

func drawFinding(t *rapid.T) *Finding {
	number := rapid.Uint64()
	words := rapid.StringMatching(`[a-zé"\\<\n]{0,6}`)
	word := rapid.StringMatching(`[a-zé"\\<\n]{1,6}`)
	instant := rapid.Custom(func(t *rapid.T) access.Instant {
		return at("2015-01-01") + access.Instant(rapid.Int64Range(-1<<60, 1<<60).Draw(t, "nanoseconds"))
	})
	or := func(absent access.Instant) access.Instant {
		return rapid.OneOf(rapid.Just(absent), instant).Draw(t, "instant")
	}
	counts := func() map[string]uint64 {
		m := rapid.MapOfN(word, number, 0, 3).Draw(t, "counts")
		if len(m) == 0 {
			return nil
		}
		return m
	}
	span := rapid.Custom(func(t *rapid.T) Range {
		low := number.Draw(t, "low")
		return Range{low, rapid.Uint64Min(low).Draw(t, "high")}
	})
	spans := func() map[string]Range { return rapid.MapOfN(word, span, 1, 3).Draw(t, "ranges") }
	place := func() Coordinate {
		return rapid.SampledFrom([]Coordinate{{}, {Time: 5}, {Time: -5, Source: "a/0"}, {at("2015-07-01"), "b", 7}}).Draw(t, "place")
	}
	str := func() string { return words.Draw(t, "string") }
	f := &Finding{
		ID: str(), Kind: str(), Severity: Severity(rapid.IntRange(0, 2).Draw(t, "severity")),
		State: State(rapid.IntRange(0, 3).Draw(t, "state")), Partner: str(), Feature: str(), Program: str(),
		Scope: str(), Rule: str(), Team: str(), Owner: str(), Since: or(access.Beginning), Sunset: or(access.End),
		GraceUntil: or(access.End), FirstEvent: place(), LastEvent: place(), Events: number.Draw(t, "events"),
		PeopleExact: rapid.Bool().Draw(t, "exact"), Incomplete: rapid.Bool().Draw(t, "incomplete"),
		Operations: counts(), Scopes: counts(), OpenedAt: or(access.Beginning), ClosedAt: or(access.Beginning),
		LateReason: str(), Why: str(), Relapses: number.Draw(t, "relapses"),
	}
	for range rapid.IntRange(0, 2).Draw(t, "principals") {
		f.Principals = append(f.Principals, str())
	}
	for range rapid.IntRange(0, 2).Draw(t, "history") {
		f.History = append(f.History, Change{instant.Draw(t, "at"), Quiet, Warning, rapid.Bool().Draw(t, "suppressed"), str()})
	}
	if rapid.Bool().Draw(t, "more") {
		f.EventsAfterGrace, f.ProbeDays = pointer(number.Draw(t, "after")), pointer(uint64(0))
		f.DetectionDelay, f.Dispute, f.SuppressedBy = pointer(int64(-3)), pointer(str()), pointer(str())
		f.DecidedBy = &Decision{or(access.Beginning), str(), str(), str()}
		f.Closure = &Closure{true, str(), str()}
		f.Bounds = &Bounds{spans(), spans(), spans()}
		delete(f.Bounds.Fields, boundsOperations)
		delete(f.Bounds.Fields, boundsScopes)
	}
	return f
}

// FuzzDecoding: what is read is written and read again as the same.
func FuzzDecoding(f *testing.F) {
	f.Add([]byte(netflixJSON))
	f.Add([]byte(`{"schema":"sunsetwatch.finding.v1","severity":"info","state":"open","bounds":{"events":[1,2],"scopes":{}},"history":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var first Finding
		if json.Unmarshal(data, &first) != nil {
			return
		}
		again, err := json.Marshal(&first)
		if err != nil {
			t.Fatal(err)
		}
		var second Finding
		if err := json.Unmarshal(again, &second); err != nil {
			t.Fatalf("%v of %s", err, again)
		}
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("written and read again (-before +after):\n%s", cmp.Diff(first, second))
		}
	})
}
