package scenario

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// The step "judge as then" of a scenario does as the comparison with the model
// does, on each story.
func TestStoriesAsThen(t *testing.T) {
	if testing.Short() {
		t.Skip("stories are judged as then by their own steps")
	}
	t.Parallel()
	const most = 3000
	told := stories(t, most)
	n := 0
	for _, name := range corpus(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s := parsed(t, string(text))
		x := told[strings.TrimSuffix(filepath.Base(name), Ext)]
		if x == nil || len(x.events) != s.events() {
			continue // it is refused, or thinned out
		}
		n++
		set := registered{x.full, x.rules}
		w, err := newWorld(set)
		if err != nil {
			t.Fatal(err)
		}
		r := &runner{Scenario: s, ctx: t.Context()}
		if err := r.asThen(w, set, access.End); err != nil {
			t.Fatal(err)
		}
		got, err := fields(w.detector.Findings(), "first_event", "last_event")
		if err != nil {
			t.Fatal(err)
		}
		want, err := x.asThen()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range want {
			delete(m, "first_event")
			delete(m, "last_event")
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-comparison +step):\n%s", name, diff)
		}
	}
	if n < 15 {
		t.Errorf("only %d stories", n)
	}
}
