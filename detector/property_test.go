package detector

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// wallOfTests is later than every event.
var wallOfTests = at("2100-01-01")

// seeds runs f with n seeds, each of which reproduces its case.
func seeds(t *testing.T, n int, f func(t *testing.T, r *rand.Rand)) {
	if testing.Short() {
		n /= 5
	}
	for seed := range n {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { f(t, rand.New(rand.NewPCG(1, uint64(seed)))) })
	}
}

// compare findings but for their lives and words.
func compare(t *testing.T, want, got []*rules.Finding) {
	t.Helper()
	compareBy(t, timeless, settled(want, got), got)
}

// settled are findings that know what others learnt before them: a closing that
// was verified stays so, though a source that appeared since is not judged past
// it.
func settled(all, others []*rules.Finding) []*rules.Finding {
	var list []*rules.Finding
	for _, f := range all {
		for _, o := range others {
			if o.ID == f.ID && o.State == rules.Closed && f.Closure != nil && !f.Closure.Verified {
				g := *f
				g.State, g.ClosedAt, g.Closure = o.State, o.ClosedAt, o.Closure
				f = &g
			}
		}
		list = append(list, f)
	}
	return list
}

// compareCounts compares what the model of this package knows: the findings of
// three kinds, without their ends.
func compareCounts(t *testing.T, want, got []*rules.Finding) {
	t.Helper()
	got = ofModel(got)
	compareBy(t, func(f *rules.Finding) rules.Finding {
		g := timeless(f)
		g.State, g.ClosedAt, g.Closure, g.Relapses, g.LateReason = rules.Open, access.Beginning, nil, 0, ""
		return g
	}, want, got)
}

// ofModel are the findings of the kinds that the model of this package knows.
func ofModel(all []*rules.Finding) []*rules.Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f *rules.Finding) bool {
		return f.Kind != rules.AccessAfterSunset && f.Kind != rules.NoRegistration && f.Kind != rules.BeforeStart
	})
}

func compareBy(t *testing.T, by func(*rules.Finding) rules.Finding, want, got []*rules.Finding) {
	t.Helper()
	strip := func(all []*rules.Finding) []rules.Finding {
		var list []rules.Finding
		for _, f := range all {
			list = append(list, by(f))
		}
		return list
	}
	w, g := strip(want), strip(got)
	if !reflect.DeepEqual(w, g) { // a hundred times faster than cmp
		t.Fatalf("findings differ (-want +got):\n%s", cmp.Diff(w, g))
	}
}

func TestModelAgrees(t *testing.T) {
	seeds(t, 200, func(t *testing.T, r *rand.Rand) {
		b := randomBook(r)
		calls := randomCalls(r, 50+r.IntN(250), b)
		f := newFeeder(t, b)
		d := newDetector(t, f.ledger)
		d.reload(b, nil, nil, wallOfTests)
		for _, batch := range batches(r, calls) {
			f.feed(batch)
			if r.IntN(2) == 0 {
				d.Judge(wallOfTests)
			}
			if r.IntN(8) == 0 {
				d = restarted(t, d, b, f)
			}
		}
		d.Judge(wallOfTests)
		compareCounts(t, model(b, calls, latest(calls)), d.Findings())
	})
}

// restarted is a detector that takes over what another one saved.
func restarted(t *testing.T, d *Detector, b *book, f *feeder) *Detector {
	t.Helper()
	var saved []*rules.Finding
	for _, f := range d.Findings() {
		data, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		g := &rules.Finding{}
		if err := json.Unmarshal(data, g); err != nil {
			t.Fatal(err)
		}
		saved = append(saved, g)
	}
	next := newDetector(t, f.ledger)
	if err := next.Restore(saved); err != nil {
		t.Fatal(err)
	}
	next.reload(b, nil, nil, wallOfTests)
	return next
}

// Batches, their order and restarts change neither findings nor words.
func TestBatchingChangesNothing(t *testing.T) {
	seeds(t, 30, func(t *testing.T, r *rand.Rand) {
		b := randomBook(r)
		calls := randomCalls(r, 50+r.IntN(250), b)
		whole := newFeeder(t, b)
		whole.feed(calls)
		want := newDetector(t, whole.ledger)
		want.reload(b, nil, nil, wallOfTests)
		for range 3 {
			f := newFeeder(t, b)
			got := newDetector(t, f.ledger)
			got.reload(b, nil, nil, wallOfTests)
			for _, batch := range batches(r, calls) {
				f.feed(batch)
				got.Judge(wallOfTests)
				if r.IntN(10) == 0 {
					got = restarted(t, got, b, f)
				}
			}
			compare(t, running(want.Findings()), running(got.Findings()))
			for i, f := range running(want.Findings()) {
				if g := running(got.Findings())[i]; g.Why != f.Why {
					t.Fatalf("why %q, want %q", g.Why, f.Why)
				}
			}
		}
	})
}

