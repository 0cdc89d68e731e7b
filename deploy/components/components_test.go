package components_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"go.uber.org/goleak"

	"sunsetwatch/deploy/components"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// eventually polls until check is content.
func eventually(t *testing.T, limit time.Duration, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not within %v: %v", limit, err)
		case <-tick.C:
		}
	}
}

func TestKafkaKeepsRecordsOverRestarts(t *testing.T) {
	broker := components.Kafka(t)
	transport := &kafkago.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &kafkago.Client{Addr: kafkago.TCP(broker.Addr), Transport: transport, Timeout: 30 * time.Second}

	created, err := client.CreateTopics(t.Context(), &kafkago.CreateTopicsRequest{
		Topics: []kafkago.TopicConfig{{Topic: "accesses", NumPartitions: 1, ReplicationFactor: 1}},
	})
	if err := errors.Join(err, created.Errors["accesses"]); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, func(ctx context.Context) error {
		produced, err := client.Produce(ctx, &kafkago.ProduceRequest{
			Topic: "accesses", RequiredAcks: kafkago.RequireAll, Compression: kafkago.Zstd,
			Records: kafkago.NewRecordReader(kafkago.Record{Value: kafkago.NewBytes([]byte("one"))}),
		})
		if err != nil {
			return err
		}
		return produced.Error
	})

	check := func() {
		t.Helper()
		eventually(t, 30*time.Second, func(ctx context.Context) error {
			fetched, err := client.Fetch(ctx, &kafkago.FetchRequest{Topic: "accesses", MaxBytes: 1 << 20, MinBytes: 1, MaxWait: time.Second})
			if err != nil {
				return err
			}
			if fetched.Error != nil {
				return fetched.Error
			}
			record, err := fetched.Records.ReadRecord()
			if err != nil {
				return err
			}
			value, err := io.ReadAll(record.Value)
			if err != nil {
				return err
			}
			if string(value) != "one" {
				t.Fatalf("record %q, want %q", value, "one")
			}
			return nil
		})
	}
	check()
	broker.Kill()
	broker.Start()
	check()
	broker.Stop()
	if conn, err := net.Dial("tcp", broker.Addr); err == nil {
		conn.Close()
		t.Error("a stopped broker answers")
	}
	broker.Start()
	check()
}

func TestPrometheusEvaluatesRulesAndAlertmanagerNotifies(t *testing.T) {
	bodies := make(chan string, 16)
	webhook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- string(body)
	}))
	t.Cleanup(webhook.Close)

	notifier := components.Alertmanager(t, map[string]string{"alertmanager.yml": `
route: {receiver: webhook, group_wait: 0s}
receivers: [{name: webhook, webhook_configs: [{url: ` + webhook.URL + `}]}]
`})
	server := components.Prometheus(t, map[string]string{
		"prometheus.yml": `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules/one.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ["` + notifier.Addr + `"]}]}]}
`,
		"rules/one.yml": `
groups: [{name: one, rules: [{alert: Smoke, expr: vector(7) > 0, labels: {team: smoke}}]}]
`})

	eventually(t, 30*time.Second, func(ctx context.Context) error {
		firing, err := server.Query(ctx, `ALERTS{alertname="Smoke",alertstate="firing"}`)
		if err != nil {
			return err
		}
		if len(firing) != 1 || firing[0].Labels["team"] != "smoke" || firing[0].Value != 1 {
			return errors.New("Smoke does not fire")
		}
		return nil
	})
	select {
	case body := <-bodies:
		var notification struct {
			Alerts []struct{ Labels map[string]string }
		}
		if err := json.Unmarshal([]byte(body), &notification); err != nil {
			t.Fatal(err)
		}
		if len(notification.Alerts) != 1 || notification.Alerts[0].Labels["alertname"] != "Smoke" {
			t.Errorf("notification %s", body)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("no notification after 30 s")
	}

	scalar, err := server.Query(t.Context(), "1 + 1")
	if err != nil || len(scalar) != 1 || scalar[0].Value != 2 {
		t.Errorf("1 + 1 = %v, %v", scalar, err)
	}
	if _, err := server.Query(t.Context(), "1 +"); err == nil || !strings.Contains(err.Error(), "parse error") {
		t.Errorf("error of a bad query: %v", err)
	}
	server.Stop()
	server.Start()
}

func TestChromiumSeesWhatAPageDoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	page := `<!doctype html><title>page</title><style>@media (prefers-color-scheme: dark) { h1 { color: white } }</style>
<h1>one</h1><script>console.error("trouble")</script><img src="https://example.com/x.png" alt="">`
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	p := components.Chromium(t).Open("file://"+path, components.View{Width: 390, Height: 800, Dark: true})
	var got struct {
		Title, Color string
		Width        int
	}
	p.Evaluate(`({title: document.title, width: innerWidth, color: getComputedStyle(document.querySelector("h1")).color})`, &got)
	if got.Title != "page" || got.Width != 390 || got.Color != "rgb(255, 255, 255)" {
		t.Errorf("the page says %+v", got)
	}
	if said := strings.Join(p.Said(), "\n"); !strings.Contains(said, "trouble") {
		t.Errorf("the console has %q", said)
	}
	if got := p.Requested(); !slices.Equal(got, []string{"file://" + path, "https://example.com/x.png"}) {
		t.Errorf("it asked for %q", got)
	}
	if png := p.Screenshot(); !bytes.HasPrefix(png, []byte("\x89PNG")) {
		t.Errorf("a screenshot of %d bytes is no PNG", len(png))
	}
	if pdf := p.PDF(); !bytes.HasPrefix(pdf, []byte("%PDF")) {
		t.Errorf("a print of %d bytes is no PDF", len(pdf))
	}
}
