package deploy_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sunsetwatch/deploy"
	"sunsetwatch/deploy/components"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// read returns a file of this folder. Tests copy what the tools are to see, so
// that the test cache knows what the result depends on.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tool runs a program on files in a new folder and returns what it printed.
func tool(t *testing.T, program string, files map[string]string, arguments ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, arguments...)
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	return string(output), err
}

func TestCommittedFilesAreCurrent(t *testing.T) {
	files, err := deploy.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got := read(t, name); got != string(want) {
			t.Errorf("%s is not what the generator writes: run `make generate`", name)
		}
	}
}

func TestPromtoolAcceptsTheRules(t *testing.T) {
	promtool := components.Promtool(t)
	shipped, err := deploy.DefaultRules().Render()
	if err != nil {
		t.Fatal(err)
	}
	short := deploy.DefaultRules()
	short.Window, short.KeepFiring, short.For = 2*time.Second, 500*time.Millisecond, time.Second
	short.Behind, short.Recent, short.Memory = 1500*time.Millisecond, 5*time.Second, 90*time.Second
	rendered, err := short.Render()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"shipped": shipped, "short": rendered} {
		output, err := tool(t, promtool, map[string]string{"rules.yml": string(text)}, "check", "rules", "--lint-fatal", "rules.yml")
		if err != nil {
			t.Errorf("%s rules: %v\n%s", name, err, output)
		}
	}
	output, err := tool(t, promtool, map[string]string{
		"prometheus.yml":        read(t, "prometheus/prometheus.yml"),
		"sunsetwatch.rules.yml": string(shipped),
	}, "check", "config", "prometheus.yml")
	if err != nil {
		t.Errorf("prometheus.yml: %v\n%s", err, output)
	}
}

func TestRules(t *testing.T) {
	promtool := components.Promtool(t)
	scripts, err := filepath.Glob("prometheus/*_test.yml")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no rule tests: %v", err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), "_test.yml"), func(t *testing.T) {
			t.Parallel()
			output, err := tool(t, promtool, map[string]string{
				"sunsetwatch.rules.yml": read(t, "prometheus/sunsetwatch.rules.yml"),
				"test.yml":              read(t, script),
			}, "test", "rules", "test.yml")
			if err != nil {
				t.Errorf("%s: %v\n%s", script, err, output)
			}
		})
	}
}

func TestRenderRefusesWhatWouldNotBeARule(t *testing.T) {
	for name, change := range map[string]func(*deploy.Rules){
		"no job":              func(r *deploy.Rules) { r.Job = "" },
		"quote in the job":    func(r *deploy.Rules) { r.Job = `a"b` },
		"brace in the URL":    func(r *deploy.Rules) { r.ExternalURL = "http://{{ evil }}" },
		"slash after the URL": func(r *deploy.Rules) { r.ExternalURL = "http://localhost:9469/" },
		"no window":           func(r *deploy.Rules) { r.Window = 0 },
		"negative duration":   func(r *deploy.Rules) { r.For = -time.Second },
		"no notice":           func(r *deploy.Rules) { r.Notice = 0 },
	} {
		parameters := deploy.DefaultRules()
		change(&parameters)
		if text, err := parameters.Render(); err == nil {
			t.Errorf("%s: no error, and\n%s", name, text)
		}
	}
}

// TestEveryKindHasItsAlert: one alert a kind, with a case of promtool.
func TestEveryKindHasItsAlert(t *testing.T) {
	rendered, err := deploy.DefaultRules().Render()
	if err != nil {
		t.Fatal(err)
	}
	cases := read(t, "prometheus/kinds_test.yml")
	for _, kind := range rules.Kinds() {
		if n := bytes.Count(rendered, []byte(`sunsetwatch_finding_open{kind="`+kind.Name+`"}`)); n != 1 {
			t.Errorf("%d alerts for the kind %s: it takes a row in findingAlerts", n, kind.Name)
		}
		if !strings.Contains(cases, `kind="`+kind.Name+`"`) {
			t.Errorf("kinds_test.yml has no case for the kind %s", kind.Name)
		}
	}
}

// TestProgramsStandBeforeTheirParts: rules of a group are evaluated in their order,
// so Alertmanager knows what mutes a part before it gets the part.
func TestProgramsStandBeforeTheirParts(t *testing.T) {
	rendered, err := deploy.DefaultRules().Render()
	if err != nil {
		t.Fatal(err)
	}
	group, _, _ := strings.Cut(string(rendered), "\n  - name: sunsetwatch-exceptions")
	program := strings.LastIndex(group, "- alert: SunsetwatchProgramAccessAfterSunset\n")
	part := strings.Index(group, "- alert: SunsetwatchAccessAfterSunset\n")
	if program < 0 || part < program || strings.Count(group, "\n  - name: ") != 1 {
		t.Errorf("the program's alerts end at %d, and its parts are at %d of one group", program, part)
	}
}

var (
	runbookSection = regexp.MustCompile(`(?m)^## (.*)$`)
	yamlBlock      = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
)

// TestRunbookSnippets: what the runbook says to write into a rule file is accepted
// there, and whoever is paged by a finding finds something to write.
func TestRunbookSnippets(t *testing.T) {
	runbook := read(t, "runbook.md")
	starts := runbookSection.FindAllStringSubmatchIndex(runbook, -1)
	snippets := map[string]int{}
	for i, at := range starts {
		end := len(runbook)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		title := runbook[at[2]:at[3]]
		for _, block := range yamlBlock.FindAllStringSubmatch(runbook[at[1]:end], -1) {
			snippets[title]++
			set, problems := rules.ReadRules(registry.File{Name: title, Data: []byte("version: 1\n" + block[1])}, nil, rules.RuleOptions{Now: access.End})
			if set == nil || problems.Errors() > 0 {
				t.Errorf("%s", problems)
			}
		}
	}
	rendered, err := deploy.DefaultRules().Render()
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`- alert: (\w+)\n        expr: \|-\n +max by \(partner, feature, kind`).FindAllSubmatch(rendered, -1) {
		if alert := string(match[1]); snippets[alert] == 0 {
			t.Errorf("runbook.md has nothing to write for %s", alert)
		}
	}
	if len(snippets) <= len(rules.Kinds()) {
		t.Errorf("snippets in %d sections only", len(snippets))
	}
}

var alertLine = regexp.MustCompile(`(?m)^ +- alert: (\w+)$`)

func TestRunbookHasEachAlert(t *testing.T) {
	rendered, err := deploy.DefaultRules().Render()
	if err != nil {
		t.Fatal(err)
	}
	runbook := read(t, "runbook.md")
	alerts := map[string]bool{}
	for _, match := range alertLine.FindAllSubmatch(rendered, -1) {
		alert := string(match[1])
		alerts[alert] = true
		if !strings.Contains(runbook, "\n## "+alert+"\n") {
			t.Errorf("runbook.md has no section %s", alert)
		}
		if !bytes.Contains(rendered, []byte("runbook.md#"+strings.ToLower(alert)+"'")) {
			t.Errorf("no runbook_url leads to %s", alert)
		}
	}
	for _, match := range regexp.MustCompile(`(?m)^## (Sunsetwatch\w+)$`).FindAllStringSubmatch(runbook, -1) {
		if !alerts[match[1]] {
			t.Errorf("runbook.md explains %s, which is no alert", match[1])
		}
	}
}
