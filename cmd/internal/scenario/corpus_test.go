package scenario

import (
	"bytes"
	"context"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sunsetwatch/rules"
	"sunsetwatch/rules/document"
)

// folder holds the scenarios of the product.
const folder = "../../../rules/scenarios"

func corpus(t testing.TB) []string {
	t.Helper()
	names, err := files([]string{folder}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Every scenario of the product passes, and would not if any exact number or
// instant in it were another.
func TestScenarios(t *testing.T) {
	names := corpus(t)
	if len(names) < 21 {
		t.Errorf("only %d scenarios", len(names))
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), Ext), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			s, problems := Parse(name, text)
			if s == nil {
				t.Fatal(problems)
			}
			if len(s.Story) < 100 {
				t.Error("it tells no story")
			}
			o, err := s.Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for i := range o.Checks {
				if c := &o.Checks[i]; !c.Passed() {
					t.Errorf("%s", c.differences(name))
				}
			}
			if !t.Failed() {
				mutate(t, o, string(text))
			}
		})
	}
}

// exact is a number that stands alone after its key, or a duration.
var exact = regexp.MustCompile(`(\w+): (\d+)(d?)([,}\s]|$)`)

// instant is a time in an expectation.
var instant = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)

// mutate changes each exact number and each time of the expectations by one, in
// the text, and demands that the change is seen in what was found.
func mutate(t *testing.T, o *Outcome, text string) {
	lines := strings.SplitAfter(text, "\n")
	changed := 0
	for _, c := range o.Checks {
		if c.step.verb == checkStep {
			changed += mutateProblems(t, o, lines, c)
			continue
		}
		from := c.expected.section.marker
		for i := from; i < from+bytes.Count(c.expected.section.data, []byte("\n")); i++ {
			line := lines[i]
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			try := func(begin, end int, other, want string) {
				changed++
				all := slices.Clone(lines)
				all[i] = line[:begin] + other + line[end:]
				if got := compareAgain(t, o.Scenario.Name, strings.Join(all, ""), c); !strings.Contains(got, want) {
					t.Errorf("line %d with %s shows\n%s\nwant %s", i+1, other, got, want)
				}
			}
			words, _, _ := strings.Cut(line, "why: ")
			for _, at := range exact.FindAllStringSubmatchIndex(words, -1) {
				n, err := strconv.Atoi(words[at[4]:at[5]])
				if err != nil {
					t.Fatal(err)
				}
				key, unit, other := words[at[2]:at[3]], words[at[6]:at[7]], strconv.Itoa(n+1)
				try(at[4], at[5], other, fmt.Sprintf("%s: got %d%s, want %s%s\n", key, n, unit, other, unit))
			}
			for _, at := range instant.FindAllStringIndex(words, -1) {
				before, err := document.ParseInstant(words[at[0]:at[1]])
				if err != nil {
					t.Fatal(err)
				}
				after := before + 1
				try(at[0], at[1], after.String(), fmt.Sprintf(": got %s, want %s\n", before, after))
			}
		}
	}
	if changed == 0 && !strings.Contains(text, "\n[]\n") {
		t.Error("nothing of it is exact")
	}
	t.Logf("%d numbers and times", changed)
}

// mutateProblems changes line and column of a refused file.
func mutateProblems(t *testing.T, o *Outcome, lines []string, c Check) int {
	i := c.expected.section.marker
	for _, old := range []string{":8:", ":13:"} {
		other := slices.Clone(lines)
		other[i] = strings.Replace(lines[i], old, ":99:", 1)
		s := parsed(t, strings.Join(other, ""))
		again := Check{step: c.step, expected: s.expected[c.step.expect], problems: c.problems}
		again.compare()
		if got := again.differences(o.Scenario.Name); !strings.Contains(got, "missing: registrations.yml:") || !strings.Contains(got, "unexpected: registrations.yml:") {
			t.Errorf("got %s", got)
		}
	}
	return 2
}

// compareAgain holds what was found against the expectations of another text.
func compareAgain(t *testing.T, name, text string, c Check) string {
	s, problems := Parse(name, []byte(text))
	if s == nil {
		t.Fatal(problems)
	}
	again := Check{step: c.step, expected: s.expected[c.step.expect], found: c.found}
	again.compare()
	if again.Passed() {
		return "nothing"
	}
	return again.differences(name)
}

