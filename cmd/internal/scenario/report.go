package scenario

import (
	"fmt"
	"strings"
)

// differences are what is to be seen of a check that did not pass.
//
//	netflix.txtar:31: judge expect findings
//	  access_after_sunset netflix msg.recommend (line 35)
//	    events: got 2560, want 2561
//	  missing: operation_overreach netflix msg.recommend (line 44)
//	  unexpected: before_start netflix msg.recommend, warning, open, 4 events
//	    netflix read ...
func (c *Check) differences(file string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: %s\n", printable(file), c.step.line, printable(c.name()))
	for i := range c.mismatches {
		c.mismatches[i].render(&b)
	}
	for _, l := range c.lines {
		if l.got == "" {
			fmt.Fprintf(&b, "  missing: %s\n", printable(l.want))
		} else {
			fmt.Fprintf(&b, "  unexpected: %s\n", printable(l.got))
		}
	}
	return b.String()
}

func (m *mismatch) render(b *strings.Builder) {
	switch {
	case m.ambiguous > 0:
		fmt.Fprintf(b, "  %s (line %d)\n    %d findings are meant: say partner, feature and, if need be, principals\n", m.want.title(), m.want.line, m.ambiguous)
	case m.got == nil:
		fmt.Fprintf(b, "  missing: %s (line %d)\n", m.want.title(), m.want.line)
	case m.want == nil:
		fmt.Fprintf(b, "  unexpected: %s, %s, %s, %s events\n    %s\n", m.got.title(), m.got.text("severity"), m.got.text("state"),
			show(m.got.values["events"]), show(m.got.values["why"]))
	default:
		fmt.Fprintf(b, "  %s (line %d)\n", m.want.title(), m.want.line)
		for _, d := range m.differences {
			fmt.Fprintf(b, "    %s: got %s, want %s\n", d.path, d.got, d.want)
		}
	}
}

// list is what was found, for those who look closer.
func (c *Check) list(file string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: found by %s\n", printable(file), c.step.line, printable(c.name()))
	for _, f := range c.found {
		fmt.Fprintf(&b, "  %s, %s, %s, id %s\n    %s\n", f.title(), f.text("severity"), f.text("state"), f.text("id"), show(f.values["why"]))
	}
	for _, line := range c.problems {
		fmt.Fprintf(&b, "  %s\n", printable(line))
	}
	if len(c.found)+len(c.problems) == 0 {
		b.WriteString("  nothing\n")
	}
	return b.String()
}
