package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"sunsetwatch/cmd/internal/registrations"
	"sunsetwatch/cmd/internal/web"
	"sunsetwatch/consumer"
	"sunsetwatch/consumer/fetch"
	"sunsetwatch/detector"
	"sunsetwatch/detector/exporter"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/detector/ledger/store"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
	"sunsetwatch/rules/registry"
)

// Options of Run.
type Options struct {
	Config     *Config
	ConfigFile string // shown in the status
	// Reread reads the configuration anew at a reload; nil: only the files of its
	// registrations and rules are read anew.
	Reread func() (*Config, error)
	// ReloadSignal asks for a reload with each value; nil: none.
	ReloadSignal <-chan struct{}

	Listen        []string // addresses, HOST:PORT
	WebConfigFile string
	External      *url.URL
	Lifecycle     bool // POST /-/reload is allowed
	AcceptEmpty   bool // an empty state is not refused although the group has committed positions

	Log   *zap.Logger
	Now   func() time.Time // wall time
	Build exporter.Build
	// Listening is called once with the addresses that are listened on; nil: not.
	Listening func([]net.Addr)
}

// BadConfig is an error that a person mends in a file: exit code 2.
type BadConfig struct{ Err error }

func (e *BadConfig) Error() string { return e.Err.Error() }

func (e *BadConfig) Unwrap() error { return e.Err }

// Intervals of the judging goroutine.
const (
	judgeEvery  = time.Second
	copyEvery   = time.Hour
	flushWithin = 2 * time.Second
)

// instance is one running sunsetwatch.
type instance struct {
	Options
	started time.Time

	// mu guards ledger, detector, snapshot, rules and config.
	mu       sync.Mutex
	ledger   *ledger.Ledger
	detector *detector.Detector
	snapshot *registry.Snapshot
	rules    *rules.RuleSet // nil: no rule file
	config   Config

	transport  *kafka.Transport
	client     *fetch.Client
	lack       string // of positions in the state; empty: none
	consumer   *consumer.Consumer
	store      *store.Store
	rejections *store.Rejections
	collector  *exporter.Collector

	published atomic.Pointer[exporter.State]
	status    status
	missing   missing
	unasked   atomic.Pointer[string] // why Kafka does not tell the group's positions; nil: it did, or was not asked
	reloads   chan chan error
	pending   pending
}

