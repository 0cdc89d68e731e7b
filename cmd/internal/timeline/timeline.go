package timeline

import (
	"cmp"
	"slices"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Facts is what is read of the ledger.
type Facts interface {
	Served(principal, feature string) []ledger.Served
}

// Stage is where an instant lies in the terms of a registration.
type Stage uint8

// The stages.
const (
	Unregistered Stage = iota // no registration, or the principal belongs to nobody
	Planned                   // before from
	Granted
	Paused
	Grace // at or after the sunset
	Ended // at or after the end of grace
)

var stageWords = [...]string{"unregistered", "planned", "granted", "paused", "grace", "ended"}

// String is the word of a stage.
func (s Stage) String() string {
	if int(s) < len(stageWords) {
		return stageWords[s]
	}
	return "invalid"
}

// Band is a stretch of event time in one stage: [From, Until), either of which may
// be open.
type Band struct {
	Stage
	From, Until access.Instant
	Why         string // of a pause
}

// Accesses are those of a UTC day, or of a part of one where terms changed in it;
// of a month where the facts know no days.
type Accesses struct {
	Stage
	From, Until access.Instant
	Events      uint64
	Found       uint64 // of them, those that a finding is about
	Wrong       uint64 // of them, those that any finding is about, where facts say so
}

// Timeline is one registration, or one finding, over event time.
type Timeline struct {
	Bands    []Band     // in rising order, covering all of event time
	Accesses []Accesses // in rising order
	// Exact reports that the sum of Found is the number of accesses of the finding.
	// Where it is not, facts do not tell its accesses from those of other findings
	// about the same registration, or keep no days.
	Exact bool
}

// OfFinding is the timeline of f under s, the registrations that it was judged by.
func OfFinding(s *registry.Snapshot, facts Facts, f *rules.Finding) *Timeline {
	principals := f.Principals
	if f.Partner != rules.Unregistered {
		principals = Principals(s, f.Partner)
	}
	window, found := rules.Inside, false
	for _, k := range rules.Kinds() {
		if k.Name == f.Kind && k.Basis == rules.ByAccess {
			window, found = k.Window, true
		}
	}
	t := of(s, facts, f.Partner, f.Feature, principals)
	sum := uint64(0)
	for i := range t.Accesses {
		a := &t.Accesses[i]
		switch {
		case !found || windowOf(a.Stage) != window:
		case window == rules.Inside:
			a.Found = a.Wrong
		default:
			a.Found = a.Events
		}
		sum += a.Found
	}
	t.Exact = sum == f.Events
	return t
}

// OfRegistration is the timeline of a registration, without a finding.
func OfRegistration(s *registry.Snapshot, facts Facts, r *registry.Registration) *Timeline {
	return of(s, facts, r.Partner, r.Feature, Principals(s, r.Partner))
}

// Principals that ever belonged to a partner, sorted.
func Principals(s *registry.Snapshot, partner string) []string {
	p := s.Partner(partner)
	if p == nil {
		return nil
	}
	var all []string
	for _, a := range p.Principals {
		all = append(all, a.Principal)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// StageOf is where an access of principal at t, which is partner's, lies in the
// terms of r, which may be nil.
func StageOf(s *registry.Snapshot, r *registry.Registration, principal string, t access.Instant) Stage {
	if r == nil {
		return Unregistered
	}
	if _, belongs := s.Owner(principal, t); !belongs {
		return Unregistered
	}
	terms, known := s.TermsAt(r, t, access.End)
	if !known {
		return Unregistered
	}
	return stageAt(terms, t)
}

// stageAt is where t lies in terms; from goes before sunset, as rules.WindowOf has
// it.
func stageAt(terms *registry.Terms, t access.Instant) Stage {
	switch {
	case t < terms.From:
		return Planned
	case terms.Sunset != access.End && t >= terms.GraceUntil:
		return Ended
	case terms.Sunset != access.End && t >= terms.Sunset:
		return Grace
	}
	for _, p := range terms.Pauses {
		if p.From <= t && t < p.Until {
			return Paused
		}
	}
	return Granted
}

func windowOf(s Stage) rules.Window {
	switch s {
	case Unregistered:
		return rules.Unknown
	case Planned:
		return rules.TooEarly
	case Paused:
		return rules.Paused
	case Grace, Ended:
		return rules.AfterEnd
	}
	return rules.Inside
}

func of(s *registry.Snapshot, facts Facts, partner, feature string, principals []string) *Timeline {
	var r *registry.Registration
	if partner != rules.Unregistered {
		r = s.Registration(partner, feature)
	}
	t := &Timeline{Bands: bandsOf(r)}
	for _, principal := range principals {
		for _, served := range facts.Served(principal, feature) {
			owner, _ := s.Owner(principal, served.From)
			if owner != partner && (owner != "" || partner != rules.Unregistered) {
				continue
			}
			t.Accesses = append(t.Accesses, Accesses{
				StageOf(s, r, principal, served.From), served.From, served.Until, served.Events, 0, served.Wrong,
			})
		}
	}
	slices.SortStableFunc(t.Accesses, func(a, b Accesses) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Until, b.Until), cmp.Compare(a.Stage, b.Stage))
	})
	sums := t.Accesses[:0]
	for _, a := range t.Accesses {
		if n := len(sums); n > 0 && sums[n-1].From == a.From && sums[n-1].Until == a.Until && sums[n-1].Stage == a.Stage {
			sums[n-1].Events += a.Events
			sums[n-1].Wrong += a.Wrong
			continue
		}
		sums = append(sums, a)
	}
	t.Accesses = sums
	return t
}

// bandsOf are the stages of r, which may be nil, over all of event time.
func bandsOf(r *registry.Registration) []Band {
	if r == nil {
		return []Band{{Unregistered, access.Beginning, access.End, ""}}
	}
	type stretch struct {
		since access.Instant
		terms *registry.Terms
	}
	var stretches []stretch
	for since, terms := range r.Stretches() {
		stretches = append(stretches, stretch{since, terms})
	}
	var bands []Band
	add := func(b Band) {
		if n := len(bands); n > 0 && bands[n-1].Stage == b.Stage && bands[n-1].Why == b.Why {
			bands[n-1].Until = b.Until
			return
		}
		bands = append(bands, b)
	}
	for i, st := range stretches {
		end := access.End
		if i+1 < len(stretches) {
			end = stretches[i+1].since
		}
		at := []access.Instant{st.since}
		for _, edge := range edges(st.terms) {
			if st.since < edge && edge < end {
				at = append(at, edge)
			}
		}
		slices.Sort(at)
		at = slices.Compact(at)
		for n, from := range at {
			until := end
			if n+1 < len(at) {
				until = at[n+1]
			}
			b := Band{stageAt(st.terms, from), from, until, ""}
			if b.Stage == Paused {
				b.Why = pauseAt(st.terms, from)
			}
			add(b)
		}
	}
	return bands
}

// edges are the instants at which the stage changes under terms.
func edges(terms *registry.Terms) []access.Instant {
	all := []access.Instant{terms.From, terms.Sunset, terms.GraceUntil}
	for _, p := range terms.Pauses {
		all = append(all, p.From, p.Until)
	}
	return all
}

func pauseAt(terms *registry.Terms, t access.Instant) string {
	for _, p := range terms.Pauses {
		if p.From <= t && t < p.Until {
			return p.Why
		}
	}
	return ""
}
