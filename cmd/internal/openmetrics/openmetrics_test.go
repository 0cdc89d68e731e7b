package openmetrics_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sunsetwatch/cmd/internal/openmetrics"
	"sunsetwatch/cmd/internal/timeline/story"
	"sunsetwatch/deploy/components"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

var update = flag.Bool("update", false, "write the golden file again")

func told(t *testing.T, o story.Options) openmetrics.Data {
	t.Helper()
	s, err := story.Tell(o)
	if err != nil {
		t.Fatal(err)
	}
	return openmetrics.Data{Registry: s.Registry, Rules: s.Rules, Findings: s.Findings, Facts: s.Facts, Now: s.Now}
}

func write(t *testing.T, d openmetrics.Data) (dir string, names []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "metrics")
	names, err := openmetrics.Write(dir, d)
	if err != nil {
		t.Fatal(err)
	}
	return dir, names
}

// sample is a line of a file.
type sample struct {
	series string
	value  float64
	at     access.Instant
}

func samples(t *testing.T, path string) []sample {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, whole := strings.CutSuffix(string(raw), "# EOF\n")
	if !whole {
		t.Fatalf("%s does not end with # EOF", path)
	}
	var all []sample
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "# HELP ") || strings.HasPrefix(line, "# TYPE ") {
			continue
		}
		line = strings.TrimSuffix(line, "\n")
		brace := strings.LastIndex(line, "} ")
		parts := strings.Split(line[brace+2:], " ")
		value, err := strconv.ParseFloat(parts[0], 64)
		seconds, err2 := strconv.ParseInt(parts[1], 10, 64)
		if err := errors.Join(err, err2); err != nil || len(parts) != 2 {
			t.Fatalf("%s: %q: %v", path, line, err)
		}
		all = append(all, sample{line[:brace+1], value, access.Instant(seconds) * access.Instant(time.Second)})
	}
	return all
}

func all(t *testing.T, d openmetrics.Data) map[string][]sample {
	t.Helper()
	dir, names := write(t, d)
	series := map[string][]sample{}
	for _, name := range names {
		for _, s := range samples(t, filepath.Join(dir, name)) {
			series[s.series] = append(series[s.series], s)
		}
	}
	return series
}

// Files are those of blocks, and series come one after the other with rising times.
func TestFilesAreBlocks(t *testing.T) {
	for _, o := range []story.Options{{Days: true}, {Days: true, Life: true}, {Months: true}, {}} {
		dir, names := write(t, told(t, o))
		if len(names) < 80 || !slices.IsSorted(names) {
			t.Fatalf("%+v: %d files", o, len(names))
		}
		last := map[string]access.Instant{}
		for _, name := range names {
			start, err := time.Parse("20060102T150405Z", strings.TrimSuffix(name, openmetrics.Extension))
			if err != nil {
				t.Fatal(err)
			}
			block := access.At(start)
			if block%openmetrics.BlockRange != 0 {
				t.Errorf("%s is no beginning of a block", name)
			}
			list := samples(t, filepath.Join(dir, name))
			if len(list) == 0 {
				t.Errorf("%s is empty", name)
			}
			closed, before := map[string]bool{}, ""
			for _, s := range list {
				if s.at < block || s.at >= block+openmetrics.BlockRange {
					t.Errorf("%s has a sample at %s", name, s.at)
				}
				if at, met := last[s.series]; met && at >= s.at {
					t.Errorf("%s: %s goes back from %s to %s", name, s.series, at, s.at)
				}
				last[s.series] = s.at
				metric, _, _ := strings.Cut(s.series, "{")
				for _, k := range []string{s.series, metric + " as a whole"} {
					if closed[k] {
						t.Errorf("%s: %s comes in parts", name, k)
					}
				}
				if before != "" && before != s.series {
					closed[before] = true
					if m, _, _ := strings.Cut(before, "{"); m != metric {
						closed[m+" as a whole"] = true
					}
				}
				before = s.series
			}
		}
	}
}

