package registrations

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const good = "version: 1\npartners:\n  - {name: netflix, owner: o@example.com, principals: [app]}\n"

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.yml", "a.yaml", "below/c.yml", ".hidden.yml", ".git/d.yml", "notes.txt"} {
		write(t, filepath.Join(dir, name), name)
	}
	// A mounted ConfigMap: the name is a link to a file in a hidden directory.
	write(t, filepath.Join(dir, "..data/e.yml"), "e")
	if err := os.Symlink(filepath.Join("..data", "e.yml"), filepath.Join(dir, "e.yml")); err != nil {
		t.Fatal(err)
	}
	files, err := Files([]string{dir, filepath.Join(dir, "b.yml")})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimPrefix(f.Name, dir+"/"))
	}
	if want := []string{"a.yaml", "b.yml", "below/c.yml", "e.yml"}; !slices.Equal(names, want) {
		t.Errorf("files %q, want %q", names, want)
	}
	if _, err := Files([]string{filepath.Join(dir, "none.yml"), filepath.Join(dir, "..data/none")}); err == nil || strings.Count(err.Error(), "no such file") != 2 {
		t.Errorf("missing files give %v", err)
	}
	empty := t.TempDir()
	if _, err := Files([]string{empty}); err == nil || !strings.Contains(err.Error(), empty) {
		t.Errorf("an empty directory gives %v", err)
	}
}

// Links are followed: what they lead to must not be left out in silence.
func TestFilesThroughLinks(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "commit/a.yml"), "a")
	write(t, filepath.Join(dir, "team/b.yml"), "b")
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("commit", "current") // as tools do that replace a directory at once
	link("../team", "commit/team")
	files, err := Files([]string{filepath.Join(dir, "current")})
	if err != nil || len(files) != 2 || files[0].Name != filepath.Join(dir, "current/a.yml") || files[1].Name != filepath.Join(dir, "current/team/b.yml") {
		t.Errorf("files %v, %v", files, err)
	}
	link("..", "commit/above")
	if _, err := Files([]string{filepath.Join(dir, "current")}); err == nil || !strings.Contains(err.Error(), "current/above/commit: leads back to a directory above it") {
		t.Errorf("a link that leads back gives %v", err)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yml"), good)
	snapshot, set, problems, err := Read([]string{dir}, "", access.End)
	if err != nil || problems.Errors() > 0 || snapshot.Partner("netflix") == nil || set != nil {
		t.Fatalf("%v, %v", problems, err)
	}
	write(t, filepath.Join(dir, "b.yml"), "version: 1\nregistrations: [{partner: nobody, feature: f}]\n")
	if snapshot, _, problems, err := Read([]string{dir}, "", access.End); err != nil || problems.Errors() == 0 || snapshot != nil {
		t.Errorf("a bad set gives %v, %v, %v", snapshot, problems, err)
	}
}

// Registrations and rules are taken together, or neither.
func TestReadWithRules(t *testing.T) {
	dir := t.TempDir()
	registrations, ruleFile := filepath.Join(dir, "registrations"), filepath.Join(dir, "rules.yml")
	write(t, filepath.Join(registrations, "a.yml"), good)
	exception := func(partner string) string {
		return "version: 1\nexceptions: [{kind: no_registration, partner: " + partner +
			", feature: f, from: 2019-07-01T00:00:00Z, until: 2020-01-01T00:00:00Z, approved_by: a, reason: b}]\n"
	}
	read := func(ruleFile, want string, taken bool) {
		t.Helper()
		snapshot, set, problems, err := Read([]string{registrations}, ruleFile, access.End)
		if (snapshot != nil) != taken || (set != nil) != taken {
			t.Errorf("snapshot %v, rules %v", snapshot != nil, set != nil)
		}
		said := problems.String()
		if err != nil {
			said = err.Error()
		}
		if !strings.Contains(said, want) || want == "" && said != "" {
			t.Errorf("got %q, want %q", said, want)
		}
	}
	read(ruleFile, "no such file", false)
	write(t, ruleFile, exception("netflix"))
	read(ruleFile, "", true)
	write(t, ruleFile, exception("netflx"))
	read(ruleFile, "rules.yml:2:47: error: unknown partner netflx: did you mean netflix?", false)

	// An error of the set is no reason to be silent about those of the rules.
	write(t, ruleFile, "version: 1\nkinds: {foo: {}}\n")
	write(t, filepath.Join(registrations, "b.yml"), "version: 1\nregistrations: [{partner: nobody, feature: f}]\n")
	read(ruleFile, "unknown partner nobody", false)
	read(ruleFile, "unknown kind foo", false)

	// Nor is a sound rule file a reason to take a set with an error.
	write(t, ruleFile, exception("netflix"))
	read(ruleFile, "unknown partner nobody", false)

	write(t, filepath.Join(registrations, "b.yml"), exception("netflix"))
	read(filepath.Join(registrations, "..", "registrations", "b.yml"), "lies among the registrations", false)
	read(registrations, "is a directory", false)
}

