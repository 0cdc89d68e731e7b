package detector

import (
	"slices"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// group is what is judged together: all findings of one partner, or of one
// principal that belongs to nobody, about one feature.
type group struct {
	partner   string
	principal string // only where partner is rules.Unregistered
	feature   string
}

// groupOf is the group of a finding.
func groupOf(f *rules.Finding) group {
	i := f.Identity()
	return group{i.Partner, i.Principal, i.Feature}
}

// owners says whose findings the accesses of a principal can be part of.
type owners struct {
	registry Registry
	// Only principals that had several owners, or had none before their first:
	// of any other the one owner is asked of the registry.
	mixed map[string]ownership
	// The principals of the partners that were asked for, sorted.
	listed map[string][]string
}

type ownership struct {
	partners []string
	unowned  bool // belonged to nobody before its first owner
}

func ownersOf(r Registry) owners {
	o := owners{registry: r, mixed: map[string]ownership{}, listed: map[string][]string{}}
	type first struct {
		partner string
		from    access.Instant
	}
	firsts := map[string]first{}
	for _, p := range r.Partners() {
		for _, a := range p.Principals {
			f, known := firsts[a.Principal]
			if !known {
				firsts[a.Principal] = first{p.Name, a.From}
				continue
			}
			if a.From < f.from {
				f.from = a.From
				firsts[a.Principal] = f
			}
			if f.partner == p.Name {
				continue
			}
			m := o.mixed[a.Principal]
			if len(m.partners) == 0 {
				m.partners = append(m.partners, f.partner)
			}
			if !slices.Contains(m.partners, p.Name) {
				m.partners = append(m.partners, p.Name)
			}
			o.mixed[a.Principal] = m
		}
	}
	for principal, f := range firsts {
		if f.from == access.Beginning {
			continue
		}
		m := o.mixed[principal]
		if len(m.partners) == 0 {
			m.partners = append(m.partners, f.partner)
		}
		m.unowned = true
		o.mixed[principal] = m
	}
	return o
}

// groups adds those that accesses of the pair can be in.
func (o *owners) groups(principal, feature string, to map[group]struct{}) {
	if m, ok := o.mixed[principal]; ok {
		for _, partner := range m.partners {
			to[group{partner: partner, feature: feature}] = struct{}{}
		}
		if m.unowned {
			to[group{rules.Unregistered, principal, feature}] = struct{}{}
		}
		return
	}
	if partner, _ := o.registry.Owner(principal, access.End); partner != "" {
		to[group{partner: partner, feature: feature}] = struct{}{}
		return
	}
	to[group{rules.Unregistered, principal, feature}] = struct{}{}
}

// principals of the group, sorted; not to be changed.
func (o *owners) principals(g group) []string {
	if g.partner == rules.Unregistered {
		return []string{g.principal}
	}
	if all, known := o.listed[g.partner]; known {
		return all
	}
	var all []string
	if p := o.registry.Partner(g.partner); p != nil {
		for _, a := range p.Principals {
			all = append(all, a.Principal)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	o.listed[g.partner] = all
	return all
}

// left is since when principal, whose last owner by t was partner, has belonged
// to nobody.
func (o *owners) left(partner, principal string, t access.Instant) access.Instant {
	since := access.Beginning
	if p := o.registry.Partner(partner); p != nil {
		for _, a := range p.Principals {
			if a.Principal == principal && a.Until <= t {
				since = max(since, a.Until)
			}
		}
	}
	return since
}