// Companies and cases of the story have their files.
func TestCompaniesHaveTheirScenario(t *testing.T) {
	all := strings.Join(corpus(t), "\n")
	for _, word := range []string{"netflix", "spotify", "royal-bank", "new-york-times", "bing", "pandora", "rotten-tomatoes", "yandex", "yahoo", "amazon", "sony",
		"microsoft", "apple", "huawei", "late-but-lawful", "late-and-damning", "paused-and-taken-back", "relapse", "broken-pipe", "boundaries", "boundary-without-zone"} {
		if !strings.Contains(all, word) {
			t.Errorf("no scenario of %s", word)
		}
	}
}

// Each kind has a story that expects it.
func TestKindsHaveTheirScenario(t *testing.T) {
	told := map[string]bool{}
	for _, name := range corpus(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s, problems := Parse(name, text)
		if s == nil {
			t.Fatal(problems)
		}
		for _, x := range s.expected {
			for _, w := range x.findings {
				if m, ok := w.matcherOf("kind").(exactly); ok {
					told[fmt.Sprint(m.want)] = true
				}
			}
		}
	}
	for _, k := range rules.Kinds() {
		if !told[k.Name] {
			t.Errorf("no scenario expects %s: tell a story of it in rules/scenarios", k.Name)
		}
	}
}

var rewrite = flag.Bool("rewrite", false, "write the golden files again")

// golden holds got against a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// three files: one that passes, one that differs, one that cannot be read.
func three(t *testing.T) string {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a-passes.txtar":      small(twoReads, "judge expect findings\nlive expect findings\n", twoFound),
		"b-differs.txtar":     small(twoReads, "", "- {kind: access_after_sunset, partner: bing, feature: search, events: 3}\n"),
		"c-unreadable.txtar":  small("every\n", "", "[]\n"),
		"not-a-scenario.text": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var took = regexp.MustCompile(`\d+(\.\d+)?(ms|s)\b|time="[0-9.]+"`)

func TestJUnit(t *testing.T) {
	dir := three(t)
	report := filepath.Join(dir, "report.xml")
	var out, errs bytes.Buffer
	if err := Test(context.Background(), Options{Paths: []string{dir}, JUnit: report, Out: &out, Err: &errs}); err != ErrUnreadable {
		t.Fatal(err)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var suites junitReport
	if err := xml.Unmarshal(text, &suites); err != nil {
		t.Fatal(err)
	}
	if suites.Tests != 4 || suites.Failures != 1 || suites.Errors != 1 || len(suites.Suites) != 3 {
		t.Errorf("%+v", suites)
	}
	clean := func(s string) string {
		return took.ReplaceAllStringFunc(strings.ReplaceAll(s, dir, "DIR"), func(m string) string {
			if strings.HasPrefix(m, "time") {
				return `time="T"`
			}
			return "T"
		})
	}
	golden(t, "junit.xml", clean(string(text)))
	golden(t, "output.txt", clean(out.String()+"-- standard error --\n"+errs.String()))
}

func TestPaths(t *testing.T) {
	dir := three(t)
	run := func(o Options) (string, error) {
		var out, errs bytes.Buffer
		o.Out, o.Err = &out, &errs
		err := Test(context.Background(), o)
		return out.String() + errs.String(), err
	}
	one := filepath.Join(dir, "a-passes.txtar")
	if out, err := run(Options{Paths: []string{one, one, dir}, Match: regexp.MustCompile("^a-")}); err != nil || strings.Count(out, "ok  ") != 1 {
		t.Error(out, err)
	}
	if _, err := run(Options{Paths: []string{dir}, Match: regexp.MustCompile("zzz")}); err == nil || err.Error() != `no scenario file matches "zzz"` {
		t.Error(err)
	}
	if _, err := run(Options{Paths: []string{filepath.Join(dir, "nowhere")}}); err == nil {
		t.Error("a path that does not exist passes")
	}
	if _, err := run(Options{Paths: []string{t.TempDir()}}); err == nil || !strings.HasSuffix(err.Error(), "no *.txtar file in this directory") {
		t.Error(err)
	}
	if _, err := run(Options{Paths: []string{filepath.Join(dir, "b-differs.txtar")}}); err != ErrDiffer {
		t.Error(err)
	}
	out, err := run(Options{Paths: []string{one}, Verbose: true})
	if err != nil || !strings.Contains(out, "    access_after_sunset bing search, critical, open, id ") || !strings.Contains(out, "  2 events told\n") {
		t.Error(out, err)
	}
}
