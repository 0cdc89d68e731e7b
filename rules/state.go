package rules

import "fmt"

// State of a finding.
type State uint8

// The states of a finding's life.
const (
	Open      State = iota // the last access is less than a day old at the time of judgement
	Quiet                  // no access for a day
	Closed                 // it has ended, and that was verified
	Withdrawn              // under present knowledge no access is left in it
)

// States lists all states.
func States() []State { return []State{Open, Quiet, Closed, Withdrawn} }

// String is the word of the schema; "invalid" for a value out of range.
func (s State) String() string {
	switch s {
	case Open:
		return "open"
	case Quiet:
		return "quiet"
	case Closed:
		return "closed"
	case Withdrawn:
		return "withdrawn"
	}
	return "invalid"
}

// ParseState is the state of a word of the schema.
func ParseState(word string) (State, error) {
	for _, s := range States() {
		if s.String() == word {
			return s, nil
		}
	}
	return 0, fmt.Errorf("state %q: want open, quiet, closed or withdrawn", word)
}

// MarshalText is the word of the schema.
func (s State) MarshalText() ([]byte, error) {
	if s > Withdrawn {
		return nil, fmt.Errorf("state %d: want 0 to %d", s, Withdrawn)
	}
	return []byte(s.String()), nil
}

// UnmarshalText is ParseState.
func (s *State) UnmarshalText(word []byte) (err error) {
	*s, err = ParseState(string(word))
	return err
}
