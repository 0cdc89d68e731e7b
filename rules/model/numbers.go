package model

import (
	"slices"

	"sunsetwatch/rules/access"
)

// finding is one that consists of accesses (rules 2 to 5 and 11).
func (j judgement) finding(h heap) Finding {
	f := Finding{
		Key:              h.key,
		Severity:         severity(h),
		Principals:       principals(h.accesses),
		FirstEvent:       place(h.accesses[0].Event),
		LastEvent:        place(h.accesses[len(h.accesses)-1].Event),
		Events:           len(h.accesses),
		EventsAfterGrace: afterGrace(h.accesses),
		Attempts:         len(h.attempts),
		Records:          records(h.accesses),
		Bytes:            bytes(h.accesses),
		Days:             days(h.accesses),
		People:           people(h.accesses),
		Grantors:         grantors(h.accesses),
		ThirdPartyEvents: thirdParties(h.accesses),
		Operations:       operations(h.accesses),
		Scopes:           scopes(h.accesses),
	}
	j.decide(&f, h.accesses)
	j.live(&f, h.accesses)
	return f
}

// knocking is attempts_after_sunset: "its events, people, grantors, days,
// records and bytes are 0, and its principals, operations, scopes, first and
// last event and state come from the attempts" (rule 4).
func (j judgement) knocking(h heap) Finding {
	f := Finding{
		Key:              h.key,
		Severity:         Info,
		Principals:       principals(h.attempts),
		FirstEvent:       place(h.attempts[0].Event),
		LastEvent:        place(h.attempts[len(h.attempts)-1].Event),
		EventsAfterGrace: new(int),
		Attempts:         len(h.attempts),
		Operations:       operations(h.attempts),
		Scopes:           scopes(h.attempts),
	}
	f.Kind = AttemptsAfterSunset
	j.decide(&f, h.attempts)
	j.live(&f, h.attempts)
	return f
}

// decide is rule 11: `since` belongs to the first access; `sunset`,
// `grace_until`, `program`, `decided_by` to the last.
func (j judgement) decide(f *Finding, calls []judged) {
	first, last := calls[0], calls[len(calls)-1]
	f.Since = first.since
	f.Sunset, f.GraceUntil = access.Beginning, access.Beginning
	if last.ending != nil {
		f.Sunset, f.GraceUntil, f.Program = last.ending.sunset, last.ending.graceUntil(), last.ending.program
	}
	f.DecidedBy = decision(last.by)
	f.LateReason = late(first)
	j.answer(f)
}

// answer names who answers: team and owner are the partner's, or where it names
// none, those of the program whose sunset decides (section 2).
func (j judgement) answer(f *Finding) {
	if p := j.registry.partner(f.Partner); p != nil {
		f.Team, f.Owner = p.Team, p.Owner
	}
	if p := j.registry.program(f.Program); p != nil {
		if f.Team == "" {
			f.Team = p.Team
		}
		if f.Owner == "" {
			f.Owner = p.Owner
		}
	}
}

// late is rule 13: "backdated_registration where the revision that decided the
// first access was recorded after it; else late_events where the record
// timestamp of the first access is more than an hour after its event time".
func late(first judged) string {
	if first.by != nil && first.by.Recorded > first.Time {
		return "backdated_registration"
	}
	if first.Written != access.Beginning && first.Written-first.Time > access.Hour {
		return "late_events"
	}
	return ""
}

// severity is the table of DESIGN section 7 with rule 3.
func severity(h heap) string {
	switch h.key.Kind {
	case NoRegistration, MissingConsent, ThirdPartySubject:
		return Critical
	case AccessDuringPause:
		return Info
	case AccessAfterSunset, ScopeRetired:
		// "Critical as soon as one access lies at or after the end of grace."
		if *afterGrace(h.accesses) > 0 {
			return Critical
		}
	case OperationOverreach:
		// "Critical as soon as one write or delete is among its accesses."
		for _, a := range h.accesses {
			if a.Operation == access.Write || a.Operation == access.Delete {
				return Critical
			}
		}
	}
	return Warning
}

// afterGrace counts the accesses at or after the end of the grace that held for
// them; nil for kinds without a sunset.
func afterGrace(accesses []judged) *int {
	if accesses[0].ending == nil {
		return nil
	}
	n := 0
	for _, a := range accesses {
		if a.Time >= a.ending.graceUntil() {
			n++
		}
	}
	return &n
}

func principals(calls []judged) []string {
	var all []string
	for _, c := range calls {
		if !slices.Contains(all, c.Principal) {
			all = append(all, c.Principal)
		}
	}
	slices.Sort(all)
	return all
}

func records(accesses []judged) (n uint64) {
	for _, a := range accesses {
		n += a.Records
	}
	return n
}

func bytes(accesses []judged) (n uint64) {
	for _, a := range accesses {
		n += a.Bytes
	}
	return n
}

// days are the UTC days with an access.
func days(accesses []judged) int {
	seen := map[access.Day]bool{}
	for _, a := range accesses {
		seen[a.Time.Day()] = true
	}
	return len(seen)
}

// people is rule 5: distinct subjects; missing ones add nobody.
func people(accesses []judged) int {
	seen := map[string]bool{}
	for _, a := range accesses {
		if a.Subject != "" {
			seen[a.Subject] = true
		}
	}
	return len(seen)
}

// grantors is rule 5: distinct grantors, or subjects where no grantor is given;
// missing ones add nobody.
func grantors(accesses []judged) int {
	seen := map[string]bool{}
	for _, a := range accesses {
		if a.Grantor != "" {
			seen[a.Grantor] = true
		} else if a.Subject != "" {
			seen[a.Subject] = true
		}
	}
	return len(seen)
}

func thirdParties(accesses []judged) (n int) {
	for _, a := range accesses {
		if a.thirdParty() {
			n++
		}
	}
	return n
}

func operations(calls []judged) map[string]int {
	n := map[string]int{}
	for _, c := range calls {
		n[c.Operation.String()]++
	}
	return n
}

// scopes counts the calls with each scope that the finding counts (rule 2).
func scopes(calls []judged) map[string]int {
	n := map[string]int{}
	for _, c := range calls {
		for _, s := range c.verdict.scopes {
			n[s]++
		}
	}
	return n
}
