package endtoend

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sunsetwatch/deploy"
	"sunsetwatch/deploy/components"
)

// notification is what Alertmanager posts to a webhook.
type notification struct {
	Receiver string
	Status   string
	Alerts   []struct {
		Status      string
		Labels      map[string]string
		Annotations map[string]string
	}
}

// webhook keeps the notifications that it got about accesses.
type webhook struct {
	*httptest.Server
	mu  sync.Mutex
	got []notification
}

func newWebhook(t *testing.T) *webhook {
	w := &webhook{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var n notification
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		if len(n.Alerts) == 0 || n.Alerts[0].Labels["alertname"] != "SunsetwatchAccessAfterSunset" {
			return // the watchdog
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.got = append(w.got, n)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *webhook) all() []notification {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]notification(nil), w.got...)
}

const beforeRegistrations = `version: 1
partners:
  - {name: netflix, owner: partnerships@example.com, team: partner-platform, principals: [app-netflix]}
  - {name: spotify, owner: partnerships@example.com, team: partner-platform, principals: [app-spotify]}
registrations:
  - {partner: netflix, feature: msg.recommend, from: 2014-06-01T00:00:00Z, sunset: 2015-07-01T00:00:00Z, grace: 30d}
  - {partner: spotify, feature: msg.share, from: 2011-01-01T00:00:00Z}
`

// A partner's first access after a sunset, produced to a real Kafka, is exactly
// one notification behind a real Prometheus and Alertmanager within a minute;
// a registration that makes the access lawful resolves it.
func TestNotification(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes minutes")
	}
	broker := components.Kafka(t)
	w := newTopic(t, broker.Addr, "partner-access", 4)
	p := newProgram(t, broker.Addr, "partner-access", beforeRegistrations, "findings: {hold: 5s}\nstate: {save_every: 1s}\n", "--web.enable-lifecycle")
	p.start()
	p.ready()

	hook := newWebhook(t)
	manager := components.Alertmanager(t, map[string]string{"alertmanager.yml": example(t, "alertmanager/alertmanager.yml", map[string]string{
		"http://localhost:8080": hook.URL,
		// The resolved notification need not wait for the shipped five minutes.
		"group_interval: 5m": "group_interval: 10s",
	})})
	rules := deploy.DefaultRules()
	rules.ExternalURL = "http://" + p.addr
	rules.Window, rules.KeepFiring = 15*time.Second, 10*time.Second
	rendered, err := rules.Render()
	if err != nil {
		t.Fatal(err)
	}
	prometheus := components.Prometheus(t, map[string]string{
		"prometheus.yml":        example(t, "prometheus/prometheus.yml", map[string]string{"localhost:9093": manager.Addr, "localhost:9469": p.addr}),
		"sunsetwatch.rules.yml": string(rendered),
	})

	access := func(principal, feature string, at time.Time) kafka.Message {
		return message(int(at.Unix()/60)%4, &event{Time: at, Principal: principal, Feature: feature, Operation: "read", Scopes: []string{"messages.read"}, Subject: "u1", Records: 1})
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	lawful := time.Date(2015, 6, 30, 23, 0, 0, 0, time.UTC)
	var messages []kafka.Message
	for i := range 60 {
		messages = append(messages, access("app-netflix", "msg.recommend", lawful.Add(time.Duration(i)*time.Minute)),
			access("app-spotify", "msg.share", lawful.Add(time.Duration(i)*time.Minute)))
	}
	if err := w.WriteMessages(ctx, messages...); err != nil {
		t.Fatal(err)
	}
	waitFor(t, 30*time.Second, "a scrape without a finding", func() (bool, string) {
		got, err := prometheus.Query(ctx, `sunsetwatch_finding_open{partner="netflix",feature="msg.recommend"} == 0 and on() sum(sunsetwatch_events_counted_total) == 120`)
		return err == nil && len(got) > 0, fmt.Sprint(got, err)
	})
	if got := hook.all(); len(got) > 0 {
		t.Fatalf("a notification before any violation: %+v", got)
	}

	violation := time.Now()
	if err := w.WriteMessages(ctx, access("app-netflix", "msg.recommend", time.Date(2015, 7, 1, 6, 0, 0, 0, time.UTC))); err != nil {
		t.Fatal(err)
	}
	waitFor(t, 60*time.Second, "a notification", func() (bool, string) { return len(hook.all()) > 0, "none" })
	t.Logf("notified %s after the access", time.Since(violation).Round(time.Millisecond))
	first := hook.all()[0]
	if first.Status != "firing" || len(first.Alerts) != 1 || first.Receiver != "partner-platform-chat" {
		t.Fatalf("the notification is %+v", first)
	}
	alert := first.Alerts[0]
	for label, want := range map[string]string{"partner": "netflix", "feature": "msg.recommend", "team": "partner-platform", "severity": "warning", "kind": "access_after_sunset"} {
		if alert.Labels[label] != want {
			t.Errorf("label %s is %q, want %q", label, alert.Labels[label], want)
		}
	}
	body, status, err := get(alert.Annotations["finding_url"])
	if err != nil || status != http.StatusOK || !strings.Contains(string(body), `"total":1`) {
		t.Errorf("finding_url %s answers %d %v %s", alert.Annotations["finding_url"], status, err, body)
	}

	checkDashboard(t, ctx, prometheus)

	// A registration that makes the access lawful, reloaded while running.
	p.write("registrations.yml", strings.Replace(beforeRegistrations, "2015-07-01", "2016-07-01", 1))
	resp, err := http.Post(p.url("/-/reload"), "", nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("reload: %v %v", resp, err)
	}
	resp.Body.Close()
	waitFor(t, 2*time.Minute, "a resolved notification", func() (bool, string) {
		got := hook.all()
		return got[len(got)-1].Status == "resolved", fmt.Sprintf("%+v", got[len(got)-1])
	})
	if got := hook.all(); len(got) != 2 {
		t.Errorf("%d notifications, want one that fires and one that resolves: %+v", len(got), got)
	}
	f, err := p.findings()
	if err != nil || len(f) != 1 || f[0].State != "withdrawn" || f[0].Events != 1 {
		t.Errorf("the finding is %+v, %v", f, err)
	}
}

// checkDashboard runs every expression of the dashboard.
func checkDashboard(t *testing.T, ctx context.Context, prometheus *components.Server) {
	t.Helper()
	for _, e := range deploy.DashboardExpressions(time.Minute) {
		waitFor(t, 30*time.Second, e.Panel+": "+e.Text, func() (bool, string) {
			got, err := prometheus.Query(ctx, e.Text)
			return err == nil && (e.MayBeEmpty || len(got) > 0), fmt.Sprint(got, err)
		})
	}
}

// example is a shipped file with some of its text replaced.
func example(t *testing.T, name string, replace map[string]string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	s := string(b)
	for old, with := range replace {
		if !strings.Contains(s, old) {
			t.Fatalf("%s does not hold %q any more", name, old)
		}
		s = strings.ReplaceAll(s, old, with)
	}
	return s
}
