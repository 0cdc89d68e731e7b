package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"sunsetwatch/deploy/components"
)

// A replay of files opens no socket at all: what it reads stays on the machine,
// and nobody can mistake it for what is watched.
func TestReplayOfFilesOpensNoSocket(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("strace is a program of Linux")
	}
	strace := components.Strace(t)
	program, err := exec.LookPath("sunsetwatch")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	traced := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), strace, append([]string{"-f", "-e", "trace=socket,connect,bind,listen,openat", "-o", trace, program}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			if os.Getenv("CI") != "true" && regexp.MustCompile(`(?i)operation not permitted|ptrace`).Match(out) {
				t.Skipf("processes cannot be traced here: %s", out)
			}
			t.Fatalf("%v\n%s", err, out)
		}
		calls, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		return string(calls)
	}
	calls := traced("replay", "--registrations", filepath.Join(root, "deploy", "registrations"), "--out", filepath.Join(dir, "out"), filepath.Join(root, "deploy", "archive"))
	if !regexp.MustCompile(`openat\(.*2014-2017\.jsonl\.gz`).MatchString(calls) {
		t.Fatalf("the trace does not show that the archive was read:\n%s", calls)
	}
	if found := regexp.MustCompile(`(?m)^.*\b(socket|connect|bind|listen)\(.*$`).FindAllString(calls, -1); len(found) > 0 {
		t.Errorf("a replay of files calls %q", found)
	}
}
