package access

// Operation is what was done to the data. Any word but the four known ones is Other, which no grant that names operations covers.
// The zero value is Other, the default of the event format.
type Operation uint8

// The values of Operation, in the order in which they are encoded in saved state:
// append, never reorder.
const (
	Other Operation = iota
	Read
	List
	Write
	Delete
)

var operationWords = [...]string{"other", "read", "list", "write", "delete"}

// String is the word of the event format.
func (v Operation) String() string { return word(operationWords[:], int(v)) }

// ParseOperation is the value of a word of the event format.
func ParseOperation(w []byte) (Operation, bool) {
	i := indexOf(operationWords[:], w)
	return Operation(max(i, 0)), i >= 0
}

// Direction is which way the data went.
// The zero value is Out, the default of the event format.
type Direction uint8

// The values of Direction, in the order in which they are encoded in saved state:
// append, never reorder.
const (
	Out Direction = iota
	In
)

var directionWords = [...]string{"out", "in"}

// String is the word of the event format.
func (v Direction) String() string { return word(directionWords[:], int(v)) }

// ParseDirection is the value of a word of the event format.
func ParseDirection(w []byte) (Direction, bool) {
	i := indexOf(directionWords[:], w)
	return Direction(max(i, 0)), i >= 0
}

// Outcome is what the platform answered. Served is an access; Denied and Failed are attempts.
// The zero value is Served, the default of the event format.
type Outcome uint8

// The values of Outcome, in the order in which they are encoded in saved state:
// append, never reorder.
const (
	Served Outcome = iota
	Denied
	Failed
)

var outcomeWords = [...]string{"served", "denied", "error"}

// String is the word of the event format.
func (v Outcome) String() string { return word(outcomeWords[:], int(v)) }

// ParseOutcome is the value of a word of the event format.
func ParseOutcome(w []byte) (Outcome, bool) {
	i := indexOf(outcomeWords[:], w)
	return Outcome(max(i, 0)), i >= 0
}

// Consent is what the event says of the subject's consent.
// The zero value is ConsentUnknown, the default of the event format.
type Consent uint8

// The values of Consent, in the order in which they are encoded in saved state:
// append, never reorder.
const (
	ConsentUnknown Consent = iota
	ConsentGranted
	ConsentAbsent
)

var consentWords = [...]string{"unknown", "granted", "absent"}

// String is the word of the event format.
func (v Consent) String() string { return word(consentWords[:], int(v)) }

// ParseConsent is the value of a word of the event format.
func ParseConsent(w []byte) (Consent, bool) {
	i := indexOf(consentWords[:], w)
	return Consent(max(i, 0)), i >= 0
}

// Indicator is whether the person was shown that data is being read.
// The zero value is IndicatorUnset, the default of the event format.
type Indicator uint8

// The values of Indicator, in the order in which they are encoded in saved state:
// append, never reorder.
const (
	IndicatorUnset Indicator = iota
	IndicatorShown
	IndicatorHidden
)

var indicatorWords = [...]string{"unset", "shown", "hidden"}

// String is the word of the event format.
func (v Indicator) String() string { return word(indicatorWords[:], int(v)) }

// ParseIndicator is the value of a word of the event format.
func ParseIndicator(w []byte) (Indicator, bool) {
	i := indexOf(indicatorWords[:], w)
	return Indicator(max(i, 0)), i >= 0
}

// Relation is that of the grantor to the subject.
// The zero value is Self, the default of the event format.
type Relation uint8

// The values of Relation, in the order in which they are encoded in saved state:
// append, never reorder.
const (
	Self Relation = iota
	ThirdParty
)

var relationWords = [...]string{"self", "third_party"}

// String is the word of the event format.
func (v Relation) String() string { return word(relationWords[:], int(v)) }

// ParseRelation is the value of a word of the event format.
func ParseRelation(w []byte) (Relation, bool) {
	i := indexOf(relationWords[:], w)
	return Relation(max(i, 0)), i >= 0
}

// Probe is what a capability probe answered; NoProbe is an access.
// The zero value is NoProbe, the default of the event format.
type Probe uint8

// The values of Probe, in the order in which they are encoded in saved state:
// append, never reorder.
const (
	NoProbe Probe = iota
	ProbeEnabled
	ProbeDisabled
)

var probeWords = [...]string{"", "enabled", "disabled"}

// String is the word of the event format.
func (v Probe) String() string { return word(probeWords[:], int(v)) }

// ParseProbe is the value of a word of the event format.
func ParseProbe(w []byte) (Probe, bool) {
	i := indexOf(probeWords[:], w)
	return Probe(max(i, 0)), i >= 0
}

func word(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return "invalid"
}

func indexOf(words []string, w []byte) int {
	for i, known := range words {
		if known == string(w) {
			return i
		}
	}
	return -1
}
