package rules

import (
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Window says where an access stands to the terms of its registration. An
// access is in exactly one window.
type Window uint8

// The windows, in order of precedence: an access is in the first that applies.
const (
	Unknown  Window = iota // the principal belongs to no partner, or the partner has no registration
	TooEarly               // before from
	AfterEnd               // at or after the effective sunset
	Paused                 // inside a pause
	Inside                 // the access is held against the terms
)

// WindowOf is the window of c.
func WindowOf(c *Case) Window {
	switch {
	case !c.Belongs || c.Terms == nil:
		return Unknown
	case c.Time < c.Terms.From:
		return TooEarly
	case c.Terms.Sunset != access.End && c.Time >= c.Terms.Sunset:
		return AfterEnd
	}
	if pauseOf(c) != nil {
		return Paused
	}
	return Inside
}

// pauseOf is the pause that c lies in, the earliest where they overlap; nil
// where it lies in none.
func pauseOf(c *Case) *registry.Pause {
	for i := range c.Terms.Pauses { // sorted by From
		if p := &c.Terms.Pauses[i]; p.From <= c.Time && c.Time < p.Until {
			return p
		}
	}
	return nil
}

// Judge appends to found what kinds find wrong with c: outside the window at
// most one match, of the kind of that window; inside it, each kind judges by
// itself. Probes are judged by the kinds ByProbes alone. A lawful case costs no
// allocation.
func Judge(kinds []Kind, c *Case, found []Match) []Match {
	w := WindowOf(c)
	for i := range kinds {
		k := &kinds[i]
		if !k.looksAt(c, w) {
			continue
		}
		n := len(found)
		found = k.Judge(c, found)
		for j := n; j < len(found); j++ {
			found[j].Kind = k
		}
	}
	return found
}

func (k *Kind) looksAt(c *Case, w Window) bool {
	if c.Probe != access.NoProbe {
		return k.Basis == ByProbes
	}
	return k.Basis == ByAccess && k.Window == w
}
