package model

import (
	"slices"

	"sunsetwatch/rules/access"
)

// dormant is rule 14: "inside at N, and no access for 90 days since from, the
// last access, or the first event or probe that the ledger holds, whichever is
// latest; sunset withdraws nothing: it closes it".
func (j judgement) dormant() []Finding {
	if len(j.events) == 0 {
		return nil
	}
	var all []Finding
	for i := range j.registry.Registrations {
		r := &j.registry.Registrations[i]
		if !known(r.Revisions, j.k) {
			continue
		}
		if j.windowOf(r).kind == "" {
			last := j.lastAccess(r, access.End)
			if idle := j.idleSince(r, last) + j.rules.after(); j.n >= idle && j.silent(idle) {
				f := j.idle(r, last, j.n)
				f.State = Open
				all = append(all, f)
			}
			continue
		}
		sunset := j.registry.effectiveSunset(r, j.n, j.k).sunset
		if j.n >= sunset {
			last := j.lastAccess(r, sunset)
			// It closes what was open: there was an instant, inside, after so long.
			if idle := j.idleSince(r, last) + j.rules.after(); j.unpaused(r, idle) < sunset && j.silent(idle) {
				f := j.idle(r, last, sunset-1)
				j.close(&f, []ended{{at: sunset, how: "sunset"}})
				all = append(all, f)
			}
		}
	}
	return all
}

// silent reports that every source is judged past an instant: before that, an
// access may still come to light.
func (j judgement) silent(at access.Instant) bool {
	for _, s := range j.sources {
		if s.JudgedTo < at {
			return false
		}
	}
	return true
}

// windowOf is the window of the registration at N.
func (j judgement) windowOf(r *Registration) window {
	return j.registry.windowAt(r.Partner, r.Feature, j.n, j.k)
}

// lastAccess of partner x feature before an instant: by any principal whose
// partner it was then, or the last one before, whatever is wrong with it.
func (j judgement) lastAccess(r *Registration, before access.Instant) *Event {
	var last *Event
	for i, e := range j.events {
		partner, _ := j.registry.whose(e.Principal, e.Time)
		if e.access() && e.Feature == r.Feature && e.Time < before && partner == r.Partner {
			last = &j.events[i]
		}
	}
	return last
}

// idleSince is the latest of from, the last access and the first event read.
func (j judgement) idleSince(r *Registration, last *Event) access.Instant {
	from, _ := named(r.Revisions, j.n, j.k, namedFrom)
	since := max(from.or(access.Beginning), j.events[0].Time)
	if last != nil {
		since = max(since, last.Time)
	}
	return since
}

// unpaused is the first instant from t on that is in no pause.
func (j judgement) unpaused(r *Registration, t access.Instant) access.Instant {
	pauses, _ := named(r.Revisions, j.n, j.k, namedPauses)
	for again := true; again; {
		again = false
		for _, p := range pauses.or(nil) {
			if p.From <= t && t < p.Until {
				t, again = p.Until, true
			}
		}
	}
	return t
}

// idle is the finding, its state apart; at is the instant whose principals it
// names.
func (j judgement) idle(r *Registration, last *Event, at access.Instant) Finding {
	f := Finding{
		Key:        Key{Kind: DormantGrant, Partner: r.Partner, Feature: r.Feature},
		Severity:   Info,
		Since:      access.Beginning,
		Sunset:     access.Beginning,
		GraceUntil: access.Beginning,
		ClosedAt:   access.Beginning,
		Operations: map[string]int{},
		Scopes:     map[string]int{},
	}
	for _, a := range j.registry.partner(r.Partner).Principals {
		if a.From <= at && at < a.Until {
			f.Principals = append(f.Principals, a.ID)
		}
	}
	slices.Sort(f.Principals)
	if last != nil {
		f.LastEvent = place(*last)
	}
	j.answer(&f)
	return f
}
