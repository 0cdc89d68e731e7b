package explanation

import (
	"fmt"
	"strings"

	"sunsetwatch/cmd/internal/termsheet"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
	"sunsetwatch/rules/registry"
)

// most of a kind of hint.
const most = 5

// hints say what was meant, perhaps: the nearest registration where there is
// none, the nearest principal where nobody owns it, and what one may have missed.
func hints(q *Question, known *registry.Snapshot, c *rules.Case) []string {
	all := []string{}
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	principal, feature := termsheet.Name(c.Principal), termsheet.Name(c.Feature)
	if q.KnownAt != access.End && q.Event.Time >= q.KnownAt {
		add("the event lies after what is asked about: as known at %s it had not happened", termsheet.Moment(q.KnownAt))
	}
	if !c.Belongs {
		for _, b := range belongings(known, c.Principal) {
			if b.alias.From > c.Time {
				add("%s belongs to %s from %s on", principal, termsheet.Name(b.partner), termsheet.Moment(b.alias.From))
			}
		}
	}
	if c.Partner == "" && !known.KnownPrincipal(c.Principal) {
		if near := document.Nearest(c.Principal, principals(known)); near != "" {
			add("nobody ever owned %s: did you mean %s?", principal, termsheet.Name(near))
		} else {
			add("nobody ever owned %s: is it missing among the principals of a partner?", principal)
		}
	}
	if c.Terms != nil {
		return all
	}
	if r := q.Registrations.Registration(c.Partner, c.Feature); r != nil {
		add("%s has a registration for %s that was not known yet: it was recorded %s", termsheet.Name(c.Partner), feature, termsheet.Moment(r.Revisions()[0].Recorded))
		return all // it is the one that is meant: what follows would say that there is none
	}
	var own, others []string // features of the partner, partners of the feature
	for _, r := range known.Registrations() {
		if r.Partner == c.Partner {
			own = append(own, r.Feature)
		} else if r.Feature == c.Feature {
			others = append(others, r.Partner)
		}
	}
	near := document.Nearest(c.Feature, own)
	switch {
	case near != "":
		add("%s has a registration for %s: was that meant?", termsheet.Name(c.Partner), termsheet.Name(near))
	case len(own) > 0:
		add("%s is registered for %s", termsheet.Name(c.Partner), some(own))
	case c.Partner != "":
		add("%s has no registration at all", termsheet.Name(c.Partner))
	}
	switch {
	case len(others) > 0:
		add("%s is registered for %s", some(others), feature)
	case near == "" && !known.KnownFeature(c.Feature):
		if similar := document.Nearest(c.Feature, known.FeatureNames()); similar != "" {
			add("nobody is registered for %s; %s is a feature that is registered", feature, termsheet.Name(similar))
		} else {
			add("nobody is registered for %s", feature)
		}
	}
	return all
}

type belonging struct {
	partner string
	alias   registry.Alias
}

// belongings of a principal, by partner.
func belongings(s *registry.Snapshot, principal string) []belonging {
	var all []belonging
	for _, p := range s.Partners() {
		for _, a := range p.Principals {
			if a.Principal == principal {
				all = append(all, belonging{p.Name, a})
			}
		}
	}
	return all
}

func principals(s *registry.Snapshot) []string {
	var all []string
	for _, p := range s.Partners() {
		for _, a := range p.Principals {
			all = append(all, a.Principal)
		}
	}
	return all
}

func some(all []string) string {
	var parts []string
	for i, name := range all {
		if i == most {
			return fmt.Sprintf("%s and %d more", strings.Join(parts, ", "), len(all)-most)
		}
		parts = append(parts, termsheet.Name(name))
	}
	return strings.Join(parts, ", ")
}
