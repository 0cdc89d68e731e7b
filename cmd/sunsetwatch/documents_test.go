package main

import (
	"go/ast"
	"go/token"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"sunsetwatch/cmd/internal/daemon"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// document returns a file of the repository.
func document(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// documents are all Markdown files, by their paths from the root.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "bin"):
			return fs.SkipDir
		case path.Ext(name) == ".md":
			all = append(all, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// block is a fenced block of a document.
type block struct{ language, text string }

var fence = regexp.MustCompile("(?ms)^( *)```(\\w*)\n(.*?)\n *```$")

// blocks of a document, without the indentation of their fences.
func blocks(text string) []block {
	var all []block
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		lines := strings.Split(m[3], "\n")
		for i := range lines {
			lines[i] = strings.TrimPrefix(lines[i], m[1])
		}
		all = append(all, block{m[2], strings.Join(lines, "\n") + "\n"})
	}
	return all
}

// commands are the lines of the sh blocks, without comments.
func commands(text string) []string {
	var all []string
	for _, b := range blocks(text) {
		if b.language != "sh" {
			continue
		}
		for line := range strings.Lines(b.text) {
			line, _, _ = strings.Cut(line, "  #")
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				all = append(all, line)
			}
		}
	}
	return all
}

// symbols are the declarations of the module by package path: functions,
// types, constants and variables, and what belongs to a type as Type.Name,
// unexported ones included.
type symbols map[string]map[string]bool

func symbolsOf(t *testing.T) symbols {
	all := symbols{}
	for _, p := range packages(t) {
		names := map[string]bool{}
		all[p.local()] = names
		for _, file := range p.sources() {
			for _, d := range parse(t, filepath.Join(p.Dir, file)).Decls {
				declare(names, d)
			}
		}
	}
	return all
}

func declare(names map[string]bool, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil {
			name = receiver(d.Recv.List[0].Type) + "." + name
		}
		names[name] = true
	case *ast.GenDecl:
		if d.Tok == token.IMPORT {
			return
		}
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.ValueSpec:
				for _, n := range s.Names {
					names[n.Name] = true
				}
			case *ast.TypeSpec:
				names[s.Name.Name] = true
				var members *ast.FieldList
				switch typ := s.Type.(type) {
				case *ast.StructType:
					members = typ.Fields
				case *ast.InterfaceType:
					members = typ.Methods
				default:
					continue
				}
				for _, f := range members.List {
					for _, n := range f.Names {
						names[s.Name.Name+"."+n.Name] = true
					}
				}
			}
		}
	}
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// has reports whether one package of the path or with that last element
// declares name; known is false where there is no such package.
func (s symbols) has(pkg, name string) (found, known bool) {
	for p, names := range s {
		if p == pkg || path.Base(p) == pkg {
			known = true
			found = found || names[name]
		}
	}
	return found, known
}

