package registry_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// The model is a set as a person would write it down, and answers by searching
// it from scratch for every question, sentence by sentence.
type model struct {
	partners      []modelPartner
	programs      []modelEntry // name
	scopes        []modelEntry // name
	registrations []modelEntry // partner, feature, program
}

type modelPartner struct {
	name, owner string
	aliases     []registry.Alias
}

type modelEntry struct {
	name, partner, feature, program string
	revisions                       []modelRevision
}

type modelRevision struct {
	recorded, effective *access.Instant
	by                  string
	fields              map[string]any // nil: null
}

// "The terms at event time T, as known at K: for each field, the value named by
// the last-recorded revision with recorded <= K and effective <= T that names
// that field." "Equal recorded: the later line wins." Absent recorded: known
// since always; absent effective: all event times.
func (e *modelEntry) value(field string, t, k access.Instant) (value any, by string) {
	var best *modelRevision
	for i := range e.revisions {
		r := &e.revisions[i]
		_, names := r.fields[field]
		if !names || r.recorded != nil && *r.recorded > k || r.effective != nil && *r.effective > t {
			continue
		}
		if best == nil || best.recorded == nil || r.recorded != nil && *r.recorded >= *best.recorded {
			best = r
		}
	}
	if best == nil {
		return nil, ""
	}
	return best.fields[field], best.by
}

// "A registration none of whose revisions is recorded by K does not exist yet
// at K."
func (e *modelEntry) exists(k access.Instant) bool {
	for _, r := range e.revisions {
		if r.recorded == nil || *r.recorded <= k {
			return true
		}
	}
	return false
}

func (e *modelEntry) ending(t, k access.Instant) (sunset, graceUntil access.Instant, by string) {
	s, by := e.value("sunset", t, k)
	if s == nil {
		return access.End, access.End, by
	}
	grace, _ := e.value("grace", t, k)
	if grace == nil {
		grace = time.Duration(0)
	}
	return s.(access.Instant), s.(access.Instant) + access.Instant(grace.(time.Duration)), by
}

// terms in a form that shows in a failure.
type modelTerms struct {
	From, Sunset, GraceUntil access.Instant
	Program                  string
	Deprecation              access.Instant
	Pauses                   []registry.Pause
	Inbound                  bool
	Requires                 registry.Requirement
	Operations               []access.Operation
	Scopes                   []string
	SunsetBy, GraceBy, FromBy,
	ScopesBy, OperationsBy string
}

func (m *model) terms(e *modelEntry, t, k access.Instant) (terms modelTerms, ok bool) {
	if !e.exists(k) {
		return terms, false
	}
	terms = modelTerms{From: access.Beginning, Deprecation: access.End}
	if v, by := e.value("from", t, k); v != nil {
		terms.From, terms.FromBy = v.(access.Instant), by
	} else {
		terms.FromBy = by
	}
	if v, _ := e.value("deprecation", t, k); v != nil {
		terms.Deprecation = v.(access.Instant)
	}
	if v, _ := e.value("pauses", t, k); v != nil {
		terms.Pauses = v.([]registry.Pause)
	}
	if v, _ := e.value("inbound", t, k); v != nil {
		terms.Inbound = v.(bool)
	}
	if v, _ := e.value("requires", t, k); v != nil {
		terms.Requires = v.(registry.Requirement)
	}
	v, by := e.value("operations", t, k)
	if terms.OperationsBy = by; v != nil {
		terms.Operations = v.([]access.Operation)
	}
	v, by = e.value("scopes", t, k)
	if terms.ScopesBy = by; v != nil {
		terms.Scopes = v.([]string)
	}
	// "A registration's effective sunset is the earlier of its own and its
	// program's; where they are equal, its own." "Grace: of whichever that sunset
	// belongs to."
	terms.Sunset, terms.GraceUntil, terms.SunsetBy = e.ending(t, k)
	_, terms.GraceBy = e.value("grace", t, k)
	for i := range m.programs {
		if p := &m.programs[i]; p.name == e.program {
			if sunset, graceUntil, by := p.ending(t, k); sunset < terms.Sunset {
				terms.Sunset, terms.GraceUntil, terms.SunsetBy, terms.Program = sunset, graceUntil, by, p.name
				_, terms.GraceBy = p.value("grace", t, k)
			}
		}
	}
	return terms, true
}

