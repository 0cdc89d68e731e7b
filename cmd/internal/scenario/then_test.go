package scenario

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"sunsetwatch/detector"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/model"
)

// once are the events that the question is about, each once.
func (t *trial) once() []*trialEvent {
	var all []*trialEvent
	for i := range t.events {
		all = append(all, &t.events[i])
	}
	slices.SortStableFunc(all, func(a, b *trialEvent) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.at.Offset, b.at.Offset), cmp.Compare(a.at.Index, b.at.Index))
	})
	signer := ledger.NewSigner(ledger.Key{})
	var known ledger.Signatures
	recent := map[string]*ledger.Recent{}
	return slices.DeleteFunc(all, func(e *trialEvent) bool {
		repeated := false
		switch t.Question.Dedupe {
		case model.DedupeAll:
			repeated = known.Add(signer.Sign(&e.Event))
		case model.DedupeSources:
			if recent[e.source] == nil {
				recent[e.source] = &ledger.Recent{}
			}
			repeated = recent[e.source].Add(signer.Sign(&e.Event))
		}
		return repeated || !t.about(e.Time)
	})
}

func (t *trial) sourceOf(name string) ledger.Source {
	if t.Question.Files {
		return ledger.Source{Name: name}
	}
	topic, partition, _ := strings.Cut(name, "/")
	n, _ := strconv.Atoi(partition)
	return ledger.Source{Name: name, Topic: topic, Partition: int32(n)}
}

// pieces counts the events as a replay does: in any order, by several workers.
func (t *trial) pieces(r *rand.Rand, terms ledger.Terms, o func() ledger.PiecesOptions, watch []access.Instant) (*ledger.Ledger, *detector.Arrivals) {
	type worker struct {
		*ledger.Pieces
		ledger   *ledger.Ledger
		arrivals *detector.Arrivals
	}
	var workers []worker
	for range 1 + r.IntN(3) {
		l := ledger.New(ledger.Options{Terms: terms})
		workers = append(workers, worker{l.NewPieces(o()), l, detector.NewArrivals(watch)})
	}
	all := t.once()
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, e := range all {
		w := workers[r.IntN(len(workers))]
		w.From(t.sourceOf(e.source))
		w.Add(&e.Event, e.at)
		w.arrivals.From(t.sourceOf(e.source))
		w.arrivals.Add(e.Time)
	}
	for _, w := range workers[1:] {
		workers[0].ledger.Absorb(w.ledger)
		workers[0].arrivals.Absorb(w.arrivals)
	}
	return workers[0].ledger, workers[0].arrivals
}

func everybody() ledger.PiecesOptions { return ledger.PiecesOptions{} }

// disagreeOnPieces says where one judgement of pieces and the model differ.
func disagreeOnPieces(c model.Case) string {
	t, err := read(c)
	if err != nil {
		return invalid + err.Error()
	}
	known := t.full.KnownAt(t.Question.KnownAt)
	people := func() ledger.PiecesOptions {
		c := detector.NewConcern(known)
		o := ledger.PiecesOptions{People: c.Verdict}
		if t.Seed%2 == 0 { // as replay does
			o.Outright, o.Together = c.Outright, true
		}
		return o
	}
	facts, _ := t.pieces(rand.New(rand.NewPCG(c.Seed, 8)), detector.Cuts(t.full, t.rules), people, nil)
	d, err := detector.New(detector.Options{Facts: facts, Time: t.now})
	if err != nil {
		return err.Error()
	}
	d.Reload(known, t.rules, access.End)
	got, err := fields(d.Findings(), "opened_at", "late_reason", "detection_delay")
	if err != nil {
		return err.Error()
	}
	want := expectedFields(model.Judge(c.Registry, c.Rules, c.Events, c.Question), "opened_at", "late_reason", "detection_delay")
	for id, f := range got {
		lenient(want[id], f, t.contradict())
	}
	return gocmp.Diff(want, got)
}

var errTries = errors.New("it is counted again and again")

// thenOfPieces is the judgement as then, of facts that are counted as often as it asks.
func (t *trial) thenOfPieces() (map[string]map[string]any, int, error) {
	r := rand.New(rand.NewPCG(t.Seed, 9))
	then := detector.NewThen(t.full, t.rules, t.Question.KnownAt)
	for tries := 1; tries < 10; tries++ {
		facts, arrivals := t.pieces(r, then.Cuts(), everybody, then.Watch())
		found, again := then.Judge(facts, arrivals, t.now(0, facts.Latest()))
		if !again {
			all, err := fields(found)
			return all, tries, err
		}
	}
	return nil, 0, errTries
}

func disagreeOnThen(c model.Case) string {
	t, err := read(c)
	if err != nil {
		return invalid + err.Error()
	}
	got, _, err := t.thenOfPieces()
	if err != nil {
		return err.Error()
	}
	want := expectedFields(model.AsThen(c.Registry, c.Rules, c.Events, c.Question))
	for id, f := range got {
		lenient(want[id], f, t.contradict())
		// Of a delay the model has no more digits than a float64.
		exact, ok := want[id]["detection_delay"].(float64)
		if given, also := f["detection_delay"].(float64); ok && also && exact-given == 1 {
			f["detection_delay"] = exact
		}
	}
	return gocmp.Diff(want, got)
}

func comparePieces(t *testing.T, cases int, disagree func(model.Case) string) {
	if testing.Short() {
		cases /= 5
	}
	failed := 0
	for seed := *firstSeed; seed < *firstSeed+uint64(cases); seed++ {
		c := model.Random(seed)
		diff := disagree(c)
		if diff == "" {
			continue
		}
		failed++
		small := model.Shrink(c, func(c model.Case) bool {
			d := disagree(c)
			return d != "" && strings.HasPrefix(d, invalid) == strings.HasPrefix(diff, invalid)
		})
		t.Errorf("seed %d (-model +product):\n%s\n%s", seed, disagree(small), written(small))
		if failed == 3 {
			break
		}
	}
	t.Logf("%d cases from seed %d, %d disagree", cases, *firstSeed, failed)
}

func TestModelAgreesOnPieces(t *testing.T) { comparePieces(t, *cases, disagreeOnPieces) }

func TestModelAgreesOnThen(t *testing.T) { comparePieces(t, *cases, disagreeOnThen) }
