package registry_test

import (
	"slices"
	"strings"
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

func mustReadText(t testing.TB, texts ...string) *registry.Snapshot {
	t.Helper()
	var files []registry.File
	for i, text := range texts {
		files = append(files, registry.File{Name: string(rune('a'+i)) + ".yml", Data: []byte(text)})
	}
	s, problems := registry.Read(files, registry.Options{Now: access.End})
	if s == nil {
		t.Fatal(problems.String())
	}
	return s
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		pattern, scope string
		want           bool
	}{
		{"a.b", "a.b", true},
		{"a.b", "a.b.c", false},
		{"a.b", "a", false},
		{"a.*", "a.b", true},
		{"a.*", "a.b.c", true},
		{"a.*", "a", false},
		{"a.*", "a.", false},
		{"a.*", "ab.c", false},
		{"a.b.*", "a.b", false},
		{"a.b.*", "a.bc.d", false},
		{"*", "a", true},
		{"*", "", true},
		{"", "", true},
	} {
		if got := registry.Covers(c.pattern, c.scope); got != c.want {
			t.Errorf("Covers(%q, %q) = %v", c.pattern, c.scope, got)
		}
	}
}

func TestInstants(t *testing.T) {
	s := mustReadText(t, `version: 1
partners:
- {name: bing, owner: o, principals: [{id: x, until: 2015-01-01T00:00:00Z}, other]}
- {name: sony, owner: o, principals: [{id: x, from: 2016-01-01T00:00:00Z}]}
programs:
- {name: p, recorded: 2013-01-01T00:00:00Z, sunset: 2017-01-01T00:00:00Z, grace: 1d}
scopes:
- {name: user.*, recorded: 2012-01-01T00:00:00Z, sunset: 2012-02-01T00:00:00Z, grace: 12h}
registrations:
- partner: bing
  feature: msg
  revisions:
  - {from: 2011-01-01T00:00:00Z, sunset: 2014-01-01T00:00:00Z, deprecation: 2013-06-01T00:00:00Z}
  - {recorded: 2013-12-01T00:00:00Z, effective: 2013-11-01T00:00:00Z, sunset: 2014-06-01T00:00:00Z, grace: 90m, pauses: [{from: 2013-11-05T00:00:00Z, until: 2013-11-06T00:00:00Z}]}
- {partner: sony, feature: msg, program: p}
- {partner: sony, feature: posts, sunset: 2018-01-01T00:00:00Z}
`)
	const aliases = "2015-01-01T00:00:00Z 2016-01-01T00:00:00Z"
	for _, c := range []struct {
		principal, feature string
		scopes             []string
		want               string
	}{
		{"x", "msg", nil, "2011-01-01T00:00:00Z 2013-01-01T00:00:00Z 2013-11-01T00:00:00Z 2013-11-05T00:00:00Z 2013-11-06T00:00:00Z 2013-12-01T00:00:00Z " +
			"2014-01-01T00:00:00Z 2014-01-01T01:30:00Z 2014-06-01T00:00:00Z 2014-06-01T01:30:00Z " + aliases + " 2017-01-01T00:00:00Z 2017-01-02T00:00:00Z"},
		{"x", "posts", []string{"messages"}, aliases + " 2018-01-01T00:00:00Z"},
		{"x", "posts", []string{"user"}, aliases + " 2018-01-01T00:00:00Z"},
		{"x", "unknown", []string{"user.name", "user.id"}, "2012-01-01T00:00:00Z 2012-02-01T00:00:00Z 2012-02-01T12:00:00Z " + aliases},
		{"other", "posts", nil, ""},
		{"unknown", "msg", nil, ""},
	} {
		var got []string
		for _, i := range s.Instants(c.principal, c.feature, c.scopes) {
			got = append(got, i.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s x %s: got %v\nwant %s", c.principal, c.feature, got, c.want)
		}
	}
}

func TestEqualSunsetsAreTheRegistrationsOwn(t *testing.T) {
	s := mustReadText(t, head+"registrations: [{partner: netflix, feature: msg, program: personalization, sunset: 2014-12-31T01:00:00+01:00, grace: 1d}]\n")
	terms, _ := s.TermsAt(s.Registration("netflix", "msg"), access.Beginning, access.End)
	if terms.Program != "" || terms.GraceUntil != at(t, "2015-01-01") {
		t.Errorf("%+v", terms)
	}
}

// A registration has as many revisions as its owner likes.
func TestManyRevisions(t *testing.T) {
	var b strings.Builder
	b.WriteString(head + "registrations:\n- partner: netflix\n  feature: msg\n  revisions:\n  - {}\n")
	for range 10_000 {
		b.WriteString("  - {effective: 2014-06-01T00:00:00Z, by: jo}\n  - {effective: 2014-05-01T00:00:00Z, sunset: 2014-12-31T00:00:00Z}\n")
	}
	s := mustReadText(t, b.String())
	if n := len(s.Registration("netflix", "msg").Revisions()); n != 20_001 {
		t.Error(n)
	}
}

func TestUnknownNames(t *testing.T) {
	for _, s := range []*registry.Snapshot{{}, mustReadText(t), mustReadText(t, head)} {
		if s.Partner("x") != nil || s.Program("x") != nil || s.Registration("netflix", "x") != nil || s.Registration("x", "y") != nil ||
			s.KnownFeature("x") || s.KnownPrincipal("x") || len(s.Registrations()) != 0 || len(s.Retirements(0, access.End)) != 0 ||
			len(s.Instants("x", "y", []string{"z"})) != 0 {
			t.Error("something is known that nobody declared")
		}
		if p, current := s.Owner("x", 0); p != "" || current {
			t.Errorf("owner %q %v", p, current)
		}
	}
}

func TestHashIsOfContentAlone(t *testing.T) {
	base := head + "registrations: [{partner: netflix, feature: msg, sunset: 2014-12-31T00:00:00Z, grace: 24h, scopes: [b, a, b]}, {partner: netflix, feature: posts}]\n"
	for _, same := range [][]string{
		{base},
		{"version: 1\nregistrations:\n# a comment\n- {feature: posts, partner: netflix}\n", head + "registrations: [{partner: netflix, feature: msg, revisions: [{grace: 1d, scopes: [a, b], sunset: 2014-12-31T01:00:00+01:00}]}]\n"},
	} {
		if mustReadText(t, same...).Hash() != mustReadText(t, base).Hash() {
			t.Errorf("the hash of the same content differs: %q", same)
		}
	}
	for _, change := range [][2]string{
		{"owner: o@", "owner: p@"}, {"app-netflix", "app-other"}, {"name: personalization", "name: platform"},
		{"24h", "25h"}, {"[b, a, b]", "[]"}, {"[]", "null"}, {"feature: posts", "feature: posts, by: jo"},
		{"[app-netflix]", "[{id: app-netflix, until: 2014-01-01T00:00:00Z}]"}, {"posts", "posts, inbound: true"},
	} {
		other := strings.Replace(base, change[0], change[1], 1)
		if other != base && mustReadText(t, other).Hash() == mustReadText(t, base).Hash() {
			t.Errorf("%v does not change the hash", change)
		}
	}
}

func TestChanges(t *testing.T) {
	base := `version: 1
partners:
- {name: bing, owner: o, team: t, principals: [x, y]}
- {name: sony, owner: o, principals: [z]}
programs:
- {name: p, team: t, sunset: 2017-01-01T00:00:00Z}
scopes:
- {name: user.*, sunset: 2012-02-01T00:00:00Z}
registrations:
- {partner: bing, feature: msg, program: p}
- {partner: bing, feature: posts}
- {partner: sony, feature: msg}
`
	pair := func(partner, feature string) registry.Pair {
		return registry.Pair{Partner: partner, Feature: feature}
	}
	for _, c := range []struct {
		old, new string
		want     registry.Changes
	}{
		{"version: 1\n", "version: 1\n# nothing\n", registry.Changes{}},
		{"name: bing, owner: o", "name: bing, owner: p", registry.Changes{Partners: []string{"bing"}}},
		{"team: t, principals", "principals", registry.Changes{Partners: []string{"bing"}}},
		{"name: p, team: t", "name: p, team: u", registry.Changes{Registrations: []registry.Pair{pair("bing", "msg")}}},
		{"2017", "2018", registry.Changes{Registrations: []registry.Pair{pair("bing", "msg")}}},
		{"2012", "2013", registry.Changes{Scopes: []string{"user.*"}}},
		{"user.*", "user.id", registry.Changes{Scopes: []string{"user.*", "user.id"}}},
		{"[x, y]", "[x, w]", registry.Changes{Principals: []string{"w", "y"}}},
		{"[x, y]", "[{id: x, from: 2014-01-01T00:00:00Z}, y]", registry.Changes{Principals: []string{"x"}}},
		{"feature: posts", "feature: posts, ticket: T-1", registry.Changes{Registrations: []registry.Pair{pair("bing", "posts")}}},
		{"sony, feature: msg", "sony, feature: photos", registry.Changes{Registrations: []registry.Pair{pair("sony", "msg"), pair("sony", "photos")}}},
		{", program: p", "", registry.Changes{Registrations: []registry.Pair{pair("bing", "msg")}}},
		{"- {name: sony, owner: o, principals: [z]}\n", "- {name: sony, owner: o}\n- {name: yahoo, owner: o, principals: [z]}\n",
			registry.Changes{Principals: []string{"z"}, Partners: []string{"yahoo"}}},
	} {
		if !strings.Contains(base, c.old) {
			t.Fatalf("%q is not in the set", c.old)
		}
		got := mustReadText(t, base).Changes(mustReadText(t, strings.Replace(base, c.old, c.new, 1)))
		if !slices.Equal(got.Registrations, c.want.Registrations) || !slices.Equal(got.Principals, c.want.Principals) ||
			!slices.Equal(got.Partners, c.want.Partners) || !slices.Equal(got.Scopes, c.want.Scopes) || got.None() != c.want.None() {
			t.Errorf("%q -> %q: got %+v, want %+v", c.old, c.new, got, c.want)
		}
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	s := mustRead(t, "s6.yml")
	principal, _ := s.PrincipalID("app-bing")
	feature, _ := s.FeatureID("search.social")
	r := s.Registration("bing", "search.social")
	n := testing.AllocsPerRun(100, func() {
		if m := s.Lookup(principal, feature, 0); m.Terms == nil {
			t.Error("no terms")
		}
		if _, ok := s.TermsAt(r, 0, access.End); !ok {
			t.Error("no terms")
		}
		s.Owner("app-bing", 0)
		s.Registration("bing", "search.social")
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
