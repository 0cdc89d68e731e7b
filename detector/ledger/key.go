package ledger

import "sunsetwatch/rules/access"

// foldKey says which cell an event belongs to, unambiguously: its Attributes,
// then principal, feature and each scope with its length before it.
type foldKey string

const attributeBytes = 7

func appendKey(b []byte, ev *access.Event, relation access.Relation) []byte {
	b = append(b, byte(ev.Operation), byte(ev.Direction), byte(ev.Outcome), byte(relation), byte(ev.Consent), byte(ev.Indicator), byte(ev.Probe))
	b = appendName(b, ev.Principal)
	b = appendName(b, ev.Feature)
	for _, s := range ev.Scopes {
		b = appendName(b, s)
	}
	return b
}

// appendName appends a name, which is at most access.MaxNameBytes long.
func appendName(b, name []byte) []byte {
	b = append(b, byte(len(name)>>8), byte(len(name)))
	return append(b, name...)
}

// parse is what appendKey was given. The names are parts of k.
func (k foldKey) parse() (principal, feature string, scopes []string, a Attributes) {
	a = Attributes{access.Operation(k[0]), access.Direction(k[1]), access.Outcome(k[2]),
		access.Relation(k[3]), access.Consent(k[4]), access.Indicator(k[5]), access.Probe(k[6])}
	rest := string(k[attributeBytes:])
	next := func() string {
		end := 2 + (int(rest[0])<<8 | int(rest[1]))
		name := rest[2:end]
		rest = rest[end:]
		return name
	}
	principal, feature = next(), next()
	for rest != "" {
		scopes = append(scopes, next())
	}
	return principal, feature, scopes, a
}
