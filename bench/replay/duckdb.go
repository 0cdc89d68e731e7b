package main

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
)

var (
	//go:embed loader.py
	loader string
	//go:embed duckdb.sql
	query string
)

// duck is a DuckDB that can be run.
type duck struct {
	python, library, loader string
	version                 string
}

// question is what duckdb.sql is filled in with.
type question struct {
	Threads              int
	Whole                bool // all that is compared; else the short question
	Gaps, Events, Answer string
}

// findDuck finds the library in the Python package that this Python has. The
// loader is put into dir.
func findDuck(python, dir string) (*duck, error) {
	out, err := exec.Command(python, "-I", "-c", "import sys, duckdb, _duckdb; print(sys._base_executable, _duckdb.__file__, duckdb.__version__, sep='\\n')").Output()
	if err != nil {
		return nil, fmt.Errorf("%s has no duckdb: %w", python, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 3 {
		return nil, fmt.Errorf("%s says %q", python, out)
	}
	d := &duck{python: lines[0], library: lines[1], loader: filepath.Join(dir, "loader.py"), version: lines[2]}
	if major, _, _ := strings.Cut(d.version, "."); len(major) == 1 && major < "2" {
		return nil, fmt.Errorf("DuckDB %s reads TIMESTAMPTZ_NS not as the question needs it: take 2.0.0 or newer", d.version)
	}
	return d, os.WriteFile(d.loader, []byte(loader), 0o644)
}

// command runs SQL, which is put into a file of this name.
func (d *duck) command(file, sql string) (*exec.Cmd, error) {
	return exec.Command(d.python, "-I", "-S", d.loader, d.library, file), os.WriteFile(file, []byte(sql), 0o644)
}

func (q question) sql() string {
	var b strings.Builder
	if err := template.Must(template.New("duckdb.sql").Parse(query)).Execute(&b, q); err != nil {
		panic(err) // the template is ours
	}
	return b.String()
}

// scan is the table function that reads a file of events, with no more than the
// question needs.
func scan(file string, whole bool) (string, error) {
	switch {
	case strings.HasSuffix(file, tableFile):
		return fmt.Sprintf("read_parquet('%s')", file), nil
	case strings.HasSuffix(file, linesFile), strings.HasSuffix(file, packedFile):
		more := ""
		if whole {
			more = ", 'subject': 'VARCHAR', 'bytes': 'BIGINT'"
		}
		return fmt.Sprintf(`read_json('%s', format = 'newline_delimited', columns = {
        'time': 'TIMESTAMPTZ_NS', 'principal': 'VARCHAR', 'feature': 'VARCHAR', 'grantor': 'VARCHAR', 'records': 'BIGINT', 'outcome': 'VARCHAR'%s})`, file, more), nil
	}
	return "", errors.New("no such format: " + file)
}
