// Package child is what tests and benchmarks share that have processes of their
// own beside them: the built program, a fake broker, and how much memory a
// process holds. Only tests import it, and it refuses to touch a process that
// it did not start.
//
// Concurrency: nothing here is shared.
package child

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Build builds the program in dir and gives its path.
func Build(dir string) (binary string, err error) {
	binary = filepath.Join(dir, "sunsetwatch")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", binary, "sunsetwatch/cmd/sunsetwatch").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return binary, nil
}

// Start starts a program that prints to out. Kill or Stop ends it.
func Start(tb testing.TB, out io.Writer, binary string, args ...string) *exec.Cmd {
	tb.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = DiesWithParent()
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	return cmd
}

// Kill ends a program with SIGKILL; one that has ended it leaves alone.
func Kill(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it says that it was killed
	}
}

// Stop ends a program as an operator would. The error says how it ended, if not
// well.
func Stop(cmd *exec.Cmd) error {
	_ = cmd.Process.Signal(syscall.SIGTERM) // where it has ended, Wait says how
	return cmd.Wait()
}

// CPU is the processor time that a program that has ended took, user and system.
func CPU(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// Memory is the resident set of a process and its peak, in bytes. Where the
// system does not tell, the test is skipped.
func Memory(tb testing.TB, pid int) (now, peak int64) {
	tb.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		tb.Skip("memory is not measured here: ", err)
	}
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(line, ":")
		n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			now = n << 10
		case "VmHWM":
			peak = n << 10
		}
	}
	if now == 0 || peak == 0 {
		tb.Skip("memory is not measured here: no VmRSS or no VmHWM")
	}
	return now, peak
}

// FreeAddress is a loopback address on which nobody listens.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
