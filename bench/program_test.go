package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sunsetwatch/bench/child"
)

var (
	programDir    string
	programBinary string
	programOnce   sync.Once
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
		if programBinary, err = child.Build(dir); err != nil {
			tb.Fatal(err)
		}
	})
	return programBinary
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
	p := &program{tb: tb, addr: child.FreeAddress(tb), begin: time.Now()}
	config := filepath.Join(tb.TempDir(), "sunsetwatch.yml")
	yaml := fmt.Sprintf("kafka: {brokers: [%q], topics: [%s]}\nregistrations: [%q]\n", broker, topic, registrations)
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		tb.Fatal(err)
	}
	p.cmd = child.Start(tb, &p.said, binary(tb), "run", "--config.file", config, "--web.listen-address", p.addr, "--state.accept-empty", "--log.level", "warn")
	tb.Cleanup(func() {
		child.Kill(p.cmd)
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
	if err := child.Stop(p.cmd); err != nil {
		p.tb.Fatalf("%v\n%s", err, p.said.String())
	}
	return usage{cpu: child.CPU(p.cmd), wall: time.Since(p.begin)}
}
