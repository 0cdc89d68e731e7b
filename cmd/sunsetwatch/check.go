package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sunsetwatch/cmd/internal/registrations"
	"sunsetwatch/rules/access"
)

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check PATH...",
		Short: "Check registration files",
		Long: `check reads registration files, or all *.yml and *.yaml files of directories, as
one set, as run does, and prints every error and warning with its place.

Exit code: 0 no errors (there may be warnings), 2 errors.`,
		Example: "  sunsetwatch check registrations/\n  sunsetwatch check partners.yml features.yml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, paths []string) error {
			snapshot, problems, err := registrations.Read(paths, access.At(time.Now()))
			if err != nil {
				return &exit{exitUsage, err}
			}
			fmt.Fprint(c.OutOrStdout(), problems)
			if snapshot == nil {
				fmt.Fprintf(c.ErrOrStderr(), "%s: the set is refused\n", problems.Summary())
				return &exit{code: exitUsage}
			}
			with := ""
			if s := problems.Summary(); s != "" {
				with = ", " + s
			}
			fmt.Fprintf(c.OutOrStdout(), "%d registrations of %d partners%s\n", len(snapshot.Registrations()), len(snapshot.Partners()), with)
			return nil
		},
	}
}
