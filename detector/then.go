package detector

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Then judges facts as a running system would have, with every event arriving at
// its event time and every revision revealed when it was recorded.
//
// It does not go through events. What is known of a group changes only where
// something of it is recorded, and what its facts say only grows in between. So it
// is enough to judge a group at its own instants, with the facts before each: what
// opens in between opens with its first access. A few findings end by an access
// without a trace of when: they are looked for, and the facts are to be counted
// once more, with cuts there.
type Then struct {
	registry *registry.Snapshot
	rules    *rules.RuleSet
	known    access.Instant // what was recorded after it is never revealed
	extra    map[group][]access.Instant
	scopes   []access.Instant
	recorded []access.Instant // in rising order
}

// NewThen judges by s and by the rule file's set, which may be nil, and reveals
// what was recorded by knownAt.
func NewThen(s *registry.Snapshot, set *rules.RuleSet, knownAt access.Instant) *Then {
	t := &Then{registry: s, rules: set, known: knownAt, extra: map[group][]access.Instant{}, scopes: s.ScopeInstants()}
	for _, at := range s.Recordings() {
		if at <= knownAt {
			t.recorded = append(t.recorded, at)
		}
	}
	return t
}

// Cuts are the terms by which facts are to be cut.
func (t *Then) Cuts() ledger.Terms { return thenCuts{Cuts(t.registry, t.rules), t} }

type thenCuts struct {
	ledger.Terms
	then *Then
}

