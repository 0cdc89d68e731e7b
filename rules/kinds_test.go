package rules

import (
	"maps"
	"slices"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// anyInstant is one of those around which cases and terms are drawn, so that boundaries
// meet.
func anyInstant() *rapid.Generator[access.Instant] {
	return rapid.OneOf(
		rapid.SampledFrom([]access.Instant{access.Beginning, access.Beginning + 1, -1, 0, access.End - 1, access.End}),
		rapid.Map(rapid.Int64Range(-5, 5), func(n int64) access.Instant { return access.Instant(n) }),
		rapid.Map(rapid.Int64(), func(n int64) access.Instant { return access.Instant(n) }),
	)
}

func anyWord() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom([]string{"", "a", "a.b", "a.b.c", "b", "_other", "_unregistered"}), rapid.String())
}

func anyRevision(t *rapid.T) *registry.Revision {
	if rapid.Bool().Draw(t, "decided") {
		return nil
	}
	return &registry.Revision{Recorded: anyInstant().Draw(t, "recorded"), By: anyWord().Draw(t, "by")}
}

func anyTerms(t *rapid.T) *registry.Terms {
	if rapid.IntRange(0, 4).Draw(t, "terms") == 0 {
		return nil
	}
	terms := &registry.Terms{
		From: anyInstant().Draw(t, "from"), Sunset: anyInstant().Draw(t, "sunset"), GraceUntil: anyInstant().Draw(t, "grace"),
		Program: anyWord().Draw(t, "program"), Deprecation: access.End,
		Inbound:  rapid.Bool().Draw(t, "inbound"),
		Requires: registry.Requirement(rapid.IntRange(0, 7).Draw(t, "requires")),
	}
	for range rapid.IntRange(0, 2).Draw(t, "pauses") {
		terms.Pauses = append(terms.Pauses, registry.Pause{From: anyInstant().Draw(t, "pause"), Until: anyInstant().Draw(t, "until")})
	}
	if rapid.Bool().Draw(t, "restricted") {
		terms.Operations = rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 4), func(o int) access.Operation { return access.Operation(o) }), 0, 3).Draw(t, "operations")
		terms.Scopes = rapid.SliceOfN(rapid.SampledFrom([]string{"a", "a.*", "a.b", "*"}), 0, 2).Draw(t, "scopes")
	}
	for f := range terms.Decided {
		terms.Decided[f] = anyRevision(t)
	}
	return terms
}

func anyCase(t *rapid.T) *Case {
	c := &Case{
		Time: anyInstant().Draw(t, "time"), Principal: anyWord().Draw(t, "principal"), Feature: anyWord().Draw(t, "feature"),
		Scopes:    rapid.SliceOfN(anyWord(), 0, 4).Draw(t, "scopes"),
		Operation: access.Operation(rapid.IntRange(0, 5).Draw(t, "operation")),
		Direction: access.Direction(rapid.IntRange(0, 2).Draw(t, "direction")),
		Relation:  access.Relation(rapid.IntRange(0, 2).Draw(t, "relation")),
		Consent:   access.Consent(rapid.IntRange(0, 3).Draw(t, "consent")),
		Indicator: access.Indicator(rapid.IntRange(0, 3).Draw(t, "indicator")),
		Probe:     access.Probe(rapid.IntRange(0, 2).Draw(t, "probe")),
		Folded:    rapid.Bool().Draw(t, "folded"),
		Partner:   anyWord().Draw(t, "partner"), Belongs: rapid.Bool().Draw(t, "belongs"), Left: anyInstant().Draw(t, "left"),
		Terms: anyTerms(t),
	}
	slices.Sort(c.Scopes)
	for range rapid.IntRange(0, 2).Draw(t, "retired") {
		c.Retired = append(c.Retired, registry.Retired{Name: rapid.SampledFrom([]string{"a", "a.*", "*"}).Draw(t, "name"),
			Sunset: anyInstant().Draw(t, "sunset"), GraceUntil: anyInstant().Draw(t, "grace"), Decided: anyRevision(t)})
	}
	return c
}

