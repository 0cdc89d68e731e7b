package registry_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// known is the model as if what was recorded after k had never been written. A
// program stays, with a revision that says nothing where it has none.
func (m *model) known(k access.Instant) *model {
	then := &model{partners: m.partners}
	filtered := func(entries []modelEntry) (all []modelEntry) {
		for _, e := range entries {
			e.revisions = slices.DeleteFunc(slices.Clone(e.revisions), func(r modelRevision) bool {
				return r.recorded != nil && *r.recorded > k
			})
			all = append(all, e)
		}
		return all
	}
	silent := func(e modelEntry) bool { return len(e.revisions) == 0 }
	then.programs = filtered(m.programs)
	for i := range then.programs {
		if p := &then.programs[i]; silent(*p) {
			p.revisions = []modelRevision{{by: "nobody"}}
		}
	}
	then.scopes = slices.DeleteFunc(filtered(m.scopes), silent)
	then.registrations = slices.DeleteFunc(filtered(m.registrations), silent)
	return then
}

// A set as known at k answers as the set without what was recorded later, and
// as the whole one does when asked about k.
func TestKnownAtAgreesWithModel(t *testing.T) {
	shared, absent := 0, 0
	for seed := range uint64(25) {
		g := generator{rand.New(rand.NewPCG(seed, 4))}
		m := g.model()
		whole := compiled(t, m, g)
		hash := whole.Hash()
		for _, k := range g.pick(moments(), 8) {
			s, then := whole.KnownAt(k), m.known(k)
			written := compiled(t, then, g)
			if len(s.Registrations()) != len(then.registrations) || len(s.Partners()) != len(m.partners) {
				t.Fatalf("seed %d as known at %s: %d registrations of %d partners, want %d of %d", seed, k,
					len(s.Registrations()), len(s.Partners()), len(then.registrations), len(m.partners))
			}
			for i := range m.registrations {
				e := &m.registrations[i]
				r := s.Registration(e.partner, e.feature)
				if (r != nil) != e.exists(k) {
					t.Fatalf("seed %d: %s x %s as known at %s: %v", seed, e.partner, e.feature, k, r)
				}
				if r == nil {
					absent++
					continue
				}
				original := whole.Registration(e.partner, e.feature)
				if r == original {
					shared++
				}
				if got, want := r.Revisions(), written.Registration(e.partner, e.feature).Revisions(); len(got) != len(want) {
					t.Fatalf("seed %d: %s x %s as known at %s has %d revisions, want %d", seed, e.partner, e.feature, k, len(got), len(want))
				}
				for _, at := range moments() {
					want, _ := m.terms(e, at, k)
					terms, ok := s.TermsAt(r, at, access.End)
					if !ok || !equal(shown(terms), want) {
						t.Fatalf("seed %d: %s x %s at %s as known at %s:\n got %v %+v\nwant %+v", seed, e.partner, e.feature, at, k, ok, terms, want)
					}
					if asked, _ := whole.TermsAt(original, at, k); !reflect.DeepEqual(asked, terms) {
						t.Fatalf("seed %d: %s x %s at %s as known at %s: the whole set answers\n%+v\nnot\n%+v", seed, e.partner, e.feature, at, k, asked, terms)
					}
				}
			}
			for _, at := range moments() {
				then.checkLookup(t, s, seed, at)
				if got, want := s.Retirements(at, access.End), whole.Retirements(at, k); !slices.Equal(got, want) {
					t.Fatalf("seed %d: retired at %s as known at %s: got %v, want %v", seed, at, k, got, want)
				}
			}
			for _, feature := range []string{"msg", "posts", "unknown"} {
				if got, want := s.KnownFeature(feature), written.KnownFeature(feature); got != want {
					t.Fatalf("seed %d as known at %s: feature %s known: %v", seed, k, feature, got)
				}
				for _, principal := range []string{"app-0", "app-1", "app-unknown"} {
					scopes := g.some("user.global_id", "user.name", "posts.read")
					if got, want := s.Instants(principal, feature, scopes), written.Instants(principal, feature, scopes); !slices.Equal(got, want) {
						t.Fatalf("seed %d as known at %s: instants of %s x %s\n got %v\nwant %v", seed, k, principal, feature, got, want)
					}
				}
			}
			if got, want := s.Recordings(), written.Recordings(); !slices.Equal(got, want) {
				t.Fatalf("seed %d as known at %s: recordings %v, want %v", seed, k, got, want)
			}
			checkSame(t, s, written, then)
			if later := m.known(access.End); len(s.Recordings()) < len(whole.Recordings()) {
				c, want := s.Changes(whole), written.Changes(compiled(t, later, g))
				if !reflect.DeepEqual(c, want) && !silentProgram(m, k) {
					t.Fatalf("seed %d as known at %s: changes %+v, want %+v", seed, k, c, want)
				}
			}
		}
		if again := compiled(t, m, g); again.Hash() != hash || !reflect.DeepEqual(whole.Changes(again), registry.Changes{}) {
			t.Fatalf("seed %d: looking back changed the set", seed)
		}
		if whole.KnownAt(access.End) != whole {
			t.Fatal("all that is known is another set")
		}
	}
	if shared == 0 || absent == 0 {
		t.Fatalf("%d registrations were shared, %d did not exist yet: the test meets too little", shared, absent)
	}
}

// checkSame holds that nothing differs between what is known and what was
// written, but for programs of which nothing is known.
func checkSame(t *testing.T, s, written *registry.Snapshot, then *model) {
	t.Helper()
	for _, p := range then.programs {
		if len(p.revisions) == 1 && p.revisions[0].by == "nobody" {
			return
		}
	}
	if c := s.Changes(written); !c.None() || s.Hash() != written.Hash() {
		t.Fatalf("known and written differ: %+v", c)
	}
}

func silentProgram(m *model, k access.Instant) bool {
	return slices.ContainsFunc(m.programs, func(p modelEntry) bool { return !p.exists(k) })
}

func TestRecordings(t *testing.T) {
	for seed := range uint64(25) {
		g := generator{rand.New(rand.NewPCG(seed, 5))}
		m := g.model()
		want := []access.Instant{}
		for _, entries := range [][]modelEntry{m.programs, m.scopes, m.registrations} {
			for _, e := range entries {
				for _, r := range e.revisions {
					if r.recorded != nil {
						want = append(want, *r.recorded)
					}
				}
			}
		}
		slices.Sort(want)
		if got := compiled(t, m, g).Recordings(); !slices.Equal(got, slices.Compact(want)) {
			t.Fatalf("seed %d: %v, want %v", seed, got, want)
		}
	}
}
