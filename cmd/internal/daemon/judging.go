package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"sunsetwatch/detector"
	"sunsetwatch/detector/exporter"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/detector/ledger/store"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// pending is what is to be saved. What a failed save did not write stays here,
// under the newer values that come.
type pending struct {
	facts    ledger.Changes
	findings map[string][]byte
}

// keySaved is the key of the wall time of the last save among the meta keys.
const keySaved = "saved_at"

// restore opens the saved state and makes the ledger and the detector of it.
func (d *instance) restore(snapshot *registry.Snapshot) error {
	dir := d.config.StateDir
	keyFile := d.config.SubjectKeyFile
	var key store.Key
	var err error
	if keyFile == "" {
		key, err = ownKey(dir)
	} else if key, err = store.ReadKey(keyFile); errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: put the key there, or leave subjects.key_file out for one of the state directory", err)
	}
	if err != nil {
		return &BadConfig{err}
	}
	d.store, err = store.Open(dir, store.Options{Now: d.Now(), KeyID: key.ID()})
	if err != nil {
		return &BadConfig{err}
	}
	if err := d.load(key, snapshot); err != nil {
		return errors.Join(err, d.store.Close())
	}
	if d.rejections, err = store.OpenRejections(dir, store.RejectionsOptions{}); err != nil {
		return errors.Join(err, d.store.Close())
	}
	d.pending = pending{facts: ledger.Changes{}, findings: map[string][]byte{}}
	return nil
}

// ownKey is the subject key of a state directory, which is made for a new one.
// Beside a state that was made with another it would only stand in the way of the
// right one.
func ownKey(dir string) (store.Key, error) {
	path := filepath.Join(dir, store.KeyName)
	key, err := store.ReadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	files, _ := os.ReadDir(dir) // one that cannot be read is the error of EnsureKey
	if slices.ContainsFunc(files, func(f fs.DirEntry) bool { return strings.HasPrefix(f.Name(), "state.db") }) {
		return key, fmt.Errorf("%w: the state in %s was made with it: put it back, from a backup or from the other instance of a pair, or give this instance a state.dir of its own", err, dir)
	}
	return store.EnsureKey(path)
}

