package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "sunsetwatch"

// root of the repository, from the directory of this test.
const root = "../.."

// reasons are the packages of ours that a package may import, each with the
// reason why it must.
type reasons map[string]string

// directions is the table of packages: what is not in it may not be imported.
// Tests may import more.
var directions = map[string]reasons{
	"rules/access": {},
	"rules/document": {
		"rules/access": "an instant in a file is an instant of event time",
	},
	"rules/registry": {
		"rules/access":   "terms speak of operations and instants",
		"rules/document": "every problem of a set has a file, a line and a column",
	},
	"rules/model": {
		"rules/access": "the oracle shares the vocabulary with the product, and nothing else",
	},
	"rules": {
		"rules/access":   "a kind judges accesses",
		"rules/document": "every problem of a rule file has a line and a column",
		"rules/registry": "a kind judges by terms",
	},
	"detector/ledger": {
		"rules/access": "facts are counted from events; of registrations only instants and names come, by its interface Terms",
	},
	"detector/ledger/store": {
		"rules/access": "the file of rejected events has their positions and reasons; facts and findings come encoded, so that the store is independent of what they look like",
	},
	"detector/ledger/table": {
		"detector/ledger": "its facts are written and read",
		"rules/access":    "words and instants",
	},
	"detector": {
		"detector/ledger": "the judge reads facts",
		"rules":           "the kinds say what is wrong with them",
		"rules/access":    "instants",
		"rules/registry":  "the terms that facts are held against",
	},
	"detector/exporter": {
		"detector":        "uses of exceptions are shown",
		"detector/ledger": "counters of sources are shown as the ledger keeps them",
		"rules":           "findings are shown",
		"rules/access":    "reasons and outcomes are known label values",
		"rules/registry":  "only registered names are label values",
	},
	"consumer/archive": {
		"consumer/codec": "lines and rows become events by the same field maps",
		"rules/access":   "events are handed over",
	},
	"consumer/codec": {
		"rules/access": "bytes become events",
	},
	"consumer/fetch": {
		"rules/access": "every offset ends in a counter of access.Coverage",
	},
	"consumer/fetch/fetchtest": {
		"consumer/fetch": "it is compared with franz-go",
		"rules/access":   "coverage is part of the comparison",
	},
	"consumer/records": {
		"consumer/codec": "values become events",
		"consumer/fetch": "records are what was fetched",
		"rules/access":   "events are handed over",
	},
	"consumer": {
		"consumer/codec":   "field maps and rejections pass through",
		"consumer/fetch":   "the loop fetches",
		"consumer/records": "the loop decodes",
		"rules/access":     "events and coverage are handed to a Sink; what the sink is, only the daemon knows",
	},
	"cmd/internal/facts": {
		"detector/ledger":       "its facts are written",
		"detector/ledger/table": "the files that are opened are its",
	},
	"cmd/internal/registrations": {
		"rules":          "the rule file is read against the set",
		"rules/access":   "the wall time refuses revisions from the future",
		"rules/document": "problems are returned with their places",
		"rules/registry": "files become a snapshot",
	},
	"cmd/internal/web": {
		"detector/exporter": "the status names partitions and the build as the metrics do",
		"detector/ledger":   "the status shows counters of sources",
		"rules":             "the API answers findings",
		"rules/access":      "known reasons are shown, 0 included",
	},
	"cmd/internal/daemon": {
		"cmd/internal/facts":         "a state can begin with the facts of a replay",
		"cmd/internal/registrations": "registrations are read and watched",
		"cmd/internal/web":           "endpoints are served",
		"consumer":                   "the daemon joins consumer and detector, which do not know each other",
		"consumer/codec":             "the field map is part of the configuration",
		"consumer/fetch":             "the consumer's client",
		"detector":                   "the daemon joins consumer and detector, which do not know each other",
		"detector/exporter":          "findings are shown",
		"detector/ledger":            "events are folded and merged",
		"detector/ledger/table":      "a ledger is imported",
		"detector/ledger/store":      "facts, positions and findings are saved together",
		"rules":                      "saved findings are read",
		"rules/access":               "events pass through",
		"rules/document":             "the configuration is read with places",
		"rules/registry":             "a reload replaces the snapshot",
	},
	"cmd/internal/demo": {
		"cmd/internal/daemon": "what the demo shows is the product, not a copy of it",
		"detector/exporter":   "the build that is running",
	},
	"cmd/internal/explanation": {
		"cmd/internal/termsheet": "terms and revisions are shown as registrations shows them",
		"consumer/codec":         "the event is read and shown in the native format",
		"rules":                  "the kinds give the verdicts",
		"rules/access":           "an event is explained",
		"rules/document":         "what was meant is guessed as in files",
		"rules/registry":         "the terms that held",
	},
	"cmd/internal/replay": {
		"cmd/internal/facts":    "ledgers are inputs and outputs",
		"consumer/archive":      "files are read",
		"consumer/codec":        "the field map is given to what reads; what it rejects is told",
		"consumer/fetch":        "ranges of topics are read, without a group",
		"consumer/records":      "their records become events as those of a live instance do",
		"detector":              "facts are judged as a live instance judges them",
		"detector/ledger":       "events are counted",
		"detector/ledger/table": "ledgers are put together",
		"rules":                 "findings are written",
		"rules/access":          "events pass through",
		"rules/document":        "times in the address of a topic are read as in files",
		"rules/registry":        "the set as it was known",
	},
	"cmd/internal/openmetrics": {
		"cmd/internal/timeline": "accesses of a finding by day",
		"rules":                 "findings are shown as they were at any time",
		"rules/access":          "samples have instants",
		"rules/registry":        "only registered names are label values",
	},
	"cmd/internal/report": {
		"cmd/internal/termsheet": "revisions are shown as registrations shows them",
		"cmd/internal/timeline":  "pictures are of a timeline",
		"detector/ledger":        "what was not found is counted from the facts",
		"rules":                  "findings are shown",
		"rules/access":           "instants",
		"rules/registry":         "registrations that ended in silence",
	},
	"cmd/internal/scenario": {
		"consumer/codec":  "an event of a scenario is read as one of Kafka is",
		"detector":        "what a scenario tests is the product, not a copy of it",
		"detector/ledger": "events are folded and merged",
		"rules":           "findings are compared, rule files read",
		"rules/access":    "events are told",
		"rules/document":  "every problem of a scenario has its place",
		"rules/registry":  "registrations, as they were known at any time",
	},
	"cmd/internal/termsheet": {
		"rules/access":   "terms hold at an instant",
		"rules/document": "durations are shown as files write them, and what was meant is guessed as there",
		"rules/registry": "the terms that are shown",
	},
	"cmd/internal/timeline": {
		"detector/ledger": "accesses come by day from the facts",
		"rules":           "a kind says in which window its accesses lie",
		"rules/access":    "a timeline is of instants",
		"rules/registry":  "the terms over event time",
	},
	"cmd/internal/timeline/story": {
		"detector":        "what is shown in tests was found by the product",
		"detector/ledger": "events are counted",
		"rules":           "findings",
		"rules/access":    "events are told",
		"rules/registry":  "registrations are read",
	},
	"cmd/sunsetwatch": {
		"cmd/internal/daemon":        "run",
		"cmd/internal/demo":          "demo",
		"cmd/internal/explanation":   "explain",
		"cmd/internal/registrations": "check, registrations",
		"cmd/internal/scenario":      "test",
		"cmd/internal/termsheet":     "registrations",
		"cmd/internal/web":           "the flag --web.external-url",
		"consumer/codec":             "decode, explain",
		"detector/exporter":          "the build that is running",
		"rules":                      "rules are read with the set",
		"rules/access":               "check and list take the wall time",
		"rules/document":             "TIME is read as in files",
		"rules/registry":             "a set is read in one place for all that show it",
		"cmd/internal/replay":        "replay, diff",
		"consumer/archive":           "the flag --format",
		"detector/ledger":            "the key that hashes people is one of the ledger",
		"detector/ledger/store":      "the flag --subject-key-file",
		"detector/ledger/table":      "the flag --ledger",
		"cmd/internal/openmetrics":   "the metrics of a replay",
		"cmd/internal/report":        "the page of a replay",
	},
	"deploy": {
		"deploy/grafana":    "dashboards are rendered",
		"detector/exporter": "the documentation of metrics is made from their table",
	},
	"deploy/components": {},
	"deploy/endtoend":   {},
	"deploy/generate":   {"deploy": "it writes the generated files"},
	"deploy/grafana":    {},
	"bench":             {},
	"bench/child":       {},
}

