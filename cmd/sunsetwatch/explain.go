package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"sunsetwatch/cmd/internal/explanation"
	"sunsetwatch/cmd/internal/termsheet"
	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/access"
	doc "sunsetwatch/rules/document"
)

func explainCommand() *cobra.Command {
	var (
		paths             []string
		rulesFile, config string
		output            string
		known             knownAt
	)
	c := &cobra.Command{
		Use:   "explain --registrations PATH < EVENT",
		Short: "Say of one event what is wrong with it, and why",
		Long: `explain reads one event from standard input, holds it against the registrations,
and says whose the principal was, which terms held at the event's time and which
revision set each of them, in which window the event lies, and what every kind
says of it: its severity, or why it finds nothing wrong. Where there is no
registration it looks for the nearest.

The severity is what this event alone would give; a finding has that of all its
events. A denied or failed call is explained as the attempt that it is, and a
capability probe as a probe. Nothing is counted, saved or paged.

An event needs no more than

  {"time":"2015-07-15T00:00:00Z","principal":"app-netflix-web","feature":"msg.recommend","operation":"read"}

in one or several lines; --config.file reads events in another format, as decode
does. rules/explain.md has five examples, and describes the object that -o json
prints, schema sunsetwatch.explanation.v1.

Exit code: 0 explained, whatever the verdict, 2 bad usage, registrations or event.`,
		Example: `  echo '{"time":"2015-07-15T00:00:00Z","principal":"app-netflix-web","feature":"msg.recommend","operation":"read"}' |
    sunsetwatch explain --registrations registrations/
  sunsetwatch explain --registrations registrations/ --known-at 2015-06-01T00:00:00Z < event.json
  sunsetwatch explain --config.file sunsetwatch.yml -o json < event.json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return &exit{exitUsage, fmt.Errorf("--output %s: write text or json", doc.Show(output))}
			}
			k, err := known.instant()
			if err != nil {
				return &exit{exitUsage, err}
			}
			compiled, err := codec.Compile(codec.Mapping{})
			if config != "" {
				read, failed := readConfig(config)
				if failed != nil {
					return &exit{exitUsage, failed}
				}
				compiled = read.Codec
				if len(paths) == 0 {
					paths = read.Registrations
				}
				rulesFile = cmp.Or(rulesFile, read.Rules)
			}
			if err != nil {
				return &exit{exitUsage, err}
			}
			if len(paths) == 0 {
				return &exit{exitUsage, errors.New("--registrations is required, or a --config.file that names them")}
			}
			q := explanation.Question{KnownAt: k}
			if q.Registrations, q.Rules, err = readSet(c.ErrOrStderr(), paths, rulesFile, access.At(time.Now())); err != nil {
				return err
			}
			data, err := io.ReadAll(io.LimitReader(c.InOrStdin(), access.MaxValueBytes+1))
			if err != nil {
				return &exit{exitUsage, fmt.Errorf("reading the event: %w", err)}
			}
			if q.Event, err = explanation.Read(data, compiled); err != nil {
				return &exit{exitUsage, err}
			}
			e := explanation.Compose(&q)
			text := e.Text()
			if output == "json" {
				text = termsheet.JSON(e)
			}
			if _, err := io.WriteString(c.OutOrStdout(), text); err != nil {
				return &exit{exitFailed, err}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringArrayVar(&paths, "registrations", nil, "`PATH` of registration files or a directory of them; repeatable; default: those of --config.file")
	f.StringVar(&rulesFile, "rules", "", "rule `FILE` with severities, exceptions, closures and disputes; default: that of --config.file")
	f.StringVar(&config, "config.file", "", "configuration `FILE` that says where fields are, and names registrations and rules; default: the native format")
	known.add(f)
	f.StringVarP(&output, "output", "o", "text", "`FORMAT`: text or json")
	return c
}
