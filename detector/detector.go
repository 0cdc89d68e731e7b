package detector

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Options of a Detector.
type Options struct {
	Facts Facts        // required
	Kinds []rules.Kind // nil: rules.Kinds()
	// Time of judgement, of the wall time and the latest event time counted; it
	// never steps back. nil: the earlier of both, so that wall time alone ages
	// nothing.
	Time func(wall, latest access.Instant) access.Instant
}

// Detector judges facts by a registry and keeps the life of each finding. It
// judges nothing before its first Reload: unknown is not unregistered.
type Detector struct {
	judge  judge
	loaded *registry.Snapshot // nil: none yet
	time   func(wall, latest access.Instant) access.Instant
	now    access.Instant  // time of judgement; never steps back
	judged []ledger.Judged // at now, in the order of their names
	began  access.Instant  // the earliest event time counted, from which silences count

	lives   map[string]*rules.Finding // by id: the finding as it is now
	groups  map[group][]string        // ids
	changed map[string]struct{}       // ids, since the last TakeChanged
	sorted  []*rules.Finding          // nil: to be sorted anew

	agenda   agenda
	withheld map[group]struct{} // closing waits for sources
	hits     map[group]map[*rules.Exception]hit
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
	if o.Time == nil {
		o.Time = func(wall, latest access.Instant) access.Instant { return min(wall, latest) }
	}
	return &Detector{
		judge:    judge{kinds: o.Kinds, facts: o.Facts},
		time:     o.Time,
		now:      access.Beginning,
		began:    access.End,
		lives:    map[string]*rules.Finding{},
		groups:   map[group][]string{},
		changed:  map[string]struct{}{},
		agenda:   newAgenda(),
		withheld: map[group]struct{}{},
		hits:     map[group]map[*rules.Exception]hit{},
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

// Judge judges what changed in the facts since the last call, and what time alone
// made due. wall is the wall time, from which Options.Time gives the time of
// judgement. It returns what happened in the lives of findings, in the order of
// rules.Compare; amended numbers are silent.
func (d *Detector) Judge(wall access.Instant) []Turn {
	if d.judge.registry == nil {
		return nil
	}
	return d.judgeAgain(d.dirty(), wall)
}

// dirty are the groups whose facts changed.
func (d *Detector) dirty() map[group]struct{} {
	dirty := map[group]struct{}{}
	for principal, feature := range d.judge.facts.TakeDirty() {
		d.judge.owners.groups(principal, feature, dirty)
	}
	return dirty
}

// Reload judges by next and by the rule file's set from now on: everything at the
// first call, later what they change. set may be nil. The facts must have been
// cut by Cuts of both already. It returns as Judge does.
func (d *Detector) Reload(next *registry.Snapshot, set *rules.RuleSet, wall access.Instant) []Turn {
	var changes *registry.Changes
	if d.loaded != nil {
		c := d.loaded.Changes(next)
		changes = &c
	}
	d.loaded = next
	return d.reload(next, changes, set, wall)
}

// reload with nil changes judges everything.
func (d *Detector) reload(next Registry, changes *registry.Changes, set *rules.RuleSet, wall access.Instant) []Turn {
	before, rulesBefore := d.judge.owners, d.judge.rules
	d.judge.registry, d.judge.owners = next, ownersOf(next)
	dirty := d.dirty()
	if changes == nil || !sameSettings(d.judge.kinds, rulesBefore, set) {
		d.judge.rules = set
		clear(d.hits)
		d.everything(dirty)
		return d.judgeAgain(dirty, wall)
	}
	if !rulesBefore.Equal(set) {
		// Exceptions, closures and disputes are about findings that exist.
		d.judge.rules = set
		clear(d.hits)
		for g := range d.groups {
			dirty[g] = struct{}{}
		}
	}
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
	if len(changes.Scopes) > 0 {
		d.touching(changes.Scopes, dirty)
	}
	return d.judgeAgain(dirty, wall)
}

// sameSettings reports whether two rule files set all kinds alike.
func sameSettings(kinds []rules.Kind, a, b *rules.RuleSet) bool {
	for i := range kinds {
		if !a.Setting(kinds[i].Name).Equal(b.Setting(kinds[i].Name)) {
			return false
		}
	}
	return true
}

// everything adds all groups that have facts, findings or a registration.
func (d *Detector) everything(to map[group]struct{}) {
	for principal, feature := range d.judge.facts.Pairs() {
		d.judge.owners.groups(principal, feature, to)
	}
	for g := range d.groups {
		to[g] = struct{}{}
	}
	d.registered(to)
}

// registered adds the groups that have a registration.
func (d *Detector) registered(to map[group]struct{}) {
	for _, r := range d.judge.registry.Registrations() {
		to[group{partner: r.Partner, feature: r.Feature}] = struct{}{}
	}
}

// touching adds the groups whose facts have scopes that one of patterns covers.
func (d *Detector) touching(patterns []string, to map[group]struct{}) {
	covered := func(c *ledger.Cell) bool {
		return slices.ContainsFunc(c.Scopes(), func(scope string) bool {
			return slices.ContainsFunc(patterns, func(p string) bool { return registry.Covers(p, scope) })
		})
	}
	for principal, feature := range d.judge.facts.Pairs() {
		if slices.ContainsFunc(d.judge.facts.Cells(principal, feature), covered) {
			d.judge.owners.groups(principal, feature, to)
		}
	}
}

func (d *Detector) judgeAgain(dirty map[group]struct{}, wall access.Instant) []Turn {
	d.now = max(d.now, d.time(wall, d.judge.facts.Latest()))
	d.judged = d.judge.facts.Judged()
	slices.SortFunc(d.judged, func(a, b ledger.Judged) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Name, b.Name))
	})
	if began := d.judge.facts.Earliest(); began != d.began {
		d.began = began
		d.registered(dirty)
	}
	d.agenda.take(d.now, dirty)
	for g := range d.withheld {
		dirty[g] = struct{}{}
	}
	var turns []Turn
	for g := range dirty {
		turns = d.amend(g, wall, turns)
	}
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
