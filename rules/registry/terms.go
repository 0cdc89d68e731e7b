package registry

import (
	"cmp"
	"iter"
	"slices"
	"sort"
	"time"

	"sunsetwatch/rules/access"
)

// Terms are what a registration says at one event time, as known at one time.
type Terms struct {
	From        access.Instant // Beginning: open
	Sunset      access.Instant // the effective one, own or the program's; End: none
	GraceUntil  access.Instant // Sunset plus Grace; End where there is no sunset
	Grace       time.Duration  // that belongs to Sunset, or would if there were one
	Program     string         // the program whose sunset is the effective one; empty where the registration's own is
	Deprecation access.Instant // End: none
	Pauses      []Pause        // sorted by From
	Inbound     bool
	Requires    Requirement
	// Operations and Scopes are nil where not restricted; empty grants nothing.
	Operations []access.Operation
	Scopes     []string // `a.b`, `a.*`, `*`
	// Decided is the revision that named each field, be it null; nil where none
	// did, so that the default holds. Decided[Sunset] and Decided[Grace] are the
	// program's revisions where Program is set.
	Decided [Fields]*Revision
}

// deciders are the revisions that decide each field at one event time; nil
// where no revision names it.
type deciders [Fields]*revision

// stretch is the terms from an event time on, until the next stretch begins.
type stretch struct {
	since access.Instant
	terms Terms
}

// terms composes what the deciders of a registration and of its program say.
func (r *Registration) terms(own, program *deciders) Terms {
	t := Terms{From: access.Beginning, Sunset: access.End, GraceUntil: access.End, Deprecation: access.End}
	for f, d := range own {
		t.Decided[f] = d.info()
	}
	if d := own[From]; d != nil {
		t.From = d.from
	}
	if d := own[Deprecation]; d != nil {
		t.Deprecation = d.deprecation
	}
	if d := own[Pauses]; d != nil {
		t.Pauses = d.pauses
	}
	if d := own[Operations]; d != nil {
		t.Operations = d.operations
	}
	if d := own[Scopes]; d != nil {
		t.Scopes = d.scopes
	}
	if d := own[Inbound]; d != nil {
		t.Inbound = d.inbound
	}
	if d := own[Requires]; d != nil {
		t.Requires = d.requires
	}
	t.Sunset, t.Grace, t.GraceUntil = ending(own)
	if sunset, grace, graceUntil := ending(program); sunset < t.Sunset { // where they are equal, its own
		t.Sunset, t.Grace, t.GraceUntil, t.Program = sunset, grace, graceUntil, r.Program
		t.Decided[Sunset], t.Decided[Grace] = program[Sunset].info(), program[Grace].info()
	}
	return t
}

// ending is a sunset, its grace and the end of it.
func ending(d *deciders) (sunset access.Instant, grace time.Duration, graceUntil access.Instant) {
	sunset = access.End
	if d[Sunset] != nil {
		sunset = d[Sunset].sunset
	}
	if d[Grace] != nil {
		grace = d[Grace].grace
	}
	return sunset, grace, sunset.Plus(grace)
}

// Stretches are the terms over event time, all being known: each holds from its
// instant on until the next begins. The first begins at Beginning. The Terms are
// shared and must not be changed.
func (r *Registration) Stretches() iter.Seq2[access.Instant, *Terms] {
	return func(yield func(access.Instant, *Terms) bool) {
		for i := range r.stretches {
			if !yield(r.stretches[i].since, &r.stretches[i].terms) {
				return
			}
		}
	}
}

// compile finds the stretches of event time in which the terms are the same,
// all being known. It goes once over the revisions in the order of effective,
// as a set may hold very many of one registration.
func (r *Registration) compile() {
	var programs history
	if r.program != nil {
		programs = r.program.history
	}
	type change struct {
		revision *revision
		index    int // in its history
		to       *deciders
		decided  *[Fields]int // index of each decider
	}
	var own, program deciders
	var ownIndex, programIndex [Fields]int
	changes := make([]change, 0, len(r.history)+len(programs))
	for i := range r.history {
		changes = append(changes, change{&r.history[i], i, &own, &ownIndex})
	}
	for i := range programs {
		changes = append(changes, change{&programs[i], i, &program, &programIndex})
	}
	slices.SortStableFunc(changes, func(a, b change) int {
		return cmp.Compare(a.revision.Effective, b.revision.Effective)
	})
	for i := 0; i < len(changes); {
		since := changes[i].revision.Effective
		changed := i == 0
		for ; i < len(changes) && changes[i].revision.Effective == since; i++ {
			c := changes[i]
			for f := range Field(Fields) {
				if c.revision.names(f) && (c.to[f] == nil || c.decided[f] < c.index) {
					c.to[f], c.decided[f] = c.revision, c.index
					changed = true
				}
			}
		}
		if changed {
			r.stretches = append(r.stretches, stretch{since, r.terms(&own, &program)})
		}
	}
	r.stretches = slices.Clip(r.stretches)
}

// at are the terms at t, all being known.
func (r *Registration) at(t access.Instant) *Terms {
	// The first stretch begins at Beginning, as a first revision has no effective.
	i := sort.Search(len(r.stretches), func(i int) bool { return r.stretches[i].since > t }) - 1
	return &r.stretches[i].terms
}

// NextTerms is the first event time after t from which other terms hold, all
// being known; End where those at t hold for ever.
func (s *Snapshot) NextTerms(r *Registration, t access.Instant) access.Instant {
	i := sort.Search(len(r.stretches), func(i int) bool { return r.stretches[i].since > t })
	if i == len(r.stretches) {
		return access.End
	}
	return r.stretches[i].since
}

// asKnown are the terms at t as known at k; nil where r does not exist yet.
func (r *Registration) asKnown(t, k access.Instant) *Terms {
	known := r.history.known(k)
	if len(known) == 0 {
		return nil
	}
	if len(known) == len(r.history) && (r.program == nil || len(r.program.history.known(k)) == len(r.program.history)) {
		return r.at(t)
	}
	own := known.deciders(t)
	var program deciders
	if r.program != nil {
		program = r.program.history.known(k).deciders(t)
	}
	terms := r.terms(&own, &program)
	return &terms
}

func (h history) deciders(t access.Instant) deciders {
	var d deciders
	for f := range Field(Fields) {
		d[f] = h.deciding(f, t)
	}
	return d
}
