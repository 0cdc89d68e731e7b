package scenario

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"sunsetwatch/detector"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/model"
)

// asThen is the trial as the running system would have judged it: every event at
// its event time, every revision when it was recorded.
func (t *trial) asThen() (map[string]map[string]any, error) {
	events := slices.Clone(t.events)
	events = slices.DeleteFunc(events, func(e trialEvent) bool { return !t.about(e.Time) })
	slices.SortStableFunc(events, func(a, b trialEvent) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.source, b.source), cmp.Compare(a.at.Offset, b.at.Offset), cmp.Compare(a.at.Index, b.at.Index))
	})
	latest := access.Beginning
	if len(events) > 0 {
		latest = events[len(events)-1].Time
	}
	end := t.now(access.End, latest)
	recordings := t.full.KnownAt(t.Question.KnownAt).Recordings()
	at := append(slices.Clone(recordings), end)
	for i := range events {
		at = append(at, events[i].Time)
	}
	slices.Sort(at)
	at = slices.DeleteFunc(slices.Compact(at), func(t access.Instant) bool { return t == access.Beginning })

	p, err := t.start(detector.Cuts(t.full, t.rules), func(wall, latest access.Instant) access.Instant {
		if wall >= end {
			return end
		}
		return min(wall, latest)
	})
	if err != nil {
		return nil, err
	}
	p.det.Reload(t.full.KnownAt(access.Beginning), t.rules, access.Beginning)
	for _, now := range at {
		for len(events) > 0 && events[0].Time == now {
			p.openSource(events[0].source) // not before: a partition that holds nothing is left out
			p.add(&events[0])
			events = events[1:]
		}
		for source := range p.folds {
			if err := p.merge(source); err != nil {
				return nil, err
			}
		}
		if _, recorded := slices.BinarySearch(recordings, now); recorded {
			p.det.Reload(t.full.KnownAt(now), t.rules, now)
		} else {
			p.det.Judge(now)
		}
	}
	return fields(p.det.Findings())
}

// disagreeAsThen says where product and model differ on what a running system
// would have found; empty where nowhere.
func disagreeAsThen(c model.Case) string {
	t, err := read(c)
	if err != nil {
		return invalid + err.Error()
	}
	got, err := t.asThen()
	if err != nil {
		return err.Error()
	}
	want := expectedFields(model.AsThen(c.Registry, c.Rules, c.Events, c.Question))
	for id, f := range got {
		lenient(want[id], f, t.contradict())
	}
	return gocmp.Diff(want, got)
}

func TestModelAgreesAsThen(t *testing.T) {
	holdAgainstModel(t, disagreeAsThen)
}
