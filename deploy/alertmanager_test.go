package deploy_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sunsetwatch/deploy/components"
)

func TestRoutes(t *testing.T) {
	amtool := components.Amtool(t)
	files := map[string]string{"alertmanager.yml": read(t, "alertmanager/alertmanager.yml")}
	if output, err := tool(t, amtool, files, "check-config", "alertmanager.yml"); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, route := range []struct{ labels, receivers string }{
		{"alertname=SunsetwatchAccessAfterSunset partner=netflix team=partner-platform severity=critical", "partner-platform-pager,partner-platform-chat"},
		{"alertname=SunsetwatchAccessAfterSunset partner=netflix team=partner-platform severity=warning", "partner-platform-chat"},
		{"alertname=SunsetwatchAccessBeforeStart partner=bing team=search severity=warning", "search-chat"},
		{"alertname=SunsetwatchNoRegistration partner=bing team=search severity=critical", "search-pager,search-chat"},
		{"alertname=SunsetwatchNoRegistration partner=_unregistered severity=critical", "privacy"},
		{"alertname=SunsetwatchNoRegistration partner=other team=of-another-route severity=critical", "privacy"},
		{"alertname=SunsetwatchUnregisteredPrincipals severity=warning job=sunsetwatch", "privacy"},
		{"alertname=SunsetwatchProgramAccessAfterSunset program=p team=search severity=critical", "search-pager,search-chat"},
		{"alertname=SunsetwatchProgramAccessAfterSunset program=p severity=critical", "privacy"},
		{"alertname=SunsetwatchProgramAccessAfterSunset program=p team=search severity=info", "digest"},
		{"alertname=SunsetwatchMissingConsent partner=bing team=search severity=critical", "search-pager,search-chat"},
		{"alertname=SunsetwatchRetainedCapability partner=bing team=search program=p severity=warning", "search-chat"},
		{"alertname=SunsetwatchRetainedCapability partner=_unregistered severity=warning", "privacy"},
		{"alertname=SunsetwatchAttemptsAfterSunset partner=bing team=search severity=info", "digest"},
		{"alertname=SunsetwatchAccessDuringPause partner=netflix team=partner-platform severity=info", "digest"},
		{"alertname=SunsetwatchDormantGrant partner=netflix severity=info", "digest"},
		{"alertname=SunsetwatchDormantGrant partner=netflix team=partner-platform severity=critical", "partner-platform-pager,partner-platform-chat"},
		{"alertname=SunsetwatchExceptionEnds partner=netflix approved_by=dpo severity=warning", "privacy"},
		{"alertname=SunsetwatchDown job=sunsetwatch blindness=true severity=critical", "operators-pager,operators-chat"},
		{"alertname=SunsetwatchReloadFailed job=sunsetwatch blindness=true severity=warning", "operators-chat"},
		{"alertname=SunsetwatchSeriesCapped job=sunsetwatch blindness=true severity=info", "operators-chat"},
		{"alertname=SunsetwatchWatchdog severity=none", "watchdog"},
	} {
		arguments := append([]string{"config", "routes", "test", "--config.file=alertmanager.yml",
			"--verify.receivers=" + route.receivers}, strings.Fields(route.labels)...)
		if output, err := tool(t, amtool, files, arguments...); err != nil {
			t.Errorf("%s: want %s: %v\n%s", route.labels, route.receivers, err, output)
		}
	}
}