var (
	code = regexp.MustCompile("`([^`\n]+)`")
	// qualified is package.Symbol, package.Type.Method or path/to/package.Symbol.
	qualified = regexp.MustCompile(`^((?:[a-z_]+/)*[a-z]+)\.((?:[A-Za-z]\w*\.)?[A-Za-z]\w*)(?:\(\))?$`)
	// bare is Symbol or Type.Method of the package that the text speaks of.
	bare = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*(?:\.[A-Za-z]\w*)?(?:\(\))?$`)
	// file is a name with an ending that files here have.
	file = regexp.MustCompile(`^[\w./-]+\.(go|md|yml|yaml|json|tmpl|service|jsonl|mod|sum)$`)
	// folder is a path, or one word: then a folder or an unexported symbol.
	folder = regexp.MustCompile(`^\.?[a-z]\w*(/[\w.-]+)*/?$`)
)

// outside are names in backticks that are not ours.
var outside = map[string]string{
	".cache":                "what make fetches and notes; a fresh clone has none",
	"protocol.RawExchanger": "kafka-go",
	"kafka.Transport":       "kafka-go",
	"kafka.Reader":          "kafka-go",
	"kafka.ConsumerGroup":   "kafka-go",
	"time.Now":              "the standard library",
	"encoding/json/v2":      "the standard library",
	"testing/synctest":      "the standard library",
	"state.db":              "a file of the state directory",
	"state.db.copy":         "a file of the state directory",
	"subject.key":           "a file of the state directory",
	"rejected.ndjson":       "a file of the state directory",
	"findings.hold":         "a key of the configuration",
	"team":                  "a label",
	"incomplete":            "a field of findings",
	"init":                  "a function of Go",
}

// Whatever ARCHITECTURE.md and CONTRIBUTING.md name in backticks exists:
// packages, files, and symbols.
func TestNamesInDocumentsExist(t *testing.T) {
	declared := symbolsOf(t)
	any := map[string]bool{} // symbols of all packages, and members of types also by themselves
	for _, names := range declared {
		for n := range names {
			_, member, _ := strings.Cut(n, ".")
			any[n], any[member] = true, true
		}
	}
	files := map[string]bool{} // last elements of all paths
	for _, p := range packages(t) {
		for _, f := range slices.Concat(p.sources(), p.TestGoFiles, p.XTestGoFiles) {
			files[path.Join(p.local(), f)], files[f] = true, true
		}
	}
	for _, name := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md"} {
		text := fence.ReplaceAllString(document(t, name), "")
		checked := 0
		for _, m := range code.FindAllStringSubmatch(text, -1) {
			what := m[1]
			if outside[what] != "" || placeholder(what) {
				continue
			}
			checked++
			if file.MatchString(what) {
				if !files[what] && !exists(what) {
					t.Errorf("%s names the file %s, which does not exist", name, what)
				}
				continue
			}
			if q := qualified.FindStringSubmatch(what); q != nil {
				if found, known := declared.has(q[1], q[2]); known && !found {
					t.Errorf("%s names %s, which package %s does not declare", name, what, q[1])
				} else if !known && !any[what] { // an unexported type and what belongs to it
					t.Errorf("%s names %s; there is no package %s. If it is not ours, add it to outside", name, what, q[1])
				}
				continue
			}
			if bare.MatchString(what) && strings.ContainsFunc(what[1:], unicode.IsLower) {
				if !any[strings.TrimSuffix(what, "()")] {
					t.Errorf("%s names %s, which no package declares", name, what)
				}
				continue
			}
			if folder.MatchString(what) && !strings.Contains(what, "_") {
				if !exists(what) && !any[what] {
					t.Errorf("%s names %s, which does not exist", name, what)
				}
				continue
			}
			checked--
		}
		if checked < 10 {
			t.Errorf("%s: only %d names were checked", name, checked)
		}
	}
}

// placeholder reports whether a name stands for others, as rules/KIND.go does.
func placeholder(name string) bool {
	return strings.Contains(name, "KIND") || strings.ContainsAny(name, "<>*… ")
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(name)))
	return err == nil
}

// Each row of the table of packages is a package, and each package has a row.
func TestPackageTable(t *testing.T) {
	text := document(t, "ARCHITECTURE.md")
	for _, p := range packages(t) {
		if !strings.Contains(text, "\n| `"+p.local()+"` |") {
			t.Errorf("the table of packages in ARCHITECTURE.md lacks %s", p.local())
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\|").FindAllStringSubmatch(text, -1) {
		if _, ok := directions[m[1]]; !ok {
			t.Errorf("the table of packages in ARCHITECTURE.md has %s, which does not exist", m[1])
		}
		if strings.Count(text, "\n"+m[0]) > 1 {
			t.Errorf("the table of packages in ARCHITECTURE.md has %s more than once", m[1])
		}
	}
}

// The map of files is whole: a reader who looks for a file finds what it is for.
func TestFileMap(t *testing.T) {
	parts := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\*\\*`([a-z/]+)`\\*\\* — (.*)$").FindAllStringSubmatch(document(t, "ARCHITECTURE.md"), -1) {
		if _, twice := parts[m[1]]; twice {
			t.Errorf("the map of files in ARCHITECTURE.md has %s twice", m[1])
		}
		parts[m[1]] = m[2]
	}
	if len(parts) < 13 {
		t.Fatalf("the map of files in ARCHITECTURE.md has %d packages: is it written otherwise now?", len(parts))
	}
	for _, p := range packages(t) {
		text, ok := parts[p.local()]
		if !ok {
			continue
		}
		for _, name := range p.sources() {
			if name != "doc.go" && !strings.Contains(text, "`"+name+"`") {
				t.Errorf("the map of files in ARCHITECTURE.md lacks %s/%s: say what it is for, next to its neighbours", p.local(), name)
			}
		}
		for _, m := range code.FindAllStringSubmatch(text, -1) {
			if file.MatchString(m[1]) && !slices.Contains(p.sources(), m[1]) {
				t.Errorf("the map of files in ARCHITECTURE.md has %s/%s, which does not exist", p.local(), m[1])
			}
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	noLabel = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// Links lead to files and headings that exist.
func TestLinks(t *testing.T) {
	for _, name := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(document(t, name), ""), -1) {
			u, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if u.Scheme != "" {
				continue
			}
			target := name
			if u.Path != "" {
				target = path.Join(path.Dir(name), u.Path)
			}
			if !exists(target) {
				t.Errorf("%s links to %s, which does not exist", name, m[1])
				continue
			}
			if u.Fragment != "" && !slices.Contains(anchors(document(t, target)), u.Fragment) {
				t.Errorf("%s links to %s, and there is no such heading", name, m[1])
			}
		}
	}
}

// anchors of the headings, as GitHub makes them.
func anchors(text string) []string {
	var all []string
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		a := noLabel.ReplaceAllString(strings.ToLower(strings.TrimSpace(m[1])), "")
		all = append(all, strings.ReplaceAll(a, " ", "-"))
	}
	return all
}

// Make targets that documents name are in the Makefile.
func TestMakeTargets(t *testing.T) {
	makefile := document(t, "Makefile")
	named := regexp.MustCompile("(?m)(?:`|^)make ([a-z0-9-]+)")
	seen := 0
	for _, name := range documents(t) {
		for _, m := range named.FindAllStringSubmatch(document(t, name), -1) {
			seen++
			if !regexp.MustCompile(`(?m)^` + m[1] + `:`).MatchString(makefile) {
				t.Errorf("%s names make %s, which the Makefile lacks", name, m[1])
			}
		}
	}
	if seen < 5 {
		t.Errorf("only %d make targets were found in the documents", seen)
	}
	if !strings.Contains(makefile, "\ndemo:") || !strings.Contains(makefile, "go run ./cmd/sunsetwatch demo\n") {
		t.Error("make demo does not run the demo")
	}
}

