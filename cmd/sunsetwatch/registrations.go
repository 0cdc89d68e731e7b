package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sunsetwatch/cmd/internal/registrations"
	"sunsetwatch/cmd/internal/termsheet"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	doc "sunsetwatch/rules/document"
	"sunsetwatch/rules/registry"
)

func registrationsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "registrations",
		Short: "Show which terms hold, held, or were known to hold",
		Long: `registrations shows what registration files say: which terms hold now (list) or
held at an instant (at), and how those of one registration came about (history).

Two times are asked about, and they are not the same. TIME is event time: when an
access happened. --known-at is when somebody looked: only what was recorded by
then counts. So this is what was thought, on 15 July 2015, about 1 July 2015:

  sunsetwatch registrations at 2015-07-01T00:00:00Z --known-at 2015-07-15T00:00:00Z registrations/

In tables a date is its 00:00 UTC, "-" is an open end or nothing, "any" is not
restricted, "none" grants nothing.`,
		Example: "  sunsetwatch registrations list registrations/\n  sunsetwatch registrations history netflix/msg.recommend registrations/",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var words []string
			for _, sub := range c.Commands() {
				words = append(words, sub.Name())
			}
			if near := doc.Nearest(args[0], words); near != "" {
				return fmt.Errorf("registrations: there is no %s: did you mean %s?", doc.Show(args[0]), near)
			}
			return fmt.Errorf("registrations: there is no %s: write list, at or history", doc.Show(args[0]))
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(listCommand(), atCommand(), historyCommand())
	return c
}

const sheetHelp = `
The table has a line for each registration: the window [FROM, SUNSET), the end of
the grace that follows it, where the instant lies in it (planned, active, paused,
grace, ended), and what is granted and required inside. A sunset that the program
decides is shown as the registration's. -o wide adds who answers for it, pauses,
and the revision that decided the sunset. -o json prints one object:

  {"schema":"sunsetwatch.registrations.v1","at":TIME,"known_at":TIME or null,
   "registrations":[{"partner","feature","program","owner","team","principals",
     "lifecycle","terms":{"from","sunset","sunset_program","grace","grace_until",
     "deprecation","pauses","operations","scopes","requires","inbound",
     "decided":{FIELD:{"recorded","effective","by","reason","ticket","file","line"}}}}]}

Instants are RFC 3339 in UTC, grace is in seconds, null is open, none or not
restricted, and decided names the revision of each field that one names.

Exit code: 0 shown, 2 bad usage or registrations with an error.`

func listCommand() *cobra.Command {
	var f sheetFlags
	c := &cobra.Command{
		Use:     "list PATH...",
		Short:   "Show the terms that hold now",
		Long:    "list shows the terms in force now, at wall time, and where each registration\nstands in its life.\n" + sheetHelp,
		Example: "  sunsetwatch registrations list registrations/\n  sunsetwatch registrations list -o json registrations/ | jq -r '.registrations[] | select(.lifecycle == \"ended\").partner'",
		Args:    paths("list: name", 0),
		RunE: func(c *cobra.Command, args []string) error {
			now := access.At(time.Now())
			return f.sheet(c, args, now, now)
		},
	}
	f.add(c.Flags())
	return c
}

func atCommand() *cobra.Command {
	var f sheetFlags
	c := &cobra.Command{
		Use:     "at TIME PATH...",
		Short:   "Show the terms that hold for an event time",
		Long:    "at shows the terms that hold for accesses at TIME, RFC 3339 with a zone, and where\nTIME lies in the life of each registration.\n" + sheetHelp,
		Example: "  sunsetwatch registrations at 2015-07-01T00:00:00Z registrations/\n  sunsetwatch registrations at 2015-07-01T00:00:00Z --known-at 2015-07-15T00:00:00Z registrations/",
		Args:    paths("at: name TIME, and", 1),
		RunE: func(c *cobra.Command, args []string) error {
			at, err := doc.ParseInstant(args[0])
			if err != nil {
				return &exit{exitUsage, fmt.Errorf("TIME %w", err)}
			}
			return f.sheet(c, args[1:], at, access.At(time.Now()))
		},
	}
	f.add(c.Flags())
	return c
}