// Whatever a case is: outside the window it belongs to one kind, inside it each
// kind matches it or says why not.
func TestAnyCaseIsJudged(t *testing.T) {
	kinds := Kinds()
	rapid.Check(t, func(t *rapid.T) {
		c := anyCase(t)
		w := WindowOf(c)
		found := Judge(kinds, c, nil)
		matches := map[*Kind]int{}
		for i := range found {
			m := &found[i]
			matches[m.Kind]++
			if m.Terms != c.Terms {
				t.Fatalf("%s: the terms are not those of the case", m.Kind.Name)
			}
			for _, scope := range m.Scopes {
				if !slices.Contains(c.Scopes, scope) {
					t.Fatalf("%s lists the scope %q, which the case lacks", m.Kind.Name, scope)
				}
			}
			if (m.Scope != "") != (m.Kind.Name == ScopeRetired) {
				t.Fatalf("%s: scope %q", m.Kind.Name, m.Scope)
			}
			if m.Program != "" && m.Program != c.Terms.Program {
				t.Fatalf("%s: program %q", m.Kind.Name, m.Program)
			}
			if why := m.Kind.Why(&Finding{Partner: c.Partner}, m); why == "" {
				t.Fatalf("%s says nothing", m.Kind.Name)
			}
		}
		for i := range kinds {
			k := &kinds[i]
			n := matches[k]
			switch {
			case c.Probe != access.NoProbe && k.Basis != ByProbes, c.Probe == access.NoProbe && k.Basis != ByAccess:
				if n > 0 {
					t.Fatalf("%s matches what it does not consist of", k.Name)
				}
			case k.Basis == ByAccess && k.Window != w:
				if n > 0 {
					t.Fatalf("%s matches in window %d", k.Name, w)
				}
			case k.Basis == ByAccess && w != Inside:
				if n != 1 {
					t.Fatalf("%s matches %d times: outside the window an access belongs to one kind", k.Name, n)
				}
			default:
				if n > 1 && k.Name != ScopeRetired {
					t.Fatalf("%s matches %d times", k.Name, n)
				}
				if n == 0 && k.WhyNot(c) == "" {
					t.Fatalf("%s does not say why not", k.Name)
				}
			}
			// No kind may panic on a case that others ask it about.
			if k.WhyNot != nil && (k.Basis == ByProbes || w == Inside) {
				harmless(t, k.WhyNot(c), 1024)
			}
		}
	})
}

// harmless fails where a text is not one printable line of bounded length.
func harmless(t *rapid.T, text string, most int) {
	if !utf8.ValidString(text) || len(text) > most {
		t.Fatalf("%q", text)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			t.Fatalf("%q in %q", r, text)
		}
	}
}

func anyFindingAt(t *rapid.T) *Finding {
	counts := rapid.OneOf(rapid.Uint64Range(0, 2), rapid.Uint64())
	counted := rapid.MapOfN(anyWord(), counts, 0, 5)
	optional := rapid.Ptr(counts, true)
	at := func(name string) Coordinate {
		return Coordinate{Time: anyInstant().Draw(t, name), Source: anyWord().Draw(t, name), Offset: rapid.Int64().Draw(t, name)}
	}
	f := &Finding{
		Partner: anyWord().Draw(t, "partner"), Feature: anyWord().Draw(t, "feature"),
		Program: anyWord().Draw(t, "program"), Scope: anyWord().Draw(t, "scope"),
		Principals: rapid.SliceOfN(anyWord(), 0, 6).Draw(t, "principals"),
		Team:       anyWord().Draw(t, "team"), Owner: anyWord().Draw(t, "owner"),
		Since: anyInstant().Draw(t, "since"), Sunset: anyInstant().Draw(t, "sunset"), GraceUntil: anyInstant().Draw(t, "grace"),
		FirstEvent: at("first"), LastEvent: at("last"),
		Events: counts.Draw(t, "events"), EventsAfterGrace: optional.Draw(t, "after grace"), Attempts: counts.Draw(t, "attempts"),
		People: counts.Draw(t, "people"), PeopleExact: rapid.Bool().Draw(t, "exact"), ProbeDays: optional.Draw(t, "probe days"),
		Operations: counted.Draw(t, "operations"), Scopes: counted.Draw(t, "scopes"),
	}
	for _, o := range []string{"read", "list", "write", "delete", "other"} {
		if n := counts.Draw(t, o); n > 0 {
			f.Operations[o] = n
		}
	}
	if rapid.Bool().Draw(t, "bounds") {
		f.Bounds = &Bounds{}
	}
	if rapid.IntRange(0, 9).Draw(t, "bare") == 0 {
		f = &Finding{}
	}
	return f
}

// Whatever events and files say, a sentence is one line of bounded length, for
// any finding, and it neither fails nor changes the finding.
func TestSentencesAreHarmless(t *testing.T) {
	kinds := Kinds()
	rapid.Check(t, func(t *rapid.T) {
		f := anyFindingAt(t)
		last := &Match{Since: anyInstant().Draw(t, "last since"), Until: anyInstant().Draw(t, "last until"), Terms: anyTerms(t)}
		scopes, principals := maps.Clone(f.Scopes), slices.Clone(f.Principals)
		for i := range kinds {
			why := kinds[i].Why(f, last)
			harmless(t, why, 4096)
			if why == "" || why[len(why)-1] != '.' {
				t.Fatalf("%s: no sentence: %s", kinds[i].Name, why)
			}
			if s := kinds[i].Severity(f); s > Critical {
				t.Fatalf("%s: severity %d", kinds[i].Name, s)
			}
		}
		if !maps.Equal(scopes, f.Scopes) || !slices.Equal(principals, f.Principals) {
			t.Fatal("a sentence changed its finding")
		}
	})
}
