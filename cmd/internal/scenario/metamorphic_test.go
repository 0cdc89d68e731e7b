package scenario

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sunsetwatch/detector"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/model"
	"sunsetwatch/rules/registry"
)

// What is found does not depend on how events came to the product. Each way to
// bring them is held against reading all in one go, on the scenarios of the
// product and on random cases.

// course is how the events of a trial come to the product, one after the other.
type course struct {
	order   []int // of the events
	batch   int   // so many make a batch, at most
	judge   int   // judged after so many batches; 0: only at the end
	restart int   // saved, forgotten and loaded after one of so many batches; 0: never
	reveal  bool  // revisions one by one, at random places; else all from the start
}

// outcomes are what was found, by id of the finding, and how often exceptions were
// used.
type outcomes struct {
	findings map[string]map[string]any
	uses     []string
}

// found are all findings with all fields but those that are named.
func (p *product) found(without ...string) (outcomes, error) {
	r := outcomes{findings: map[string]map[string]any{}}
	for _, f := range p.det.Findings() {
		data, err := json.Marshal(f)
		if err != nil {
			return r, err
		}
		m := map[string]any{}
		if err := json.Unmarshal(data, &m); err != nil {
			return r, err
		}
		for _, name := range without {
			delete(m, name)
		}
		r.findings[f.ID] = m
	}
	for _, u := range p.det.ExceptionUses() {
		r.uses = append(r.uses, fmt.Sprint(u.Hits, u.Last))
	}
	return r, nil
}

// lived are the fields that say how a finding came about, which one judgement
// does not know.
var lived = []string{"opened_at", "detection_delay", "history"}

// known is what one judgement of everything would find: findings as they are,
// without their lives and without those that were withdrawn.
func (p *product) known(without ...string) (outcomes, error) {
	r, err := p.found(append(without, lived...)...)
	maps.DeleteFunc(r.findings, func(_ string, m map[string]any) bool { return m["state"] == "withdrawn" })
	return r, err
}

// end is the time of the last judgement.
func (t *trial) end() access.Instant {
	latest := access.Beginning
	for _, i := range t.counted() {
		latest = max(latest, t.events[i].Time)
	}
	return t.now(access.End, latest)
}

// counted are the numbers of the events that the question is about.
func (t *trial) counted() []int {
	var all []int
	for i := range t.events {
		if t.about(t.events[i].Time) {
			all = append(all, i)
		}
	}
	return all
}

// timeOfJudgement is the earlier of wall time and latest event, and what the
// question says once the wall time is over.
func (t *trial) timeOfJudgement() func(wall, latest access.Instant) access.Instant {
	end := t.end()
	return func(wall, latest access.Instant) access.Instant {
		if wall == access.End {
			return end
		}
		return min(wall, latest)
	}
}

// inOneGo reads everything and judges once.
func (t *trial) inOneGo() (*product, error) {
	all := t.counted()
	return t.take(course{order: all, batch: len(all) + 1}, rand.New(rand.NewPCG(1, 1)))
}

// take brings the events to the product.
func (t *trial) take(c course, r *rand.Rand) (*product, error) {
	p, err := t.begin(detector.Cuts(t.full, t.rules), t.timeOfJudgement())
	if err != nil {
		return nil, err
	}
	now := t.full.KnownAt(t.Question.KnownAt)
	reveal := map[int][]access.Instant{} // before the event of a number
	set := now
	if c.reveal {
		set = now.KnownAt(access.Beginning)
		recordings := now.Recordings()
		var places []int
		for range recordings {
			places = append(places, r.IntN(len(c.order)+1))
		}
		slices.Sort(places)
		for i, place := range places {
			reveal[place] = append(reveal[place], recordings[i])
		}
	}
	running := c.judge > 0
	wall := access.Beginning
	if running {
		p.det.Reload(set, t.rules, wall)
	}
	batches, left := 0, 1+r.IntN(c.batch)
	for n, i := range c.order {
		for _, k := range reveal[n] {
			if err := p.mergeAll(); err != nil {
				return nil, err
			}
			set = now.KnownAt(k)
			p.det.Reload(set, t.rules, wall)
			running = true
		}
		e := &t.events[i]
		p.add(e)
		wall = max(wall, e.Time)
		if left--; left > 0 {
			continue
		}
		left = 1 + r.IntN(c.batch)
		batches++
		if err := p.mergeAll(); err != nil {
			return nil, err
		}
		if c.judge > 0 && batches%c.judge == 0 {
			p.det.Judge(wall)
		}
		if c.restart > 0 && r.IntN(c.restart) == 0 {
			if err := p.restart(set, wall, running); err != nil {
				return nil, err
			}
		}
	}
	if err := p.mergeAll(); err != nil {
		return nil, err
	}
	if running && set == now {
		p.det.Judge(access.End)
	} else {
		p.det.Reload(now, t.rules, access.End)
	}
	return p, nil
}

