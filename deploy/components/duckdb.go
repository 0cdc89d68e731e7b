package components

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// runQuery prints what a query answers as JSON, one row a line, times in UTC.
const runQuery = `
import json, sys, duckdb
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
answer = connection.execute(sys.stdin.read())
names = [column[0] for column in answer.description]
for row in answer.fetchall():
    print(json.dumps(dict(zip(names, row)), default=str))
`

// DuckDB runs a query in a folder, in whose files it can read, and returns the
// rows of its answer as JSON, one a line.
func DuckDB(t testing.TB, dir, query string) string {
	t.Helper()
	packages := filepath.Join(cache(t), duckdb)
	var err error
	if _, missing := os.Stat(filepath.Join(packages, "duckdb")); missing != nil {
		err = fetch(t, duckdb)
	}
	want(t, duckdb, err)
	cmd := exec.CommandContext(t.Context(), "python3", "-c", runQuery)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PYTHONPATH="+packages, "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stdin = bytes.NewReader([]byte(query))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("DuckDB: %v\n%s", err, said.String())
	}
	return string(out)
}