// What samples say is what findings say: days add up to events, and open is 1
// between the first access and the closing.
func TestSamplesAgreeWithFindings(t *testing.T) {
	d := told(t, story.Options{Days: true})
	series := all(t, d)
	for _, f := range d.Findings {
		if f.Partner == rules.Unregistered || f.Kind == rules.DormantGrant {
			continue // two of them share their labels; nobody says since when a grant is dormant
		}
		common := fmt.Sprintf(`{partner=%q,feature=%q,kind=%q`, f.Partner, f.Feature, f.Kind)
		if f.Scope != "" {
			common += fmt.Sprintf(",detail=%q", f.Scope)
		}
		events := series["sunsetwatch_finding_events"+common+"}"]
		if len(events) == 0 {
			t.Errorf("%s: no events", common)
			continue
		}
		if last := events[len(events)-1]; last.value != float64(f.Events) {
			t.Errorf("%s: %v events in the end, want %d", common, last.value, f.Events)
		}
		var sum float64
		days := 0
		for _, s := range series["sunsetwatch_finding_day_events"+common+"}"] {
			sum += s.value
			if s.value > 0 {
				days++
			}
		}
		if sum != float64(f.Events) || days != int(f.Days) {
			t.Errorf("%s: days add up to %v on %d days, want %d on %d", common, sum, days, f.Events, f.Days)
		}
		var open []sample
		for name, list := range series {
			if strings.HasPrefix(name, "sunsetwatch_finding_open"+common+",severity=\""+f.Severity.String()) {
				open = append(open, list...)
			}
		}
		if open[0].value != 0 || open[0].at != f.FirstEvent.Time.Day().Start() || open[1].value != 1 && f.SuppressedBy == nil {
			t.Errorf("%s begins with %v", common, open[:2])
		}
		switch last := open[len(open)-1]; f.State {
		case rules.Closed:
			if last.value != 0 || last.at <= f.ClosedAt || last.at > f.ClosedAt+access.OneDay {
				t.Errorf("%s ends with %v, closed at %s", common, last, f.ClosedAt)
			}
		default:
			want := 1.0
			if f.SuppressedBy != nil {
				want = 0
			}
			if last.value != want || last.at <= d.Now || last.at > d.Now+access.Instant(time.Second) {
				t.Errorf("%s ends with %v", common, last)
			}
		}
	}
	// An exception suppresses from its beginning on.
	for _, s := range series[`sunsetwatch_finding_open{partner="yandex",feature="identity",kind="scope_retired",detail="user.global_id",severity="critical",team="identity"}`][1:] {
		if from := access.At(time.Date(2018, 3, 1, 0, 0, 0, 0, time.UTC)); (s.value == 1) != (s.at < from) {
			t.Errorf("%v at %s", s.value, s.at)
		}
	}
}

// A life that was watched is shown as it was.
func TestLives(t *testing.T) {
	at := func(day string) access.Instant {
		v, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		return access.At(v)
	}
	d := told(t, story.Options{Days: true})
	f := *d.Findings[slices.IndexFunc(d.Findings, func(f *rules.Finding) bool { return f.Partner == "netflix" && f.Kind == rules.AccessAfterSunset })]
	f.History = []rules.Change{
		{At: at("2016-01-15"), State: rules.Open, Severity: rules.Warning},
		{At: at("2016-01-20") + 5, State: rules.Quiet, Severity: rules.Critical},
		{At: at("2016-02-01"), State: rules.Closed, Severity: rules.Critical},
		{At: at("2016-04-01"), State: rules.Open, Severity: rules.Critical},
		{At: at("2016-04-03"), State: rules.Withdrawn, Severity: rules.Critical},
	}
	d.Findings = []*rules.Finding{&f}
	got := map[string]string{}
	for name, list := range all(t, d) {
		if metric, _, _ := strings.Cut(name, "{"); metric != "sunsetwatch_finding_open" {
			continue
		}
		var b strings.Builder
		for _, s := range list {
			fmt.Fprintf(&b, "%s %v\n", s.at.Time().Format("01-02"), s.value)
		}
		got[name] = b.String()
	}
	labels := `sunsetwatch_finding_open{partner="netflix",feature="msg.recommend",kind="access_after_sunset",severity=%q,team="partner-platform"}`
	warning, critical := fmt.Sprintf(labels, "warning"), fmt.Sprintf(labels, "critical")
	wantWarning := "01-15 0\n01-16 1\n01-17 1\n01-18 1\n01-19 1\n01-20 1\n01-21 0\n"
	wantCritical := "01-20 0\n01-21 1\n01-22 1\n01-23 1\n01-24 1\n01-25 1\n01-26 1\n01-27 1\n01-28 1\n01-29 1\n01-30 1\n01-31 1\n02-01 1\n02-02 0\n04-01 0\n04-02 1\n04-03 1\n04-04 0\n"
	if len(got) != 2 || got[warning] != wantWarning || got[critical] != wantCritical {
		t.Errorf("got %v", got)
	}
}

func TestNothingToWrite(t *testing.T) {
	d := told(t, story.Options{})
	d.Findings = nil
	if dir, names := write(t, d); names != nil {
		t.Errorf("%q", names)
	} else if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory without files: %v", err)
	}
	d = told(t, story.Options{})
	d.Now = access.Beginning
	if _, names := write(t, d); names != nil {
		t.Errorf("%q", names)
	}
}

// Names of registrations are text: what a label is quoted with does not end it.
func TestLabelsAreQuoted(t *testing.T) {
	set, problems := registry.Read([]registry.File{{Name: "r.yml", Data: []byte(`
version: 1
partners: [{name: "a\"}\\ b", principals: [app], team: "line\nbreak"}]
registrations: [{partner: "a\"}\\ b", feature: f}]
`)}}, registry.Options{Now: access.End})
	if set == nil {
		t.Skip(problems) // such names are refused: better
	}
	d := told(t, story.Options{})
	f := *d.Findings[2]
	f.Partner, f.Feature, f.Team = `a"}\ b`, "f", "line\nbreak"
	d.Registry, d.Findings = set, []*rules.Finding{&f}
	for name := range all(t, d) {
		if !strings.Contains(name, `partner="a\"}\\ b",`) || strings.Contains(name, "\n") {
			t.Errorf("series %s", name)
		}
	}
}