func (p *product) mergeAll() error {
	for source := range p.folds {
		if err := p.merge(source); err != nil {
			return err
		}
	}
	return nil
}

// saved is the state as a file would hold it.
type saved struct {
	facts    ledger.Changes
	findings map[string][]byte
}

// restart saves what changed, forgets everything and takes it up again.
func (p *product) restart(set *registry.Snapshot, wall access.Instant, running bool) error {
	if p.saved.facts == nil {
		p.saved = saved{ledger.Changes{}, map[string][]byte{}}
	}
	p.ledger.TakeChanges(p.saved.facts)
	maps.DeleteFunc(p.saved.facts, func(_ string, value []byte) bool { return value == nil })
	for _, f := range p.det.TakeChanged() {
		data, err := json.Marshal(f)
		if err != nil {
			return err
		}
		p.saved.findings[f.ID] = data
	}
	terms := detector.Cuts(p.full, p.trial.rules)
	loader := ledger.NewLoader(ledger.Options{Terms: terms})
	for _, key := range slices.Sorted(maps.Keys(p.saved.facts)) {
		if err := loader.Load([]byte(key), p.saved.facts[key]); err != nil {
			return err
		}
	}
	var findings []*rules.Finding
	for _, id := range slices.Sorted(maps.Keys(p.saved.findings)) {
		f := &rules.Finding{}
		if err := json.Unmarshal(p.saved.findings[id], f); err != nil {
			return err
		}
		findings = append(findings, f)
	}
	var err error
	if p.ledger, err = loader.Ledger(terms); err != nil {
		return err
	}
	names := slices.Collect(maps.Keys(p.folds))
	clear(p.folds)
	for _, name := range names {
		p.openSource(name)
	}
	if p.det, err = detector.New(detector.Options{Facts: p.ledger, Time: p.timeOfJudgement()}); err != nil {
		return err
	}
	if err := p.det.Restore(findings); err != nil {
		return err
	}
	if running {
		p.det.Reload(set, p.trial.rules, wall)
	}
	return nil
}

// interleaved are the numbers of the events in another order, in which the
// events of each source stay in theirs.
func (t *trial) interleaved(r *rand.Rand) []int {
	queues := map[string][]int{}
	var sources []string
	all := t.counted()
	for _, i := range all {
		s := t.events[i].source
		if queues[s] == nil {
			sources = append(sources, s)
		}
		queues[s] = append(queues[s], i)
	}
	order := make([]int, 0, len(all))
	for len(sources) > 0 {
		n := r.IntN(len(sources))
		s := sources[n]
		k := min(1+r.IntN(30), len(queues[s]))
		order = append(order, queues[s][:k]...)
		if queues[s] = queues[s][k:]; len(queues[s]) == 0 {
			sources = slices.Delete(sources, n, n+1)
		}
	}
	return order
}

// rearranged is the trial with its events in other places: put says of each
// where it goes, and in which order they stand there. Ids and timestamps speak of
// places, so they are left out.
func (t *trial) rearranged(order []int, put func(i int) string) *trial {
	other := *t
	other.events = nil
	next := map[string]int64{}
	for _, i := range order {
		e := t.events[i]
		e.ID, e.Late = nil, false
		e.source = put(i)
		e.at = access.Position{Offset: next[e.source]}
		next[e.source]++
		other.events = append(other.events, e)
	}
	return &other
}

