package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"sunsetwatch/cmd/internal/openmetrics"
	"sunsetwatch/cmd/internal/replay"
	"sunsetwatch/rules/access"
)

// metricsName is the directory of what a replay found, as metrics of the past.
const metricsName = "metrics"

// writeMetrics writes them. The directory is there even where it is empty, so that
// none of an earlier run stays in its place.
func writeMetrics(dir string, r *replay.Result) error {
	dir = filepath.Join(dir, metricsName)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	d := openmetrics.Data{Registry: r.Registry, Rules: r.Rules, Findings: r.Findings, Facts: r.Facts, Now: access.Beginning}
	if r.Last != access.Beginning {
		d.Now = r.Now()
	}
	_, err := openmetrics.Write(dir, d)
	return err
}

// roomForReport finds what is not of a replay and would give way to the page or to
// the metrics.
func roomForReport(out string) error {
	if info, err := os.Stat(filepath.Join(out, reportName)); err == nil && info.IsDir() {
		return fmt.Errorf("%s in it is a directory, and not of a replay: name another one", reportName)
	}
	dir := filepath.Join(out, metricsName)
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s in it is a file, and not of a replay: name another one", metricsName)
	case err != nil:
		return err
	}
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != openmetrics.Extension {
			return fmt.Errorf("%s, which a replay replaces as a whole, holds %s, which is not of one: name another directory", dir, e.Name())
		}
	}
	return nil
}

// tellMetrics says how what was written is loaded.
func tellMetrics(w io.Writer, out string) error {
	dir := filepath.Join(out, metricsName)
	if files, err := os.ReadDir(dir); err != nil || len(files) == 0 {
		return err
	}
	_, err := fmt.Fprintf(w, "metrics: load them into a Prometheus of their own, one that watches nothing live:\n%s", openmetrics.Commands(dir))
	return err
}
