package scenario

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// Every example of the guide is what it says: scenarios pass, event lines and
// steps are read, and what a difference looks like is what it looks like.
func TestGuide(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(folder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	guide := string(data)
	seen := map[string]int{}
	var first string
	for _, m := range fence.FindAllStringSubmatch(guide, -1) {
		language, text := m[1], m[2]
		seen[language]++
		switch language {
		case "txtar":
			if first == "" {
				first = text
			}
			o := outcomeOf(t, text)
			for i := range o.Checks {
				if c := &o.Checks[i]; !c.Passed() {
					t.Errorf("%s\n%s", text, c.differences("README.md"))
				}
			}
		case "events":
			p := &problems{file: "README.md"}
			if lines := parseEvents(&section{name: eventsName, data: []byte(text)}, p); len(p.all) > 0 || len(lines) == 0 {
				t.Errorf("%s\n%s", text, p.all)
			}
		case "steps":
			p := &problems{file: "README.md"}
			steps := parseSteps(&section{name: stepsName, data: []byte(text)}, p)
			if len(p.all) > 0 {
				t.Errorf("%s\n%s", text, p.all)
			}
			for _, v := range verbs {
				if v != string(checkStep) && !slices.ContainsFunc(steps, func(s step) bool { return string(s.verb) == v }) {
					t.Errorf("the guide does not show the step %s", v)
				}
			}
		case "output":
			name := filepath.Join(t.TempDir(), "bing.txtar")
			if err := os.WriteFile(name, []byte(strings.Replace(first, "events: 4", "events: 5", 1)), 0o666); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if err := Test(context.Background(), Options{Paths: []string{name}, Out: &out, Err: &out}); err != ErrDiffer {
				t.Error(err)
			}
			clean := func(s string) string { return took.ReplaceAllString(strings.ReplaceAll(s, name, "bing.txtar"), "T") }
			if got := clean(out.String()); got != clean(text) {
				t.Errorf("the guide shows\n%s\nand it is\n%s", clean(text), got)
			}
		}
	}
	for language, least := range map[string]int{"txtar": 4, "events": 2, "steps": 1, "output": 1, "sh": 2} {
		if seen[language] < least {
			t.Errorf("%d blocks of %s", seen[language], language)
		}
	}
	for _, name := range fieldNames {
		if !strings.Contains(guide, "`"+name) {
			t.Errorf("the guide does not name the field %s of events", name)
		}
	}
	for _, name := range corpus(t) {
		if !strings.Contains(guide, "("+filepath.Base(name)+")") {
			t.Errorf("the guide does not list %s", filepath.Base(name))
		}
	}
}