// Instants is that of ledger.Terms. All cells of a group have the same ones, or
// more.
func (c thenCuts) Instants(principal, feature string, scopes []string) []access.Instant {
	t := c.then
	at := slices.Clone(c.Terms.Instants(principal, feature, scopes))
	at = append(at, t.scopes...)
	for _, partner := range t.registry.Owners(principal) {
		at = append(at, t.instants(group{partner: partner, feature: feature})...)
	}
	at = append(at, t.instants(group{rules.Unregistered, principal, feature})...)
	slices.Sort(at)
	at = slices.Compact(at)
	// What happens in the instant of a recording is judged by what it says.
	for _, i := range at {
		if _, recorded := slices.BinarySearch(t.recorded, i); recorded {
			at = append(at, i+1)
		}
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// instants of a group that its registration, its principals and earlier judgements
// give.
func (t *Then) instants(g group) []access.Instant {
	at := slices.Clone(t.extra[g])
	if r := t.registry.Registration(g.partner, g.feature); r != nil {
		at = append(at, t.registry.RegistrationInstants(r)...)
	}
	if p := t.registry.Partner(g.partner); p != nil {
		for _, a := range p.Principals {
			for _, i := range []access.Instant{a.From, a.Until} {
				if i != access.Beginning && i != access.End {
					at = append(at, i)
				}
			}
		}
	}
	return at
}

// Watch are the instants that Arrivals are to watch.
func (t *Then) Watch() []access.Instant {
	at := slices.Clone(t.scopes)
	for _, r := range t.registry.Registrations() {
		at = append(at, t.instants(group{partner: r.Partner, feature: r.Feature})...)
	}
	for g := range t.extra {
		at = append(at, t.instants(g)...)
	}
	for _, i := range t.recorded {
		at = append(at, i, i+1)
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// mostTries is how often facts are counted at the most. What is looked for then
// still is approximate.
const mostTries = 8

// Judge judges facts that Cuts cut, whose events arrivals noted. now is the time
// of the last judgement. again says that the facts are to be counted once more, by
// what Cuts and Watch are now.
func (t *Then) Judge(facts Facts, arrivals *Arrivals, now access.Instant) (findings []*rules.Finding, again bool) {
	for range mostTries {
		s := t.simulation(facts, arrivals)
		s.end = now
		s.run()
		more := false
		for g, at := range s.wanted {
			all := append(slices.Clone(t.extra[g]), at...)
			slices.Sort(all)
			if all = slices.Compact(all); len(all) > len(t.extra[g]) {
				t.extra[g], more = all, true
			}
		}
		findings = s.detector.Findings()
		if again = s.uncut; !more {
			return findings, again
		}
		again = true
	}
	return findings, again
}

// savedGroup is a group with what Judge found out of it.
type savedGroup struct {
	Partner, Principal, Feature string
	Extra                       []access.Instant
}

// Save is what Judge found out, for Load.
func (t *Then) Save() ([]byte, error) {
	var all []savedGroup
	for g, at := range t.extra {
		all = append(all, savedGroup{g.partner, g.principal, g.feature, at})
	}
	return json.Marshal(all)
}

// Load takes up what Save gave.
func (t *Then) Load(data []byte) error {
	var all []savedGroup
	if err := json.Unmarshal(data, &all); err != nil {
		return fmt.Errorf("saved instants: %w", err)
	}
	for _, g := range all {
		t.extra[group{g.Partner, g.Principal, g.Feature}] = g.Extra
	}
	return nil
}

// earlier are the facts as they were before an instant.
type earlier struct {
	Facts
	arrivals *Arrivals
	instant  access.Instant
	torn     func(access.Instant) // told where the facts are not cut
}

// Earliest is that of Facts.
func (b *earlier) Earliest() access.Instant {
	if e := b.Facts.Earliest(); e < b.instant {
		return e
	}
	return access.End
}

// Latest is that of Facts.
func (b *earlier) Latest() access.Instant {
	last, _ := b.arrivals.Before(b.instant)
	return last
}

// TakeDirty is that of Facts.
func (b *earlier) TakeDirty() iter.Seq2[string, string] { return func(func(string, string) bool) {} }

// Judged is that of Facts.
func (b *earlier) Judged() []ledger.Judged { return b.arrivals.judged(b.instant, b.Facts.Judged()) }

// Cells is that of Facts.
func (b *earlier) Cells(principal, feature string) []*ledger.Cell {
	all := b.Facts.Cells(principal, feature)
	if b.instant == access.End {
		return all
	}
	then := make([]*ledger.Cell, len(all))
	for i, c := range all {
		var whole bool
		if then[i], whole = c.Before(b.instant); !whole {
			b.torn(b.instant)
		}
	}
	return then
}

// simulation is one walk through time.
type simulation struct {
	*Then
	facts    Facts
	arrivals *Arrivals
	detector *Detector
	view     *earlier
	group    group
	began    access.Instant           // since when what is judged happened, or was known
	reached  map[group]access.Instant // up to which each was judged
	end      access.Instant           // the time of judgement that was asked for
	wanted   map[group][]access.Instant
	uncut    bool // some of wanted are not cuts of the facts
}

func (t *Then) simulation(facts Facts, arrivals *Arrivals) *simulation {
	s := &simulation{Then: t, facts: facts, arrivals: arrivals, reached: map[group]access.Instant{}, wanted: map[group][]access.Instant{}}
	s.view = &earlier{Facts: facts, arrivals: arrivals, torn: func(at access.Instant) {
		s.want(at)
		s.uncut = true
	}}
	s.detector, _ = New(Options{Facts: s.view}) // it has what is required
	return s
}

// want has the group at hand judged at an instant too.
func (s *simulation) want(at access.Instant) { s.wanted[s.group] = append(s.wanted[s.group], at) }

// exactly is what arrivals answer; where they do not know, they watch next time.
func (s *simulation) exactly(at access.Instant, answer func(access.Instant) (access.Instant, bool)) access.Instant {
	t, exact := answer(at)
	if !exact {
		s.want(at)
		s.uncut = true
	}
	return t
}

// moment is an instant with the groups that are to be judged there.
type moment struct {
	at     access.Instant
	groups []group
}

func (s *simulation) run() {
	groups := map[group]struct{}{}
	s.know(s.registry)
	s.detector.everything(groups)
	s.know(s.registry.KnownAt(access.Beginning))
	latest, _ := s.arrivals.Before(access.End)
	for _, m := range s.moments(groups) {
		for _, g := range m.groups {
			s.step(g, m.at)
		}
		_, recorded := slices.BinarySearch(s.recorded, m.at)
		if recorded {
			s.know(s.registry.KnownAt(m.at))
		}
		for _, g := range m.groups {
			switch {
			case recorded:
				s.reveal(g, m.at)
			case m.at == s.end && s.end > latest:
				s.group, s.began = g, s.end
				s.judge(g, access.End, s.end, func(*rules.Finding, *rules.Finding) access.Instant { return s.end })
			}
		}
	}
	for _, g := range sortedGroups(groups) {
		s.step(g, access.End)
	}
}

func (s *simulation) know(r *registry.Snapshot) {
	s.detector.judge.registry, s.detector.judge.owners = r, ownersOf(r)
	s.detector.judge.rules = s.rules
}

// moments are all instants in rising order at which a group is judged.
func (s *simulation) moments(groups map[group]struct{}) []moment {
	by := map[access.Instant]int{}
	var all []moment
	owners := ownersOf(s.registry)
	for _, g := range sortedGroups(groups) {
		s.group = g
		at := s.instants(g)
		for _, principal := range owners.principals(g) {
			for _, c := range s.facts.Cells(principal, g.feature) {
				at = append(at, c.Cuts()...)
			}
		}
		at = append(at, s.silences(g, at)...)
		at = append(at, s.unseen()...)
		at = append(at, s.end)
		slices.Sort(at)
		for _, i := range slices.Compact(at) {
			if _, recorded := slices.BinarySearch(s.recorded, i); !recorded && i > s.facts.Latest() && i != s.end || i == access.Beginning {
				continue
			}
			n, met := by[i]
			if !met {
				n = len(all)
				by[i] = n
				all = append(all, moment{at: i})
			}
			all[n].groups = append(all[n].groups, g)
		}
	}
	slices.SortFunc(all, func(a, b moment) int {
		if a.at < b.at {
			return -1
		}
		return 1
	})
	return all
}

func sortedGroups(groups map[group]struct{}) []group {
	var all []group
	for g := range groups {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b group) int {
		if c := strings.Compare(a.partner, b.partner); c != 0 {
			return c
		}
		if c := strings.Compare(a.principal, b.principal); c != 0 {
			return c
		}
		return strings.Compare(a.feature, b.feature)
	})
	return all
}

// step judges a group with all that happened before an instant, by what is known.
func (s *simulation) step(g group, before access.Instant) {
	s.group = g
	began, met := s.reached[g]
	if !met {
		began = access.Beginning
	}
	s.reached[g] = before
	last := s.exactly(before, s.arrivals.Before)
	if last == access.Beginning || last < began {
		return // nothing happened
	}
	s.began = began
	first := access.End // of all events since
	s.judge(g, before, last, func(was, f *rules.Finding) access.Instant {
		if f != nil && f.FirstEvent != (rules.Coordinate{}) && f.FirstEvent.Time >= began {
			return f.FirstEvent.Time
		}
		if first == access.End {
			first = s.exactly(began, s.arrivals.Next)
		}
		return first
	})
	s.endings(g, began)
}

// reveal judges a group at the instant at which something of it was recorded.
func (s *simulation) reveal(g group, at access.Instant) {
	s.group = g
	before := at
	if first, _ := s.arrivals.Next(at); first == at {
		before = at + 1 // what happened in this instant
	}
	last, _ := s.arrivals.Before(before)
	if last == access.Beginning {
		return
	}
	if at >= s.end {
		last = s.end
	}
	s.began = at
	s.judge(g, before, last, func(*rules.Finding, *rules.Finding) access.Instant { return at })
}

// judge judges a group with the facts before an instant, at a time of judgement.
// when says when a finding opened, or, with a nil finding, was withdrawn.
func (s *simulation) judge(g group, before, now access.Instant, when func(was, f *rules.Finding) access.Instant) {
	d := s.detector
	s.view.instant = before
	d.now, d.judged, d.began = now, s.view.Judged(), s.view.Earliest()
	sums, _ := d.judge.of(g, now)
	known := slices.Clone(d.groups[g])
	var found, gained []string
	for _, sum := range sums {
		if d.unverified(sum) {
			continue
		}
		f := d.finding(g, sum)
		was := d.lives[f.ID]
		d.conclude(g, was, f, sum)
		found = append(found, f.ID)
		if was == nil || was.State == rules.Withdrawn || was.Events < f.Events {
			gained = append(gained, f.Kind)
		}
		s.keep(was, f, sum, when)
	}
	slices.Sort(gained)
	for _, id := range known {
		was := d.lives[id]
		if was.State == rules.Withdrawn || slices.Contains(found, id) {
			continue
		}
		d.withdraw(was, gained, when(was, nil))
		if was.Kind == rules.RetainedCapability {
			s.turns(was)
		}
	}
}