func shown(t *registry.Terms) modelTerms {
	by := func(f registry.Field) string {
		if t.Decided[f] == nil {
			return ""
		}
		return t.Decided[f].By
	}
	return modelTerms{t.From, t.Sunset, t.GraceUntil, t.Program, t.Deprecation, t.Pauses, t.Inbound, t.Requires,
		t.Operations, t.Scopes, by(registry.Sunset), by(registry.Grace), by(registry.From), by(registry.Scopes), by(registry.Operations)}
}

// "Alias windows are half-open." "A principal after its alias's until still
// counts for its last owner."
func (m *model) owner(principal string, t access.Instant) (partner string, current bool) {
	last := access.Beginning
	for _, p := range m.partners {
		for _, a := range p.aliases {
			if a.Principal != principal {
				continue
			}
			if a.From <= t && (t < a.Until || a.Until == access.End) {
				return p.name, true
			}
			if a.Until <= t && a.Until > last {
				partner, last = p.name, a.Until
			}
		}
	}
	return partner, false
}

func (m *model) retired(t, k access.Instant) []string {
	var all []string
	for i := range m.scopes {
		e := &m.scopes[i]
		if sunset, graceUntil, by := e.ending(t, k); e.exists(k) && sunset != access.End && sunset <= t {
			all = append(all, fmt.Sprint(e.name, sunset, graceUntil, by))
		}
	}
	slices.Sort(all)
	return all
}

// Model time: a few days in quarters, so that instants meet often.
const (
	quarter = 6 * access.Hour
	days    = 24
)

func day(n int) access.Instant { return at2014 + access.Instant(n)*access.OneDay }

const at2014 = access.Instant(1_388_534_400_000_000_000)

type generator struct{ *rand.Rand }

func (g generator) chance(percent int) bool { return g.IntN(100) < percent }

func (g generator) some(words ...string) []string {
	out := []string{}
	for _, w := range words {
		if g.chance(40) {
			out = append(out, w)
		}
	}
	return out
}

func (g generator) model() *model {
	m := &model{}
	partners := []string{"amazon", "bing", "netflix"}
	for _, name := range partners {
		m.partners = append(m.partners, modelPartner{name: name, owner: "o@example.com"})
	}
	for p := range 4 {
		for from := g.IntN(6) - 3; from < days; {
			a := registry.Alias{Principal: fmt.Sprintf("app-%d", p), From: access.Beginning, Until: access.End}
			if from > 0 {
				a.From = day(from)
			}
			until := max(from, 0) + 1 + g.IntN(10)
			if until < days {
				a.Until = day(until)
			}
			owner := &m.partners[g.IntN(len(partners))]
			owner.aliases = append(owner.aliases, a)
			from = until + g.IntN(2)*g.IntN(4)
		}
	}
	for _, name := range []string{"personalization", "platform"} {
		m.programs = append(m.programs, modelEntry{name: name, revisions: g.revisions(true)})
	}
	for _, name := range []string{"user.global_id", "user.*", "posts.read"} {
		m.scopes = append(m.scopes, modelEntry{name: name, revisions: g.revisions(true)})
	}
	for _, partner := range partners {
		for _, feature := range []string{"msg", "posts"} {
			if g.chance(80) {
				e := modelEntry{partner: partner, feature: feature, revisions: g.revisions(false)}
				if g.chance(50) {
					e.program = m.programs[g.IntN(2)].name
				}
				m.registrations = append(m.registrations, e)
			}
		}
	}
	return m
}