// alone are modules and packages that only some packages may import, tests
// apart.
var alone = []struct {
	path string
	by   []string
	why  string
}{
	{"github.com/twmb/franz-go/pkg/kfake", []string{"cmd/internal/demo", "bench/child"},
		"a fake broker belongs into the demo and into tests: nobody may mistake it for Kafka"},
	{"github.com/twmb/franz-go", []string{"cmd/internal/demo", "consumer/fetch/fetchtest"},
		"kafka-go is the client; franz-go is what it is compared with, in tests"},
	{"github.com/segmentio/kafka-go", []string{"consumer", "consumer/fetch", "consumer/fetch/fetchtest", "cmd/internal/daemon", "cmd/internal/demo", "cmd/internal/replay", "deploy/components"},
		"Kafka is known to the consumer and to what wires it, never to facts and judgements"},
	{"github.com/prometheus", []string{"detector/exporter", "cmd/internal/web", "cmd/internal/daemon"},
		"the exporter alone makes metrics of what it is given: the rest counts in its own words"},
	{"go.uber.org/zap", []string{"consumer", "cmd/internal/daemon", "cmd/internal/demo", "cmd/sunsetwatch"},
		"what happened is returned; the edges log"},
	{"github.com/parquet-go/parquet-go", []string{"detector/ledger/table", "consumer/archive"}, "those know the columns of a file who check what it declares about itself"},
	{"go.etcd.io/bbolt", []string{"detector/ledger/store"}, "one package knows the file"},
	{"go.yaml.in", []string{"rules/document"}, "YAML is read strictly and with places in one package"},
	{"github.com/spf13", []string{"cmd/sunsetwatch"}, "flags are translated once"},
	{"github.com/klauspost/compress", []string{"consumer/fetch", "consumer/archive"}, "those inflate who do it under a cap"},
	{"github.com/pierrec/lz4", []string{"consumer/fetch", "consumer/archive"}, "those inflate who do it under a cap"},
	{module + "/consumer/fetch/fetchtest", nil, "it is for tests only"},
	{module + "/rules/model", nil, "it is what the product is compared with, in tests"},
	{module + "/deploy/components", nil, "it is for tests only"},
	{module + "/bench/child", nil, "it is for tests only"},
	{module + "/cmd/internal/timeline/story", nil, "it is for tests only"},
}

