package deploy_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sunsetwatch/deploy"
	"sunsetwatch/deploy/components"
	"sunsetwatch/detector/exporter"
)

func TestPromtoolParsesEveryDashboardExpression(t *testing.T) {
	promtool := components.Promtool(t)
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboards\n  rules:\n")
	for i, expression := range deploy.DashboardExpressions(5 * time.Minute) {
		if strings.Contains(expression.Text, "$") {
			t.Errorf("%s: a variable is left in %s", expression.Panel, expression.Text)
		}
		fmt.Fprintf(&rules, "  - record: dashboard:expression:%d\n    expr: %q\n", i, expression.Text)
	}
	output, err := tool(t, promtool, map[string]string{"rules.yml": rules.String()}, "check", "rules", "rules.yml")
	if err != nil {
		t.Errorf("%v\n%s\n%s", err, output, rules.String())
	}
}

func TestOnlyKnownMetricsAndLabels(t *testing.T) {
	metrics := map[string][]string{
		// Prometheus' own.
		"up":     nil,
		"ALERTS": nil,
	}
	for _, metric := range exporter.Metrics() {
		metrics[metric.Name] = metric.Labels
		if metric.Type == exporter.Histogram {
			metrics[metric.Name+"_count"], metrics[metric.Name+"_sum"] = metric.Labels, metric.Labels
			metrics[metric.Name+"_bucket"] = append(slices.Clone(metric.Labels), "le")
		}
	}
	for _, expression := range deploy.DashboardExpressions(5 * time.Minute) {
		if err := known(expression.Text, metrics); err != nil {
			t.Errorf("panel %s: %v", expression.Panel, err)
		}
	}
	rules, err := deploy.DefaultRules().Render()
	if err != nil {
		t.Fatal(err)
	}
	for _, expr := range ruleExpressions(string(rules)) {
		if err := known(expr, metrics); err != nil {
			t.Errorf("rule: %v", err)
		}
	}
	for _, bad := range []string{
		`sunsetwatch_findings_open`, `sunsetwatch_finding_open{partner="a",principal="b"}`,
		`sum by (partner) (sunsetwatch_registrations)`, `sunsetwatch_registrations and on (topic) up`,
	} {
		if known(bad, metrics) == nil {
			t.Errorf("the check accepts %s", bad)
		}
	}
}

var (
	quoted    = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
	metricUse = regexp.MustCompile(`\b(sunsetwatch_\w+)(?:\{([^}]*)\})?`)
	matcher   = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)`)
	grouping  = regexp.MustCompile(`\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
)

// known checks that an expression names only metrics of the list, matches only
// labels of the metric, and groups only by labels that one of its metrics has.
func known(expr string, metrics map[string][]string) error {
	expr = quoted.ReplaceAllString(expr, `""`)
	scraped := []string{"job", "instance"}
	all := slices.Clone(scraped)
	for _, use := range metricUse.FindAllStringSubmatch(expr, -1) {
		labels, ok := metrics[use[1]]
		if !ok {
			return fmt.Errorf("%s is no metric, in %s", use[1], expr)
		}
		all = append(all, labels...)
		for _, label := range matcher.FindAllStringSubmatch(use[2], -1) {
			if !slices.Contains(labels, label[1]) && !slices.Contains(scraped, label[1]) {
				return fmt.Errorf("%s has no label %s, in %s", use[1], label[1], expr)
			}
		}
	}
	for _, group := range grouping.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(group[1], ",") {
			if label = strings.TrimSpace(label); label != "" && !slices.Contains(all, label) {
				return fmt.Errorf("no metric has the label %s, in %s", label, expr)
			}
		}
	}
	return nil
}

// ruleExpressions returns the expressions of a rule file, and the queries in its
// annotations.
func ruleExpressions(rules string) []string {
	var list []string
	for _, match := range regexp.MustCompile("(?s)\n        expr:(.*?)\n        (?:keep_firing_for|for|labels|annotations):").FindAllStringSubmatch(rules, -1) {
		list = append(list, match[1])
	}
	for _, match := range regexp.MustCompile("printf `([^`]*)`").FindAllStringSubmatch(rules, -1) {
		list = append(list, strings.ReplaceAll(match[1], "%q", `""`))
	}
	return list
}

func TestRuleExpressionsAreAllFound(t *testing.T) {
	rules, err := deploy.DefaultRules().Render()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Count(string(rules), " expr:") + strings.Count(string(rules), "printf `")
	if got := len(ruleExpressions(string(rules))); got != want || want < 20 {
		t.Errorf("%d expressions found, want %d", got, want)
	}
}

func TestEveryPanelSaysWhatItShows(t *testing.T) {
	overview := deploy.Overview()
	for _, panel := range overview.Panels {
		if panel.Title == "" || panel.Description == "" || panel.NoValue == "" || len(panel.Targets) == 0 {
			t.Errorf("panel %q lacks a title, a description, a text for no value, or a query", panel.Title)
		}
		if panel.Unit == "" && len(panel.Columns) == 0 {
			t.Errorf("panel %q has no unit", panel.Title)
		}
		for _, column := range panel.Columns {
			if i, ok := strings.CutPrefix(column.Field, "Value #"); ok && int(i[0]-'A') >= len(panel.Targets) {
				t.Errorf("panel %q has no target for column %s", panel.Title, column.Title)
			}
		}
	}
}

func TestDashboardIsClassicJSON(t *testing.T) {
	text, err := deploy.Overview().JSON()
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		UID    string
		Panels []struct {
			ID      int
			GridPos struct{ X, Y, W, H int }
		}
		Templating struct {
			List []struct{ Name, AllValue string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.UID != "sunsetwatch-overview" {
		t.Errorf("uid %q: links to the dashboard break", dashboard.UID)
	}
	cells := map[[2]int]int{}
	for _, panel := range dashboard.Panels {
		if panel.GridPos.X+panel.GridPos.W > 24 {
			t.Errorf("panel %d sticks out", panel.ID)
		}
		for x := range panel.GridPos.W {
			for y := range panel.GridPos.H {
				cell := [2]int{panel.GridPos.X + x, panel.GridPos.Y + y}
				if other, taken := cells[cell]; taken {
					t.Fatalf("panels %d and %d overlap", other, panel.ID)
				}
				cells[cell] = panel.ID
			}
		}
	}
	var names []string
	for _, variable := range dashboard.Templating.List {
		names = append(names, variable.Name)
	}
	if want := []string{"datasource", "partner", "feature", "team", "kind", "severity"}; !slices.Equal(names, want) {
		t.Errorf("variables %v, want %v", names, want)
	}
}