// workers lets one goroutine for each source fold, merging under a mutex, while
// another one judges: as the daemon does.
func (t *trial) workers(r *rand.Rand) (*product, error) {
	p, err := t.begin(detector.Cuts(t.full, t.rules), t.timeOfJudgement())
	if err != nil {
		return nil, err
	}
	queues := map[string][]int{}
	for _, i := range t.counted() {
		queues[t.events[i].source] = append(queues[t.events[i].source], i)
	}
	p.det.Reload(t.full.KnownAt(t.Question.KnownAt), t.rules, access.Beginning)
	var mu sync.Mutex
	var failed error
	var wg sync.WaitGroup
	for source, queue := range queues {
		fold, batch := p.folds[source], 1+r.IntN(20)
		wg.Go(func() {
			from := int64(0)
			for part := range slices.Chunk(queue, batch) {
				for _, i := range part {
					fold.Add(&t.events[i].Event, t.events[i].at)
				}
				n := int64(len(part))
				mu.Lock()
				err := p.ledger.Merge(fold, ledger.Progress{From: from, Next: from + n, Coverage: access.Coverage{Records: uint64(n), Events: uint64(n)}})
				p.det.Judge(p.ledger.Latest())
				if err != nil {
					failed = err
				}
				mu.Unlock()
				from += n
			}
		})
	}
	wg.Wait()
	p.det.Judge(access.End)
	return p, failed
}

// places are the fields that say where an event stands, or depend on how the
// sources were read.
func withoutPlaces(r outcomes) outcomes {
	for _, m := range r.findings {
		for _, name := range []string{"first_event", "last_event"} {
			if c, ok := m[name].(map[string]any); ok {
				delete(c, "source")
				delete(c, "offset")
			}
		}
	}
	return r
}

// closing are the fields of a finding that depend on partitions, by intent.
var closing = []string{"state", "closed_at", "closure"}

// ways in which events can come. Each gives two results that must be one.
var ways = []struct {
	name string
	both func(t *trial, r *rand.Rand) (want, got outcomes, err error)
}{
	{"batches", func(t *trial, r *rand.Rand) (want, got outcomes, err error) {
		return against(t, func(t *trial) (*product, error) {
			return t.take(course{order: t.counted(), batch: 1 + r.IntN(40), judge: r.IntN(3)}, r)
		})
	}},
	{"order of partitions", func(t *trial, r *rand.Rand) (want, got outcomes, err error) {
		return against(t, func(t *trial) (*product, error) {
			return t.take(course{order: t.interleaved(r), batch: 30, judge: r.IntN(3)}, r)
		})
	}},
	{"workers", func(t *trial, r *rand.Rand) (want, got outcomes, err error) {
		return against(t, func(t *trial) (*product, error) { return t.workers(r) })
	}},
	{"live", func(t *trial, r *rand.Rand) (want, got outcomes, err error) {
		return against(t, func(t *trial) (*product, error) {
			return t.take(course{order: t.counted(), batch: 1, judge: 1}, r)
		})
	}},
	{"revisions one by one", func(t *trial, r *rand.Rand) (want, got outcomes, err error) {
		return against(t, func(t *trial) (*product, error) {
			return t.take(course{order: t.counted(), batch: 40, judge: 1, reveal: true}, r)
		})
	}},
	// A life with restarts is that without, to the last entry of the history.
	{"restarts", func(t *trial, r *rand.Rand) (want, got outcomes, err error) {
		live := course{order: t.counted(), batch: 1, judge: 1, reveal: r.IntN(2) == 0}
		seed := r.Uint64()
		return both(
			func() (*product, error) { return t.take(live, rand.New(rand.NewPCG(seed, 2))) },
			func() (*product, error) {
				live.restart = 1
				if n := len(t.events); n > everyEvent || testing.Short() {
					live.restart += n / 20
				}
				return t.take(live, rand.New(rand.NewPCG(seed, 2)))
			},
			(*product).found)
	}},
	// Of probes of one instant that contradict each other the later one counts,
	// which depends on where they stand.
	{"lines in any order", func(t *trial, r *rand.Rand) (want, got outcomes, err error) {
		if t.contradict() {
			return want, got, nil
		}
		all := t.counted()
		r.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
		same := func(i int) string { return t.events[i].source }
		want, got, err = both(t.rearranged(t.counted(), same).inOneGo, t.rearranged(all, same).inOneGo, (*product).known)
		return withoutPlaces(want), withoutPlaces(got), err
	}},
	// Closing waits for each partition, and so does what nobody uses.
	{"number of partitions", func(t *trial, r *rand.Rand) (want, got outcomes, err error) {
		if t.contradict() {
			return want, got, nil
		}
		n := 1 + r.IntN(6)
		put := func(int) string { return fmt.Sprintf("partner-access/%d", r.IntN(n)) }
		same := func(i int) string { return t.events[i].source }
		want, got, err = both(t.rearranged(t.counted(), same).inOneGo, t.rearranged(t.counted(), put).inOneGo,
			func(p *product, _ ...string) (outcomes, error) {
				r, err := p.known(closing...)
				maps.DeleteFunc(r.findings, func(_ string, m map[string]any) bool { return m["kind"] == rules.DormantGrant })
				return r, err
			})
		return withoutPlaces(want), withoutPlaces(got), err
	}},
}