func historyCommand() *cobra.Command {
	var f sheetFlags
	c := &cobra.Command{
		Use:   "history PARTNER/FEATURE PATH...",
		Short: "Show how the terms of one registration came about",
		Long: `history shows every revision of one registration, and of the program that it is
part of, in the order in which they were recorded: since which event time it is
effective, who wrote it and why, what it named, and the terms that it led to, as
known then. Where those differ over event time, each stretch has a line.
"always" is recorded since always, or effective for all event times. -o wide adds
file and line. -o json prints one object:

  {"schema":"sunsetwatch.registration-history.v1","partner","feature","program",
   "known_at":TIME or null,
   "revisions":[{"recorded","effective","by","reason","ticket","file","line",
     "of":"registration" or "program","named":{FIELD:VALUE},
     "became":[{"since":TIME or null,"terms":{...}}]}]}

with terms as registrations list prints them; became is empty while there is no
registration yet.

Exit code: 0 shown, 2 bad usage, no such registration, or registrations with an
error.`,
		Example: "  sunsetwatch registrations history netflix/msg.recommend registrations/",
		Args:    paths("history: name PARTNER/FEATURE, and", 1),
		RunE: func(c *cobra.Command, args []string) error {
			knownAt, err := f.instant()
			if err != nil {
				return &exit{exitUsage, err}
			}
			s, _, err := readSet(c.ErrOrStderr(), args[1:], "", access.At(time.Now()))
			if err != nil {
				return err
			}
			r, err := termsheet.Find(s, args[0])
			if err != nil {
				return &exit{exitUsage, err}
			}
			h := termsheet.HistoryOf(s, r, knownAt)
			if len(h.Revisions) == 0 {
				fmt.Fprintln(c.ErrOrStderr(), "nothing was recorded by then")
			}
			return f.print(c.OutOrStdout(), h, h.Table)
		},
	}
	f.add(c.Flags())
	return c
}

// paths wants at least one path after n other arguments.
func paths(what string, n int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) <= n {
			return errors.New(what + " the files or directories of the registrations")
		}
		return nil
	}
}

// knownAt is the flag of every command that can look at what was known earlier.
type knownAt string

func (k *knownAt) add(f *pflag.FlagSet) {
	f.StringVar((*string)(k), "known-at", "", "use only what was recorded by `TIME`, RFC 3339 with a zone; default: all")
}

// instant is access.End where the flag is not given.
func (k *knownAt) instant() (access.Instant, error) {
	if *k == "" {
		return access.End, nil
	}
	at, err := doc.ParseInstant(string(*k))
	if err != nil {
		return 0, fmt.Errorf("--known-at %w", err)
	}
	return at, nil
}

// sheetFlags are those of the commands that print terms.
type sheetFlags struct {
	knownAt
	output string
}

func (f *sheetFlags) add(flags *pflag.FlagSet) {
	f.knownAt.add(flags)
	flags.StringVarP(&f.output, "output", "o", "table", "`FORMAT`: table, wide or json")
}

func (f *sheetFlags) sheet(c *cobra.Command, paths []string, at, now access.Instant) error {
	knownAt, err := f.instant()
	if err != nil {
		return &exit{exitUsage, err}
	}
	s, _, err := readSet(c.ErrOrStderr(), paths, "", now)
	if err != nil {
		return err
	}
	sheet := termsheet.Of(s, at, knownAt)
	if len(sheet.Registrations) == 0 {
		fmt.Fprintln(c.ErrOrStderr(), "no registration is known")
	}
	return f.print(c.OutOrStdout(), sheet, sheet.Table)
}

func (f *sheetFlags) print(w io.Writer, value any, table func(wide bool) string) error {
	var text string
	switch f.output {
	case "table":
		text = table(false)
	case "wide":
		text = table(true)
	case "json":
		text = termsheet.JSON(value)
	default:
		return &exit{exitUsage, fmt.Errorf("--output %s: write table, wide or json", doc.Show(f.output))}
	}
	if _, err := io.WriteString(w, text); err != nil {
		return &exit{exitFailed, err}
	}
	return nil
}

// readSet is the set of paths, and the rules of a file against it, nil where
// there is none. Where either is refused, the problems are printed.
func readSet(stderr io.Writer, paths []string, ruleFile string, now access.Instant) (*registry.Snapshot, *rules.RuleSet, error) {
	s, set, problems, err := registrations.Read(paths, ruleFile, now)
	switch {
	case err != nil:
		return nil, nil, &exit{exitUsage, err}
	case s == nil:
		fmt.Fprintf(stderr, "%s%s: %s\n", problems, problems.Summary(), refused(ruleFile))
		return nil, nil, &exit{code: exitUsage}
	}
	return s, set, nil
}
