// Package components runs the real Apache Kafka, Prometheus, Alertmanager and
// Chromium for tests: on free loopback ports, in temporary folders, and stopped when the
// test ends; and queries in DuckDB. The script fetch beside it brings them into a cache folder; a test
// that finds one missing runs it.
//
// Where a component cannot be had, the test is skipped and the closing line of
// `make test` says what was not tested; under CI=true the test fails instead.
//
// It is imported by tests only and refuses to touch a process that it did not
// start. Each server belongs to one test; its methods are not for concurrent
// use.
package components

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	kafka        = "kafka"
	prometheus   = "prometheus"
	alertmanager = "alertmanager"
	duckdb       = "duckdb"
	chromium     = "chromium"
	strace       = "strace"
)

// Promtool returns the path of Prometheus' promtool.
func Promtool(t testing.TB) string {
	t.Helper()
	return program(t, prometheus, "promtool")
}

// Amtool returns the path of Alertmanager's amtool.
func Amtool(t testing.TB) string {
	t.Helper()
	return program(t, alertmanager, "amtool")
}

// Strace returns the path of strace, which tells what a process asks of the kernel.
func Strace(t testing.TB) string {
	t.Helper()
	return program(t, strace, "strace")
}

// program returns the path of one program of a component: from the cache, else
// fetched into it, else from the PATH.
func program(t testing.TB, component, name string) string {
	t.Helper()
	path := filepath.Join(cache(t), component, "bin", name)
	if _, err := os.Stat(path); err == nil {
		want(t, component, nil)
		return path
	}
	err := fetch(t, component)
	if err == nil {
		want(t, component, nil)
		return path
	}
	if found, lookErr := exec.LookPath(name); lookErr == nil {
		want(t, component, nil)
		return found
	}
	want(t, component, err)
	return ""
}

// want ends the test when err says that the component cannot be had, and keeps
// the record that `make test` prints at its end.
func want(t testing.TB, component string, err error) {
	t.Helper()
	record := filepath.Join(root(t), ".cache", "skipped", component)
	if err == nil {
		if err := os.Remove(record); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Logf("the record of skipped tests is out of date: %v", err)
		}
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is needed under CI=true: %v\nget it with `make components`", component, err)
	}
	line := fmt.Sprintf("not tested with the real %s: %v; then run `make components`\n", component, err)
	if err := errors.Join(
		os.MkdirAll(filepath.Dir(record), 0o755),
		os.WriteFile(record, []byte(line), 0o644),
	); err != nil {
		t.Errorf("record that %s was skipped: %v", component, err)
	}
	t.Skipf("%s cannot be had here: %v", component, err)
}

// fetch runs the script for one component. The script holds a lock, so packages
// tested at the same time fetch once, and it does not repeat a recent failure.
func fetch(t testing.TB, component string) error {
	t.Helper()
	script := filepath.Join(root(t), "deploy", "components", "fetch")
	cmd := exec.Command(script, "--quick", component)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		if said := strings.TrimPrefix(strings.TrimSpace(output.String()), "components: "); said != "" {
			return errors.New(said)
		}
		return err
	}
	return nil
}

// cache returns the folder that the script fills.
func cache(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("SUNSETWATCH_COMPONENTS"); dir != "" {
		return dir
	}
	return filepath.Join(root(t), ".cache", "components")
}

// root returns the folder of go.mod, at or above the package under test.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		t.Fatal("no go.mod at or above the working directory")
	}
}
