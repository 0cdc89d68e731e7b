package daemon

import (
	"context"
	"fmt"
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
		return nil, nil, fmt.Errorf("registrations and rules of the configuration: %w", err)
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
			_ = d.reloadAndLog(ctx, "a signal")
		}
	}
}

// reloadAndLog logs a refusal, which is on record then also where whoever asked
// does not look at the answer.
func (d *instance) reloadAndLog(ctx context.Context, cause string) error {
	err := d.reload(ctx)
	if err != nil && ctx.Err() == nil {
		d.Log.Error("the new registrations and rules are refused, the old ones stay", zap.String("cause", cause), zap.Error(err))
	}
	return err
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
	if waiting := untilRestart(&config, next); len(waiting) > 0 {
		d.Log.Warn("the configuration changed in more than registrations, rules and state.save_every: the rest takes effect after a restart", zap.Strings("changed", waiting))
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

// untilRestart are the keys in which two configurations differ and that a reload
// does not apply.
func untilRestart(a, b *Config) []string {
	var keys []string
	for _, part := range []struct {
		key string
		of  func(*Config) any
	}{
		{"kafka", func(c *Config) any { return c.Kafka }},
		{"events", func(c *Config) any { return c.Events }},
		{"findings.hold", func(c *Config) any { return c.Hold }},
		{"state.dir", func(c *Config) any { return c.StateDir }},
		{"subjects.key_file", func(c *Config) any { return c.SubjectKeyFile }},
	} {
		if !reflect.DeepEqual(part.of(a), part.of(b)) {
			keys = append(keys, part.key)
		}
	}
	return keys
}