// pure are the packages without a clock, I/O, goroutines and loggers: the same
// facts and terms give the same findings, whenever and wherever they are judged.
// except are what single ones are allowed, with the reason.
var pure = map[string]struct{ except reasons }{
	"rules/access":             {},
	"rules/document":           {except: reasons{"io": "problems are printed to a writer of the caller's"}},
	"rules/model":              {except: reasons{"math/rand/v2": "random cases come from a seed of the caller's"}},
	"rules/registry":           {},
	"rules":                    {},
	"detector/ledger":          {},
	"detector":                 {},
	"detector/ledger/table":    {except: reasons{"io": "facts are written to a writer and read from a reader of the caller's"}},
	"cmd/internal/explanation": {},
	"cmd/internal/openmetrics": {except: reasons{"os": "it writes files", "io": "it writes files"}},
	"cmd/internal/report": {except: reasons{
		"io":    "the page goes to a writer of the caller's",
		"embed": "the page is made from a template and a style sheet beside the code",
	}},
	"cmd/internal/termsheet": {},
	"cmd/internal/timeline":  {},
	"consumer/codec":         {except: reasons{"io": "decode reads lines from a reader of the caller's"}},
	"detector/exporter": {except: reasons{
		"sync":        "scrapes come while a state is published",
		"sync/atomic": "scrapes come while a state is published",
	}},
	"detector/ledger/store": {except: reasons{
		"os":      "it is the one package under detector that touches a file",
		"io":      "it reads and writes the file",
		"io/fs":   "it tells a missing file from a broken one",
		"sync":    "saving goes on while a copy is made",
		"syscall": "the directory is locked by the kernel",
	}},
}

