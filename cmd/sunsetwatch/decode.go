package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sunsetwatch/cmd/internal/daemon"
	"sunsetwatch/consumer/codec"
)

func decodeCommand() *cobra.Command {
	var configFile string
	c := &cobra.Command{
		Use:   "decode < EVENTS",
		Short: "Show how events are read",
		Long: `decode reads events from standard input, one JSON object a line, and prints each
in the native format with its defaults filled in, or, where an event is rejected,
the reason and the line. An event in the native format, with no more than it must
have:

  {"time":"2015-07-01T00:00:00Z","principal":"app-netflix","feature":"msg.recommend","operation":"read"}

Events in another format need no converter: the section events of the
configuration says where the fields are, and decode --config.file tries it.

Exit code: 0 every event was read, 1 some were rejected, 2 bad usage.`,
		Example: `  sunsetwatch decode < events.jsonl
  sunsetwatch decode --config.file=sunsetwatch.yml < events.jsonl
  kcat -C -b localhost:9092 -t partner-access -c 10 | sunsetwatch decode`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			compiled, err := codec.Compile(codec.Mapping{})
			if configFile != "" {
				var config *daemon.Config
				if config, err = readConfig(configFile); err == nil {
					compiled = config.Codec
				}
			}
			if err != nil {
				return &exit{exitUsage, err}
			}
			rejected, err := codec.Decode(c.InOrStdin(), c.OutOrStdout(), compiled)
			if err != nil {
				return &exit{exitUsage, fmt.Errorf("decode: %w", err)}
			}
			if rejected > 0 {
				return &exit{code: exitFindings}
			}
			return nil
		},
	}
	c.Flags().StringVar(&configFile, "config.file", "", "configuration `FILE` whose section events says where fields are; default: the native format")
	return c
}
