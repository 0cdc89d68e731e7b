// Generate writes the generated files of deploy: without arguments the committed
// ones, and with the word "rules" the alert rules with values of one's own, on
// standard output.
//
//	go run ./deploy/generate
//	go run ./deploy/generate rules -external-url https://sunsetwatch.example.com
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"sunsetwatch/deploy"
)

func main() {
	var err error
	if len(os.Args) > 1 && os.Args[1] == "rules" {
		err = printRules(os.Args[2:])
	} else {
		err = writeAll(os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// writeAll writes the committed files below the folder deploy, wherever below the
// root of the repository it is called: from the root, or by go generate from deploy.
func writeAll(arguments []string) error {
	if len(arguments) > 0 {
		return fmt.Errorf("unknown argument %q; it is either nothing or the word rules", arguments[0])
	}
	dir := "."
	if _, err := os.Stat("deploy"); err == nil {
		dir = "deploy"
	}
	files, err := deploy.Files()
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func printRules(arguments []string) error {
	rules := deploy.DefaultRules()
	flags := flag.NewFlagSet("rules", flag.ExitOnError)
	flags.StringVar(&rules.Job, "job", rules.Job, "scrape `job` of sunsetwatch")
	flags.StringVar(&rules.ExternalURL, "external-url", rules.ExternalURL, "where people reach sunsetwatch")
	flags.StringVar(&rules.RunbookURL, "runbook-url", rules.RunbookURL, "where people reach deploy/runbook.md")
	flags.DurationVar(&rules.Window, "window", rules.Window, "how long a finding counts as open after its last sample")
	flags.DurationVar(&rules.KeepFiring, "keep-firing", rules.KeepFiring, "how long its alert goes on after that")
	flags.DurationVar(&rules.For, "for", rules.For, "how long sunsetwatch must have been blind before it says so")
	flags.DurationVar(&rules.Behind, "behind", rules.Behind, "how far a partition may be behind in event time")
	flags.DurationVar(&rules.Notice, "notice", rules.Notice, "how long before its end an exception in use is told")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	text, err := rules.Render()
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}
