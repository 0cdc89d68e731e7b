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