// impure are the imports that give a package a clock, I/O, goroutines or a
// logger, with what they are below them.
var impure = []string{"os", "io", "net", "syscall", "log", "sync", "context", "embed", "math/rand", "go.uber.org/zap"}

// clock are the functions of package time that read a clock or wait for it.
var clock = []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer", "Sleep"}

// vague names say nothing of what is inside.
var vague = []string{"util", "utils", "helper", "helpers", "common", "manager", "base", "types", "misc", "shared", "models"}

// listed is a package as go list describes it.
type listed struct {
	ImportPath, Dir, Name, Doc string
	Standard                   bool
	GoFiles, CgoFiles          []string
	IgnoredGoFiles             []string
	TestGoFiles, XTestGoFiles  []string
	Imports                    []string
}

// local is the path below the module.
func (p *listed) local() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

// sources are the files that are no tests, those of other systems included.
func (p *listed) sources() []string {
	all := slices.Concat(p.GoFiles, p.CgoFiles, p.IgnoredGoFiles)
	return slices.DeleteFunc(all, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
}

// list is what go list says of the module; it is asked once.
var list = sync.OnceValues(func() ([]*listed, error) {
	cmd := exec.Command("go", "list", "-json", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("go list: %w\n%s", err, exit.Stderr)
		}
		return nil, err
	}
	var all []*listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		p := &listed{}
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
})

// packages are all of the module, in the order of their paths.
func packages(t *testing.T) []*listed {
	t.Helper()
	all, err := list()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// own is the path below the module of an import of ours.
func own(imported string) (string, bool) { return strings.CutPrefix(imported, module+"/") }

// below reports whether a path is parent or lies below it.
func below(path, parent string) bool { return path == parent || strings.HasPrefix(path, parent+"/") }

func TestDirections(t *testing.T) {
	all := packages(t)
	for _, problem := range checkDirections(all) {
		t.Error(problem)
	}
}

func checkDirections(all []*listed) (problems []string) {
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	there := map[string]bool{}
	for _, p := range all {
		name := p.local()
		there[name] = true
		may, ok := directions[name]
		if !ok {
			problem("%s is not in the table of packages: add it to directions, with a reason for each import, and to ARCHITECTURE.md", name)
			continue
		}
		needed := map[string]bool{}
		for _, imported := range p.Imports {
			if other, ours := own(imported); ours && may[other] == "" {
				problem("%s imports %s, which the table of packages does not allow. It may import %s", name, other, allowed(may))
			} else if ours {
				needed[other] = true
			}
			for _, rule := range alone {
				if below(imported, rule.path) && !below(name, rule.path) && !slices.Contains(rule.by, name) && !allowedBeside(imported, rule.path, name) {
					problem("%s imports %s: %s. Only %s may", name, imported, rule.why, strings.Join(append(rule.by, "tests"), ", "))
				}
			}
			if limits, ok := pure[name]; ok && !strings.HasPrefix(imported, module) && limits.except[imported] == "" {
				for _, bad := range impure {
					if below(imported, bad) {
						problem("%s imports %s: it has no clock, no I/O, no goroutine and no logger, so that the same facts give the same findings; time is an argument, and what happened is returned", name, imported)
					}
				}
			}
		}
		for other := range may {
			if !needed[other] {
				problem("%s does not import %s any more: remove the line from directions, it permits what nobody needs", name, other)
			}
		}
	}
	for name := range directions {
		if !there[name] {
			problem("%s is in the table of packages and does not exist: remove it from directions", name)
		}
	}
	return problems
}

// allowedBeside reports whether a narrower rule than path is about imported and
// allows it to name.
func allowedBeside(imported, path, name string) bool {
	for _, rule := range alone {
		if rule.path != path && below(rule.path, path) && below(imported, rule.path) && slices.Contains(rule.by, name) {
			return true
		}
	}
	return false
}

func allowed(may reasons) string {
	if len(may) == 0 {
		return "no package of ours"
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(may)) {
		lines = append(lines, fmt.Sprintf("%s (%s)", name, may[name]))
	}
	return strings.Join(lines, ", ")
}

// The vocabulary depends on nothing that could change under it.
func TestAccessImportsTheStandardLibraryOnly(t *testing.T) {
	for _, p := range packages(t) {
		if p.local() != "rules/access" {
			continue
		}
		for _, imported := range p.Imports {
			if strings.Contains(strings.Split(imported, "/")[0], ".") || strings.HasPrefix(imported, module) {
				t.Errorf("rules/access imports %s: everything speaks its words, so it depends on the standard library alone", imported)
			}
		}
	}
}

// Also through others, consumer and detector do not know each other.
func TestConsumerAndDetectorDoNotKnowEachOther(t *testing.T) {
	imports := map[string][]string{}
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			if other, ours := own(imported); ours {
				imports[p.local()] = append(imports[p.local()], other)
			}
		}
	}
	var reaches func(from string, seen map[string]bool)
	reaches = func(from string, seen map[string]bool) {
		for _, next := range imports[from] {
			if !seen[next] {
				seen[next] = true
				reaches(next, seen)
			}
		}
	}
	for name := range imports {
		for side, other := range map[string]string{"consumer": "detector", "detector": "consumer"} {
			if !below(name, side) {
				continue
			}
			seen := map[string]bool{}
			reaches(name, seen)
			for reached := range seen {
				if below(reached, other) {
					t.Errorf("%s reaches %s: cmd/internal/daemon alone joins what reads and what judges, so that either can be replaced (an archive, a replay)", name, reached)
				}
			}
		}
	}
}

