package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sunsetwatch/detector/exporter"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

func options() Options {
	reg := prometheus.NewRegistry()
	up := prometheus.NewGauge(prometheus.GaugeOpts{Name: "sunsetwatch_up", Help: "Up."})
	reg.MustRegister(up)
	return Options{
		Logger:   slog.New(slog.DiscardHandler),
		Gatherer: reg,
		Findings: func() []*rules.Finding { return nil },
		Status:   func() Status { return Status{} },
		Build:    exporter.Build{Version: "1.2.3<b>", Revision: "abc", GoVersion: "go1.26"},
	}
}

func mustHandler(t *testing.T, o Options) http.Handler {
	t.Helper()
	h, err := NewHandler(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(h http.Handler, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

func TestPaths(t *testing.T) {
	external, err := ParseExternalURL("https://watch.example/sunset/")
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.External = external
	h := mustHandler(t, o)
	tests := []struct {
		method, path string
		status       int
		kind, holds  string
	}{
		{"GET", "/", 200, "text/html", `href="/sunset/api/v1/findings?state=open"`},
		{"GET", "/sunset/", 200, "text/html", `href="/sunset/metrics"`},
		{"GET", "/sunset", 200, "text/html", "1.2.3&lt;b&gt;"},
		{"GET", "/metrics", 200, "text/plain", "sunsetwatch_up 0"},
		{"GET", "/sunset/metrics", 200, "text/plain", "sunsetwatch_up 0"},
		{"HEAD", "/metrics", 200, "text/plain", ""},
		{"POST", "/metrics", 405, "", ""},
		{"GET", "/-/healthy", 200, "text/plain", "healthy"},
		{"HEAD", "/-/ready", 200, "text/plain", ""},
		{"DELETE", "/-/ready", 405, "", ""},
		{"GET", "/sunsetter/metrics", 404, "", ""},
		{"GET", "/nothing", 404, "", ""},
		{"GET", "/-/reload", 405, "", ""},
		{"GET", "/api/v1/nothing", 404, "application/json", "no such path"},
		{"GET", "/api/v2/findings", 404, "application/json", "no such path"},
		{"GET", "/api/v1/findings/", 404, "application/json", "no such path"},
		{"GET", "/api/v1/findings/a/b", 404, "application/json", "no such path"},
		{"GET", "/sunset/api/v1/findings", 200, "application/json", `{"findings":[],"total":0}`},
		{"HEAD", "/api/v1/status", 200, "application/json", ""},
		{"POST", "/api/v1/findings", 405, "application/json", "only GET and HEAD"},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			w := get(h, tt.method, tt.path)
			if w.Code != tt.status {
				t.Fatalf("status %d, want %d: %s", w.Code, tt.status, w.Body)
			}
			if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, tt.kind) {
				t.Errorf("content type %q, want %q", got, tt.kind)
			}
			if !strings.Contains(w.Body.String(), tt.holds) {
				t.Errorf("%q is not in\n%s", tt.holds, w.Body)
			}
			if got := w.Header().Get("X-Content-Type-Options"); got != "nosniff" {
				t.Errorf("X-Content-Type-Options %q", got)
			}
			if tt.kind == "application/json" && tt.status >= 400 {
				var p map[string]string
				if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p["error"] == "" || len(p) != 1 {
					t.Errorf("not an error object: %s", w.Body)
				}
			}
		})
	}
}

func TestLinksOfTheLandingPageAreAnswered(t *testing.T) {
	h := mustHandler(t, options())
	page := get(h, "GET", "/").Body.String()
	links := 0
	for rest := page; ; links++ {
		_, after, found := strings.Cut(rest, `href="`)
		if !found {
			break
		}
		var link string
		link, rest, _ = strings.Cut(after, `"`)
		if w := get(h, "GET", link); w.Code != http.StatusOK {
			t.Errorf("%s: status %d", link, w.Code)
		}
	}
	if links < 6 {
		t.Errorf("%d links", links)
	}
}

