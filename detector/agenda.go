package detector

import (
	"container/heap"

	"sunsetwatch/rules/access"
)

// agenda says which groups time alone makes due: a finding that falls quiet, a
// sunset that passes, an exception that ends.
//
// Invariant: a group with a date is queued once, at that date or before it, so
// that a date that is put off again and again adds no entry.
type agenda struct {
	dates  map[group]access.Instant // when each is due
	queued map[group]access.Instant // the entry of each
	queue  appointments             // entries, and some that were overtaken by an earlier one
}

type appointment struct {
	at    access.Instant
	group group
}

func newAgenda() agenda {
	return agenda{dates: map[group]access.Instant{}, queued: map[group]access.Instant{}}
}

// set replaces the date of g; access.End: it has none.
func (a *agenda) set(g group, at access.Instant) {
	if at == access.End {
		delete(a.dates, g)
		return
	}
	a.dates[g] = at
	if was, ok := a.queued[g]; !ok || at < was {
		a.queued[g] = at
		heap.Push(&a.queue, appointment{at, g})
	}
}

// take adds the groups that are due at now, which have no date then.
func (a *agenda) take(now access.Instant, to map[group]struct{}) {
	for len(a.queue) > 0 && a.queue[0].at <= now {
		e := heap.Pop(&a.queue).(appointment)
		if at, ok := a.queued[e.group]; !ok || at != e.at {
			continue // overtaken
		}
		delete(a.queued, e.group)
		at, dated := a.dates[e.group]
		switch {
		case !dated:
		case at <= now:
			delete(a.dates, e.group)
			to[e.group] = struct{}{}
		default:
			a.set(e.group, at)
		}
	}
}

type appointments []appointment

func (a appointments) Len() int           { return len(a) }
func (a appointments) Less(i, k int) bool { return a[i].at < a[k].at }
func (a appointments) Swap(i, k int)      { a[i], a[k] = a[k], a[i] }

// Push is that of heap.Interface.
func (a *appointments) Push(x any) { *a = append(*a, x.(appointment)) }

// Pop is that of heap.Interface.
func (a *appointments) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}
