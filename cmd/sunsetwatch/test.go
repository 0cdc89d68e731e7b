package main

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"sunsetwatch/cmd/internal/scenario"
)

func testCommand() *cobra.Command {
	var o scenario.Options
	var match string
	c := &cobra.Command{
		Use:   "test FILE|DIR...",
		Short: "Run scenario files: stories with their expected findings",
		Long: `test runs scenario files, or all *.txtar files of directories: each tells a story
with registrations, events and the findings that are expected of them, and is run
by the fold, the registry and the judge of the product. A whole one:

  Bing may search until the end of June, and goes on.
  -- registrations.yml --
  version: 1
  partners:
    - {name: bing, owner: search@example.com, principals: [app-bing]}
  registrations:
    - {partner: bing, feature: search, from: 2014-01-01T00:00:00Z, sunset: 2014-07-01T00:00:00Z}
  -- events --
  every 12h from 2014-06-01T00:00:00Z to 2014-07-02T12:00:00Z: principal=app-bing feature=search operation=read subject=u{1..50}
  -- findings --
  - {kind: access_after_sunset, partner: bing, feature: search, events: 4, people: 4}

Every directive is explained in rules/scenarios/README.md, beside the stories of
the product. A difference is shown field by field.

Exit code: 0 all pass, 1 some differ, 2 unreadable files or bad usage.`,
		Example: `  sunsetwatch test rules/scenarios
  sunsetwatch test -v --run netflix rules/scenarios
  sunsetwatch test --update mine.txtar
  sunsetwatch test --junit report.xml scenarios/`,
		Args: func(_ *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				return errors.New("test: name the files or directories to run")
			}
			return nil
		},
		RunE: func(c *cobra.Command, paths []string) error {
			var err error
			if match != "" {
				if o.Match, err = regexp.Compile(match); err != nil {
					return &exit{exitUsage, fmt.Errorf("--run: %w", err)}
				}
			}
			o.Paths, o.Out, o.Err = paths, c.OutOrStdout(), c.ErrOrStderr()
			switch err = scenario.Test(c.Context(), o); {
			case errors.Is(err, scenario.ErrDiffer):
				return &exit{code: exitFindings}
			case errors.Is(err, scenario.ErrUnreadable):
				return &exit{code: exitUsage}
			case err != nil:
				return &exit{exitUsage, fmt.Errorf("test: %w", err)}
			}
			return nil
		},
	}
	c.Flags().BoolVarP(&o.Verbose, "verbose", "v", false, "also list what was found, with ids")
	c.Flags().BoolVar(&o.Update, "update", false, "write what was found into the files; read the difference before you keep it")
	c.Flags().StringVar(&o.JUnit, "junit", "", "write a report in JUnit's XML to `FILE`")
	c.Flags().StringVar(&match, "run", "", "only files whose name matches `REGEXP`")
	return c
}
