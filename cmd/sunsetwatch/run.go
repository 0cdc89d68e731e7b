package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"sunsetwatch/cmd/internal/daemon"
	"sunsetwatch/cmd/internal/web"
	"sunsetwatch/detector/exporter"
)

// webFlags are those of every command that listens.
type webFlags struct {
	listen []string
}

const defaultListen = "127.0.0.1:9469"

func (w *webFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&w.listen, "web.listen-address", []string{defaultListen}, "`ADDRESS` of metrics, API and health; repeatable")
}

func runCommand() *cobra.Command {
	var (
		configFile string
		webs       webFlags
		o          daemon.Options
		external   string
		logs       logFlags
	)
	c := &cobra.Command{
		Use:   "run --config.file=FILE",
		Short: "Watch topics",
		Long: `run reads the topics of its configuration, holds every access against the
registrations, and shows findings at /metrics and /api/v1/findings.
deploy/sunsetwatch.example.yml is a configuration with every key explained; the
least is

  kafka: {brokers: [localhost:9092], topics: [partner-access]}
  registrations: [registrations/]

It saves facts and positions together in its state directory: after a kill it
reads on from there, and nothing is lost or counted twice. SIGHUP, a change of
the registration files and, with --web.enable-lifecycle, POST /-/reload load the
registrations anew; a set with an error is refused whole. SIGTERM stops in
order; a second signal ends at once.

Exit code: 0 stopped, 1 failed, 2 bad usage or configuration.`,
		Example: "  sunsetwatch run --config.file=/etc/sunsetwatch/sunsetwatch.yml",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			log, err := logs.logger(c.ErrOrStderr())
			if err != nil {
				return &exit{exitUsage, err}
			}
			defer log.Sync()
			if configFile == "" {
				return &exit{exitUsage, errors.New("--config.file is required; deploy/sunsetwatch.example.yml is one with every key explained")}
			}
			if o.Config, err = readConfig(configFile); err != nil {
				return &exit{exitUsage, err}
			}
			if o.External, err = web.ParseExternalURL(external); err != nil {
				return &exit{exitUsage, fmt.Errorf("--web.external-url: %w", err)}
			}
			limitMemory(log)
			o.ConfigFile = configFile
			o.Reread = func() (*daemon.Config, error) { return readConfig(configFile) }
			o.Listen = webs.listen
			o.Log = log
			o.Now = time.Now
			o.Build = exporter.Build(version())
			reload, stop := onHangup(c.Context())
			defer stop()
			o.ReloadSignal = reload
			return failure(daemon.Run(c.Context(), o))
		},
	}
	f := c.Flags()
	f.StringVar(&configFile, "config.file", "", "configuration `FILE` (required)")
	webs.add(f)
	f.StringVar(&o.WebConfigFile, "web.config.file", "", "`FILE` with TLS and basic authentication, as for every Prometheus exporter")
	f.StringVar(&external, "web.external-url", "", "`URL` under which others reach this server, for links")
	f.BoolVar(&o.Lifecycle, "web.enable-lifecycle", false, "allow POST /-/reload")
	f.BoolVar(&o.AcceptEmpty, "state.accept-empty", false, "begin with an empty state although the group has committed positions, or the state is lost")
	logs.add(f)
	return c
}

// failure gives an error of daemon.Run its exit code.
func failure(err error) error {
	var bad *daemon.BadConfig
	switch {
	case err == nil:
		return nil
	case errors.As(err, &bad):
		return &exit{exitUsage, err}
	default:
		return &exit{exitFailed, err}
	}
}

func readConfig(path string) (*daemon.Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	config, problems := daemon.LoadConfig(path, data, os.LookupEnv)
	if err := problems.Err(); err != nil {
		return nil, fmt.Errorf("the configuration is refused:\n%w", err)
	}
	return config, nil
}

// onHangup gives a value for each SIGHUP; several at once are one.
func onHangup(ctx context.Context) (<-chan struct{}, func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	reload := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
				select {
				case reload <- struct{}{}:
				default:
				}
			}
		}
	}()
	return reload, func() {
		signal.Stop(signals)
		cancel()
	}
}

// limitMemory makes the garbage collector work harder as the memory limit of
// the container comes near.
func limitMemory(log *zap.Logger) {
	if _, err := memlimit.Set(); err != nil {
		log.Debug("no memory limit was found", zap.Error(err))
	}
}
