package replay

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sunsetwatch/cmd/internal/facts"
	"sunsetwatch/detector/ledger/table"
	"sunsetwatch/rules/access"
)

// ledgersIn are the inputs that are facts: directories that --ledger wrote, or the
// files in them. The others are events, or nothing that can be read, which is found
// where they are opened.
func ledgersIn(inputs []string) (all, others []string) {
	for _, in := range inputs {
		for _, path := range matched(in) {
			if facts.IsLedger(path) {
				all = append(all, path)
			} else {
				others = append(others, path)
			}
		}
	}
	slices.Sort(all)
	return all, others
}

// matched are the paths that a pattern stands for; of all else itself.
func matched(input string) []string {
	if _, err := os.Stat(input); err == nil || strings.HasPrefix(input, kafkaScheme) {
		return []string{input}
	}
	paths, _ := filepath.Glob(input)
	paths = slices.DeleteFunc(paths, func(path string) bool { return strings.HasPrefix(filepath.Base(path), ".") })
	if len(paths) == 0 {
		return []string{input}
	}
	return paths
}

// ledgerBelow is a ledger somewhere in directories of events; empty: there is none.
func ledgerBelow(dirs []string) (ledger, dir string) {
	for _, dir := range dirs {
		found := ""
		// What cannot be read is told where it is opened.
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == table.FileName && facts.IsLedger(path) {
				found = filepath.Dir(path)
				return fs.SkipAll
			}
			return nil
		})
		if found != "" {
			return found, dir
		}
	}
	return "", ""
}

// readLedgers is the pass over inputs that are facts: nothing is counted any more.
func (c *count) readLedgers(all []string) error {
	r := table.NewReader(table.Options{KeyID: c.source.KeyID})
	for i, path := range all {
		before := r.Events()
		if err := facts.Add(r, path); err != nil {
			return &BadInput{err}
		}
		j := &job{input: i}
		j.Done, j.Counts.Events, j.Counts.Added = true, r.Events()-before, r.Events()-before
		c.jobs = append(c.jobs, j)
		in := input{path: path, bytes: -1, format: "facts"}
		for _, name := range []string{path, filepath.Join(path, table.FileName)} {
			if info, err := os.Stat(name); err == nil && !info.IsDir() {
				in.bytes, in.file = info.Size(), name
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
	return nil
}