// The shipped example is that of no file, and with its examples it loads too.
func TestTheExampleRulesLoad(t *testing.T) {
	deploy := filepath.Join("..", "..", "..", "deploy")
	data, err := os.ReadFile(filepath.Join(deploy, "rules.example.yml"))
	if err != nil {
		t.Fatal(err)
	}
	more := filepath.Join(t.TempDir(), "scopes.yml")
	write(t, more, "version: 1\nscopes: [{name: user.global_id, sunset: 2014-04-30T00:00:00Z, grace: 365d}]\n")
	load := func(data []byte) *rules.RuleSet {
		t.Helper()
		file := filepath.Join(t.TempDir(), "rules.yml")
		write(t, file, string(data))
		_, set, problems, err := Read([]string{filepath.Join(deploy, "registrations"), more}, file, access.End)
		for _, p := range problems {
			if p.File == file {
				t.Error(p)
			}
		}
		if err != nil || set == nil {
			t.Fatal(err, problems)
		}
		return set
	}
	if set := load(data); !set.Equal(nil) || len(set.Settings) != 2 {
		t.Errorf("the example changes something: %+v", set)
	}
	set := load(bytes.ReplaceAll(data, []byte("#:"), nil))
	if len(set.Exceptions) != 2 || len(set.Closures) != 1 || len(set.Disputes) != 1 {
		t.Errorf("the examples are %+v", set)
	}
}

// A change of content is noticed, also by renaming and by moving a link; a touch
// is not.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yml"), good)
	ruleFile := filepath.Join(t.TempDir(), "rules.yml") // elsewhere
	write(t, ruleFile, "version: 1\n")
	paths := []string{dir, ruleFile}
	ctx, cancel := context.WithCancel(context.Background())
	changed := make(chan struct{}, 10)
	done := make(chan struct{})
	sum := SumOf(paths)
	go func() {
		defer close(done)
		Watch(ctx, func() []string { return paths }, sum, func() { changed <- struct{}{} })
	}()
	defer func() { cancel(); <-done }()
	notice := func(what string) {
		t.Helper()
		select {
		case <-changed:
		case <-time.After(20 * time.Second):
			t.Fatalf("%s was not noticed", what)
		}
	}
	// The watch may not have begun: content is compared with what was read before.
	write(t, filepath.Join(dir, "a.yml"), good+"# changed\n")
	if err := os.Chtimes(filepath.Join(dir, "a.yml"), time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	notice("a change of content")
	write(t, filepath.Join(dir, "next"), good+"# again\n")
	if err := os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "a.yml")); err != nil {
		t.Fatal(err)
	}
	notice("a file renamed into place")
	write(t, filepath.Join(dir, "b.yml"), good)
	notice("a new file")
	write(t, ruleFile, "version: 1\nkinds: {}\n")
	notice("a change of the rule file")
	if len(changed) > 0 {
		t.Error("noticed more than what changed")
	}
}
