package scenario

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/detector"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/model"
	"sunsetwatch/rules/registry"
)

// The product is held against rules/model, which judges a list of events by the
// sentences of the contract. Both are given the same files.

var (
	cases     = flag.Int("cases", 300, "how many random cases are held against the model")
	firstSeed = flag.Uint64("seed", 1, "seed of the first case")
)

// trial is a case as the product reads it.
type trial struct {
	model.Case
	full   *registry.Snapshot
	rules  *rules.RuleSet
	events []trialEvent // those that the question is about, in the order of arrival
}

type trialEvent struct {
	access.Event
	source string
	at     access.Position
}

func read(c model.Case) (*trial, error) {
	t := &trial{Case: c}
	full, problems := registry.Read([]registry.File{{Name: "registrations.yml", Data: model.RegistrationsYAML(c.Registry)}}, registry.Options{Now: access.End})
	if err := problems.Err(); err != nil {
		return nil, err
	}
	t.full = full
	t.rules, problems = rules.ReadRules(registry.File{Name: "rules.yml", Data: model.RulesYAML(c.Rules, findingID)}, full, rules.RuleOptions{Now: access.End})
	if err := problems.Err(); err != nil {
		return nil, err
	}
	compiled, err := codec.Compile(codec.Mapping{})
	if err != nil {
		return nil, err
	}
	decoder := compiled.NewDecoder()
	for _, e := range c.Events {
		written := access.End
		if e.Written != access.Beginning {
			written = e.Written
		}
		decoder.Reset(&codec.Record{Value: model.EventJSON(e), Timestamp: written})
		ev, rej, ok := decoder.Next()
		if !ok || rej != nil {
			return nil, fmt.Errorf("event %s is rejected: %+v", model.EventJSON(e), rej)
		}
		t.events = append(t.events, trialEvent{own(ev), e.Source, access.Position{Offset: e.Offset, Index: int32(e.Index)}})
	}
	return t, nil
}

// own is a copy that is not borrowed.
func own(ev *access.Event) access.Event {
	c := *ev
	for _, b := range []*[]byte{&c.Principal, &c.Feature, &c.ID, &c.Subject, &c.Grantor} {
		*b = slices.Clone(*b)
	}
	c.Scopes = nil
	for _, s := range ev.Scopes {
		c.Scopes = append(c.Scopes, slices.Clone(s))
	}
	return c
}

func findingID(k model.Key) string {
	return rules.Identity{Kind: k.Kind, Partner: k.Partner, Principal: k.Principal, Feature: k.Feature, Scope: k.Scope}.ID()
}

// about reports whether the question is about an event.
func (t *trial) about(at access.Instant) bool {
	q := &t.Question
	return q.From <= at && at < q.To && (q.KnownAt == access.End || at < q.KnownAt)
}

// now is the time of judgement that the question gives, of the latest event.
func (t *trial) now(_, latest access.Instant) access.Instant {
	if t.Question.At != access.Beginning {
		return t.Question.At
	}
	if n := min(t.Question.To, t.Question.KnownAt); n != access.End {
		return n
	}
	return latest
}

// product is a ledger and a detector that read a trial.
type product struct {
	*trial
	ledger *ledger.Ledger
	folds  map[string]*ledger.Fold
	from   map[string]int64 // of each source: where the next batch begins
	next   map[string]int64
	det    *detector.Detector
	saved  saved
}

// begin is a product that knows all sources of the trial before anything of them
// is read, as the consumer does: a closing waits for each.
func (t *trial) begin(terms ledger.Terms, time func(wall, latest access.Instant) access.Instant) (*product, error) {
	p, err := t.start(terms, time)
	for i := range p.events {
		if e := &p.events[i]; p.about(e.Time) {
			p.openSource(e.source)
		}
	}
	return p, err
}

func (t *trial) start(terms ledger.Terms, time func(wall, latest access.Instant) access.Instant) (*product, error) {
	p := &product{trial: t, ledger: ledger.New(ledger.Options{Terms: terms}), folds: map[string]*ledger.Fold{}, from: map[string]int64{}, next: map[string]int64{}}
	var err error
	p.det, err = detector.New(detector.Options{Facts: p.ledger, Time: time})
	return p, err
}

func (p *product) openSource(name string) {
	if p.folds[name] == nil {
		topic, partition, _ := strings.Cut(name, "/")
		n, _ := strconv.Atoi(partition)
		p.folds[name] = p.ledger.NewFold(ledger.Source{Name: name, Topic: topic, Partition: int32(n)})
	}
}

func (p *product) add(e *trialEvent) {
	p.folds[e.source].Add(&e.Event, e.at)
	p.next[e.source]++
}

// merge ends the batch of a source. Offsets that the question is not about are
// not read, so the offsets that are covered are numbered anew.
func (p *product) merge(source string) error {
	from, next := p.from[source], p.next[source]
	if from == next {
		return nil
	}
	n := uint64(next - from)
	p.from[source] = next
	return p.ledger.Merge(p.folds[source], ledger.Progress{From: from, Next: next, Coverage: access.Coverage{Records: n, Events: n}})
}

// fields are findings as maps of JSON, without what the model does not have.
func fields(all []*rules.Finding, without ...string) (map[string]map[string]any, error) {
	found := map[string]map[string]any{}
	for _, f := range all {
		data, err := json.Marshal(f)
		if err != nil {
			return nil, err
		}
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			return nil, err
		}
		found[f.ID] = comparable(m, without)
	}
	return found, nil
}

func expectedFields(all []model.Finding, without ...string) map[string]map[string]any {
	want := map[string]map[string]any{}
	for _, f := range all {
		want[findingID(f.Key)] = comparable(f.Fields(), without)
	}
	return want
}

