package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sunsetwatch/cmd/internal/daemon"
	"sunsetwatch/rules/access"
	doc "sunsetwatch/rules/document"
)

func stateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "state",
		Short: "Work on the saved state of an instance that is not running",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(stateImportCommand())
	return c
}

func stateImportCommand() *cobra.Command {
	o := daemon.ImportOptions{From: access.Beginning}
	var from string
	c := &cobra.Command{
		Use:   "import --ledger DIR --state.dir DIR",
		Short: "Begin an empty state with the facts of a replay",
		Long: `import puts the facts that replay --ledger wrote into an empty state, so that
history begins before what the topic still holds. run then reads on without
counting an event twice:

  * Partitions that the ledger was read from (kafka://) are read on from where the
    replay ended.
  * Of all others, what happened at --from or later counts; what happened before is
    taken to be in the ledger, and is counted as a duplicate. --from is needed where
    the ledger was made from files. Each of them must end before it:

      sunsetwatch replay --to 2016-01-01T00:00:00Z --ledger facts ... archive/
      sunsetwatch state import --ledger facts --state.dir state --from 2016-01-01T00:00:00Z

    Start run with kafka.start: earliest, the default, or with an instant before
    which the topic holds nothing of --from or later. An event of before --from
    that is in the topic and not in the archive, because it came late, is not
    counted: choose a time up to which the archive is complete.

Several ledgers of disjoint events are imported together. The subject key in the
state directory, or --subject-key-file, must be the one that they were made with.

Exit code: 0 imported, 2 refused; then the state is as it was.`,
		Example: "  sunsetwatch state import --ledger facts --state.dir /var/lib/sunsetwatch --from 2016-01-01T00:00:00Z",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case len(o.Ledgers) == 0:
				return &exit{exitUsage, errors.New("state import: name the ledger with --ledger")}
			case o.StateDir == "":
				return &exit{exitUsage, errors.New("state import: name the state directory with --state.dir")}
			}
			if from != "" {
				var err error
				if o.From, err = doc.ParseInstant(from); err != nil {
					return &exit{exitUsage, fmt.Errorf("--from: %w", err)}
				}
			}
			o.Now = time.Now()
			done, err := daemon.Import(o)
			if err != nil {
				return &exit{exitUsage, fmt.Errorf("state import: %w", err)}
			}
			out := c.OutOrStdout()
			fmt.Fprintf(out, "imported %d events in %s, from %s to %s\n", done.Events, count(done.Cells, "cell"), done.Earliest, done.Latest)
			for _, p := range done.Positions {
				fmt.Fprintf(out, "%s is read on from offset %d\n", p.Name, p.Next)
			}
			if from != "" {
				others := "partitions"
				if len(done.Positions) > 0 {
					others = "other partitions"
				}
				fmt.Fprintf(out, "%s count what happened at %s or later\n", others, o.From)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.Ledgers, "ledger", nil, "`DIR` with the facts; repeatable (required)")
	f.StringVar(&o.StateDir, "state.dir", "", "`DIR` of the state, as state.dir of the configuration (required)")
	f.StringVar(&o.SubjectKeyFile, "subject-key-file", "", "`FILE` with the subject key, as subjects.key_file of the configuration; default: subject.key in the state directory")
	f.StringVar(&from, "from", "", "`TIME` from which on the topic counts")
	return c
}
