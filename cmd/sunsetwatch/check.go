package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sunsetwatch/cmd/internal/registrations"
	"sunsetwatch/rules/access"
)

func checkCommand() *cobra.Command {
	var ruleFile string
	c := &cobra.Command{
		Use:   "check [flags] PATH...",
		Short: "Check registration files, and the rule file that goes with them",
		Long: `check reads registration files, or all *.yml and *.yaml files of directories, as
one set, as run does, and prints every error and warning with its place. A set
with an error is refused whole. The least that is a registration:

  version: 1
  partners:
    - {name: netflix, owner: partnerships@example.com, team: messaging, principals: [app-netflix]}
  registrations:
    - {partner: netflix, feature: msg.recommend, from: 2014-06-01T00:00:00Z, sunset: 2015-07-01T00:00:00Z, grace: 30d}

With --rules, a rule file (thresholds of kinds, exceptions, closures, disputes) is
read against the set; deploy/rules.example.yml is one with every key explained.

Exit code: 0 no errors (there may be warnings), 2 errors.`,
		Example: "  sunsetwatch check registrations/\n  sunsetwatch check partners.yml features.yml\n  sunsetwatch check --rules rules.yml registrations/",
		Args: func(_ *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				return errors.New("check: name the files or directories to check")
			}
			return nil
		},
		RunE: func(c *cobra.Command, paths []string) error {
			snapshot, set, problems, err := registrations.Read(paths, ruleFile, access.At(time.Now()))
			if err != nil {
				return &exit{exitUsage, err}
			}
			fmt.Fprint(c.OutOrStdout(), problems)
			if snapshot == nil {
				fmt.Fprintf(c.ErrOrStderr(), "%s: %s\n", problems.Summary(), refused(ruleFile))
				return &exit{code: exitUsage}
			}
			with := ""
			if ruleFile != "" {
				with = fmt.Sprintf("; rules for %s, %s, %s, %s", count(len(set.Settings), "kind"), count(len(set.Exceptions), "exception"),
					count(len(set.Closures), "closure"), count(len(set.Disputes), "dispute"))
			}
			if s := problems.Summary(); s != "" {
				with += ", " + s
			}
			fmt.Fprintf(c.OutOrStdout(), "%s of %s%s\n",
				count(len(snapshot.Registrations()), "registration"), count(len(snapshot.Partners()), "partner"), with)
			return nil
		},
	}
	c.Flags().StringVar(&ruleFile, "rules", "", "check this rule `FILE` against the set")
	return c
}

// refused says what is, where a problem is an error.
func refused(ruleFile string) string {
	if ruleFile != "" {
		return "the set and the rules are refused"
	}
	return "the set is refused"
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
