package model

import (
	"time"

	"sunsetwatch/rules/access"
)

// Fields is the finding as the JSON of section 5, decoded into a map: the same
// names, times as RFC 3339, numbers as float64. The fields that the model does
// not have (schema, id, rule, bounds, incomplete, why, history, closure.why)
// are left out.
func (f Finding) Fields() map[string]any {
	m := map[string]any{
		"kind": f.Kind, "severity": f.Severity, "state": f.State,
		"partner": f.Partner, "feature": f.Feature, "program": text(f.Program), "scope": text(f.Scope),
		"principals": list(f.Principals), "team": text(f.Team), "owner": text(f.Owner),
		"since": instant(f.Since), "sunset": instant(f.Sunset), "grace_until": instant(f.GraceUntil),
		"first_event": f.FirstEvent.fields(), "last_event": f.LastEvent.fields(),
		"events": float64(f.Events), "events_after_grace": number(f.EventsAfterGrace), "attempts": float64(f.Attempts),
		"records": float64(f.Records), "bytes": float64(f.Bytes), "days": float64(f.Days),
		"people": float64(f.People), "people_exact": f.People <= exactPeople,
		"grantors": float64(f.Grantors), "grantors_exact": f.Grantors <= exactPeople,
		"third_party_events": float64(f.ThirdPartyEvents), "probe_days": number(f.ProbeDays),
		"operations": counts(f.Operations), "scopes": counts(f.Scopes),
		"closed_at": instant(f.ClosedAt), "relapses": float64(f.Relapses),
		"opened_at": instant(f.OpenedAt), "late_reason": text(f.LateReason),
		"decided_by": nil, "closure": nil, "suppressed_by": nil, "dispute": nil, "detection_delay": nil,
	}
	if d := f.DecidedBy; d != nil {
		m["decided_by"] = map[string]any{"recorded": instant(d.Recorded), "by": text(d.By), "reason": text(d.Reason), "ticket": text(d.Ticket)}
	}
	if c := f.Closure; c != nil {
		m["closure"] = map[string]any{"verified": c.Verified, "by": text(c.By)}
	}
	if e := f.SuppressedBy; e != nil {
		m["suppressed_by"] = map[string]any{"approved_by": text(e.ApprovedBy), "reason": text(e.Reason), "ticket": text(e.Ticket),
			"from": instant(e.From), "until": instant(e.Until)}
	}
	if d := f.Dispute; d != nil {
		m["dispute"] = map[string]any{"by": text(d.By), "at": instant(d.At), "text": text(d.Text)}
	}
	if d := f.DetectionDelay; d != nil {
		m["detection_delay"] = float64(*d / time.Second)
	}
	return m
}

// exactPeople is the union up to which the product counts people exactly
// (DESIGN section 6).
const exactPeople = 1024

func (p *Place) fields() any {
	if p == nil {
		return nil
	}
	return map[string]any{"time": instant(p.Time), "source": p.Source, "offset": float64(p.Offset)}
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func instant(i access.Instant) any {
	if i == access.Beginning || i == access.End {
		return nil
	}
	return i.String()
}

func number(n *int) any {
	if n == nil {
		return nil
	}
	return float64(*n)
}

func list(all []string) []any {
	out := []any{}
	for _, s := range all {
		out = append(out, s)
	}
	return out
}

func counts(all map[string]int) map[string]any {
	out := map[string]any{}
	for k, n := range all {
		out[k] = float64(n)
	}
	return out
}
