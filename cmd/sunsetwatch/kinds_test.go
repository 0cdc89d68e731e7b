package main

import (
	"go/ast"
	"go/token"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sunsetwatch/rules"
)

// Each kind has all that "Adding a kind" in CONTRIBUTING.md asks for.
func TestKindsAreComplete(t *testing.T) {
	scenarios, err := filepath.Glob(filepath.Join(root, "rules", "scenarios", "*.txtar"))
	if err != nil || len(scenarios) == 0 {
		t.Fatalf("no scenarios (%v)", err)
	}
	told := map[string]bool{} // kinds that a scenario expects
	expected := regexp.MustCompile(`(?m)^(?:- \{?| {2})kind: (\w+)`)
	for _, name := range scenarios {
		// Expectations stand in the parts called findings.
		parts := strings.Split(document(t, path.Join("rules", "scenarios", filepath.Base(name))), "\n-- ")
		for _, part := range parts[1:] {
			if !strings.HasPrefix(part, "findings") {
				continue
			}
			for _, m := range expected.FindAllStringSubmatch(part, -1) {
				told[m[1]] = true
			}
		}
	}
	kinds := document(t, "rules/kinds.md")
	readme := document(t, "README.md")
	changelog := document(t, "CHANGELOG.md")
	alerts := document(t, "deploy/rules.go")
	for _, k := range rules.Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			file, table := path.Join("rules", k.Name+".go"), path.Join("rules", k.Name+"_test.go")
			switch {
			case !exists(file):
				t.Errorf("step 1: there is no %s", file)
			case !strings.Contains(document(t, file), ` = "`+k.Name+`"`):
				t.Errorf("step 1: %s has no constant with the name", file)
			}
			switch {
			case !exists(table):
				t.Errorf("step 2: there is no %s", table)
			case k.Judge != nil && !strings.Contains(document(t, table), "verdicts(t, "):
				t.Errorf("step 2: %s has no table of verdicts", table)
			case !strings.Contains(document(t, table), "sentences(t, ") || !strings.Contains(document(t, table), "severities(t, "):
				t.Errorf("step 2: %s has no table of sentences and severities", table)
			}
			if !told[k.Name] {
				t.Error("step 3: no scenario in rules/scenarios expects it")
			}
			if !strings.Contains(kinds, "\n## `"+k.Name+"`\n") {
				t.Error("step 4: rules/kinds.md has no section about it")
			}
			if !strings.Contains(readme, "`"+k.Name+"`") {
				t.Error("step 4: README.md does not name it")
			}
			if !strings.Contains(alerts, `", "`+k.Name+`",`) {
				t.Error("step 5: deploy/rules.go has no alert for it")
			}
			entry := regexp.MustCompile("(?m)^\\* \\[(FEATURE|CHANGE)\\] .*`" + k.Name + "`")
			if !entry.MatchString(changelog) {
				t.Error("step 6: CHANGELOG.md has no [FEATURE] with it")
			}
		})
	}
	for name := range told {
		if !slices.ContainsFunc(rules.Kinds(), func(k rules.Kind) bool { return k.Name == name }) {
			t.Errorf("a scenario expects the kind %s, which there is not", name)
		}
	}
}

// The words of a history that rules/kinds.md explains are those that the detector
// writes.
func TestHistoryWords(t *testing.T) {
	var written []string // what each function writes, one piece after the other
	for _, p := range packages(t) {
		if p.local() != "detector" {
			continue
		}
		for _, name := range p.sources() {
			for _, d := range parse(t, filepath.Join(p.Dir, name)).Decls {
				var pieces strings.Builder
				ast.Inspect(d, func(n ast.Node) bool {
					if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
						if s, err := strconv.Unquote(l.Value); err == nil {
							pieces.WriteString(s)
						}
					}
					return true
				})
				written = append(written, pieces.String())
			}
		}
	}
	_, text, found := strings.Cut(document(t, "rules/kinds.md"), "\n| why | what happened |\n|---|---|\n")
	if !found {
		t.Fatal("rules/kinds.md has no table of the words of a history")
	}
	table, _, _ := strings.Cut(text, "\n\n")
	rows := strings.Split(table, "\n")
	if len(rows) < 15 {
		t.Errorf("only %d words are explained", len(rows))
	}
	_, closing, _ := strings.Cut(text, "but in `closure`: ")
	for _, row := range append(rows, "| "+closing) {
		m := regexp.MustCompile("^\\| `([^`]+)`").FindStringSubmatch(row)
		if m == nil {
			t.Errorf("a row without words: %s", row)
			continue
		}
		for _, part := range strings.Split(m[1], "…") {
			if part = strings.TrimSpace(part); part != "" && !slices.ContainsFunc(written, func(s string) bool { return strings.Contains(s, part) }) {
				t.Errorf("rules/kinds.md explains %q, and package detector does not write %q", m[1], part)
			}
		}
	}
}