func (g generator) revisions(endingOnly bool) []modelRevision {
	all := make([]modelRevision, 1+g.IntN(5)*(1+g.IntN(2)*g.IntN(3)))
	var recorded *access.Instant
	for i := range all {
		r := &all[i]
		if recorded != nil && g.chance(30) {
			// equal to the one before
		} else if recorded != nil || g.chance(60) {
			next := day(g.IntN(5))
			if recorded != nil {
				next = *recorded + access.Instant(g.IntN(3))*access.OneDay
			}
			recorded = &next
		}
		r.recorded = recorded
		if i > 0 && g.chance(60) {
			effective := day(g.IntN(days))
			r.effective = &effective
		}
		r.by = fmt.Sprintf("by-%d", i)
		r.fields = map[string]any{}
		field := func(name string, value func() any) {
			if !g.chance(40) {
				return
			}
			if r.fields[name] = nil; g.chance(80) {
				r.fields[name] = value()
			}
		}
		field("sunset", func() any { return day(8 + g.IntN(12)) })
		field("grace", func() any { return time.Duration(g.IntN(12)) * time.Duration(quarter) })
		if endingOnly {
			continue
		}
		field("from", func() any { return day(g.IntN(6)) })
		field("deprecation", func() any { return day(6 + g.IntN(2)) })
		field("pauses", func() any {
			pauses := []registry.Pause{}
			for range g.IntN(3) {
				from := day(g.IntN(days))
				pauses = append(pauses, registry.Pause{From: from, Until: from + access.Instant(1+g.IntN(6))*quarter, Why: "brownout"})
			}
			slices.SortFunc(pauses, func(a, b registry.Pause) int {
				return int((a.From-b.From)/quarter)*100 + int((a.Until-b.Until)/quarter)
			})
			return pauses
		})
		field("operations", func() any {
			all := []access.Operation{}
			for _, w := range g.some("read", "list", "write", "delete") {
				o, _ := access.ParseOperation([]byte(w))
				all = append(all, o)
			}
			return all
		})
		field("scopes", func() any { return g.some("messages.write", "posts.*", "user.global_id") })
		field("inbound", func() any { return g.chance(50) })
		field("requires", func() any { return registry.Requirement(g.IntN(8)) })
	}
	return all
}

// yaml writes the model as registration files: partners and the rest apart, in
// any order.
func (m *model) yaml(g generator) []registry.File {
	var a, b strings.Builder
	a.WriteString("version: 1\npartners:\n")
	for _, p := range m.partners {
		fmt.Fprintf(&a, "  - name: %s\n    owner: %s\n    principals:\n", p.name, p.owner)
		for _, alias := range p.aliases {
			fmt.Fprintf(&a, "      - {id: %s%s%s}\n", alias.Principal, open("from", alias.From), open("until", alias.Until))
		}
		if len(p.aliases) == 0 {
			a.WriteString("      []\n")
		}
	}
	b.WriteString("version: 1\n")
	for section, entries := range map[string][]modelEntry{"programs": m.programs, "scopes": m.scopes, "registrations": m.registrations} {
		fmt.Fprintf(&b, "%s:\n", section)
		for _, e := range g.shuffled(entries) {
			if e.name != "" {
				fmt.Fprintf(&b, "  - name: %q\n", e.name)
			} else {
				fmt.Fprintf(&b, "  - partner: %s\n    feature: %s\n", e.partner, e.feature)
			}
			if e.program != "" {
				fmt.Fprintf(&b, "    program: %s\n", e.program)
			}
			if len(e.revisions) == 1 && g.chance(50) {
				e.revisions[0].write(&b, "    ", "    ")
				continue
			}
			b.WriteString("    revisions:\n")
			for _, r := range e.revisions {
				r.write(&b, "      - ", "        ")
			}
		}
	}
	files := []registry.File{{Name: "partners.yml", Data: []byte(a.String())}, {Name: "registrations.yml", Data: []byte(b.String())}}
	if g.chance(50) {
		slices.Reverse(files)
	}
	return files
}

