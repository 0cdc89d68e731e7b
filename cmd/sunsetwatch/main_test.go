package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain puts this program on the PATH of the tests.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sunsetwatch": main})
}

// Each script is one behaviour of the command line.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
		},
	})
}

// A signal ends a command that waits for its standard input.
func TestStdinIsInterrupted(t *testing.T) {
	t.Parallel()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	const line = `{"time":"2015-07-01T00:00:00Z","principal":"a","feature":"f","operation":"read"}` + "\n"
	if _, err := io.WriteString(out, line); err != nil {
		t.Fatal(err)
	}
	s := &stdin{ctx: ctx, file: in}
	got := make([]byte, len(line))
	if _, err := io.ReadFull(s, got); err != nil || string(got) != line {
		t.Fatalf("got %q, %v", got, err)
	}
	for _, args := range [][]string{{"decode"}, {"explain", "--registrations", "../../deploy/registrations"}, {"replay", "--registrations", "../../deploy/registrations", "-"}} {
		ctx, cancel := context.WithCancel(context.Background())
		code := make(chan int)
		var stderr bytes.Buffer
		go func() { code <- run(ctx, args, &stdin{ctx: ctx, file: in}, io.Discard, &stderr) }()
		cancel()
		if c := <-code; c != exitInterrupted || !strings.Contains(stderr.String(), "interrupted") {
			t.Errorf("%v: exit code %d\n%s", args, c, &stderr)
		}
	}
	cancel()
	if _, err := s.Read(got); !errors.Is(err, errInterrupted) {
		t.Errorf("got %v", err)
	}
	out.Close()
}

// fullDisk takes nothing more.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// What is cut off must not pass for whole, in a script that looks at exit codes.
func TestFullStandardOutput(t *testing.T) {
	t.Parallel()
	const event = `{"time":"2015-07-01T00:00:00Z","principal":"app-netflix","feature":"msg.recommend","operation":"read"}`
	for _, command := range []string{
		"version",
		"--version",
		"--help",
		"help check",
		"run --help",
		"registrations",
		"completion bash",
		"check ../../deploy/registrations",
		"test ../../rules/scenarios/boundaries.txtar",
		"registrations list ../../deploy/registrations",
		"registrations history netflix/msg.recommend -o json ../../deploy/registrations",
		"explain --registrations ../../deploy/registrations",
		"decode",
		"replay --registrations ../../deploy/registrations ../../deploy/archive",
	} {
		var stderr bytes.Buffer
		code := run(t.Context(), strings.Fields(command), strings.NewReader(event), fullDisk{}, &stderr)
		if code != exitFailed || strings.Count(stderr.String(), "standard output: no space left on device") != 1 {
			t.Errorf("%s: exit code %d\n%s", command, code, &stderr)
		}
	}
}

// exits runs a program and holds its exit code: exits CODE PROGRAM ARGUMENT...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s exits with %d, want %d", args[1], got, want)
	}
}
