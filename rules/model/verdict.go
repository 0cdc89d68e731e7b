package model

import (
	"slices"

	"sunsetwatch/rules/access"
)

// window is what rule 1 says of an instant, before any term is looked at.
type window struct {
	kind   string // empty: inside
	since  access.Instant
	ending *ending // of access_after_sunset
	by     *Revision
}

// windowAt is rule 1 for partner x feature at t. partner is empty where the
// principal belongs to none.
func (g Registry) windowAt(partner, feature string, t, k access.Instant) window {
	// "The principal belongs to no partner at T, or partner x F has no
	// registration known at K: no_registration."
	if partner == "" {
		return window{kind: NoRegistration, since: access.Beginning}
	}
	r := g.registration(partner, feature, k)
	if r == nil {
		return window{kind: NoRegistration, since: access.Beginning}
	}
	// "Else, T < from: before_start."
	from, by := named(r.Revisions, t, k, namedFrom)
	if t < from.or(access.Beginning) {
		return window{kind: BeforeStart, since: access.Beginning, by: by}
	}
	// "Else, T >= effective sunset: access_after_sunset."
	if e := g.effectiveSunset(r, t, k); t >= e.sunset {
		return window{kind: AccessAfterSunset, since: e.sunset, ending: &e, by: e.by}
	}
	// "Else, T in a pause: access_during_pause." "Overlapping pauses: the
	// earliest gives `since`" (rule 11).
	pauses, by := named(r.Revisions, t, k, namedPauses)
	paused := access.End
	for _, p := range pauses.or(nil) {
		if p.From <= t && t < p.Until {
			paused = min(paused, p.From)
		}
	}
	if paused != access.End {
		return window{kind: AccessDuringPause, since: paused, by: by}
	}
	return window{since: access.Beginning}
}

// verdict is one finding that an event belongs to.
type verdict struct {
	key    Key
	since  access.Instant
	ending *ending   // of a kind that has a sunset
	by     *Revision // the revision that set the offending field
	scopes []string  // that the finding counts
}

// verdicts are the findings that rule 1 gives for a call, whatever its outcome.
func (g Registry) verdicts(e Event, k access.Instant) []verdict {
	partner, unregistered := g.whose(e.Principal, e.Time)
	scopes := slices.Compact(slices.Sorted(slices.Values(e.Scopes))) // a set
	owner := g.owner(e.Principal, e.Time)
	key := func(kind string) Key {
		return Key{Kind: kind, Partner: partner, Principal: unregistered, Feature: e.Feature}
	}

	w := g.windowAt(owner, e.Feature, e.Time, k)
	if w.kind != "" {
		if owner == "" {
			w.since = g.givenUp(e.Principal, e.Feature, e.Time, k)
		}
		return []verdict{{key: key(w.kind), since: w.since, ending: w.ending, by: w.by, scopes: scopes}}
	}

	// "Else the access is inside, and each term is judged by itself."
	var all []verdict
	wrong := func(kind string, by *Revision, counted []string) {
		all = append(all, verdict{key: key(kind), since: access.Beginning, by: by, scopes: counted})
	}
	revisions := g.registration(owner, e.Feature, k).Revisions

	// "Operation not granted."
	operations, by := named(revisions, e.Time, k, namedOperations)
	if operations.given() && !slices.Contains(operations.Value, e.Operation) {
		wrong(OperationOverreach, by, scopes)
	}
	// "Any scope not granted"; only the offending ones are shown (rule 2).
	granted, by := named(revisions, e.Time, k, namedScopes)
	if granted.given() {
		if offending := notGranted(granted.Value, scopes); len(offending) > 0 {
			wrong(ScopeOverreach, by, offending)
		}
	}
	// "Any scope retired at T (one finding per retired scope)."
	for _, retired := range g.Scopes {
		end := endingOf(retired.Revisions, e.Time, k)
		var offending []string
		for _, s := range scopes {
			if covers(retired.Name, s) {
				offending = append(offending, s)
			}
		}
		if e.Time >= end.sunset && len(offending) > 0 {
			v := verdict{key: key(ScopeRetired), since: end.sunset, ending: &end, by: end.by, scopes: offending}
			v.key.Scope = retired.Name
			all = append(all, v)
		}
	}
	// "Required and `consent: absent`."
	requires, by := named(revisions, e.Time, k, namedRequires)
	if slices.Contains(requires.or(nil), "consent") && e.Consent == access.ConsentAbsent {
		wrong(MissingConsent, by, scopes)
	}
	// "`own_data` required and the access is third party."
	if slices.Contains(requires.or(nil), "own_data") && e.thirdParty() {
		wrong(ThirdPartySubject, by, scopes)
	}
	// "Required and `indicator: hidden`."
	if slices.Contains(requires.or(nil), "indicator") && e.Indicator == access.IndicatorHidden {
		wrong(IndicatorMissing, by, scopes)
	}
	// "`direction: in` undeclared"; decided by null where no revision speaks of
	// it (rule 11).
	inbound, by := named(revisions, e.Time, k, namedInbound)
	if e.Direction == access.In && !inbound.or(false) {
		wrong(InboundUndeclared, by, scopes)
	}
	return all
}