func (g generator) shuffled(entries []modelEntry) []modelEntry {
	out := slices.Clone(entries)
	g.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func (r *modelRevision) write(b *strings.Builder, first, indent string) {
	fmt.Fprintf(b, "%sby: %s\n", first, r.by)
	if r.recorded != nil {
		fmt.Fprintf(b, "%srecorded: %s\n", indent, *r.recorded)
	}
	if r.effective != nil {
		fmt.Fprintf(b, "%seffective: %s\n", indent, *r.effective)
	}
	for name, value := range r.fields {
		fmt.Fprintf(b, "%s%s: %s\n", indent, name, written(value))
	}
}

func written(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case time.Duration:
		return fmt.Sprintf("%dh", v/time.Hour)
	case []registry.Pause:
		var all []string
		for _, p := range v {
			all = append(all, fmt.Sprintf("{from: %s, until: %s, why: %s}", p.From, p.Until, p.Why))
		}
		return "[" + strings.Join(all, ", ") + "]"
	case registry.Requirement:
		var all []string
		for i, w := range []string{"consent", "own_data", "indicator"} {
			if v&(1<<i) != 0 {
				all = append(all, w)
			}
		}
		return "[" + strings.Join(all, ", ") + "]"
	case []access.Operation:
		return strings.ReplaceAll(fmt.Sprint(v), " ", ", ")
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	}
	return fmt.Sprint(value)
}

func open(key string, i access.Instant) string {
	if i == access.Beginning || i == access.End {
		return ""
	}
	return fmt.Sprintf(", %s: %s", key, i)
}

// Event times and times of knowledge that are asked for.
func moments() []access.Instant {
	all := []access.Instant{access.Beginning, access.End}
	for d := -1; d <= days+4; d++ {
		all = append(all, day(d)-1, day(d), day(d)+quarter)
	}
	slices.Sort(all)
	return all
}

func compiled(t *testing.T, m *model, g generator) *registry.Snapshot {
	t.Helper()
	files := m.yaml(g)
	s, problems := registry.Read(files, registry.Options{Now: access.End})
	if s == nil {
		t.Fatalf("%s\n%s\n%s", problems, files[0].Data, files[1].Data)
	}
	return s
}

func TestSnapshotAgreesWithModel(t *testing.T) {
	for seed := range uint64(25) {
		g := generator{rand.New(rand.NewPCG(seed, 1))}
		m := g.model()
		s := compiled(t, m, g)
		if n := len(s.Registrations()); n != len(m.registrations) {
			t.Fatalf("seed %d: %d registrations, want %d", seed, n, len(m.registrations))
		}
		all := moments()
		for i := range m.registrations {
			e := &m.registrations[i]
			r := s.Registration(e.partner, e.feature)
			for _, at := range all {
				for _, k := range append(g.pick(all, 6), access.End) {
					want, exists := m.terms(e, at, k)
					terms, ok := s.TermsAt(r, at, k)
					if ok != exists || ok && !equal(shown(terms), want) {
						t.Fatalf("seed %d: %s x %s at %s as known at %s:\n got %v %+v\nwant %v %+v", seed, e.partner, e.feature, at, k, ok, terms, exists, want)
					}
				}
			}
		}
		for _, at := range all {
			for _, k := range all {
				var got []string
				for _, r := range s.Retirements(at, k) {
					by := ""
					if r.Decided != nil {
						by = r.Decided.By
					}
					got = append(got, fmt.Sprint(r.Name, r.Sunset, r.GraceUntil, by))
				}
				slices.Sort(got)
				if want := m.retired(at, k); !slices.Equal(got, want) {
					t.Fatalf("seed %d: retired at %s as known at %s: got %v, want %v", seed, at, k, got, want)
				}
			}
			m.checkLookup(t, s, seed, at)
		}
	}
}

