package model

import (
	"slices"
	"time"

	"sunsetwatch/rules/access"
)

// Shrink is a smaller case that still fails: it leaves out events, revisions,
// registrations, principals, rules and parts of the question for as long as one
// can go. fails is asked about valid cases only, and about none that it keeps.
func Shrink(c Case, fails func(Case) bool) Case {
	for {
		smaller := false
		for _, less := range cuts(c) {
			if len(Problems(less.Registry)) == 0 && fails(less) {
				c, smaller = less, true
				break
			}
		}
		if !smaller {
			return c
		}
	}
}

// cuts are the cases that are one step smaller, the boldest first.
func cuts(c Case) []Case {
	var all []Case
	for n := len(c.Events) / 2; n > 0; n /= 2 {
		for i := 0; i+n <= len(c.Events); i += n {
			less := c
			less.Events = Lay(without(c.Events, i, n), c.Question.Files)
			all = append(all, less)
		}
	}
	change := func(f func(*Case)) {
		less := c
		f(&less)
		all = append(all, less)
	}
	for i := range c.Registry.Registrations {
		change(func(l *Case) { l.Registry.Registrations = without(c.Registry.Registrations, i, 1) })
	}
	for i := range c.Registry.Programs {
		change(func(l *Case) { l.Registry.Programs = without(c.Registry.Programs, i, 1) })
	}
	for i := range c.Registry.Scopes {
		change(func(l *Case) { l.Registry.Scopes = without(c.Registry.Scopes, i, 1) })
	}
	for i := range c.Registry.Partners {
		change(func(l *Case) { l.Registry.Partners = without(c.Registry.Partners, i, 1) })
		for k := range c.Registry.Partners[i].Principals {
			change(func(l *Case) {
				l.Registry.Partners = slices.Clone(c.Registry.Partners)
				l.Registry.Partners[i].Principals = without(c.Registry.Partners[i].Principals, k, 1)
			})
		}
	}
	for i, r := range c.Registry.Registrations {
		for _, revisions := range fewer(r.Revisions) {
			change(func(l *Case) {
				l.Registry.Registrations = slices.Clone(c.Registry.Registrations)
				l.Registry.Registrations[i].Revisions = revisions
			})
		}
	}
	for i, p := range c.Registry.Programs {
		for _, revisions := range fewer(p.Revisions) {
			change(func(l *Case) {
				l.Registry.Programs = slices.Clone(c.Registry.Programs)
				l.Registry.Programs[i].Revisions = revisions
			})
		}
	}
	for i, s := range c.Registry.Scopes {
		for _, revisions := range fewer(s.Revisions) {
			change(func(l *Case) {
				l.Registry.Scopes = slices.Clone(c.Registry.Scopes)
				l.Registry.Scopes[i].Revisions = revisions
			})
		}
	}
	for i := range c.Rules.Exceptions {
		change(func(l *Case) { l.Rules.Exceptions = without(c.Rules.Exceptions, i, 1) })
	}
	for i := range c.Rules.Closures {
		change(func(l *Case) { l.Rules.Closures = without(c.Rules.Closures, i, 1) })
	}
	for i := range c.Rules.Disputes {
		change(func(l *Case) { l.Rules.Disputes = without(c.Rules.Disputes, i, 1) })
	}
	if len(c.Rules.Kinds) > 0 {
		change(func(l *Case) { l.Rules.Kinds = nil })
	}
	whole := Everything()
	if c.Question.From != whole.From {
		change(func(l *Case) { l.Question.From = whole.From })
	}
	if c.Question.To != whole.To {
		change(func(l *Case) { l.Question.To = whole.To })
	}
	if c.Question.KnownAt != whole.KnownAt {
		change(func(l *Case) { l.Question.KnownAt = whole.KnownAt })
	}
	return all
}

// without is all but n from i on, in memory of its own.
func without[T any](all []T, i, n int) []T {
	return slices.Delete(slices.Clone(all), i, i+n)
}

// fewer are the revisions without one, and with one naming a field less.
func fewer(revisions []Revision) [][]Revision {
	var all [][]Revision
	for i := range revisions {
		if len(revisions) > 1 {
			less := without(revisions, i, 1)
			if i == 0 {
				less[0].Effective = revisions[0].Effective
			}
			all = append(all, less)
		}
		simplify := func(f func(*Revision)) {
			less := slices.Clone(revisions)
			f(&less[i])
			all = append(all, less)
		}
		drop(simplify, revisions[i], func(r *Revision) *Field[access.Instant] { return &r.From })
		drop(simplify, revisions[i], func(r *Revision) *Field[access.Instant] { return &r.Sunset })
		drop(simplify, revisions[i], func(r *Revision) *Field[access.Instant] { return &r.Deprecation })
		drop(simplify, revisions[i], func(r *Revision) *Field[time.Duration] { return &r.Grace })
		drop(simplify, revisions[i], func(r *Revision) *Field[[]Pause] { return &r.Pauses })
		drop(simplify, revisions[i], func(r *Revision) *Field[[]access.Operation] { return &r.Operations })
		drop(simplify, revisions[i], func(r *Revision) *Field[[]string] { return &r.Scopes })
		drop(simplify, revisions[i], func(r *Revision) *Field[bool] { return &r.Inbound })
		drop(simplify, revisions[i], func(r *Revision) *Field[[]string] { return &r.Requires })
	}
	return all
}

// drop tries a revision without a field that it names.
func drop[T any](simplify func(func(*Revision)), r Revision, field func(*Revision) *Field[T]) {
	if field(&r).Named {
		simplify(func(r *Revision) { *field(r) = Field[T]{} })
	}
}
