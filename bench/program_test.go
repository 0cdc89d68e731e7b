package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	programDir  string
	programOnce sync.Once
)

// binary builds the program once.
func binary(tb testing.TB) string {
	tb.Helper()
	programOnce.Do(func() {
		dir, err := os.MkdirTemp("", "sunsetwatch-bench-")
		if err != nil {
			tb.Fatal(err)
		}
		programDir = dir
		if out, err := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, "sunsetwatch"), "sunsetwatch/cmd/sunsetwatch").CombinedOutput(); err != nil {
			tb.Fatalf("%v\n%s", err, out)
		}
	})
	return filepath.Join(programDir, "sunsetwatch")
}

// program is a `sunsetwatch run` on the topic of a broker.
type program struct {
	tb    testing.TB
	addr  string
	cmd   *exec.Cmd
	said  bytes.Buffer
	begin time.Time
}

func startProgram(tb testing.TB, broker, registrations string) *program {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &program{tb: tb, addr: l.Addr().String(), begin: time.Now()}
	l.Close()
	config := filepath.Join(tb.TempDir(), "sunsetwatch.yml")
	yaml := fmt.Sprintf("kafka: {brokers: [%q], topics: [%s]}\nregistrations: [%q]\n", broker, topic, registrations)
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		tb.Fatal(err)
	}
	p.cmd = exec.Command(binary(tb), "run", "--config.file", config, "--web.listen-address", p.addr, "--state.accept-empty", "--log.level", "warn")
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.cmd.Process.Kill()
			p.cmd.Wait()
		}
		if tb.Failed() {
			tb.Logf("sunsetwatch said:\n%s", p.said.String())
		}
	})
	return p
}

func (p *program) get(path string, to any) bool {
	p.tb.Helper()
	resp, err := http.Get("http://" + p.addr + path)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(to) == nil
}

// counted waits until the program has saved n events as counted.
func (p *program) counted(n int) {
	p.tb.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		var status struct {
			Topics []struct {
				EventsCounted uint64 `json:"events_counted"`
			}
		}
		if p.get("/api/v1/status", &status) && len(status.Topics) == 1 && status.Topics[0].EventsCounted == uint64(n) {
			return
		}
		if time.Now().After(deadline) {
			p.tb.Fatalf("%d events are not counted: %+v", n, status)
		}
	}
}

// found adds up the findings.
func (p *program) found() (r result) {
	p.tb.Helper()
	for total := 1; r.Findings < total; {
		var page struct {
			Total    int
			Findings []struct{ Events, Records uint64 }
		}
		if !p.get(fmt.Sprintf("/api/v1/findings?limit=1000&offset=%d", r.Findings), &page) || len(page.Findings) == 0 && page.Total > 0 {
			p.tb.Fatal("no findings")
		}
		total = page.Total
		r.Findings += len(page.Findings)
		for _, f := range page.Findings {
			r.Wrong += f.Events
			r.Records += f.Records
		}
	}
	return r
}

// stop ends the program as an operator would.
func (p *program) stop() usage {
	p.tb.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		p.tb.Fatalf("%v\n%s", err, p.said.String())
	}
	return usage{cpu: p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), wall: time.Since(p.begin)}
}

// memory is the resident set and its peak, in bytes.
func (p *program) memory() (now, peak int64) {
	p.tb.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.tb.Skip(err)
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
	return now, peak
}