// TestInhibitions posts alerts to a real Alertmanager and asks which are muted,
// because amtool cannot.
func TestInhibitions(t *testing.T) {
	finding := func(partner, severity string, more ...string) map[string]string {
		labels := map[string]string{"alertname": "SunsetwatchAccessAfterSunset", "partner": partner, "feature": "f",
			"kind": "access_after_sunset", "severity": severity, "team": "search"}
		for i := 0; i+1 < len(more); i += 2 {
			labels[more[i]] = more[i+1]
		}
		return labels
	}
	program := func(program, severity string) map[string]string {
		return map[string]string{"alertname": "SunsetwatchProgramAccessAfterSunset", "program": program,
			"kind": "access_after_sunset", "severity": severity, "team": "search"}
	}
	blindness := func(alert, job, severity string) map[string]string {
		return map[string]string{"alertname": alert, "job": job, "severity": severity, "blindness": "true"}
	}
	for _, test := range []struct {
		name   string
		alerts []map[string]string
		muted  []int // indices of alerts
	}{
		{"a higher severity mutes the lower ones of the same finding",
			[]map[string]string{finding("a", "critical"), finding("a", "warning"), finding("a", "info"), finding("b", "warning")}, []int{1, 2}},
		{"warning mutes info",
			[]map[string]string{finding("a", "warning"), finding("a", "info")}, []int{1}},
		{"also when team and program changed with it",
			[]map[string]string{finding("a", "critical", "team", "x", "program", "p"), finding("a", "warning")}, []int{1}},
		{"another feature, kind or detail is another finding",
			[]map[string]string{finding("a", "critical"), finding("a", "warning", "feature", "g"),
				finding("a", "warning", "kind", "before_start"), finding("a", "warning", "detail", "d")}, nil},
		{"a program mutes its parts, of every team, and nothing else",
			[]map[string]string{program("p", "critical"), finding("a", "critical", "program", "p"), finding("b", "warning", "program", "p", "team", "music"),
				finding("c", "critical", "program", "q"), finding("d", "critical")}, []int{1, 2}},
		{"a critical program mutes its own warning and no other program",
			[]map[string]string{program("p", "critical"), program("p", "warning"), program("q", "warning")}, []int{1}},
		{"a program of warnings mutes its own info",
			[]map[string]string{program("p", "warning"), program("p", "info"), finding("a", "info", "program", "p")}, []int{1, 2}},
		{"a program mutes what its parts are, and no credential that was left behind",
			[]map[string]string{program("p", "critical"), finding("c", "warning", "program", "p", "kind", "retained_capability", "alertname", "SunsetwatchRetainedCapability")}, nil},
		{"an exception that ends is about something else than a finding",
			[]map[string]string{finding("a", "critical"), finding("b", "info"),
				finding("a", "warning", "alertname", "SunsetwatchExceptionEnds"), finding("b", "warning", "alertname", "SunsetwatchExceptionEnds")}, nil},
		{"down mutes the blindness of its job, and no finding",
			[]map[string]string{blindness("SunsetwatchDown", "sunsetwatch", "critical"), blindness("SunsetwatchInstanceDown", "sunsetwatch", "warning"),
				blindness("SunsetwatchReloadFailed", "other", "warning"), finding("a", "warning")}, []int{1}},
		{"blindness that is critical mutes no other blindness",
			[]map[string]string{blindness("SunsetwatchOffsetsSkipped", "sunsetwatch", "critical"), blindness("SunsetwatchReloadFailed", "sunsetwatch", "warning")}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := make([]bool, len(test.alerts))
			for _, i := range test.muted {
				want[i] = true
			}
			if got := mutedAlerts(t, test.alerts, want); !slices.Equal(got, want) {
				t.Errorf("muted %v, want %v, of %v", got, want, test.alerts)
			}
		})
	}
}

// mutedAlerts tells for each alert whether another one inhibits it: as soon as all
// are processed and it is as expected, else what it is after a while.
func mutedAlerts(t *testing.T, alerts []map[string]string, expected []bool) []bool {
	t.Helper()
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(sink.Close)
	config := strings.ReplaceAll(read(t, "alertmanager/alertmanager.yml"), "http://localhost:8080", sink.URL)
	// The state of an alert is known only after its group has been flushed.
	config = regexp.MustCompile(`group_(wait|interval): \w+`).ReplaceAllString(config, "group_$1: 200ms")
	server := components.Alertmanager(t, map[string]string{"alertmanager.yml": config})

	type alert struct {
		Labels map[string]string `json:"labels"`
		Status struct {
			State       string   `json:"state"`
			InhibitedBy []string `json:"inhibitedBy"`
		} `json:"status"`
	}
	posted := make([]alert, len(alerts))
	for i, labels := range alerts {
		posted[i].Labels = labels
	}
	body, err := json.Marshal(posted)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(server.URL+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("post alerts: %s\n%s", response.Status, answer)
	}

	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		response, err := http.Get(server.URL + "/api/v2/alerts")
		if err != nil {
			t.Fatal(err)
		}
		var shown []alert
		err = json.NewDecoder(response.Body).Decode(&shown)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		processed, muted := 0, make([]bool, len(alerts))
		for _, one := range shown {
			i := slices.IndexFunc(alerts, func(labels map[string]string) bool { return maps.Equal(labels, one.Labels) })
			if i < 0 {
				t.Fatalf("alert %v was not posted", one.Labels)
			}
			if one.Status.State != "unprocessed" {
				processed++
			}
			muted[i] = len(one.Status.InhibitedBy) > 0
		}
		if processed == len(alerts) && slices.Equal(muted, expected) {
			return muted
		}
		select {
		case <-deadline.C:
			if processed < len(alerts) {
				t.Fatalf("only %d of %d alerts were processed", processed, len(alerts))
			}
			return muted
		case <-tick.C:
		}
	}
}