func TestReady(t *testing.T) {
	o := options()
	missing := []string{"registrations are not loaded", "state is not restored"}
	o.Missing = func() []string { return missing }
	h := mustHandler(t, o)
	w := get(h, "GET", "/-/ready")
	if want := "sunsetwatch is not ready:\n- registrations are not loaded\n- state is not restored\n"; w.Code != 503 || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	missing = nil
	if w := get(h, "GET", "/-/ready"); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestReload(t *testing.T) {
	o := options()
	var result error
	calls := 0
	o.Reload = func(context.Context) error { calls++; return result }
	off := mustHandler(t, o)
	if w := get(off, "POST", "/-/reload"); w.Code != 403 || !strings.Contains(w.Body.String(), "--web.enable-lifecycle") {
		t.Errorf("off: %d %s", w.Code, w.Body)
	}
	if calls != 0 {
		t.Fatal("reloaded although it is off")
	}
	o.Lifecycle = true
	on := mustHandler(t, o)
	for _, method := range []string{"POST", "PUT"} {
		if w := get(on, method, "/-/reload"); w.Code != 200 {
			t.Errorf("%s: %d %s", method, w.Code, w.Body)
		}
	}
	result = errors.New("r.yml:3:9: error: sunset has no zone")
	if w := get(on, "POST", "/-/reload"); w.Code != 500 || !strings.Contains(w.Body.String(), result.Error()) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if calls != 3 {
		t.Errorf("%d calls", calls)
	}
}

func instant(t time.Time) access.Instant { return access.At(t) }

func findings() []*rules.Finding {
	var all []*rules.Finding
	for i := range 250 {
		f := &rules.Finding{
			ID:         fmt.Sprintf("id%03d", i),
			Kind:       "access_after_sunset",
			Severity:   rules.Severity(i % 3),
			State:      rules.State(i % 4),
			Partner:    fmt.Sprintf("partner%d", i%5),
			Feature:    "msg.recommend",
			Since:      access.Beginning,
			Sunset:     access.End,
			GraceUntil: access.End,
			OpenedAt:   instant(time.Date(2018, 12, 19, 0, 0, i, 0, time.UTC)),
		}
		if i%5 == 4 {
			f.Kind, f.Partner, f.Feature = "no_registration", rules.Unregistered, fmt.Sprintf("unknown/%d", i)
		}
		all = append(all, f)
	}
	return all
}

type page struct {
	Findings []struct {
		ID       string `json:"id"`
		Severity string `json:"severity"`
	} `json:"findings"`
	Total int    `json:"total"`
	Error string `json:"error"`
}

func ask(t *testing.T, h http.Handler, target string) (int, page) {
	t.Helper()
	w := get(h, "GET", target)
	var p page
	d := json.NewDecoder(w.Body)
	if err := d.Decode(&p); err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	return w.Code, p
}

func TestFindings(t *testing.T) {
	o := options()
	o.Findings = findings
	o.Labels = func(f *rules.Finding) (string, string) {
		if f.Partner == rules.Unregistered {
			return f.Partner, "_other"
		}
		return f.Partner, f.Feature
	}
	h := mustHandler(t, o)
	tests := []struct {
		query       string
		here, total int
	}{
		{"", 100, 250},
		{"limit=1000", 250, 250},
		{"limit=7", 7, 250},
		{"offset=245", 5, 250},
		{"offset=250", 0, 250},
		{"offset=100000", 0, 250},
		{"partner=partner1&limit=1000", 50, 50},
		{"partner=partner1&limit=1000&severity=", 50, 50},
		{"partner=_unregistered", 50, 50},
		{"feature=_other", 50, 50},
		{"feature=unknown%2F4", 1, 1},
		{"kind=no_registration", 50, 50},
		{"state=open&severity=critical&limit=1000", 21, 21},
		{"partner=nobody", 0, 0},
	}
	for _, tt := range tests {
		status, p := ask(t, h, "/api/v1/findings?"+tt.query)
		if status != 200 || len(p.Findings) != tt.here || p.Total != tt.total {
			t.Errorf("%q: status %d, %d of %d findings, want %d of %d", tt.query, status, len(p.Findings), p.Total, tt.here, tt.total)
		}
	}
	seen := map[string]bool{}
	last := "critical"
	for offset := 0; offset < 250; offset += 60 {
		_, p := ask(t, h, fmt.Sprintf("/api/v1/findings?limit=60&offset=%d", offset))
		for _, f := range p.Findings {
			seen[f.ID] = true
			if last != f.Severity && !(last == "critical" && f.Severity == "warning") && !(last == "warning" && f.Severity == "info") {
				t.Fatalf("%s after %s", f.Severity, last)
			}
			last = f.Severity
		}
	}
	if len(seen) != 250 {
		t.Errorf("paging showed %d findings", len(seen))
	}
}

func TestFindingsRefusesWhatItDoesNotKnow(t *testing.T) {
	h := mustHandler(t, options())
	for query, want := range map[string]string{
		"limit=0":             `limit "0": want a number from 1 to 1000`,
		"limit=1001":          `limit "1001": want a number from 1 to 1000`,
		"limit=":              `limit ""`,
		"limit=1e2":           `limit "1e2"`,
		"offset=-1":           `offset "-1"`,
		"state=opened":        `state "opened": want open, quiet, closed or withdrawn`,
		"severity=page":       `severity "page": want info, warning or critical`,
		"kind=acess":          `kind "acess": want one of access_after_sunset`,
		"partners=x":          `unknown parameter "partners"; there are kind, partner`,
		"partner=a&partner=b": "parameter partner is given 2 times",
		"partner=%zz":         "the query cannot be read",
		"a;b":                 "the query cannot be read",
	} {
		status, p := ask(t, h, "/api/v1/findings?"+query)
		if status != 400 || !strings.Contains(p.Error, want) {
			t.Errorf("%q: %d %q, want %q", query, status, p.Error, want)
		}
	}
	for _, target := range []string{"/api/v1/status?x=1", "/api/v1/findings/abc?x=1"} {
		if status, p := ask(t, h, target); status != 400 || p.Error == "" {
			t.Errorf("%s: %d %q", target, status, p.Error)
		}
	}
}

func TestFinding(t *testing.T) {
	o := options()
	o.Findings = findings
	h := mustHandler(t, o)
	w := get(h, "GET", "/api/v1/findings/id007")
	want, err := json.Marshal(findings()[7])
	if err != nil {
		t.Fatal(err)
	}
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != string(want) {
		t.Errorf("%d %s, want %s", w.Code, w.Body, want)
	}
	if status, p := ask(t, h, "/api/v1/findings/none"); status != 404 || p.Error != `no finding "none"` {
		t.Errorf("%d %q", status, p.Error)
	}
	if w := get(h, "HEAD", "/api/v1/findings/none"); w.Code != 404 {
		t.Errorf("HEAD: %d", w.Code)
	}
}

func TestStatus(t *testing.T) {
	o := options()
	o.Findings = findings
	o.Missing = func() []string { return []string{"partitions are not found"} }
	started := time.Date(2018, 12, 19, 9, 0, 0, 0, time.UTC)
	o.Status = func() Status {
		s := ledger.SourceStatus{Source: ledger.Source{Topic: "t"}, Counted: 5, Duplicate: 1, Conflicts: 2}
		s.Coverage.Records, s.Coverage.Events = 7, 8
		s.Coverage.Rejected[access.BadTime] = 2
		s.Coverage.Skipped[access.SkipTooLarge] = 3
		return Status{
			StartedAt: started, Uptime: 12.5, ConfigFile: "sunsetwatch.yml",
			Registrations: RegistrationsStatus{3, "ab"},
			JudgedAt:      Time(instant(started)),
			Topics:        Topics([]ledger.SourceStatus{s, s}),
			Partitions: Partitions([]exporter.Partition{
				{Topic: "t", Partition: 1, Position: 10, HighWatermark: 15, LastStable: 12, JudgedTo: instant(started)},
				{Topic: "t", Partition: 2, Position: -1, HighWatermark: -1, LastStable: -1, JudgedTo: access.Beginning},
			}),
		}
	}
	w := get(mustHandler(t, o), "GET", "/api/v1/status")
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"ready":                              "false",
		"missing.0":                          `"partitions are not found"`,
		"build.version":                      `"1.2.3\u003cb\u003e"`,
		"started_at":                         `"2018-12-19T09:00:00Z"`,
		"judged_at":                          `"2018-12-19T09:00:00Z"`,
		"uptime_seconds":                     "12.5",
		"config_file":                        `"sunsetwatch.yml"`,
		"registrations.count":                "3",
		"findings.open":                      "63",
		"topics.0.events_counted":            "10",
		"topics.0.events_rejected.bad_time":  "4",
		"topics.0.events_rejected.syntax":    "0",
		"topics.0.offsets_skipped.too_large": "6",
		"partitions.0.lag_records":           "5",
		"partitions.0.stable_lag_records":    "2",
		"partitions.1.lag_records":           "null",
		"partitions.1.judged_to":             "null",
		"state.last_save_at":                 "null",
		"reload.error":                       "null",
	} {
		var at any = got
		for _, step := range strings.Split(path, ".") {
			switch v := at.(type) {
			case map[string]any:
				at = v[step]
			case []any:
				at = v[int(step[0]-'0')]
			}
		}
		if text, _ := json.Marshal(at); string(text) != want {
			t.Errorf("%s is %s, want %s", path, text, want)
		}
	}
	empty := get(mustHandler(t, options()), "GET", "/api/v1/status").Body.String()
	if !strings.Contains(empty, `"topics":[],"partitions":[]`) || !strings.Contains(empty, `"missing":[]`) {
		t.Errorf("lists are null: %s", empty)
	}
}

