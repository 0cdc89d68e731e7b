// Command sunsetwatch watches which partner keeps pulling people's data
// although the feature that needed it was shut down.
//
// It only translates the world: flags, signals and exit codes. What a
// subcommand does lives in a package under cmd/internal.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the default action is back: a second one ends the
	// process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], stdinOf(ctx, os.Stdin), os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitFindings = 1 // something was found: rejected events, scenarios that differ
	exitFailed   = 1 // it ran and failed
	exitUsage    = 2 // bad usage, configuration or input
	// exitInterrupted is what a shell gives a command that SIGINT ended.
	exitInterrupted = 130
)

// exit is an error with an exit code. A nil err has been printed already.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// output is standard output that keeps the first error of writing to it: not all
// that print look at it, and what is cut off must not pass for whole.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// run is the program in a process of its caller's.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	out := &output{Writer: stdout}
	root.SetOut(out)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	if out.err != nil && (err == nil || errors.Is(err, out.err)) {
		fmt.Fprintf(stderr, "sunsetwatch: standard output: %v\n", out.err)
		return exitFailed
	}
	if err == nil {
		return 0
	}
	var e *exit
	if !errors.As(err, &e) {
		fmt.Fprintf(stderr, "sunsetwatch: %s\nTry: %s --help\n", strings.TrimSpace(err.Error()), command.CommandPath())
		return exitUsage
	}
	if e.err != nil {
		fmt.Fprintf(stderr, "sunsetwatch: %v\n", e.err)
	}
	if errors.Is(e.err, errInterrupted) {
		return exitInterrupted
	}
	return e.code
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "sunsetwatch",
		Short: "Which partner keeps pulling people's data although the feature was shut down?",
		Long: `sunsetwatch reads partner API access events from Kafka, holds them against the
registrations of features (who may do what, from when until when, and since when
we knew), and makes Prometheus alert on what is wrong.

Begin with:
  sunsetwatch demo                         the story, with an embedded broker, in a minute
  sunsetwatch check registrations/         is what we registered sound?
  sunsetwatch registrations list PATH      which terms hold?
  sunsetwatch explain < event.json         what is wrong with this event, and why?
  sunsetwatch decode < events.jsonl        does it read our events?
  sunsetwatch test rules/scenarios         the stories, each with its exact answer
  sunsetwatch replay --registrations PATH ARCHIVE...   what happened, over years
  sunsetwatch diff --registrations OLD --registrations-new NEW ARCHIVE...   what would change?
  sunsetwatch run --config.file=FILE       watch a topic

Facts are counted from events alone; what is wrong is judged from facts and
registrations, again whenever a registration changes. A kill loses nothing.`,
		Version:       version().String(),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetVersionTemplate("sunsetwatch {{.Version}}\n")
	root.AddCommand(runCommand(), demoCommand(), checkCommand(), registrationsCommand(), explainCommand(), decodeCommand(), stateCommand(), testCommand(), replayCommand(), diffCommand(), versionCommand())
	return root
}
