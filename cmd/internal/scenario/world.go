package scenario

import (
	"encoding/json"
	"fmt"
	"slices"

	"sunsetwatch/detector"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// world is the product with one story in it: facts and findings.
type world struct {
	options  ledger.Options
	ledger   *ledger.Ledger
	until    access.Instant // time of judgement; Beginning: the earlier of wall time and latest event
	detector *detector.Detector
	folds    map[int32]*partition
	pages    map[string]int // by id
	unmerged int            // events since the last merge
	saved    ledger.Changes // of all restarts
}

// partition is how far one was folded.
type partition struct {
	fold       *ledger.Fold
	from, next int64
}

// topic is the name under which partitions are found in findings.
const topic = "partner-access"

// newWorld is one without facts. Time is cut by all that is ever known.
func newWorld(set registered) (*world, error) {
	w := &world{options: ledger.Options{Terms: set.cuts()}, until: access.Beginning, pages: map[string]int{}}
	w.ledger = ledger.New(w.options)
	return w, w.begin(nil)
}

// begin makes the parts that keep no facts, around the ledger.
func (w *world) begin(findings []*rules.Finding) error {
	w.folds = map[int32]*partition{}
	var err error
	if w.detector, err = detector.New(detector.Options{Facts: w.ledger, Time: w.time}); err != nil {
		return err
	}
	return w.detector.Restore(findings)
}

// time of judgement. A judgement that is asked for at a time goes up to that
// time, even where the events end before.
func (w *world) time(wall, latest access.Instant) access.Instant {
	if w.until != access.Beginning {
		return w.until
	}
	return min(wall, latest)
}

// most is how many events are folded before they are merged.
const most = 1 << 14

// add counts an event.
func (w *world) add(t *told) error {
	p := w.folds[t.partition]
	if p == nil {
		name := fmt.Sprintf("%s/%d", topic, t.partition)
		p = &partition{fold: w.ledger.NewFold(ledger.Source{Name: name, Topic: topic, Partition: t.partition})}
		if next, _, known := w.ledger.Position(name); known {
			p.from, p.next = next, next
		}
		w.folds[t.partition] = p
	}
	p.fold.Add(t.event, access.Position{Offset: p.next})
	p.next++
	if w.unmerged++; w.unmerged >= most {
		return w.merge()
	}
	return nil
}

// merge adds what was counted to the facts.
func (w *world) merge() error {
	w.unmerged = 0
	for _, p := range w.folds {
		if p.next == p.from {
			continue
		}
		n := uint64(p.next - p.from)
		progress := ledger.Progress{From: p.from, Next: p.next, Coverage: access.Coverage{Records: n, Events: n}}
		if err := w.ledger.Merge(p.fold, progress); err != nil {
			return err
		}
		p.from = p.next
	}
	return nil
}

// judge judges what changed.
func (w *world) judge(wall access.Instant) error {
	if err := w.merge(); err != nil {
		return err
	}
	w.count(w.detector.Judge(wall))
	return nil
}

// reload judges by another set from now on.
func (w *world) reload(set registered, wall access.Instant) error {
	if err := w.merge(); err != nil {
		return err
	}
	w.count(w.detector.Reload(set.snapshot, set.rules, wall))
	return nil
}

func (w *world) count(turns []detector.Turn) {
	for _, t := range turns {
		if t.Pages() {
			w.pages[t.Is.ID]++
		}
	}
}

// found are the findings.
func (w *world) found() ([]*found, error) {
	var all []*found
	for _, f := range w.detector.Findings() {
		x, err := decoded(f, w.pages[f.ID])
		if err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, nil
}

// restart saves everything, forgets it, and takes it up again.
func (w *world) restart(set registered, wall access.Instant) error {
	if err := w.merge(); err != nil {
		return err
	}
	var findings []*rules.Finding
	for _, f := range w.detector.Findings() {
		saved, err := json.Marshal(f)
		if err != nil {
			return err
		}
		restored := &rules.Finding{}
		if err := json.Unmarshal(saved, restored); err != nil {
			return err
		}
		findings = append(findings, restored)
	}
	changes := ledger.Changes{}
	w.ledger.TakeChanges(changes)
	if w.saved == nil {
		w.saved = ledger.Changes{}
	}
	for key, value := range changes {
		if w.saved[key] = value; value == nil {
			delete(w.saved, key)
		}
	}
	var keys []string
	for key := range w.saved {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	loader := ledger.NewLoader(w.options)
	for _, key := range keys {
		if err := loader.Load([]byte(key), w.saved[key]); err != nil {
			return err
		}
	}
	var err error
	if w.ledger, err = loader.Ledger(set.cuts()); err != nil {
		return err
	}
	if err := w.begin(findings); err != nil {
		return err
	}
	return w.reload(set, wall)
}