// The YAML of README and of the help is what the program takes.
func TestExamplesInDocuments(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range blocks(document(t, "README.md")) {
		if b.language != "yaml" {
			continue
		}
		if strings.HasPrefix(b.text, "version: 1") {
			seen["registrations"] = true
			checkRegistrations(t, b.text)
		} else {
			seen["configuration"] = true
			checkConfiguration(t, b.text)
		}
	}
	if len(seen) != 2 {
		t.Errorf("README.md shows %v, want registrations and a configuration", seen)
	}
	help := func(long, begin string) string {
		_, text, _ := strings.Cut(long, "\n  "+begin)
		text, _, _ = strings.Cut("  "+begin+text, "\n\n")
		return strings.ReplaceAll(text, "\n  ", "\n")[2:] + "\n"
	}
	checkRegistrations(t, help(checkCommand().Long, "version: 1"))
	checkConfiguration(t, help(runCommand().Long, "kafka:"))
}

func checkRegistrations(t *testing.T, text string) {
	t.Helper()
	_, problems := registry.Read([]registry.File{{Name: "example.yml", Data: []byte(text)}}, registry.Options{Now: access.End})
	if len(problems) > 0 {
		t.Errorf("%s\n%s", text, problems)
	}
}

func checkConfiguration(t *testing.T, text string) {
	t.Helper()
	if _, problems := daemon.LoadConfig("sunsetwatch.yml", []byte(text), os.LookupEnv); len(problems) > 0 {
		t.Errorf("%s\n%s", text, problems)
	}
}

// What README says of kinds is what there is.
func TestKindsInREADME(t *testing.T) {
	text := document(t, "README.md")
	for _, k := range rules.Kinds() {
		if !strings.Contains(text, "`"+k.Name+"`") {
			t.Errorf("README.md does not name the kind %s", k.Name)
		}
	}
}

// The changelog has the prefixes that readers filter by.
func TestChangelog(t *testing.T) {
	entry := regexp.MustCompile(`^\* \[(CHANGE|FEATURE|ENHANCEMENT|PERF|BUGFIX|SECURITY)\] \S`)
	for line := range strings.Lines(document(t, "CHANGELOG.md")) {
		if strings.HasPrefix(line, "*") && !entry.MatchString(line) {
			t.Errorf("CHANGELOG.md: an entry begins with [CHANGE], [FEATURE], [ENHANCEMENT], [PERF], [BUGFIX] or [SECURITY]: %s", line)
		}
	}
}
