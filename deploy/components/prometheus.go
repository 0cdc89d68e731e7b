package components

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// A Server is one Prometheus or Alertmanager.
type Server struct {
	URL  string // http://127.0.0.1:port, without a slash at its end
	Addr string // host:port
	Dir  string // its files; a Prometheus has its blocks in data below it

	process *process
}

// Prometheus starts a server with the given files, by name, and returns when it
// is ready. One of them is "prometheus.yml"; the others, such as rule files, lie
// beside it. flags are added to its command line.
func Prometheus(t testing.TB, files map[string]string, flags ...string) *Server {
	t.Helper()
	binary := program(t, prometheus, "prometheus")
	return newServer(t, prometheus, files, func(dir, addr string) *exec.Cmd {
		return exec.Command(binary, append(slices.Clone(flags),
			"--config.file="+filepath.Join(dir, "prometheus.yml"),
			"--storage.tsdb.path="+filepath.Join(dir, "data"),
			"--web.listen-address="+addr,
			"--web.enable-lifecycle",
			// An alert that fires before the Alertmanager is discovered is lost
			// until it is sent again, by default a minute later.
			"--rules.alert.resend-delay=5s")...)
	})
}

// Alertmanager starts a server with the given files, by name, and returns when
// it is ready. One of them is "alertmanager.yml"; others, such as templates, lie
// beside it. It joins no cluster.
func Alertmanager(t testing.TB, files map[string]string) *Server {
	t.Helper()
	binary := program(t, alertmanager, "alertmanager")
	// The one that fetch unpacked reads its default templates from here.
	templates := filepath.Join(filepath.Dir(binary), "..", "share", "alertmanager")
	if _, err := os.Stat(templates); err != nil {
		templates = ""
	}
	return newServer(t, alertmanager, files, func(dir, addr string) *exec.Cmd {
		cmd := exec.Command(binary,
			"--config.file="+filepath.Join(dir, "alertmanager.yml"),
			"--storage.path="+filepath.Join(dir, "data"),
			"--web.listen-address="+addr,
			"--cluster.listen-address=")
		cmd.Dir = templates
		return cmd
	})
}

func newServer(t testing.TB, name string, files map[string]string, command func(dir, addr string) *exec.Cmd) *Server {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, files)
	addr := fmt.Sprintf("127.0.0.1:%d", freePorts(t, 1)[0])
	server := &Server{Addr: addr, Dir: dir, URL: "http://" + addr}
	server.process = newProcess(t, name, dir,
		func() *exec.Cmd { return command(dir, addr) },
		answersOK(server.URL+"/-/ready"))
	server.process.start()
	return server
}

// Start starts a stopped server again, with its data and on its port.
func (s *Server) Start() { s.process.t.Helper(); s.process.start() }

// Stop ends the server as an operator would, and returns when it is down.
func (s *Server) Stop() { s.process.t.Helper(); s.process.signal(syscall.SIGTERM) }

// A Sample is one element of the answer to an instant query.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query asks a Prometheus for an instant vector or a scalar at this moment.
func (s *Server) Query(ctx context.Context, expr string) ([]Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet,
		s.URL+"/api/v1/query?"+url.Values{"query": {expr}}.Encode(), nil)
	if err != nil {
		return nil, err
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer struct {
		Error string
		Data  struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("query %q: %s: %w", expr, response.Status, err)
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("query %q: %s", expr, answer.Error)
	}
	return samples(answer.Data.ResultType, answer.Data.Result)
}

func samples(resultType string, result []byte) ([]Sample, error) {
	if resultType == "scalar" {
		var point [2]any
		if err := json.Unmarshal(result, &point); err != nil {
			return nil, err
		}
		return []Sample{{Value: number(point)}}, nil
	}
	var vector []struct {
		Metric map[string]string
		Value  [2]any
	}
	if err := json.Unmarshal(result, &vector); err != nil {
		return nil, fmt.Errorf("an answer of type %s is not an instant vector: %w", resultType, err)
	}
	list := make([]Sample, 0, len(vector))
	for _, element := range vector {
		list = append(list, Sample{Labels: element.Metric, Value: number(element.Value)})
	}
	return list, nil
}

// number reads the value of a [time, "value"] pair; NaN where there is none.
func number(point [2]any) float64 {
	text, _ := point[1].(string)
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return value
}
