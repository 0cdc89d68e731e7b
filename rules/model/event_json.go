package model

import (
	"encoding/json"
	"slices"

	"sunsetwatch/rules/access"
)

// EventJSON is the event as one line of section 1, without a line end. What
// equals a default is left out. Position and record timestamp are the
// carrier's.
func EventJSON(e Event) []byte {
	m := map[string]any{"time": e.Time.String(), "principal": e.Principal, "feature": e.Feature}
	put := func(name, value, standard string) {
		if value != standard {
			m[name] = value
		}
	}
	put("id", e.ID, "")
	put("subject", e.Subject, "")
	put("grantor", e.Grantor, "")
	put("probe", e.Probe.String(), "")
	put("direction", e.Direction.String(), access.Out.String())
	put("consent", e.Consent.String(), access.ConsentUnknown.String())
	put("indicator", e.Indicator.String(), access.IndicatorUnset.String())
	put("outcome", e.Outcome.String(), access.Served.String())
	if e.Probe == access.NoProbe {
		m["operation"] = e.Operation.String()
	}
	if len(e.Scopes) > 0 {
		m["scopes"] = slices.Clone(e.Scopes)
	}
	if e.Records != 1 {
		m["records"] = e.Records
	}
	if e.Bytes != 0 {
		m["bytes"] = e.Bytes
	}
	line, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return line
}
