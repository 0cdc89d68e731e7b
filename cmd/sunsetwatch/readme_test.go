package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// runs are the commands of README.md that TestReadmeCommands runs, with their
// exit code and what they print on standard output.
var runs = map[string]struct {
	exit int
	want string
}{
	"bin/sunsetwatch check deploy/registrations": {0, `^2 registrations of 2 partners\n$`},
	"bin/sunsetwatch registrations at 2015-07-15T00:00:00Z --known-at 2015-04-30T00:00:00Z deploy/registrations": {0,
		`(?s)^PARTNER .*\nbing .* 2014-12-31 .* ended .*\nnetflix .* - .* active .*\n$`},
	`echo '{"time":"2015-07-01T00:00:00Z","principal":"app-netflix","feature":"msg.recommend","operation":"read"}' | bin/sunsetwatch decode`: {0,
		`^{"time":"2015-07-01T00:00:00Z","principal":"app-netflix",.*"outcome":"served".*}\n$`},
	`echo '{"time":"2015-07-01T00:00:00Z","principal":"app-netflix-web","feature":"msg.recommend","operation":"read"}' | bin/sunsetwatch explain --registrations deploy/registrations`: {0,
		`\nVerdict: +this access is wrong: access_after_sunset \(warning\)\n`},
	"bin/sunsetwatch replay --registrations deploy/registrations --out report deploy/archive": {0,
		`(?s)^SEVERITY .*\ncritical  closed  netflix  msg.recommend  access_after_sunset  2,560 .*\nWritten to report/report.html, report/findings.ndjson, report/summary.json, report/metrics\n$`},
	"bin/sunsetwatch replay --registrations deploy/registrations deploy/archive":                                                                             {0, `(?m)^4 findings: 1 open, 0 quiet, 3 closed, 0 withdrawn\.$`},
	"bin/sunsetwatch replay --registrations deploy/registrations --known-at 2015-04-30T00:00:00Z deploy/archive":                                             {0, `(?m)^3 findings: 3 open, 0 quiet, 0 closed, 0 withdrawn\.$`},
	"bin/sunsetwatch replay --registrations deploy/registrations --as-then -o json deploy/archive":                                                           {0, `(?m)^{.*"kind":"access_after_sunset".*"opened_at":"2015-07-01T00:00:00Z"`},
	"bin/sunsetwatch test rules/scenarios":                                                                                                                   {0, `(?m)^ok    rules/scenarios/netflix-messages.txtar  \d`},
	"go run ./deploy/generate rules -external-url https://sunsetwatch.example.com -runbook-url https://wiki.example.com/sunsetwatch > sunsetwatch.rules.yml": {0, `^$`},
}

// elsewhere are those that another test holds, and which.
var elsewhere = map[string]string{
	"make demo": "TestMakeTargets, and package demo, whose tests tell the whole story",
	"make test": "TestMakeTargets; it is what runs this test",
	"curl -s 'http://127.0.0.1:9469/api/v1/findings?partner=netflix'":        "TestDemoAnswersAndStops",
	"curl -s http://127.0.0.1:9469/metrics | grep ^sunsetwatch_finding_open": "TestDemoAnswersAndStops",
	"bin/sunsetwatch run --config.file=deploy/sunsetwatch.example.yml":       "deploy/endtoend, against a real Kafka; TestExampleConfiguration loads the file",
}

// Every command of README.md does what it says.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program, err := exec.LookPath("sunsetwatch")
	if err != nil {
		t.Fatal(err)
	}
	repository, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"bin/sunsetwatch": program,
		"deploy":          filepath.Join(repository, "deploy"),
		"rules":           filepath.Join(repository, "rules"),
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	named := commands(document(t, "README.md"))
	for _, line := range named {
		if elsewhere[line] != "" {
			continue
		}
		run, ok := runs[line]
		if !ok {
			t.Errorf("no test runs this command of README.md: add it to runs, or to elsewhere with the test that does\n%s", line)
			continue
		}
		cmd := exec.CommandContext(t.Context(), "bash", "-c", line)
		cmd.Dir = dir
		if strings.HasPrefix(line, "go run ./deploy") {
			// The go command does not follow links: only the output goes elsewhere.
			cmd = exec.CommandContext(t.Context(), "bash", "-c", strings.Replace(line, "> ", "> "+dir+"/", 1))
			cmd.Dir = repository
		}
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got := cmd.ProcessState.ExitCode(); got != run.exit || !regexp.MustCompile(run.want).Match(out) {
			t.Errorf("%s\nexits with %d and prints\n%s%s", line, got, out, stderr.String())
		}
	}
	for line := range runs {
		if !strings.Contains(strings.Join(named, "\n"), line) {
			t.Errorf("README.md does not name this command any more: %s", line)
		}
	}
	for line := range elsewhere {
		if !strings.Contains(strings.Join(named, "\n"), line) {
			t.Errorf("README.md does not name this command any more: %s", line)
		}
	}
	if rules, err := os.ReadFile(filepath.Join(dir, "sunsetwatch.rules.yml")); err != nil || !strings.Contains(string(rules), "https://wiki.example.com/sunsetwatch") {
		t.Errorf("the rendered rules have no address of the runbook (%v)", err)
	}
}