func equal(a, b modelTerms) bool {
	if (a.Operations == nil) != (b.Operations == nil) || (a.Scopes == nil) != (b.Scopes == nil) {
		return false
	}
	if len(a.Pauses)+len(b.Pauses) == 0 {
		a.Pauses, b.Pauses = nil, nil
	}
	return reflect.DeepEqual(a, b)
}

func (g generator) pick(all []access.Instant, n int) []access.Instant {
	out := make([]access.Instant, n)
	for i := range out {
		out[i] = all[g.IntN(len(all))]
	}
	return out
}

func (m *model) checkLookup(t *testing.T, s *registry.Snapshot, seed uint64, at access.Instant) {
	t.Helper()
	for _, principal := range []string{"app-0", "app-1", "app-2", "app-3", "app-unknown"} {
		partner, current := m.owner(principal, at)
		if got, now := s.Owner(principal, at); got != partner || now != current {
			t.Fatalf("seed %d: owner of %s at %s: got %q %v, want %q %v", seed, principal, at, got, now, partner, current)
		}
		id, ok := s.PrincipalID(principal)
		if !ok {
			continue
		}
		for _, name := range []string{"msg", "posts"} {
			feature, ok := s.FeatureID(name)
			if !ok {
				continue
			}
			match := s.Lookup(id, feature, at)
			if (match.Partner == nil) != (partner == "") || match.Partner != nil && match.Partner.Name != partner || match.Current != current {
				t.Fatalf("seed %d: look-up of %s at %s: %+v", seed, principal, at, match)
			}
			if want := s.Registration(partner, name); match.Registration != want {
				t.Fatalf("seed %d: look-up of %s x %s at %s: %+v", seed, principal, name, at, match)
			} else if want != nil {
				if terms, _ := s.TermsAt(want, at, access.End); match.Terms != terms {
					t.Fatalf("seed %d: look-up of %s x %s at %s: other terms", seed, principal, name, at)
				}
			}
		}
	}
}

// situation is all that a verdict about an access at t, as known at k, depends
// on.
func (m *model) situation(principal, feature string, scopes []string, t, k access.Instant) string {
	var b strings.Builder
	partner, current := m.owner(principal, t)
	fmt.Fprint(&b, partner, current)
	for i := range m.registrations {
		e := &m.registrations[i]
		if e.partner != partner || e.feature != feature {
			continue
		}
		terms, ok := m.terms(e, t, k)
		fmt.Fprintf(&b, " %v %+v %v %v %v", ok, terms, t < terms.From, t >= terms.Sunset, t >= terms.GraceUntil)
		for _, p := range terms.Pauses {
			fmt.Fprint(&b, " ", p.From <= t && t < p.Until)
		}
	}
	for i := range m.scopes {
		e := &m.scopes[i]
		if !slices.ContainsFunc(scopes, func(s string) bool { return registry.Covers(e.name, s) }) {
			continue
		}
		if sunset, graceUntil, by := e.ending(t, k); sunset <= t && sunset != access.End {
			fmt.Fprint(&b, e.name, sunset, by, t >= graceUntil)
		}
	}
	return b.String()
}

