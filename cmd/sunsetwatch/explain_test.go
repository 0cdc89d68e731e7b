package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// update writes what commands print into rules/explain.md and the scripts,
// instead of comparing.
var update = flag.Bool("update", false, "write golden output instead of comparing it")

var (
	// namedFile is a yaml block after a sentence that names its file last.
	namedFile = regexp.MustCompile("(?s)`([a-z]+\\.yml)`:\n\n```yaml\n(.*?)```\n")
	// example is a command with its output.
	example = regexp.MustCompile("(?s)(```sh\n)(.*?)(```\n\n```\n)(.*?)(```\n)")
)

// The examples of rules/explain.md print what the page says.
func TestExplainPage(t *testing.T) {
	t.Parallel()
	const page = "rules/explain.md"
	text := document(t, page)
	dir := t.TempDir()
	files := namedFile.FindAllStringSubmatch(text, -1)
	for _, m := range files {
		if err := os.WriteFile(filepath.Join(dir, m[1]), []byte(m[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	examples := 0
	updated := example.ReplaceAllStringFunc(text, func(block string) string {
		examples++
		m := example.FindStringSubmatch(block)
		cmd := exec.CommandContext(t.Context(), "bash", "-c", "set -o pipefail; "+m[2])
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s%v\n%s", m[2], err, out)
		}
		if !*update && string(out) != m[4] {
			t.Errorf("%sprints\n%s\nand the page says\n%s\n(go test ./cmd/sunsetwatch -run TestExplainPage -update writes it)", m[2], out, m[4])
		}
		return m[1] + m[2] + m[3] + string(out) + m[5]
	})
	if examples != 8 || len(files) != 2 {
		t.Errorf("%d examples and %d files, want 8 and 2", examples, len(files))
	}
	if *update {
		if err := os.WriteFile(filepath.Join(root, page), []byte(updated), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