// The demo answers what README.md and its own narration tell people to ask,
// and a first Ctrl-C ends it without an error.
func TestDemoAnswersAndStops(t *testing.T) {
	if testing.Short() {
		t.Skip("the tests of package demo tell the same story")
	}
	t.Parallel()
	ctx, interrupt := context.WithTimeout(t.Context(), 3*time.Minute)
	defer interrupt()
	in, out := io.Pipe()
	code := make(chan int, 1)
	var stderr strings.Builder
	go func() {
		code <- run(ctx, []string{"demo", "--speed=60", "--web.listen-address=127.0.0.1:0"}, nil, out, &stderr)
		out.Close()
	}()
	var base string
	var told strings.Builder
	narration := bufio.NewScanner(in)
	for narration.Scan() {
		if m := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(narration.Text()); m != "" && base == "" {
			base = m
		}
		told.WriteString(narration.Text() + "\n")
		if narration.Text() == "Serving until Ctrl-C." {
			break
		}
	}
	for _, want := range []string{"\nSix years of partner access", "\n2015-07-31  grace    netflix", "\ncritical  netflix ", "curl -s " + base + "/metrics"} {
		if !strings.Contains("\n"+told.String(), want) {
			t.Errorf("the demo does not tell %q:\n%s", want, told.String())
		}
	}
	if narration.Text() != "Serving until Ctrl-C." {
		t.Fatalf("the demo ended with %d: %s", <-code, stderr.String())
	}
	rows := 0
	_, table, _ := strings.Cut(document(t, "README.md"), "\nThe story is told: ")
	table, _, _ = strings.Cut(table, "\n```\n")
	for line := range strings.Lines(table + "\n") {
		// Estimates depend on the key of the day.
		row, _, estimated := strings.Cut(line, "about")
		if !strings.HasPrefix(line, "critical ") || strings.HasSuffix(line, "Z\n") { // rows of a replay end with times
			continue
		}
		rows++
		if !estimated {
			row = strings.TrimSuffix(row, "\n") + "\n"
		}
		// How wide a column is depends on the other rows.
		if !strings.Contains(spaces.ReplaceAllString(told.String(), " "), spaces.ReplaceAllString(row, " ")) {
			t.Errorf("README.md shows a row that the demo does not print: %s\n%s", line, told.String())
		}
	}
	if rows != 6 {
		t.Errorf("README.md shows %d rows of the demo, want 6", rows)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	asked := 0
	for line := range elsewhere {
		m := regexp.MustCompile(`^curl -s '?http://127\.0\.0\.1:9469([^' ]*)`).FindStringSubmatch(line)
		if m == nil {
			continue
		}
		asked++
		resp, err := client.Get(base + m[1])
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d (%v)", m[1], resp.StatusCode, err)
		}
		for _, want := range []string{`"why":"netflix read messages.read for msg.recommend 2,560 times about 500 people`, "\nsunsetwatch_finding_open{"} {
			if strings.HasPrefix(want, "\n") == strings.Contains(m[1], "metrics") && !strings.Contains(string(body), want) {
				t.Errorf("%s does not answer %s", m[1], want)
			}
		}
		if why := quoted(document(t, "README.md")); strings.Contains(m[1], "findings") && !strings.Contains(string(body), why) {
			t.Errorf("README.md quotes a sentence that the finding does not have: %s\n%s", why, body)
		}
	}
	if asked != 2 {
		t.Errorf("%d URLs of README.md were asked, want 2", asked)
	}
	interrupt()
	for narration.Scan() {
	}
	if got := <-code; got != 0 {
		t.Errorf("after Ctrl-C the demo exits with %d: %s", got, stderr.String())
	}
	if narration.Text() != "" || stderr.Len() > 0 {
		t.Errorf("after Ctrl-C it says %q and logs %q", narration.Text(), stderr.String())
	}
}

var spaces = regexp.MustCompile(` +`)

// quoted is the sentence of a finding that README.md shows.
func quoted(text string) string {
	return regexp.MustCompile(`(?m)^> (netflix .*)$`).FindStringSubmatch(text)[1]
}

// The example that README.md begins with can be loaded.
func TestExampleConfiguration(t *testing.T) {
	if _, err := readConfig(filepath.Join(root, "deploy/sunsetwatch.example.yml")); err != nil {
		t.Error(err)
	}
}
