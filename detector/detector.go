package detector

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Options of a Detector.
type Options struct {
	Facts Facts        // required
	Kinds []rules.Kind // nil: rules.Kinds()
}

// Detector judges facts by a registry and keeps the life of each finding. It
// judges nothing before its first Reload: unknown is not unregistered.
type Detector struct {
	judge  judge
	loaded *registry.Snapshot // nil: none yet
	now    access.Instant     // time of judgement; never steps back

	lives   map[string]*rules.Finding // by id: the finding as it is now
	groups  map[group][]string        // ids
	changed map[string]struct{}       // ids, since the last TakeChanged
	sorted  []*rules.Finding          // nil: to be sorted anew

	open    map[string]struct{} // ids
	quietAt access.Instant      // no open finding falls quiet before this
}

// New is a Detector without a registry and without findings. It fails where a
// required option is missing.
func New(o Options) (*Detector, error) {
	if o.Facts == nil {
		return nil, errors.New("detector: Options.Facts is required")
	}
	if o.Kinds == nil {
		o.Kinds = rules.Kinds()
	}
	return &Detector{
		judge:   judge{kinds: o.Kinds, facts: o.Facts},
		now:     access.Beginning,
		lives:   map[string]*rules.Finding{},
		groups:  map[group][]string{},
		changed: map[string]struct{}{},
		open:    map[string]struct{}{},
		quietAt: access.End,
	}, nil
}

// Restore takes over the findings of an earlier run, before the first Reload,
// which judges them again. Ids, openings and histories go on.
func (d *Detector) Restore(findings []*rules.Finding) error {
	for _, f := range findings {
		if id := f.Identity().ID(); id != f.ID {
			return fmt.Errorf("finding %q of the saved state has the identity of %q: the state is damaged, or from another version", f.ID, id)
		}
		if d.lives[f.ID] != nil {
			return fmt.Errorf("finding %q stands twice in the saved state: the state is damaged", f.ID)
		}
		d.keep(f)
	}
	clear(d.changed)
	return nil
}

// Judge judges what changed in the facts since the last call, and lets findings
// without an access for a day fall quiet. wall is the wall time; the time of
// judgement is the earlier of it and the latest event time counted, so that wall
// time alone ages nothing. It returns what happened in the lives of findings, in
// the order of rules.Compare; amended numbers are silent.
func (d *Detector) Judge(wall access.Instant) []Turn {
	if d.judge.registry == nil {
		return nil
	}
	dirty := map[group]struct{}{}
	for principal, feature := range d.judge.facts.TakeDirty() {
		d.judge.owners.groups(principal, feature, dirty)
	}
	return d.judgeAgain(dirty, wall)
}

// Reload judges by next from now on: everything at the first call, later what
// next changes. The facts must have been cut by next already. It returns as
// Judge does.
func (d *Detector) Reload(next *registry.Snapshot, wall access.Instant) []Turn {
	var changes *registry.Changes
	if d.loaded != nil {
		c := d.loaded.Changes(next)
		changes = &c
	}
	d.loaded = next
	return d.reload(next, changes, wall)
}

// reload with nil changes judges everything.
func (d *Detector) reload(next Registry, changes *registry.Changes, wall access.Instant) []Turn {
	before := d.judge.owners
	d.judge.registry, d.judge.owners = next, ownersOf(next)
	dirty := map[group]struct{}{}
	for principal, feature := range d.judge.facts.TakeDirty() {
		d.judge.owners.groups(principal, feature, dirty)
	}
	if changes == nil {
		for principal, feature := range d.judge.facts.Pairs() {
			d.judge.owners.groups(principal, feature, dirty)
		}
		for g := range d.groups {
			dirty[g] = struct{}{}
		}
		return d.judgeAgain(dirty, wall)
	}
	// Retired scopes are looked at by no kind yet.
	for _, r := range changes.Registrations {
		dirty[group{partner: r.Partner, feature: r.Feature}] = struct{}{}
	}
	for _, principal := range changes.Principals {
		for _, feature := range d.judge.facts.Features(principal) {
			before.groups(principal, feature, dirty)
			d.judge.owners.groups(principal, feature, dirty)
		}
	}
	for _, partner := range changes.Partners {
		for g := range d.groups {
			if g.partner == partner {
				dirty[g] = struct{}{}
			}
		}
	}
	return d.judgeAgain(dirty, wall)
}

func (d *Detector) judgeAgain(dirty map[group]struct{}, wall access.Instant) []Turn {
	d.now = max(d.now, min(wall, d.judge.facts.Latest()))
	var turns []Turn
	for g := range dirty {
		turns = d.amend(g, d.judge.of(g), wall, turns)
	}
	turns = d.age(wall, turns)
	slices.SortFunc(turns, func(a, b Turn) int { return rules.Compare(a.Is, b.Is) })
	return turns
}

// Findings are all findings, withdrawn ones included, in the order of
// rules.Compare. The slice and the findings are never changed again.
func (d *Detector) Findings() []*rules.Finding {
	if d.sorted == nil {
		d.sorted = slices.SortedFunc(maps.Values(d.lives), rules.Compare)
	}
	return d.sorted
}

// Finding is that of an id, nil where there is none.
func (d *Detector) Finding(id string) *rules.Finding { return d.lives[id] }

// TakeChanged empties and returns the findings that changed since the last call,
// sorted by id: what is to be saved.
func (d *Detector) TakeChanged() []*rules.Finding {
	ids := slices.Sorted(maps.Keys(d.changed))
	clear(d.changed)
	all := make([]*rules.Finding, len(ids))
	for i, id := range ids {
		all[i] = d.lives[id]
	}
	return all
}

// PutBack makes findings that TakeChanged returned changed again, after a save
// that failed.
func (d *Detector) PutBack(findings []*rules.Finding) {
	for _, f := range findings {
		d.changed[f.ID] = struct{}{}
	}
}
