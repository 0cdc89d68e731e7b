package main

import (
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sunsetwatch/cmd/internal/demo"
	"sunsetwatch/detector/exporter"
)

func demoCommand() *cobra.Command {
	var (
		webs webFlags
		o    demo.Options
		logs = logFlags{format: "console"}
	)
	c := &cobra.Command{
		Use:   "demo",
		Short: "Tell the story with an embedded broker",
		Long: `demo starts a broker in this process, lets six years of partner access go by in
about a minute, and watches them as run does: sunsets pass, grace ends, findings
open, people are counted. It needs nothing but this binary, prints what happens
as it happens and what to look at, and keeps serving until Ctrl-C.

What it prints of findings it has from /api/v1/findings, as anybody else would.
Nothing of it is kept.

Exit code: 0 stopped, 1 failed (as when the port is in use), 2 bad usage.`,
		Example: `  sunsetwatch demo
  sunsetwatch demo --speed=4 --duration=30s
  sunsetwatch demo --web.listen-address=127.0.0.1:0     (any free port; it is printed)`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			log, err := logs.logger(c.ErrOrStderr())
			if err != nil {
				return &exit{exitUsage, err}
			}
			o.Listen = webs.listen
			o.Out = c.OutOrStdout()
			o.Log = log
			o.Now = time.Now
			o.Build = exporter.Build(version())
			// Its directory is to go as well when the terminal does, or the reader.
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGHUP, syscall.SIGPIPE)
			defer stop()
			return failure(demo.Run(ctx, o))
		},
	}
	f := c.Flags()
	webs.add(f)
	f.DurationVar(&o.Duration, "duration", 0, "stop after this `TIME`, such as 30s; default: at Ctrl-C")
	f.Float64Var(&o.Speed, "speed", 1, "how many `TIMES` as fast the story is told; at 1 it takes about a minute")
	f.StringVar(&logs.level, "log.level", "warn", "`LEVEL` of what is logged on standard error: debug, info, warn or error")
	return c
}