// everyEvent is up to how many events a trial is taken up again after each of
// them, and not at about twenty places.
const everyEvent = 250

// against holds a way against reading all in one go.
func against(t *trial, way func(*trial) (*product, error)) (want, got outcomes, err error) {
	return both(t.inOneGo, func() (*product, error) { return way(t) }, (*product).known)
}

func both(a, b func() (*product, error), found func(*product, ...string) (outcomes, error)) (want, got outcomes, err error) {
	p, err := a()
	if err != nil {
		return want, got, err
	}
	if want, err = found(p); err != nil {
		return want, got, err
	}
	if p, err = b(); err != nil {
		return want, got, err
	}
	got, err = found(p)
	return want, got, err
}

// stories are the scenarios of the product as trials: each of their registration
// files with all events, thinned out where they are more than most.
func stories(t *testing.T, most int) map[string]*trial {
	all := map[string]*trial{}
	for _, name := range corpus(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s := parsed(t, string(text))
		every := s.events()/most | 1 // odd, so that words that take turns stay
		var events []trialEvent
		next := map[int32]int64{}
		n := 0
		told := s.stream(false)
		for e := told.next(); e != nil; e = told.next() {
			if n++; n%every != 0 {
				continue
			}
			events = append(events, trialEvent{own(e.event), fmt.Sprintf("%s/%d", topic, e.partition), access.Position{Offset: next[e.partition]}})
			next[e.partition]++
		}
		ruleFile := ""
		if s.section(rulesName) != nil {
			ruleFile = rulesName
		}
		r := &runner{Scenario: s}
		for _, section := range s.sections {
			if partOf(section.name) != registrationsPart {
				continue
			}
			set, err := r.read(section.name, ruleFile)
			if err != nil {
				continue // it is refused, which is its story
			}
			name := strings.TrimSuffix(filepath.Base(name), Ext)
			if section.name != registrationsName {
				name += "/" + section.name
			}
			all[name] = &trial{Case: model.Case{Question: model.Everything()}, full: set.snapshot, rules: set.rules, events: events}
		}
	}
	return all
}

func TestWaysOfEventsChangeNothing(t *testing.T) {
	most, n := 1500, *cases/10
	if testing.Short() {
		most, n = 400, *cases/60
	}
	told := stories(t, most)
	if len(told) < 21 {
		t.Errorf("only %d stories", len(told))
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			differ := func(x *trial, seed uint64) string {
				want, got, err := way.both(x, rand.New(rand.NewPCG(seed, 11)))
				if err != nil {
					return err.Error()
				}
				return cmp.Diff(want, got, cmp.AllowUnexported(outcomes{}))
			}
			for _, name := range slices.Sorted(maps.Keys(told)) {
				if diff := differ(told[name], 1); diff != "" {
					t.Errorf("%s (-one way +the other):\n%s", name, diff)
				}
			}
			n := n
			if way.name == "restarts" {
				n = max(2, n/5) // the window of duplicates makes them slow
			}
			onRandomCases(t, n, true, func(c model.Case) string {
				x, err := read(c)
				if err != nil {
					return invalid + err.Error()
				}
				return differ(x, c.Seed)
			})
		})
	}
}
