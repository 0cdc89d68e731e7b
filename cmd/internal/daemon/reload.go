package daemon

import (
	"context"
	"reflect"

	"go.uber.org/zap"

	"sunsetwatch/cmd/internal/registrations"
	"sunsetwatch/detector"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// readRegistrations reads the set of a configuration and its rule file, both or
// neither.
func (d *instance) readRegistrations(c *Config) (*registry.Snapshot, *rules.RuleSet, error) {
	snapshot, set, problems, err := registrations.Read(c.Registrations, c.Rules, access.At(d.Now()))
	if err != nil {
		return nil, nil, err
	}
	if err := problems.Err(); err != nil {
		return nil, nil, err
	}
	d.warn(problems)
	return snapshot, set, nil
}

func (d *instance) paths() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.config.files()
}

// onSignals reloads at each value of ReloadSignal.
func (d *instance) onSignals(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.ReloadSignal:
			d.reloadAndLog(ctx, "a signal")
		}
	}
}

func (d *instance) reloadAndLog(ctx context.Context, cause string) {
	if err := d.reload(ctx); err != nil && ctx.Err() == nil {
		d.Log.Error("the new registrations and rules are refused, the old ones stay", zap.String("cause", cause), zap.Error(err))
	}
}

// reload asks the judging goroutine to reload and waits for its answer.
func (d *instance) reload(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case d.reloads <- answer:
		return <-answer
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reloadNow loads registrations and rules anew and judges what they change. With
// one error, both are refused whole.
func (d *instance) reloadNow() error {
	d.mu.Lock()
	config := d.config
	d.mu.Unlock()
	next := &config
	var err error
	if d.Reread != nil {
		next, err = d.Reread()
	}
	var snapshot *registry.Snapshot
	var set *rules.RuleSet
	if err == nil {
		snapshot, set, err = d.readRegistrations(next)
	}
	now := d.Now()
	d.status.reloaded(now, err)
	d.collector.Reloaded(now, err == nil)
	if err != nil {
		return err
	}
	if !reloadable(&config, next) {
		d.Log.Warn("the configuration changed in more than registrations, rules and state.save_every: the rest takes effect after a restart")
	}
	d.mu.Lock()
	d.config.Registrations, d.config.Rules, d.config.SaveEvery = next.Registrations, next.Rules, next.SaveEvery
	d.snapshot, d.rules = snapshot, set
	d.ledger.SetTerms(detector.Cuts(snapshot, set))
	turns := d.detector.Reload(snapshot, set, access.At(now))
	d.mu.Unlock()
	d.Log.Info("registrations loaded", zap.Int("registrations", len(snapshot.Registrations())), zap.Int("findings turned", len(turns)))
	d.tell(turns)
	return nil
}

// reloadable reports that two configurations differ in nothing but what a
// reload applies.
func reloadable(a, b *Config) bool {
	x, y := *a, *b
	x.Registrations, x.Rules, x.SaveEvery, x.Codec = nil, "", 0, nil
	y.Registrations, y.Rules, y.SaveEvery, y.Codec = nil, "", 0, nil
	return reflect.DeepEqual(x, y)
}
