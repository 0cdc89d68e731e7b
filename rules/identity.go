package rules

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
)

// Identity is what makes two findings the same one. Kinds, partners, features,
// scopes and rules are compared as they are written.
type Identity struct {
	Kind      string
	Partner   string // Unregistered: Principal counts instead
	Principal string // only where Partner is Unregistered
	Feature   string
	Scope     string // only scope_retired
	Rule      string // only custom rules
}

// Identity of f.
func (f *Finding) Identity() Identity {
	i := Identity{Kind: f.Kind, Partner: f.Partner, Feature: f.Feature, Scope: f.Scope, Rule: f.Rule}
	if f.Partner == Unregistered && len(f.Principals) > 0 {
		i.Principal = f.Principals[0]
	}
	return i
}

// idLength is the length of an id: 60 bits, so that among a million findings
// two share one with a probability of one in two million.
const idLength = 12

// ID is the first 12 digits, in lower-case base32hex (0-9, a-v), of the SHA-256
// of kind, marker, name, feature, marker, detail. The first marker is "partner"
// or "principal" and says what the name is; the second is "scope", "rule" or
// empty and says what the detail is. Each part is preceded by its length in
// bytes as a big-endian uint32, so that no two identities hash the same bytes.
func (i Identity) ID() string {
	marker, name := "partner", i.Partner
	if i.Partner == Unregistered {
		marker, name = "principal", i.Principal
	}
	about, detail := "", ""
	switch {
	case i.Scope != "":
		about, detail = "scope", i.Scope
	case i.Rule != "":
		about, detail = "rule", i.Rule
	}
	var b []byte
	for _, part := range [...]string{i.Kind, marker, name, i.Feature, about, detail} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	sum := sha256.Sum256(b)
	return strings.ToLower(base32.HexEncoding.EncodeToString(sum[:]))[:idLength]
}
