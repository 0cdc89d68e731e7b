package replay

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/detector/ledger/table"
	"sunsetwatch/rules/access"
)

// factFile is a file of facts among the inputs.
type factFile struct {
	input string // as given
	path  string
	size  int64
}

// factFiles are the inputs that are facts: files of them, and directories that
// --ledger wrote. events says whether there are others.
func factFiles(inputs []string) (all []factFile, events bool, err error) {
	for _, in := range inputs {
		path := in
		info, failed := os.Stat(in)
		if failed == nil && info.IsDir() {
			path = filepath.Join(in, table.FileName)
			info, failed = os.Stat(path)
		}
		if strings.HasPrefix(in, kafkaScheme) || failed != nil || !info.Mode().IsRegular() {
			events = true // or nothing that can be read, which is found there
			continue
		}
		is, err := isFacts(path, info)
		switch {
		case err != nil:
			return nil, false, err
		case !is:
			events = true
		default:
			for _, f := range all {
				if other, err := os.Stat(f.path); err == nil && os.SameFile(other, info) {
					return nil, false, fmt.Errorf("%s and %s are the same file: its facts would be counted twice", f.input, in)
				}
			}
			all = append(all, factFile{in, path, info.Size()})
		}
	}
	return all, events, nil
}

func isFacts(path string, info fs.FileInfo) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	return table.IsFacts(file, info.Size()), nil
}

// readFacts is the pass over inputs that are facts: nothing is counted any more.
func (c *count) readFacts(all []factFile) error {
	slices.SortFunc(all, func(a, b factFile) int { return cmp.Compare(a.path, b.path) })
	r := table.NewReader(table.Options{})
	before := uint64(0)
	for i, f := range all {
		if err := addFacts(r, f); err != nil {
			return &BadInput{err}
		}
		c.inputs = append(c.inputs, input{path: f.input, bytes: f.size, format: "facts", mark: fmt.Sprintf("%d bytes", f.size)})
		c.jobs = append(c.jobs, &job{input: i})
	}
	var err error
	if c.facts, err = r.Ledger(c.terms); err != nil {
		return &BadInput{err}
	}
	if c.facts.Latest() != access.Beginning && (c.facts.Earliest() < c.question.From || c.facts.Latest() >= c.question.until()) {
		return bad("the facts go from %s to %s and are not cut where --from, --to or --known-at cuts: ask that of the events, or of facts that were made with these flags",
			c.facts.Earliest(), c.facts.Latest())
	}
	for principal, feature := range c.facts.Pairs() {
		for _, cell := range c.facts.Cells(principal, feature) {
			for s := range cell.Stretches() {
				before += s.Events
			}
		}
	}
	// How many of them came from which file is not known any more, once they add up.
	c.jobs[0].Done, c.jobs[0].Counts.Events, c.jobs[0].Counts.Added = true, before, before
	return nil
}

func addFacts(r *table.Reader, f factFile) error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := r.Add(f.path, file, f.size); err != nil {
		if errors.Is(err, table.ErrOtherKey) {
			return fmt.Errorf("%w: people of both cannot be counted together", err)
		}
		return err
	}
	return nil
}

// writeFacts writes the facts into dir, for another replay, and for queries.
func writeFacts(dir string, facts *ledger.Ledger, h table.Header) (err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".new-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	err = table.Write(file, facts, h)
	if err = errors.Join(err, file.Chmod(0o600), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), filepath.Join(dir, table.FileName))
}
