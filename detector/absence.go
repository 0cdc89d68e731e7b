package detector

import (
	"slices"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// used is when a registration was last used before it ended.
type used struct {
	before access.Instant // accesses from this on do not count
	at     access.Instant // the last one, or the latest at which it may have been; Beginning: never
	known  bool           // at is that of last
	last   ledger.Mark
}

// meet takes in one part of a stretch of accesses. A silence that is not certain
// is none.
func (u *used) meet(facts Facts, p *parted, part int) {
	last := part == len(p.starts)-1
	if part == 0 {
		u.note(facts, p.First)
	}
	switch {
	case last && p.Last.Time < u.before:
		u.note(facts, p.Last)
	case last && p.starts[part] < u.before:
		u.possible(u.before - 1)
	case !last && p.starts[part] < u.before:
		u.possible(min(p.starts[part+1], u.before) - 1)
	}
}

func (u *used) note(facts Facts, at ledger.Mark) {
	if at.Time < u.before && (at.Time > u.at || u.known && facts.Before(u.last, at)) {
		u.at, u.known, u.last = at.Time, true, at
	}
}

func (u *used) possible(at access.Instant) {
	if at > u.at {
		u.at, u.known = at, false
	}
}

// absence is that of accesses under a registration.
type absence struct {
	since      access.Instant // the last access, or when it could have been used first
	dormant    access.Instant // when it had been silent for so long that it counts
	ended      access.Instant // End: not yet
	last       ledger.Mark
	used       bool     // last is known
	principals []string // of the partner, sorted
}

// endOfUse is before when accesses count as use of the registration.
func (j *judge) endOfUse() access.Instant {
	terms, ok := j.registry.TermsAt(j.registration, j.now, access.End)
	if !ok || terms.Sunset > j.now {
		return j.now.Plus(1)
	}
	return terms.Sunset
}

// dormant adds the finding of a registration that nobody uses.
func (j *judge) dormant() {
	i := slices.IndexFunc(j.kinds, func(k rules.Kind) bool { return k.Basis == rules.ByAbsence })
	if i < 0 || j.registration == nil {
		return
	}
	k := &j.kinds[i]
	setting := j.rules.Setting(k.Name)
	terms, ok := j.registry.TermsAt(j.registration, j.now, access.End)
	if !ok || setting.Disabled {
		return
	}
	j.due = min(j.due, j.registry.NextTerms(j.registration, j.now))
	since, ended, due, dormant := rules.Dormant(&rules.Silence{
		Now: j.now, Terms: terms, Earliest: j.facts.Earliest(), Last: j.used.at,
	}, setting.After)
	j.due = min(j.due, due)
	if !dormant {
		return
	}
	at := j.now
	if ended != access.End {
		at = ended - 1
	}
	partner := j.registry.Partner(j.group.partner)
	for _, a := range partner.Principals {
		for _, t := range [...]access.Instant{a.From, a.Until} {
			if t > j.now {
				j.due = min(j.due, t)
			}
		}
	}
	s := newSum(k, "")
	s.absent = absence{since: since, dormant: since.Plus(setting.After), ended: ended, last: j.used.last, used: j.used.known,
		principals: owned(partner, at)}
	s.accesses.lastMatch = rules.Match{Since: access.Beginning, Until: access.End, Sunset: access.End, GraceUntil: access.End, Terms: terms}
	s.accesses.firstMatch = s.accesses.lastMatch
	j.sums = append(j.sums, s)
}

// owned are the principals of a partner at t, sorted.
func owned(p *registry.Partner, t access.Instant) []string {
	var all []string
	for _, a := range p.Principals {
		if a.From <= t && (t < a.Until || a.Until == access.End) {
			all = append(all, a.Principal)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
