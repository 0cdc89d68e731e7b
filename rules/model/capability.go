package model

import (
	"sunsetwatch/rules/access"
)

// capability is what belongs to one retained_capability.
type capability struct {
	key     Key
	enabled []judged // the enabled probes that lie in the condition
}

// retained is rule 14: "the latest probe of P and F says enabled, rule 1 would
// give no_registration or access_after_sunset at N, and no access is counted in
// such a finding".
func (j judgement) retained(heaps []heap) []Finding {
	var all []capability
	for _, e := range j.events {
		if e.Probe != access.ProbeEnabled {
			continue
		}
		owner := j.registry.owner(e.Principal, e.Time)
		w := j.registry.windowAt(owner, e.Feature, e.Time, j.k)
		if w.kind != NoRegistration && w.kind != AccessAfterSunset {
			continue
		}
		if owner == "" {
			w.since = j.registry.givenUp(e.Principal, e.Feature, e.Time, j.k)
		}
		partner, unregistered := j.registry.whose(e.Principal, e.Time)
		key := Key{Kind: RetainedCapability, Partner: partner, Principal: unregistered, Feature: e.Feature}
		v := verdict{key: key, since: w.since, ending: w.ending, by: w.by}
		found := false
		for i := range all {
			if all[i].key == key {
				all[i].enabled = append(all[i].enabled, judged{e, v})
				found = true
			}
		}
		if !found {
			all = append(all, capability{key, []judged{{e, v}}})
		}
	}

	var findings []Finding
	for _, c := range all {
		if f, ok := j.capable(c, heaps); ok {
			findings = append(findings, f)
		}
	}
	return findings
}

// capable is the finding of one P and F, if there is one.
func (j judgement) capable(c capability, heaps []heap) (Finding, bool) {
	// "Withdrawn by an access."
	for _, h := range heaps {
		same := h.key.Partner == c.key.Partner && h.key.Principal == c.key.Principal && h.key.Feature == c.key.Feature
		if same && (h.key.Kind == NoRegistration || h.key.Kind == AccessAfterSunset) && len(h.accesses) > 0 {
			return Finding{}, false
		}
	}

	probed := days(c.enabled) // "the number of UTC days with an enabled probe in that condition"
	f := Finding{
		Key:        c.key,
		Severity:   Warning,
		Principals: principals(c.enabled),
		FirstEvent: place(c.enabled[0].Event),
		LastEvent:  place(c.enabled[len(c.enabled)-1].Event),
		ProbeDays:  &probed,
		Operations: map[string]int{},
		Scopes:     map[string]int{},
		ClosedAt:   access.Beginning,
	}
	// Rule 11 with its probes for accesses; sunset and end of grace are set for
	// other kinds only.
	j.decide(&f, c.enabled)
	f.Sunset, f.GraceUntil = access.Beginning, access.Beginning

	lastEnabled := c.enabled[len(c.enabled)-1].Event
	probes := j.probes(c.key)
	var closed []ended
	disabled := probes[len(probes)-1].Probe == access.ProbeDisabled
	if disabled {
		// "Closed by a probe that says disabled": the first after the last enabled
		// one of the condition.
		for _, p := range probes {
			if p.Probe == access.ProbeDisabled && order(p, lastEnabled) > 0 {
				closed = append(closed, ended{at: p.Time, how: "probe"})
				break
			}
		}
	} else if !j.stillWrong(c) {
		return Finding{}, false
	}
	if j.n < lastEnabled.Time+access.OneDay {
		f.State = Open
	} else {
		f.State = Quiet
		for _, p := range j.rules.closings(c.key) {
			if p.At >= lastEnabled.Time && p.At <= j.n {
				closed = append(closed, ended{at: p.At, how: "person", by: p.By})
			}
		}
	}
	j.close(&f, closed)
	return f, true
}

// stillWrong reports whether rule 1 would give no_registration or
// access_after_sunset of the same P at N, for any of the principals that were
// probed: one that somebody else owns by then, or owned last, says nothing of P.
func (j judgement) stillWrong(c capability) bool {
	for _, principal := range principals(c.enabled) {
		partner, unregistered := j.registry.whose(principal, j.n)
		if partner != c.key.Partner || unregistered != c.key.Principal {
			continue
		}
		w := j.registry.windowAt(j.registry.owner(principal, j.n), c.key.Feature, j.n, j.k)
		if w.kind == NoRegistration || w.kind == AccessAfterSunset {
			return true
		}
	}
	return false
}