// A registry that is known late, when facts were merged across its instants,
// gives bounds that hold the truth, and no exact number that is not true.
func TestBoundsHoldTheTruth(t *testing.T) {
	inexact := 0
	seeds(t, 200, func(t *testing.T, r *rand.Rand) {
		before, b := randomBook(r), randomBook(r)
		calls := randomCalls(r, 50+r.IntN(250), b)
		for i := range calls { // few cells, so that buckets hold several events
			c := &calls[i]
			c.principal = fmt.Sprintf("app-%d", r.IntN(2))
			c.feature, c.operation, c.scopes = "feed", access.Read, nil
			if r.IntN(4) > 0 {
				c.grantor = ""
			}
		}
		// One call long after the others lets the ledger roll them up.
		age := []access.Instant{access.OneDay, 40 * access.OneDay, 300 * access.OneDay, 500 * access.OneDay, 900 * access.OneDay}[r.IntN(5)]
		calls = append(calls, call{time: latest(calls) + age, principal: "app-5", feature: "feed", records: 1})
		calls = numbered(calls)
		f := newFeeder(t, before)
		d := newDetector(t, f.ledger)
		d.reload(before, nil, nil, wallOfTests)
		for _, batch := range batches(r, calls) {
			f.feed(batch)
			d.Judge(wallOfTests)
		}
		compareCounts(t, model(before, calls, latest(calls)), d.Findings())

		f.ledger.SetTerms(b)
		d.reload(b, nil, nil, wallOfTests)
		truth := map[string]*rules.Finding{}
		for _, f := range model(b, calls, latest(calls)) {
			truth[f.ID] = f
		}
		for _, got := range ofModel(running(d.Findings())) {
			want := truth[got.ID]
			if want == nil {
				t.Fatalf("%s of %s about %s: there is no such finding", got.Kind, got.Partner, got.Feature)
			}
			delete(truth, got.ID)
			if got.Bounds == nil {
				compareCounts(t, []*rules.Finding{want}, []*rules.Finding{got})
				continue
			}
			inexact++
			checkBounds(t, want, got)
		}
		for _, missed := range truth {
			if certain(f, missed) {
				t.Errorf("%s of %s about %s, %d events from %s to %s: missed", missed.Kind, missed.Partner, missed.Feature,
					missed.Events, missed.FirstEvent.Time, missed.LastEvent.Time)
			}
		}
	})
	t.Logf("%d findings had bounds", inexact)
	if !testing.Short() && inexact < 100 {
		t.Errorf("%d findings had bounds: too few to prove anything", inexact)
	}
}

// certain reports that the first or last event of a finding lies in a stretch
// that is not Cut, or is the first or last one of a Cut stretch.
func certain(f *feeder, missed *rules.Finding) bool {
	for principal, feature := range f.ledger.Pairs() {
		if feature != missed.Feature || !slices.Contains(missed.Principals, principal) {
			continue
		}
		for _, c := range f.ledger.Cells(principal, feature) {
			if c.Attributes().Outcome != access.Served {
				continue
			}
			for s := range c.Stretches() {
				for _, e := range []rules.Coordinate{missed.FirstEvent, missed.LastEvent} {
					if s.Events > 0 && (s.First.Time == e.Time || s.Last.Time == e.Time) {
						return true
					}
				}
			}
		}
	}
	return false
}

func checkBounds(t *testing.T, want, got *rules.Finding) {
	t.Helper()
	check := func(field string, r rules.Range, plain, truth uint64) {
		t.Helper()
		if r.Low != plain {
			t.Errorf("%s is %d, the low end of [%d, %d] expected", field, plain, r.Low, r.High)
		}
		if truth < r.Low || truth > r.High {
			t.Errorf("%s: the truth %d is not in [%d, %d]", field, truth, r.Low, r.High)
		}
	}
	numbers := map[string][2]uint64{
		"events":   {got.Events, want.Events},
		"attempts": {got.Attempts, want.Attempts},
		"records":  {got.Records, want.Records},
		"bytes":    {got.Bytes, want.Bytes},
		"days":     {got.Days, want.Days},
		"people":   {got.People, want.People},
		"grantors": {got.Grantors, want.Grantors},
	}
	if got.EventsAfterGrace != nil {
		numbers["events_after_grace"] = [2]uint64{*got.EventsAfterGrace, *want.EventsAfterGrace}
	}
	if len(numbers) != len(got.Bounds.Fields) {
		t.Errorf("bounds of %v, want of %v", got.Bounds.Fields, numbers)
	}
	for field, n := range numbers {
		check(field, got.Bounds.Fields[field], n[0], n[1])
	}
	for o := range want.Operations {
		check("operations of "+o, got.Bounds.Operations[o], got.Operations[o], want.Operations[o])
	}
	for s := range want.Scopes {
		check("scopes of "+s, got.Bounds.Scopes[s], got.Scopes[s], want.Scopes[s])
	}
	if got.FirstEvent.Source != "" {
		if got.FirstEvent.Time < want.FirstEvent.Time || got.LastEvent.Time > want.LastEvent.Time {
			t.Errorf("from %s to %s, the truth is from %s to %s", got.FirstEvent.Time, got.LastEvent.Time, want.FirstEvent.Time, want.LastEvent.Time)
		}
	}
	if got.ThirdPartyEvents > want.ThirdPartyEvents {
		t.Errorf("third_party_events is %d, the truth is %d", got.ThirdPartyEvents, want.ThirdPartyEvents)
	}
	if got.Severity > want.Severity {
		t.Errorf("severity is %s, the truth is %s", got.Severity, want.Severity)
	}
}