func (d *instance) load(key store.Key, snapshot *registry.Snapshot) error {
	report := d.store.Report()
	d.status.restoredFrom(report)
	if report.Detail != "" {
		d.Log.Error("the saved state: "+report.Detail, zap.Strings("set aside", report.Damaged), zap.Stringer("restored from", report.From))
	}
	if report.Lost() && !d.AcceptEmpty {
		return &BadConfig{fmt.Errorf("%s. Restore %s from a backup, or start once with --state.accept-empty to begin anew",
			report.Detail, d.config.StateDir)}
	}
	loader := ledger.NewLoader(ledger.Options{Key: ledger.Key(key)})
	var findings []*rules.Finding
	err := d.store.Load(func(b store.Bucket, key, value []byte) error {
		switch b {
		case store.Ledger:
			return loader.Load(key, value)
		case store.Findings:
			f := &rules.Finding{}
			if err := json.Unmarshal(value, f); err != nil {
				return fmt.Errorf("saved finding %s: %w", key, err)
			}
			findings = append(findings, f)
		case store.Meta:
			if string(key) == keySaved {
				return d.status.restoredSave(value)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", d.config.StateDir, err)
	}
	if d.ledger, err = loader.Ledger(detector.Cuts(snapshot, d.rules)); err != nil {
		return fmt.Errorf("%s: %w", d.config.StateDir, err)
	}
	d.lack = d.lackOfState()
	if d.detector, err = detector.New(detector.Options{Facts: d.ledger}); err != nil {
		return err
	}
	if err := d.detector.Restore(findings); err != nil {
		return fmt.Errorf("%s: %w", d.config.StateDir, err)
	}
	d.snapshot = snapshot
	d.Log.Info("the state is restored", zap.Stringer("from", report.From), zap.Int("sources", len(d.ledger.Sources())), zap.Int("findings", len(findings)))
	if left, _ := d.topics(); len(left) > 0 {
		d.Log.Warn("the saved state holds topics that are not read any more: what was counted of them stays, and no finding closes by time later than they were read to; if they should be read, add them to kafka.topics", zap.Strings("topics", left))
	}
	return nil
}

// topics are those of the state: left, which are not in the configuration, and
// whether there is one that is.
func (d *instance) topics() (left []string, read bool) {
	for _, s := range d.ledger.Sources() { // sorted by topic
		if slices.Contains(d.config.Kafka.Topics, s.Topic) {
			read = true
		} else if s.Topic != "" {
			left = append(left, s.Topic)
		}
	}
	return slices.Compact(left), read
}

// lackOfState says how the state falls short of what was read of the topics, if it
// was ever read. What a start that was refused has saved is neither position nor
// fact; what was imported is.
func (d *instance) lackOfState() string {
	switch left, read := d.topics(); {
	case read:
		return ""
	case len(left) > 0:
		return "holds nothing of these topics, but of " + strings.Join(left, ", ")
	case d.ledger.Latest() == access.Beginning:
		return "is empty"
	}
	return ""
}

// judge judges every second, saves when it is time, and answers reloads, until
// ctx is done; then it judges and saves for the last time.
func (d *instance) judge(ctx context.Context) error {
	tick := time.NewTicker(judgeEvery)
	defer tick.Stop()
	lastSave, lastCopy := d.Now(), d.Now()
	for {
		select {
		case <-ctx.Done():
			d.judgeOnce()
			err := d.save()
			if err == nil {
				err = d.store.Copy()
			}
			d.flushHints()
			return err
		case answer := <-d.reloads:
			err := d.reloadNow()
			d.save()
			lastSave = d.Now()
			answer <- err // what it changed is shown by now
			continue
		case <-tick.C:
		}
		if len(d.consumer.Status().Missing) == 0 {
			d.missing.found(lackPartitions)
		}
		opened := d.judgeOnce()
		if now := d.Now(); opened || now.Sub(lastSave) >= d.saveEvery() {
			d.save()
			lastSave = now
		}
		if now := d.Now(); now.Sub(lastCopy) >= copyEvery {
			lastCopy = now
			if err := d.store.Copy(); err != nil {
				d.Log.Error("copying the saved state", zap.Error(err))
			}
		}
	}
}

// flushHints commits the positions of the last save; they are a hint, and
// stopping does not wait long for it.
func (d *instance) flushHints() {
	ctx, cancel := context.WithTimeout(context.Background(), flushWithin)
	defer cancel()
	d.consumer.Flush(ctx)
	d.transport.CloseIdleConnections()
}

// judgeOnce judges what changed, and reports whether a page is due.
func (d *instance) judgeOnce() bool {
	d.mu.Lock()
	turns := d.detector.Judge(access.At(d.Now()))
	d.mu.Unlock()
	return d.tell(turns)
}

// tell logs what became of findings, and reports whether a page is due.
func (d *instance) tell(turns []detector.Turn) (page bool) {
	for _, t := range turns {
		f := t.Is
		d.Log.Info("finding", zap.String("state", f.State.String()), zap.String("id", f.ID), zap.String("kind", f.Kind), zap.String("severity", f.Severity.String()),
			zap.String("partner", f.Partner), zap.String("feature", f.Feature), zap.Uint64("events", f.Events),
			zap.String("turn", f.History[len(f.History)-1].Why), zap.String("why", f.Why))
		page = page || t.Pages()
	}
	return page
}

func (d *instance) saveEvery() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.config.SaveEvery
}

// collect takes what is to be saved and what is to be shown with it.
func (d *instance) collect() *exporter.State {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ledger.TakeChanges(d.pending.facts)
	for _, f := range d.detector.TakeChanged() {
		value, err := json.Marshal(f)
		if err != nil {
			panic(fmt.Sprintf("finding %s does not encode: %v", f.ID, err)) // strings, numbers and times always encode
		}
		d.pending.findings[f.ID] = value
	}
	cells, bytes := d.ledger.Size()
	return &exporter.State{
		At:                     min(d.ledger.Latest(), access.At(d.Now())),
		Findings:               d.detector.Findings(),
		Exceptions:             d.detector.ExceptionUses(),
		Registrations:          d.snapshot,
		Sources:                d.ledger.Sources(),
		PartnerEvents:          partnerEvents(d.ledger, d.snapshot),
		UnregisteredPrincipals: d.ledger.Unknown(),
		Cells:                  cells,
		Bytes:                  int64(bytes),
	}
}

// save writes what changed, in one transaction, and shows it. When saving
// fails, it is shown all the same: an alert says that saving fails.
func (d *instance) save() error {
	state := d.collect()
	now := d.Now()
	var changes store.Changes
	changes.Set(store.Ledger, d.pending.facts)
	changes.Set(store.Findings, d.pending.findings)
	stamp, err := now.UTC().MarshalText()
	if err == nil {
		changes.Put(store.Meta, []byte(keySaved), stamp)
		err = d.store.Save(&changes)
	}
	if d.status.saved(now, err) {
		if err != nil {
			d.Log.Error("saving the state failed: judging goes on, and a restart would read again from the last save", zap.Error(err))
		} else {
			d.Log.Info("saving the state works again")
		}
	}
	if err == nil {
		d.pending = pending{facts: ledger.Changes{}, findings: map[string][]byte{}}
		d.collector.Saved(now)
		d.consumer.Commit(positions(state.Sources))
	} else {
		d.collector.SaveFailed()
	}
	if err := d.rejections.Flush(now); err != nil {
		d.Log.Warn("the latest rejected events are not in their file", zap.Error(err))
	}
	d.publish(state)
	return err
}

// positions are those to be committed as a hint.
func positions(sources []ledger.SourceStatus) map[string]map[int32]int64 {
	all := map[string]map[int32]int64{}
	for _, s := range sources {
		if all[s.Topic] == nil {
			all[s.Topic] = map[int32]int64{}
		}
		all[s.Topic][s.Partition] = s.Next
	}
	return all
}

func (d *instance) publish(state *exporter.State) {
	d.published.Store(state)
	d.collector.Publish(state)
}

// partnerEvents are the events of each partner, feature and outcome.
func partnerEvents(l *ledger.Ledger, snapshot *registry.Snapshot) []exporter.PartnerEvents {
	type key struct {
		partner, feature string
		outcome          access.Outcome
	}
	sums := map[key]uint64{}
	for principal, feature := range l.Pairs() {
		for _, c := range l.Cells(principal, feature) {
			if c.Attributes().Probe != access.NoProbe {
				continue
			}
			for s := range c.Stretches() {
				if s.Events == 0 {
					continue
				}
				partner, _ := snapshot.Owner(principal, s.First.Time)
				if partner == "" {
					partner = rules.Unregistered
				}
				sums[key{partner, feature, c.Attributes().Outcome}] += s.Events
			}
		}
	}
	rows := make([]exporter.PartnerEvents, 0, len(sums))
	for k, n := range sums {
		rows = append(rows, exporter.PartnerEvents{Partner: k.partner, Feature: k.feature, Outcome: k.outcome, Events: n})
	}
	return rows
}