// comparable leaves out what one side does not have, and how exceptions and
// disputes are worded.
func comparable(m map[string]any, without []string) map[string]any {
	for _, name := range append([]string{"schema", "id", "rule", "incomplete", "why", "history"}, without...) {
		delete(m, name)
	}
	if m["bounds"] == nil {
		delete(m, "bounds")
	}
	if c, ok := m["closure"].(map[string]any); ok {
		delete(c, "why")
	}
	for _, name := range []string{"suppressed_by", "dispute"} {
		m[name] = m[name] != nil
	}
	return m
}

// asKnown is one judgement of everything, in batches that seed draws, and what
// the product found.
func (t *trial) asKnown(r *rand.Rand) (map[string]map[string]any, error) {
	known := t.full.KnownAt(t.Question.KnownAt)
	p, err := t.begin(detector.Cuts(t.full, t.rules), t.now)
	if err != nil {
		return nil, err
	}
	early := r.IntN(2) == 0 // judged while it reads
	if early {
		p.det.Reload(known, t.rules, access.End)
	}
	for i := range t.events {
		e := &t.events[i]
		if !t.about(e.Time) {
			continue
		}
		p.add(e)
		if r.IntN(8) == 0 {
			if err := p.merge(e.source); err != nil {
				return nil, err
			}
			if early && r.IntN(3) == 0 {
				p.det.Judge(access.End)
			}
		}
	}
	for source := range p.folds {
		if err := p.merge(source); err != nil {
			return nil, err
		}
	}
	if early {
		p.det.Judge(access.End)
	} else {
		p.det.Reload(known, t.rules, access.End)
	}
	alive := slices.DeleteFunc(slices.Clone(p.det.Findings()), func(f *rules.Finding) bool { return f.State == rules.Withdrawn })
	return fields(alive, "opened_at", "detection_delay")
}

// invalid is a case that the product refuses to read.
const invalid = "refused: "

// disagree says where product and model differ on a case; empty where nowhere.
func disagree(c model.Case) string {
	t, err := read(c)
	if err != nil {
		return invalid + err.Error()
	}
	r := rand.New(rand.NewPCG(c.Seed, 7))
	got, err := t.asKnown(r)
	if err != nil {
		return err.Error()
	}
	want := expectedFields(model.Judge(c.Registry, c.Rules, c.Events, c.Question), "opened_at", "detection_delay")
	for id, f := range got {
		lenient(want[id], f, t.contradict())
	}
	return cmp.Diff(want, got)
}

// contradict reports whether two probes of the same instant say different things:
// which of them is the later one, runs of probes do not tell.
func (t *trial) contradict() bool {
	said := map[string]access.Probe{}
	for i := range t.events {
		e := &t.events[i]
		if e.Probe == access.NoProbe {
			continue
		}
		key := fmt.Sprint(string(e.Feature), e.Time)
		if was, ok := said[key]; ok && was != e.Probe {
			return true
		}
		said[key] = e.Probe
	}
	return false
}

// lenient takes the product's time at which a probe closed retained_capability,
// where it lies up to a day after the model's, or where probes contradict each
// other: the ledger keeps runs of probes, and not each. A person may have closed it
// in between.
func lenient(want, got map[string]any, contradict bool) {
	if want == nil || got["kind"] != rules.RetainedCapability || want["closed_at"] == nil || got["closed_at"] == nil {
		return
	}
	exact, err := time.Parse(time.RFC3339Nano, want["closed_at"].(string))
	given, err2 := time.Parse(time.RFC3339Nano, got["closed_at"].(string))
	if err == nil && err2 == nil && (contradict || !given.Before(exact) && given.Sub(exact) <= 24*time.Hour) {
		want["closed_at"] = got["closed_at"]
		if closure, ok := got["closure"].(map[string]any); ok && closure["by"] != nil {
			want["closure"] = closure
		}
	}
}

func TestModelAgrees(t *testing.T) { holdAgainstModel(t, disagree) }

func holdAgainstModel(t *testing.T, disagree func(model.Case) string) {
	t.Parallel()
	n := *cases
	if testing.Short() {
		n /= 5
	}
	onRandomCases(t, n, false, disagree)
}

// onRandomCases demands that differ says nothing of n random cases, and shows the
// smallest of which it does. Cases of files, which replay reads, can be left out.
func onRandomCases(t *testing.T, n int, files bool, differ func(model.Case) string) {
	run, failed, last := 0, 0, *firstSeed
	for seed := *firstSeed; run < n && failed < 3; seed++ {
		c := model.Random(seed)
		if c.Question.Files && !files {
			continue
		}
		run, last = run+1, seed
		diff := differ(c)
		if diff == "" {
			continue
		}
		failed++
		small := model.Shrink(c, func(c model.Case) bool {
			d := differ(c)
			return d != "" && strings.HasPrefix(d, invalid) == strings.HasPrefix(diff, invalid)
		})
		t.Errorf("seed %d (-want +got):\n%s\n%s", seed, differ(small), written(small))
	}
	t.Logf("%d cases, seeds %d to %d: %d disagree", run, *firstSeed, last, failed)
}

// written is a case as files.
func written(c model.Case) string {
	var b strings.Builder
	fmt.Fprintf(&b, "question: %+v\n-- registrations.yml --\n%s-- rules.yml --\n%s-- events --\n", c.Question, model.RegistrationsYAML(c.Registry), model.RulesYAML(c.Rules, findingID))
	for _, e := range c.Events {
		fmt.Fprintf(&b, "%s %d %s %s\n", e.Source, e.Offset, e.Written, model.EventJSON(e))
	}
	return b.String()
}
