package deploy

import (
	"fmt"
	"strings"

	"sunsetwatch/detector/exporter"
)

// MetricsPage is deploy/metrics.md: the reference of all metrics, made from the
// exporter's own table.
func MetricsPage() []byte {
	var b strings.Builder
	b.WriteString(`# Metrics

Generated from the table in ` + "`detector/exporter`" + ` by ` + "`make generate`" + `; do not edit.

The label ` + "`partner`" + ` is a registered name or ` + "`_unregistered`" + `, and ` + "`feature`" + ` a registered name or ` + "`_other`" + `: what only an event says is never a label value. Subjects are in no label, raw or hashed. Known values of the other labels exist from the first scrape. Alert on the gauge ` + "`sunsetwatch_finding_open`" + `, never on ` + "`increase()`" + ` of a counter that is born at 1; [the rules](prometheus/sunsetwatch.rules.yml) do, and [the runbook](runbook.md) says what to do then.
`)
	for _, part := range []struct {
		origin exporter.Origin
		text   string
	}{
		{exporter.FromState, "## Of the state\n\nAs of the last save, so that a kill never makes them step back; absent, never 0, until the state is restored. Those marked with * grow with registrations and findings and are capped: beyond the cap zero and info series go first, and `sunsetwatch_series_capped_total` counts what was left out. Open findings of severity warning or critical are always shown."},
		{exporter.FromProcess, "## Of the process\n\nThere from the first scrape."},
	} {
		fmt.Fprintf(&b, "\n%s\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n", part.text)
		for _, m := range exporter.Metrics() {
			if m.Origin != part.origin {
				continue
			}
			capped := ""
			if m.Capped {
				capped = " *"
			}
			labels := "none"
			if len(m.Labels) > 0 {
				labels = "`" + strings.Join(m.Labels, "`, `") + "`"
			}
			fmt.Fprintf(&b, "| `%s`%s | %s | %s | %s |\n", m.Name, capped, m.Type, labels, strings.ReplaceAll(m.Help, "|", `\|`))
		}
	}
	b.WriteString("\nBeside them stand the metrics of the Go runtime and of the process (`go_*`, `process_*`).\n")
	return []byte(b.String())
}