// A replay judges as a live instance does, and must never be taken for one: it
// serves nothing, joins no group and tells nobody but its caller.
func TestReplayCannotPage(t *testing.T) {
	byName := map[string]*listed{}
	for _, p := range packages(t) {
		byName[p.local()] = p
	}
	reached := []string{"cmd/internal/replay", "cmd/internal/report", "cmd/internal/openmetrics"}
	for i := 0; i < len(reached); i++ {
		p := byName[reached[i]]
		if p == nil {
			continue
		}
		for _, imported := range p.Imports {
			if other, ours := own(imported); ours && !slices.Contains(reached, other) {
				reached = append(reached, other)
			}
			for _, no := range []string{"net/http", "github.com/prometheus", "go.uber.org/zap"} {
				if below(imported, no) {
					t.Errorf("%s, which a replay reaches, imports %s: a replay has no metrics to scrape, no server and no log", p.local(), imported)
				}
			}
		}
		for _, name := range p.sources() {
			for _, what := range mentioned(parse(t, filepath.Join(p.Dir, name))) {
				t.Errorf("%s/%s, which a replay reaches, mentions %s: a replay listens to nobody and joins no group, so that it cannot page", p.local(), name, what)
			}
		}
	}
	for _, no := range []string{"cmd/internal/daemon", "cmd/internal/demo", "cmd/internal/web", "detector/exporter", "consumer"} {
		if slices.Contains(reached, no) {
			t.Errorf("a replay reaches %s: what runs live, pages", no)
		}
	}
	if len(reached) < 8 {
		t.Errorf("a replay reaches no more than %v", reached)
	}
}

// mentioned is what of a source listens, or joins a group.
func mentioned(source *ast.File) (all []string) {
	ast.Inspect(source, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				switch name := x.Name + "." + s.Sel.Name; name {
				case "http.Server", "http.ListenAndServe", "http.Serve", "net.Listen", "net.ListenConfig", "kafka.ConsumerGroup", "kafka.NewConsumerGroup", "kafka.NewReader":
					all = append(all, name)
				}
			}
		}
		return true
	})
	return all
}

