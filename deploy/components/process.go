package components

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	startLimit = 2 * time.Minute // a JVM on a busy machine
	stopLimit  = 30 * time.Second
	pollEvery  = 20 * time.Millisecond
)

// process is one server that can be stopped and started again.
type process struct {
	t       testing.TB
	name    string
	command func() *exec.Cmd
	ready   func(context.Context) error
	logFile string

	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has ended
}

// newProcess registers the end of the process with the test; start starts it.
func newProcess(t testing.TB, name, dir string, command func() *exec.Cmd, ready func(context.Context) error) *process {
	t.Helper()
	p := &process{t: t, name: name, command: command, ready: ready, logFile: filepath.Join(dir, name+".log")}
	t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("end of the log of %s:\n%s", name, p.logTail())
		}
	})
	return p
}

// start runs the command and returns when the server answers.
func (p *process) start() {
	p.t.Helper()
	if p.running() {
		p.t.Fatalf("%s runs already", p.name)
	}
	if err := p.launch(); err != nil {
		p.t.Fatalf("start %s: %v", p.name, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := p.ready(ctx)
		if err == nil {
			return
		}
		select {
		case <-p.done:
			p.t.Fatalf("%s ended before it answered", p.name)
		case <-ctx.Done():
			p.t.Fatalf("%s does not answer after %v: %v", p.name, startLimit, err)
		case <-tick.C:
		}
	}
}

// launch starts the command in a process group of its own. The goroutine keeps
// its thread until the command ends, because the kernel kills the command when
// the thread that started it ends (Pdeathsig), which is to happen only when the
// test binary dies.
func (p *process) launch() error {
	log, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd, done, started := p.command(), make(chan struct{}), make(chan error, 1)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = ownGroup()
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(done)
		err := errors.Join(cmd.Start(), log.Close())
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in the log; a kill is not an error here
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	p.cmd, p.done = cmd, done
	return nil
}

func (p *process) running() bool {
	if p.done == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// signal sends sig to the process group and waits for the end of the process.
func (p *process) signal(sig syscall.Signal) {
	p.t.Helper()
	if !p.running() {
		return
	}
	if err := syscall.Kill(-p.cmd.Process.Pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		p.t.Errorf("send %v to %s: %v", sig, p.name, err)
	}
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-p.done:
	case <-limit.C:
		p.t.Errorf("%s still runs %v after %v", p.name, stopLimit, sig)
	}
}

func (p *process) logTail() string {
	log, err := os.ReadFile(p.logFile)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	return strings.Join(lines[max(0, len(lines)-80):], "\n")
}

// freePorts returns n free TCP ports of the loopback address.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		// All are held until the last is found, so no two are the same.
		defer listener.Close()
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// answersOK returns a readiness probe of an HTTP server.
func answersOK(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		request.Close = true
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	}
}

// writeFiles writes the named files below dir.
func writeFiles(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}