func TestGoldenBlock(t *testing.T) {
	dir, names := write(t, told(t, story.Options{Days: true}))
	i := slices.IndexFunc(names, func(name string) bool { return name > "20150701" }) - 1
	got, err := os.ReadFile(filepath.Join(dir, names[i]))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", names[i])
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs from what is written; see the difference after go test ./cmd/internal/openmetrics -update", path)
	}
}

// A Prometheus of its own, loaded by the commands that are printed, answers about
// years that nobody scraped.
func TestBackfill(t *testing.T) {
	if testing.Short() {
		t.Skip("a Prometheus takes its time")
	}
	promtool := components.Promtool(t)
	d := told(t, story.Options{Days: true})
	d.Findings = slices.DeleteFunc(d.Findings, func(f *rules.Finding) bool { return f.Kind != rules.AccessAfterSunset || f.Partner == "royal_bank" })
	dir, names := write(t, d)
	commands := openmetrics.Commands(dir)
	load, serve, parted := strings.Cut(commands, "done\n")
	if !parted {
		t.Fatalf("commands %s", commands)
	}
	var flags []string
	for _, flag := range strings.Fields(strings.ReplaceAll(serve, "\\\n", "")) {
		if strings.HasPrefix(flag, "--storage.tsdb.retention") || strings.HasPrefix(flag, "--query.lookback-delta") {
			flags = append(flags, flag)
		}
	}
	server := components.Prometheus(t, map[string]string{"prometheus.yml": ""}, flags...)
	server.Stop()
	cmd := exec.Command("bash", "-euc", load+"done\n")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(promtool)+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, commands, out)
	}
	blocks, err := filepath.Glob(filepath.Join(cmd.Dir, "history", "*", "meta.json"))
	if err != nil || len(blocks) != len(names) {
		t.Errorf("%d blocks of %d files: %v", len(blocks), len(names), err)
	}
	data := filepath.Join(server.Dir, "data")
	if err := os.CopyFS(data, os.DirFS(filepath.Join(cmd.Dir, "history"))); err != nil {
		t.Fatal(err)
	}
	server.Start()
	ask := func(query string, want float64) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		got, err := server.Query(ctx, query)
		if err != nil || len(got) != 1 || got[0].Value != want {
			t.Errorf("%s: %v, %v, want %v", query, got, err, want)
		}
	}
	finding := func(kind, partner string) *rules.Finding {
		return d.Findings[slices.IndexFunc(d.Findings, func(f *rules.Finding) bool { return f.Kind == kind && f.Partner == partner })]
	}
	netflix := finding(rules.AccessAfterSunset, "netflix")
	const about = `{partner="netflix",kind="access_after_sunset"}`
	stamp := func(day string) int64 {
		at, err := time.Parse(time.DateTime, day)
		if err != nil {
			t.Fatal(err)
		}
		return at.Unix()
	}
	ask(fmt.Sprintf(`sunsetwatch_finding_open%s @ %d`, about, stamp("2015-07-01 12:00:00")), 0)
	ask(fmt.Sprintf(`sunsetwatch_finding_open%s @ %d`, about, stamp("2015-07-02 12:00:00")), 1)
	ask(fmt.Sprintf(`sunsetwatch_finding_open%s @ %d`, about, stamp("2016-12-31 12:00:00")), 1)
	ask(fmt.Sprintf(`sunsetwatch_finding_open%s @ %d`, about, stamp("2017-05-01 12:00:00")), 0)
	ask(fmt.Sprintf(`sunsetwatch_finding_events%s @ %d`, about, stamp("2017-04-01 12:00:00")), float64(netflix.Events))
	ask(fmt.Sprintf(`sum_over_time(sunsetwatch_finding_day_events%s[4y] @ %d)`, about, stamp("2018-11-30 23:00:00")), float64(netflix.Events))
	ask(fmt.Sprintf(`sum(sum_over_time(sunsetwatch_finding_day_events{kind="access_after_sunset",partner="bing"}[4y] @ %d))`, stamp("2018-12-01 00:00:00")), float64(finding(rules.AccessAfterSunset, "bing").Events))
	ask(fmt.Sprintf(`count(count_over_time(sunsetwatch_finding_open[4y] @ %d))`, stamp("2018-12-01 00:00:00")), 2)
}

func TestCommandsQuote(t *testing.T) {
	for dir, want := range map[string]string{"out/metrics": " out/metrics/*.om;", "it's $HOME": ` 'it'\''s $HOME'/*.om;`, "-x": " ./-x/*.om;"} {
		if got := openmetrics.Commands(dir); !strings.Contains(got, want) {
			t.Errorf("%s: %s", dir, got)
		}
	}
}