// Between two neighbouring instants nothing that a verdict depends on changes,
// neither over event time nor over what is known.
func TestInstantsCutWhereTheModelChanges(t *testing.T) {
	for seed := range uint64(25) {
		g := generator{rand.New(rand.NewPCG(seed, 2))}
		m := g.model()
		s := compiled(t, m, g)
		for _, principal := range []string{"app-0", "app-1", "app-unknown"} {
			feature := []string{"msg", "posts", "unknown"}[g.IntN(3)]
			scopes := g.some("user.global_id", "user.name", "posts.read", "messages.write")
			instants := s.Instants(principal, feature, scopes)
			if !slices.IsSorted(instants) || len(slices.Compact(slices.Clone(instants))) != len(instants) {
				t.Fatalf("seed %d: not a sorted set: %v", seed, instants)
			}
			cut := func(a, b access.Instant) bool { // is there an instant in (a, b]?
				i, _ := slices.BinarySearch(instants, a+1)
				return i < len(instants) && instants[i] <= b
			}
			grid := []access.Instant{day(-1)}
			for grid[len(grid)-1] < day(days+4) {
				grid = append(grid, grid[len(grid)-1]+quarter)
			}
			known := append(g.pick(grid, 6), access.End)
			for i := 1; i < len(grid); i++ {
				if cut(grid[i-1], grid[i]) {
					continue
				}
				for _, k := range known {
					a, b := m.situation(principal, feature, scopes, grid[i-1], k), m.situation(principal, feature, scopes, grid[i], k)
					if a != b {
						t.Fatalf("seed %d: %s x %s: no instant between %s and %s as known at %s, but\n%s\n%s", seed, principal, feature, grid[i-1], grid[i], k, a, b)
					}
				}
				for _, at := range known {
					a, b := m.situation(principal, feature, scopes, at, grid[i-1]), m.situation(principal, feature, scopes, at, grid[i])
					if a != b {
						t.Fatalf("seed %d: %s x %s at %s: no instant between the knowledge of %s and %s, but\n%s\n%s", seed, principal, feature, at, grid[i-1], grid[i], a, b)
					}
				}
			}
		}
	}
}

// What Changes does not name answers the same from both sets.
func TestChangesNameAllThatDiffers(t *testing.T) {
	named := 0
	for seed := range uint64(40) {
		g := generator{rand.New(rand.NewPCG(seed, 3))}
		m := g.model()
		other := *g.model()
		next := *m
		switch g.IntN(4) { // one part of the set is another
		case 0:
			next.partners = other.partners
		case 1:
			next.programs = other.programs
		case 2:
			next.scopes = other.scopes
		case 3:
			next.registrations = slices.Clone(m.registrations)
			if i := g.IntN(len(next.registrations)); len(other.registrations) > 0 {
				next.registrations[i].revisions = other.registrations[0].revisions
			}
		}
		a, b := compiled(t, m, g), compiled(t, &next, g)
		c := a.Changes(b)
		if again := compiled(t, m, g); again.Hash() != a.Hash() || !reflect.DeepEqual(a.Changes(again), registry.Changes{}) {
			t.Fatalf("seed %d: the same set in another order differs", seed)
		}
		named += len(c.Registrations) + len(c.Principals) + len(c.Scopes)
		for _, r := range a.Registrations() {
			if slices.Contains(c.Registrations, registry.Pair{Partner: r.Partner, Feature: r.Feature}) {
				continue
			}
			for _, at := range moments() {
				before, _ := a.TermsAt(r, at, access.End)
				after, _ := b.TermsAt(b.Registration(r.Partner, r.Feature), at, access.End)
				if !equal(shown(before), shown(after)) {
					t.Fatalf("seed %d: %s x %s changed unnamed", seed, r.Partner, r.Feature)
				}
			}
		}
		for _, principal := range []string{"app-0", "app-1", "app-2", "app-3"} {
			if slices.Contains(c.Principals, principal) {
				continue
			}
			for _, at := range moments() {
				p, now := a.Owner(principal, at)
				if q, then := b.Owner(principal, at); p != q || now != then {
					t.Fatalf("seed %d: %s changed unnamed", seed, principal)
				}
			}
		}
		for _, at := range moments() {
			for _, r := range append(a.Retirements(at, access.End), b.Retirements(at, access.End)...) {
				find := func(s *registry.Snapshot) (found registry.Retired) {
					for _, o := range s.Retirements(at, access.End) {
						if o.Name == r.Name {
							found = o
							found.Decided = nil
						}
					}
					return found
				}
				if !slices.Contains(c.Scopes, r.Name) && find(a) != find(b) {
					t.Fatalf("seed %d: scope %s changed unnamed", seed, r.Name)
				}
			}
		}
	}
	if named == 0 {
		t.Fatal("no change was named")
	}
}
