package rules

import "fmt"

// Severity of a finding, in rising order.
type Severity uint8

// The severities.
const (
	Info Severity = iota
	Warning
	Critical
)

// Severities lists all severities in rising order: the known values of the
// label severity.
func Severities() []Severity { return []Severity{Info, Warning, Critical} }

// String is the word of the schema; "invalid" for a value out of range.
func (s Severity) String() string {
	switch s {
	case Info:
		return "info"
	case Warning:
		return "warning"
	case Critical:
		return "critical"
	}
	return "invalid"
}

// ParseSeverity is the severity of a word of the schema.
func ParseSeverity(word string) (Severity, error) {
	for _, s := range Severities() {
		if s.String() == word {
			return s, nil
		}
	}
	return 0, fmt.Errorf("severity %q: want info, warning or critical", word)
}

// MarshalText is the word of the schema.
func (s Severity) MarshalText() ([]byte, error) {
	if s > Critical {
		return nil, fmt.Errorf("severity %d: want 0 to %d", s, Critical)
	}
	return []byte(s.String()), nil
}

// UnmarshalText is ParseSeverity.
func (s *Severity) UnmarshalText(word []byte) (err error) {
	*s, err = ParseSeverity(string(word))
	return err
}
