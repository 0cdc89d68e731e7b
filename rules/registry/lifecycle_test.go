package registry_test

import (
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

func TestLifecycle(t *testing.T) {
	terms := &registry.Terms{From: 10, Sunset: 20, GraceUntil: 30, Pauses: []registry.Pause{{From: 12, Until: 14}}}
	open := &registry.Terms{From: access.Beginning, Sunset: access.End, GraceUntil: access.End}
	before := &registry.Terms{From: 10, Sunset: 5, GraceUntil: 5}
	for _, tt := range []struct {
		terms *registry.Terms
		at    access.Instant
		want  string
	}{
		{terms, 9, "planned"}, {terms, 10, "active"}, {terms, 12, "paused"}, {terms, 14, "active"},
		{terms, 19, "active"}, {terms, 20, "grace"}, {terms, 29, "grace"}, {terms, 30, "ended"},
		{open, 0, "active"}, {open, access.End, "active"}, {before, 7, "ended"}, {before, 4, "planned"},
	} {
		if got := tt.terms.LifecycleAt(tt.at).String(); got != tt.want {
			t.Errorf("at %d: %s, want %s", tt.at, got, tt.want)
		}
	}
}

// A statement says what its revision names and nothing else.
func TestStatements(t *testing.T) {
	s, problems := registry.Read([]registry.File{{Name: "a.yml", Data: []byte(`version: 1
partners: [{name: netflix, owner: o@example.com, principals: [app]}]
programs: [{name: social, revisions: [{recorded: 2014-12-01T00:00:00Z, by: policy, sunset: 2014-12-31T00:00:00Z}]}]
registrations:
  - partner: netflix
    feature: msg
    program: social
    revisions:
      - {recorded: 2014-01-01T00:00:00Z, by: jo, from: 2014-02-01T00:00:00Z, grace: 30d, operations: [write]}
      - {recorded: 2016-01-01T00:00:00Z, by: audit, effective: 2014-06-01T00:00:00Z, sunset: 2014-07-01T00:00:00Z, operations: []}
`)}}, registry.Options{Now: access.End})
	if s == nil {
		t.Fatal(problems)
	}
	r := s.Registration("netflix", "msg")
	all := r.Statements()
	if len(all) != 2 || all[0].By != "jo" || all[1].By != "audit" {
		t.Fatalf("%+v", all)
	}
	first, second := all[0], all[1]
	if first.From == access.Beginning || first.Grace != 30*24*60*60e9 || first.Sunset != access.End || len(first.Operations) != 1 ||
		first.Decided[registry.From] != first.Revision || first.Decided[registry.Sunset] != nil {
		t.Errorf("%+v", first)
	}
	if second.Decided[registry.Sunset] != second.Revision || second.Operations == nil || second.Decided[registry.Grace] != nil || second.Program != "" {
		t.Errorf("%+v", second)
	}
	if of := s.Program("social").Statements(); len(of) != 1 || of[0].By != "policy" || of[0].Sunset != access.At(access.Instant(1_419_984_000e9).Time()) {
		t.Errorf("%+v", of)
	}
	stretches := 0
	for since, terms := range r.Stretches() {
		if asked, _ := s.TermsAt(r, since, access.End); asked != terms || (since == access.Beginning) != (stretches == 0) {
			t.Errorf("from %s on %+v, not %+v", since, terms, asked)
		}
		stretches++
	}
	if stretches != 2 {
		t.Errorf("%d stretches, want 2", stretches)
	}
}
