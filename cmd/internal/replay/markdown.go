package replay

import (
	"fmt"
	"io"
	"strings"

	"sunsetwatch/rules"
)

// Markdown writes the difference fit for a pull request.
func (d *Difference) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### What this changes in findings\n\n%s, over %s", d.sentence(), plural(int(d.Read), "event"))
	if d.Rejected > 0 {
		fmt.Fprintf(&b, ", %s of them rejected", grouped(d.Rejected))
	}
	b.WriteString(".\n")
	for _, l := range d.Lacks {
		fmt.Fprintf(&b, "\n> **Incomplete:** %s\n", cell(l))
	}
	list := func(heading string, all []*rules.Finding) {
		if len(all) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n#### %s\n\n| severity | state | partner | feature | kind | events | people | why |\n|---|---|---|---|---|---:|---:|---|\n", heading)
		for _, f := range all {
			kind := f.Kind
			if detail := f.Scope + f.Rule; detail != "" {
				kind += " (" + detail + ")"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", f.Severity, f.State, cell(who(f)), cell(f.Feature), cell(kind),
				grouped(f.Events), grouped(f.People), cell(f.Why))
		}
	}
	list("Gained", d.Gained)
	list("Lost", d.Lost)
	if len(d.Changed) > 0 {
		b.WriteString("\n#### Changed\n\n| finding | field | before | after |\n|---|---|---|---|\n")
		for _, c := range d.Changed {
			name := cell(title(c.New))
			for _, f := range c.Fields {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, f.Field, cell(f.was()), cell(f.is()))
				name = ""
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cell is text in a cell of a table, where it is no markup.
func cell(s string) string {
	var b strings.Builder
	for _, r := range clean(s) {
		if strings.ContainsRune("\\|`*_<>[]#~@", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
