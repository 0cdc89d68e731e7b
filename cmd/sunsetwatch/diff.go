package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sunsetwatch/cmd/internal/replay"
	"sunsetwatch/rules/access"
	doc "sunsetwatch/rules/document"
)

func diffCommand() *cobra.Command {
	var (
		a        archiveFlags
		next     []string
		newRules string
		output   string
		exitCode bool
	)
	c := &cobra.Command{
		Use:   "diff --registrations OLD --registrations-new NEW INPUT...",
		Short: "Say what other registrations or rules would change in the findings",
		Long: `diff reads archived events once, judges them by two sets of registrations and rules,
and prints the findings that are gained, lost and changed, with the fields that
changed. What is not given anew stays: with --rules-new alone, the registrations are
the same on both sides.

` + inputHelp + `

--output markdown is fit for a pull request that changes registrations; -o json
prints one object, schema sunsetwatch.diff.v1: {"schema","gained":[FINDING],
"lost":[FINDING],"changed":[{"id","kind","partner","feature","scope",
"fields":[{"field","old","new"}]}],"complete"}.

Exit code: 0 done; 1 with --exit-code, if anything differs; 2 bad usage,
configuration or input; 3 done, but an input is cut off or damaged, or more was
rejected than --max-rejected allows; 130 interrupted.`,
		Example: `  sunsetwatch diff --registrations main/ --registrations-new branch/ archive/
  sunsetwatch diff --registrations main/ --registrations-new branch/ --output markdown --exit-code archive/ > comment.md
  sunsetwatch diff --registrations registrations/ --rules rules.yml --rules-new stricter.yml archive/`,
		Args: func(_ *cobra.Command, inputs []string) error {
			if len(inputs) == 0 {
				return errors.New("diff: name the files, directories or topics to read, or - for standard input")
			}
			return nil
		},
		RunE: func(c *cobra.Command, inputs []string) error {
			usage := func(format string, args ...any) error { return &exit{exitUsage, fmt.Errorf(format, args...)} }
			if output != "text" && output != "json" && output != "markdown" {
				return usage("--output %s: write text, json or markdown", doc.Show(output))
			}
			o := replay.DiffOptions{Clock: time.Now, Progress: progressTo(c.ErrOrStderr()), MaxRejected: a.maxRejected}
			var err error
			if o.Source, o.Question, err = a.read(c, inputs); err != nil {
				return err
			}
			if len(a.registrations) == 0 {
				return usage("--registrations is required, or a --config.file that names them")
			}
			if len(next) == 0 && newRules == "" {
				return usage("nothing is to be compared: give --registrations-new, --rules-new, or both")
			}
			if len(next) == 0 {
				next = a.registrations
			}
			if newRules == "" {
				newRules = a.rules
			}
			now := access.At(time.Now())
			if o.Old.Registry, o.Old.Rules, err = readSet(c.ErrOrStderr(), a.registrations, a.rules, now); err != nil {
				return err
			}
			if o.New.Registry, o.New.Rules, err = readSet(c.ErrOrStderr(), next, newRules, now); err != nil {
				return err
			}
			d, err := replay.Diff(c.Context(), o)
			if err != nil {
				return replayFailure(c.Context(), err)
			}
			d.Tell(c.ErrOrStderr())
			write := d.Text
			switch output {
			case "json":
				write = d.JSON
			case "markdown":
				write = d.Markdown
			}
			switch err := write(c.OutOrStdout()); {
			case err != nil:
				return &exit{exitUsage, err}
			case exitCode && d.Any():
				return &exit{code: exitFindings}
			case len(d.Lacks) > 0:
				return &exit{code: exitIncomplete}
			}
			return nil
		},
	}
	f := c.Flags()
	a.add(f)
	f.StringArrayVar(&next, "registrations-new", nil, "`PATH` of the registrations to compare with; repeatable; default: the same")
	f.StringVar(&newRules, "rules-new", "", "rule `FILE` to compare with; default: the same")
	f.StringVarP(&output, "output", "o", "text", "`FORMAT`: text, json or markdown")
	f.BoolVar(&exitCode, "exit-code", false, "exit 1 if anything differs")
	return c
}