func TestURLs(t *testing.T) {
	u, err := ParseExternalURL("https://watch.example:8443/sunset/")
	if err != nil {
		t.Fatal(err)
	}
	got := FindingsURL(u, "access_after_sunset", "a&b c", "x/ü")
	if want := "https://watch.example:8443/sunset/api/v1/findings?kind=access_after_sunset&partner=a%26b+c&feature=x%2F%C3%BC"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	parsed, err := url.Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	if q, err := parseQuery(parsed.RawQuery); err != nil || q.partner != "a&b c" || q.feature != "x/ü" {
		t.Errorf("%+v, %v", q, err)
	}
	if got := FindingsURL(nil, "k", "p", "f"); got != "/api/v1/findings?kind=k&partner=p&feature=f" {
		t.Error(got)
	}
	if u, err := ParseExternalURL(""); u != nil || err != nil {
		t.Errorf("%v, %v", u, err)
	}
	for _, bad := range []string{"watch.example", "ftp://x/", "http://", "http://h/?a=b", "http://u@h/", "http://h/#f", "http://[::1"} {
		if _, err := ParseExternalURL(bad); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func TestLargeBodiesAreNotRead(t *testing.T) {
	o := options()
	o.Lifecycle = true
	o.Reload = func(context.Context) error { return nil }
	body := &counting{Reader: strings.NewReader(strings.Repeat("x", 10*maxBody))}
	r := httptest.NewRequest("POST", "/-/reload", body)
	w := httptest.NewRecorder()
	mustHandler(t, o).ServeHTTP(w, r)
	if w.Code != 200 || body.n > maxBody+1 {
		t.Errorf("status %d, %d bytes read", w.Code, body.n)
	}
}

type counting struct {
	io.Reader
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}
