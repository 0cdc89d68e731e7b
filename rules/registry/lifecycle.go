package registry

import "sunsetwatch/rules/access"

// Lifecycle is where an instant lies in terms.
type Lifecycle uint8

// The lifecycles.
const (
	Planned Lifecycle = iota // before from
	Active
	Paused
	InGrace // at or after the sunset, before its grace ends
	Ended   // at or after the end of grace
)

var lifecycleWords = [...]string{"planned", "active", "paused", "grace", "ended"}

// String is the word of metrics and tables.
func (l Lifecycle) String() string {
	if int(l) < len(lifecycleWords) {
		return lifecycleWords[l]
	}
	return "invalid"
}

// LifecycleAt is where at lies in t.
func (t *Terms) LifecycleAt(at access.Instant) Lifecycle {
	switch {
	case t.Sunset != access.End && at >= t.GraceUntil:
		return Ended
	case at >= t.Sunset && t.Sunset != access.End:
		return InGrace
	case at < t.From:
		return Planned
	}
	for _, p := range t.Pauses {
		if p.From <= at && at < p.Until {
			return Paused
		}
	}
	return Active
}
