// Package endtoend holds tests of the whole program against the real Apache
// Kafka, Prometheus and Alertmanager: that a first access after a sunset is a
// notification, and that kills lose nothing and count nothing twice.
//
// It has test files only. Every process is a child of the test that needs it.
package endtoend

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sunsetwatch/bench/child"
)

// binary is the program, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "sunsetwatch-endtoend-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if binary, err = child.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// program is a `sunsetwatch run` in a directory of its own, which can be killed
// and started again on the same state and port.
type program struct {
	t    *testing.T
	dir  string
	addr string
	args []string

	cmd *exec.Cmd
	log *logs
}

// logs collects what the program prints.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newProgram prepares a program with a configuration and registrations.
func newProgram(t *testing.T, broker, topic, registrations, more string, args ...string) *program {
	t.Helper()
	p := &program{t: t, dir: t.TempDir(), addr: child.FreeAddress(t), args: args, log: &logs{}}
	p.write("registrations.yml", registrations)
	p.write("sunsetwatch.yml", fmt.Sprintf("kafka: {brokers: [%q], topics: [%s]}\nregistrations: [registrations.yml]\n%s", broker, topic, more))
	t.Cleanup(func() {
		if p.cmd != nil {
			p.kill()
		}
		if t.Failed() {
			t.Logf("sunsetwatch said:\n%s", tail(p.log.String(), 60))
		}
	})
	return p
}

func tail(s string, lines int) string {
	all := strings.Split(s, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func (p *program) write(name, content string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) start() {
	p.t.Helper()
	args := append([]string{"run", "--config.file", filepath.Join(p.dir, "sunsetwatch.yml"), "--web.listen-address", p.addr}, p.args...)
	p.cmd = child.Start(p.t, p.log, binary, args...)
}

// kill ends the program with SIGKILL.
func (p *program) kill() {
	child.Kill(p.cmd)
	p.cmd = nil
}

// stop ends the program as an operator would.
func (p *program) stop() {
	p.t.Helper()
	if err := child.Stop(p.cmd); err != nil {
		p.t.Errorf("after SIGTERM: %v", err)
	}
	p.cmd = nil
}

// exitCode of an error of Wait.
func (p *program) exitCode(err error) int {
	var e *exec.ExitError
	if errors.As(err, &e) {
		return e.ExitCode()
	}
	return -1
}

func (p *program) url(path string) string { return "http://" + p.addr + path }

// ready waits until the program is ready.
func (p *program) ready() {
	p.t.Helper()
	waitFor(p.t, 30*time.Second, "readiness", func() (bool, string) {
		body, status, err := get(p.url("/-/ready"))
		return err == nil && status == http.StatusOK, fmt.Sprint(status, err, string(body))
	})
}

// waitFor polls until done is true; its string says what was last seen.
func waitFor(t *testing.T, within time.Duration, what string, done func() (bool, string)) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, seen := done()
		if ok {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("%s: not within %s; last seen: %s", what, within, seen)
		case <-tick.C:
		}
	}
}

func get(url string) (body []byte, status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return body, resp.StatusCode, err
}

// series are the values of /metrics by name and labels, as they are written.
type series map[string]float64

func (p *program) scrape() (series, error) {
	body, status, err := get(p.url("/metrics"))
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("status %d: %w", status, err)
	}
	all := series{}
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(line[i+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
		all[line[:i]] = v
	}
	return all, lines.Err()
}

// sum adds up all series of a metric.
func (s series) sum(metric string) float64 {
	var sum float64
	for name, v := range s {
		if name == metric || strings.HasPrefix(name, metric+"{") {
			sum += v
		}
	}
	return sum
}

// finding is the part of a finding that the tests look at.
type finding struct {
	ID       string
	Kind     string
	Severity string
	State    string
	Partner  string
	Feature  string
	Program  string
	Events   uint64
	After    uint64 `json:"events_after_grace"`
	Attempts uint64
	Days     uint64
	People   uint64
	Exact    bool `json:"people_exact"`
	First    struct {
		Time   time.Time
		Source string
		Offset int64
	} `json:"first_event"`
	Last struct {
		Time   time.Time
		Source string
		Offset int64
	} `json:"last_event"`
	Bounds   any
	Relapses uint64
	ClosedAt *time.Time `json:"closed_at"`
	Closure  *struct {
		Verified bool
		Why      string
	}
}

func (p *program) findings() ([]finding, error) {
	body, status, err := get(p.url("/api/v1/findings?limit=1000"))
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("status %d: %w", status, err)
	}
	var answer struct{ Findings []finding }
	err = json.Unmarshal(body, &answer)
	return answer.Findings, err
}
