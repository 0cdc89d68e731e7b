package model

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sunsetwatch/rules/access"
)

func TestRandomCasesAreValidAndRepeat(t *testing.T) {
	last := at("2025-01-01")
	for seed := range uint64(300) {
		c := Random(seed)
		if !reflect.DeepEqual(c, Random(seed)) {
			t.Fatalf("seed %d gives two cases", seed)
		}
		for _, p := range Problems(c.Registry) {
			t.Errorf("seed %d: %s", seed, p)
		}
		for _, e := range c.Events {
			if e.Time > last || e.Principal == "" || e.Feature == "" {
				t.Errorf("seed %d: event %+v", seed, e)
			}
			if e.Written != access.Beginning && e.Time-e.Written > access.FutureSlack {
				t.Errorf("seed %d: an event of %s written at %s is rejected", seed, e.Time, e.Written)
			}
		}
		if q := c.Question; q.From >= q.To {
			t.Errorf("seed %d asks about nothing", seed)
		}
	}
}

// Among random cases there is some of everything.
func TestRandomCasesHaveEverything(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(400) {
		c := Random(seed)
		for _, f := range Judge(c.Registry, c.Rules, c.Events, c.Question) {
			seen[f.Kind]++
			seen[f.Kind+" "+f.State]++
			seen[f.Severity]++
			if f.Closure != nil {
				seen[f.Closure.How]++
			}
			if f.Relapses > 0 {
				seen["relapse"]++
			}
			if f.SuppressedBy != nil {
				seen["exception"]++
			}
			if f.Dispute != nil {
				seen["dispute"]++
			}
			if f.Program != "" {
				seen["program"]++
			}
			if f.Partner == Unregistered {
				seen["unregistered"]++
			}
			if f.LateReason != "" {
				seen[f.LateReason]++
			}
		}
	}
	want := []string{Critical, Warning, Info, "time", "probe", "person", "sunset", "withheld", "relapse", "exception", "dispute", "program",
		"unregistered", "backdated_registration", "late_events", DormantGrant + " open", DormantGrant + " closed"}
	for _, kind := range allKinds() {
		if kind != DormantGrant {
			want = append(want, kind+" open", kind+" quiet", kind+" closed")
		}
	}
	for _, w := range want {
		if seen[w] == 0 {
			t.Errorf("no %s", w)
		}
	}
	if t.Failed() || testing.Verbose() {
		for _, k := range slices.Sorted(maps.Keys(seen)) {
			t.Logf("%5d %s", seen[k], k)
		}
	}
}

// What is there at the end is the same, as known and as then.
func TestAsThenEndsAsKnown(t *testing.T) {
	withdrawn := 0
	for seed := range uint64(60) {
		c := Random(seed)
		var there []Finding
		for _, f := range AsThen(c.Registry, c.Rules, c.Events, c.Question) {
			if f.OpenedAt == access.Beginning {
				t.Errorf("seed %d: %s never opened", seed, f.Kind)
			}
			if f.State == Withdrawn {
				withdrawn++
				continue
			}
			f.OpenedAt, f.DetectionDelay = 0, nil
			there = append(there, f)
		}
		if want := Judge(c.Registry, c.Rules, c.Events, c.Question); len(there)+len(want) > 0 && !reflect.DeepEqual(there, want) {
			t.Errorf("seed %d: as then\n%s\nas known\n%s", seed, names(there), names(want))
		}
	}
	if withdrawn == 0 {
		t.Error("nothing was ever withdrawn")
	}
}

// The order in which events stand in the list changes nothing.
func TestOrderChangesNothing(t *testing.T) {
	for seed := range uint64(100) {
		c := Random(seed)
		want := Judge(c.Registry, c.Rules, c.Events, c.Question)
		slices.Reverse(c.Events)
		if got := Judge(c.Registry, c.Rules, c.Events, c.Question); !reflect.DeepEqual(got, want) {
			t.Errorf("seed %d: backwards\n%s\nforwards\n%s", seed, names(got), names(want))
		}
	}
}

func TestShrink(t *testing.T) {
	fails := func(c Case) bool {
		return slices.ContainsFunc(Judge(c.Registry, c.Rules, c.Events, Everything()), func(f Finding) bool {
			return f.Kind == AccessAfterSunset && f.State == Closed && f.Events >= 2
		})
	}
	shrunk := 0
	for seed := range uint64(30) {
		c := Random(seed)
		if !fails(c) {
			continue
		}
		shrunk++
		c = Shrink(c, fails)
		if !fails(c) || len(c.Events) > 4 || len(c.Registry.Registrations) != 1 || len(c.Registry.Scopes) > 0 {
			t.Errorf("seed %d shrinks to %d events, %d registrations, %d scopes", seed, len(c.Events), len(c.Registry.Registrations), len(c.Registry.Scopes))
		}
	}
	if shrunk == 0 {
		t.Error("no case was shrunk")
	}
}

func TestWritten(t *testing.T) {
	e := Event{Time: at("2020-01-01T00:00:00.000000001Z"), Principal: "p", Feature: "f", Operation: access.Read, Records: 1, Scopes: []string{"a"}, Outcome: access.Failed}
	if got, want := string(EventJSON(e)), `{"feature":"f","operation":"read","outcome":"error","principal":"p","scopes":["a"],"time":"2020-01-01T00:00:00.000000001Z"}`; got != want {
		t.Errorf("an event is\n%s, want\n%s", got, want)
	}
	r := Revision{Recorded: access.Beginning, Effective: at("2020-01-01"), Sunset: Null[access.Instant](), Operations: Set([]access.Operation{}), Grace: Set(36*time.Hour + time.Minute)}
	if got, want := revisionYAML(r), `{effective: 2020-01-01T00:00:00Z, sunset: null, grace: 1d12h1m, operations: []}`; got != want {
		t.Errorf("a revision is\n%s, want\n%s", got, want)
	}
	rules := Rules{Kinds: map[string]KindRules{DormantGrant: {After: 2 * day}}, Closures: []Closing{{Finding: Key{Kind: NoRegistration}, By: "jo", At: at("2020-01-01"), Reason: "it ended"}}}
	got := string(RulesYAML(rules, func(k Key) string { return "id-of-" + k.Kind }))
	want := "version: 1\nkinds:\n  dormant_grant: {after: 2d}\nclosures:\n  - {finding: \"id-of-no_registration\", by: \"jo\", at: 2020-01-01T00:00:00Z, reason: \"it ended\"}\n"
	if got != want {
		t.Errorf("rules are\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(string(RegistrationsYAML(Random(1).Registry)), "1677") {
		t.Error("an open side is written as an instant")
	}
}
