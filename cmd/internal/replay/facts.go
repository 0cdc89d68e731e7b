package replay

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sunsetwatch/cmd/internal/facts"
	"sunsetwatch/detector/ledger/table"
	"sunsetwatch/rules/access"
)

// ledgersIn are the inputs that are facts: directories that --ledger wrote, or the
// files in them. events says whether there are others.
func ledgersIn(inputs []string) (all []string, events bool) {
	for _, in := range inputs {
		if strings.HasPrefix(in, kafkaScheme) || !facts.IsLedger(in) {
			events = true // or nothing that can be read, which is found there
			continue
		}
		all = append(all, in)
	}
	slices.Sort(all)
	return all, events
}

// readLedgers is the pass over inputs that are facts: nothing is counted any more.
func (c *count) readLedgers(all []string) error {
	r := table.NewReader(table.Options{KeyID: c.source.KeyID})
	if err := facts.Add(r, all...); err != nil {
		return &BadInput{err}
	}
	for _, path := range all {
		in := input{path: path, bytes: -1, format: "facts"}
		for _, name := range []string{path, filepath.Join(path, table.FileName)} {
			if info, err := os.Stat(name); err == nil && !info.IsDir() {
				in.bytes = info.Size()
			}
		}
		in.mark = fmt.Sprintf("%d bytes", in.bytes)
		c.inputs = append(c.inputs, in)
	}
	var err error
	if c.facts, err = r.Ledger(c.terms); err != nil {
		return &BadInput{err}
	}
	if c.facts.Latest() != access.Beginning && (c.facts.Earliest() < c.question.From || c.facts.Latest() >= c.question.until()) {
		return bad("the facts go from %s to %s and are not cut where --from, --to or --known-at cuts: ask that of the events, or of facts that were made with these flags",
			c.facts.Earliest(), c.facts.Latest())
	}
	counted := uint64(0)
	for principal, feature := range c.facts.Pairs() {
		for _, cell := range c.facts.Cells(principal, feature) {
			for s := range cell.Stretches() {
				counted += s.Events
			}
		}
	}
	// How many of them came from which ledger is not known once they add up.
	j := &job{}
	j.Done, j.Counts.Events, j.Counts.Added = true, counted, counted
	c.jobs = []*job{j}
	return nil
}