// Run runs until ctx is done, and then stops in order: reading, judging, a last
// save, and the web endpoints last, so that the final state can be scraped. They
// are also first: restoring a large state takes its time, and a process that does
// not answer meanwhile looks like a dead one.
func Run(ctx context.Context, o Options) (err error) {
	d := &instance{Options: o, started: o.Now(), config: *o.Config, reloads: make(chan chan error), transport: newTransport(o.Config)}
	d.missing.set(lackRegistrations, lackState, lackPartitions)

	// A mistake in it must not show after the state was taken.
	if err := web.Validate(o.WebConfigFile); err != nil {
		return &BadConfig{err}
	}
	listeners, err := web.Listen(o.Listen)
	if word := (*net.AddrError)(nil); errors.As(err, &word) {
		return &BadConfig{err}
	} else if err != nil {
		return err
	}
	gatherer := prometheus.NewRegistry()
	handler, err := d.handler(gatherer)
	if err == nil {
		err = d.register(gatherer)
	}
	if err != nil {
		for _, l := range listeners {
			l.Close()
		}
		return err
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	webbing, stopWeb := context.WithCancel(context.WithoutCancel(ctx))
	serving := start(fail, func() error {
		return web.Serve(webbing, listeners, web.ServeOptions{Handler: handler, Logger: d.slog(), ConfigFile: o.WebConfigFile})
	})
	defer func() {
		stopWeb()
		err = errors.Join(err, <-serving)
	}()

	seen := registrations.SumOf(d.config.files())
	snapshot, set, err := d.readRegistrations(o.Config)
	if err != nil {
		return &BadConfig{err}
	}
	d.rules = set
	d.status.reloaded(o.Now(), nil)
	d.collector.Reloaded(o.Now(), true)
	d.missing.found(lackRegistrations)

	if err := d.restore(snapshot); err != nil {
		return err
	}
	defer d.close()

	if last := d.status.get().lastSave; !last.IsZero() {
		d.collector.Saved(last)
	}
	d.tell(d.detector.Reload(snapshot, set, access.At(o.Now())))
	// The endpoints look at the consumer once something is published.
	if d.consumer, err = d.newConsumer(); err != nil {
		return err
	}
	d.publish(d.collect())
	d.missing.found(lackState)
	if o.Listening != nil {
		addresses := make([]net.Addr, len(listeners))
		for i, l := range listeners {
			addresses[i] = l.Addr()
		}
		o.Listening(addresses)
	}
	return d.serve(ctx, fail, seen)
}

// handler answers the requests.
func (d *instance) handler(gatherer prometheus.Gatherer) (http.Handler, error) {
	return web.NewHandler(web.Options{
		Logger:    d.slog(),
		Gatherer:  gatherer,
		Missing:   d.lacks,
		Reload:    func(ctx context.Context) error { return d.reloadAndLog(ctx, "a request") },
		Lifecycle: d.Lifecycle,
		Restored:  func() bool { return d.published.Load() != nil },
		Findings:  func() []*rules.Finding { return d.published.Load().Findings },
		Labels: func(f *rules.Finding) (string, string) {
			return exporter.Labels(d.published.Load().Registrations, f)
		},
		Status:   d.statusNow,
		External: d.External,
		Build:    d.Build,
	})
}

// serve runs the actors until ctx is done or one of them fails, and ends them
// in order.
func (d *instance) serve(ctx context.Context, fail context.CancelCauseFunc, seen registrations.Sum) error {
	judging, stopJudging := context.WithCancel(context.WithoutCancel(ctx))
	defer stopJudging()

	reading := start(fail, func() error { return d.read(ctx) })
	judge := start(fail, func() error { return d.judge(judging) })
	watching := start(fail, func() error {
		registrations.Watch(ctx, d.paths, seen, func() { _ = d.reloadAndLog(ctx, "the files changed") })
		return nil
	})
	signals := start(fail, func() error { return d.onSignals(ctx) })
	d.notify(daemon.SdNotifyReady)

	<-ctx.Done()
	d.notify(daemon.SdNotifyStopping)
	d.Log.Info("stopping")
	err := errors.Join(<-reading, <-watching, <-signals)
	stopJudging()
	return errors.Join(err, <-judge)
}

// start runs f and gives its error to the channel; an error ends all.
func start(fail context.CancelCauseFunc, f func() error) <-chan error {
	done := make(chan error, 1)
	go func() {
		err := f()
		if err != nil {
			fail(err)
		}
		done <- err
	}()
	return done
}

// notify tells systemd, where it runs us; without it nothing happens.
func (d *instance) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		d.Log.Warn("systemd was not told", zap.String("state", state), zap.Error(err))
	}
}

func (d *instance) slog() *slog.Logger { return slog.New(zapslog.NewHandler(d.Log.Core())) }

// register makes the metrics of this process.
func (d *instance) register(r *prometheus.Registry) error {
	d.collector = exporter.New(exporter.Options{
		Now:        d.Now,
		Hold:       d.config.Hold,
		Topics:     d.config.Kafka.Topics,
		Partitions: d.partitions,
		Build:      d.Build,
	})
	for _, c := range []prometheus.Collector{
		d.collector,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
	}
	return nil
}

func (d *instance) close() {
	if err := d.rejections.Close(d.Now()); err != nil {
		d.Log.Warn("the last rejected events are not in their file", zap.Error(err))
	}
	if err := d.store.Close(); err != nil {
		d.Log.Error("closing the state", zap.Error(err))
	}
}

// warn logs the warnings of registrations and rules.
func (d *instance) warn(problems document.Problems) {
	for i := range problems {
		d.Log.Warn("loaded, with a warning: "+problems[i].Message,
			zap.String("file", problems[i].File), zap.Int("line", problems[i].Line), zap.Int("column", problems[i].Column))
	}
}
