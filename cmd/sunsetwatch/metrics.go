package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

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

// tellMetrics says how what was written is loaded.
func tellMetrics(w io.Writer, out string) error {
	dir := filepath.Join(out, metricsName)
	if files, err := filepath.Glob(filepath.Join(dir, "*"+openmetrics.Extension)); err != nil || len(files) == 0 {
		return err
	}
	_, err := fmt.Fprintf(w, "metrics: load them into a Prometheus of their own, one that watches nothing live:\n%s", openmetrics.Commands(dir))
	return err
}