func TestPurePackages(t *testing.T) {
	for _, p := range packages(t) {
		if _, ok := pure[p.local()]; !ok {
			continue
		}
		for _, name := range p.sources() {
			source := parse(t, filepath.Join(p.Dir, name))
			for _, problem := range checkPure(source) {
				t.Errorf("%s/%s %s: it has no clock and no goroutine, so that a replay judges as live does; time is an argument", p.local(), name, problem)
			}
		}
	}
}

// checkPure names what in a source reads a clock or starts a goroutine.
func checkPure(source *ast.File) (problems []string) {
	var timeName string
	for _, i := range source.Imports {
		if p, _ := strconv.Unquote(i.Path.Value); p == "time" {
			timeName = "time"
			if i.Name != nil {
				timeName = i.Name.Name
			}
		}
	}
	ast.Inspect(source, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			problems = append(problems, "starts a goroutine")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == timeName && slices.Contains(clock, n.Sel.Name) {
				problems = append(problems, "calls time."+n.Sel.Name)
			}
		}
		return true
	})
	return problems
}

// Every package says what it is for, what it refuses and who may use it at the
// same time; its name says what is inside; nothing happens by importing it.
func TestPackages(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" && !commented(t, p) {
			t.Errorf("%s has no package comment: say what it is for, what it refuses, and its concurrency rule", p.local())
		}
		for _, part := range strings.Split(p.local(), "/") {
			if slices.Contains(vague, part) {
				t.Errorf("%s: the name %s says nothing of what is inside; name the package after the thing", p.local(), part)
			}
		}
		for _, name := range slices.Concat(p.sources(), p.TestGoFiles, p.XTestGoFiles) {
			stem := strings.TrimSuffix(strings.TrimSuffix(name, ".go"), "_test")
			if slices.Contains(vague, stem) {
				t.Errorf("%s: the name says nothing of what is inside; name the file after the thing", path.Join(p.local(), name))
			}
			for _, d := range parse(t, filepath.Join(p.Dir, name)).Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
					t.Errorf("%s has an init: nothing happens by importing a package", path.Join(p.local(), name))
				}
			}
		}
	}
}

// commented reports whether a package of tests alone, of which go list gives no
// comment, has one.
func commented(t *testing.T, p *listed) bool {
	for _, name := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
		if doc := parse(t, filepath.Join(p.Dir, name)).Doc; doc != nil && len(p.GoFiles) == 0 {
			return true
		}
	}
	return false
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The checks find what they are for, and say why.
func TestChecksFindWhatTheyAreFor(t *testing.T) {
	for _, test := range []struct{ name, imports, want string }{
		{"rules", "sunsetwatch/detector", "rules imports detector, which the table of packages does not allow. It may import rules/access (a kind judges accesses)"},
		{"consumer", "sunsetwatch/detector/ledger", "consumer imports detector/ledger, which the table"},
		{"detector", "os", "detector imports os: it has no clock"},
		{"detector", "net/http", "detector imports net/http: it has no clock"},
		{"detector", "log/slog", "detector imports log/slog: it has no clock"},
		{"detector", "go.uber.org/zap", "detector imports go.uber.org/zap: what happened is returned"},
		{"detector/ledger/store", "net", "detector/ledger/store imports net: it has no clock"},
		{"consumer", "github.com/twmb/franz-go/pkg/kfake", "a fake broker belongs into the demo and into tests"},
		{"cmd/internal/daemon", "github.com/twmb/franz-go/pkg/kgo", "kafka-go is the client"},
		{"cmd/internal/daemon", "sunsetwatch/deploy/components", "it is for tests only"},
		{"somewhere", "", "somewhere is not in the table of packages"},
	} {
		p := &listed{ImportPath: module + "/" + test.name, Imports: []string{test.imports}}
		if got := strings.Join(checkDirections([]*listed{p}), "\n"); !strings.Contains(got, test.want) {
			t.Errorf("%s importing %s gives\n%s\nwant %s", test.name, test.imports, got, test.want)
		}
	}
	source, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
import clock "time"
func f() { go f(); _ = clock.Now(); clock.Sleep(clock.Second); _ = clock.Unix(0, 0) }`, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := checkPure(source), []string{"starts a goroutine", "calls time.Now", "calls time.Sleep"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
