package replay

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sunsetwatch/cmd/internal/facts"
	"sunsetwatch/rules"
)

// The files of the output. The summary comes to its place last: where it is, all
// of them are whole and of one run.
const (
	FindingsName = "findings.ndjson"
	SummaryName  = "summary.json"
)

// WriteFindings writes findings.ndjson.
func WriteFindings(w io.Writer, findings []*rules.Finding) error {
	out := bufio.NewWriter(w)
	for _, f := range findings {
		line, err := f.MarshalJSON() // which writes it as json.Marshal would
		if err != nil {
			return err
		}
		out.Write(line) // an error stays, for Flush to report
		out.WriteByte('\n')
	}
	return out.Flush()
}

// room makes the directories of the output, and finds what stands in the way of it
// before anything is read: who has read for hours has no patience for that.
func (r *run) room() error {
	for _, to := range []struct{ flag, dir string }{{"--out", r.Out}, {"--ledger", r.Ledger}} {
		if to.dir == "" {
			continue
		}
		for _, in := range r.Inputs {
			info, err := os.Stat(in)
			if err == nil && info.IsDir() && !facts.IsLedger(in) && within(to.dir, in) {
				return fmt.Errorf("%s %s lies in the input %s: what is written there would be read as events the next time; name a directory outside of it", to.flag, to.dir, in)
			}
		}
	}
	if r.Ledger != "" {
		if err := facts.Prepare(r.Ledger); err != nil {
			return fmt.Errorf("--ledger %s: %w", r.Ledger, err)
		}
	}
	if r.Out == "" {
		return nil
	}
	if info, err := os.Stat(r.Out); err == nil && !info.IsDir() {
		return fmt.Errorf("--out %s is a file: name a directory", r.Out)
	}
	if err := os.MkdirAll(r.Out, 0o777); err != nil {
		return fmt.Errorf("--out %s: %w", r.Out, err)
	}
	for _, name := range []string{FindingsName, SummaryName} {
		if info, err := os.Stat(filepath.Join(r.Out, name)); err == nil && info.IsDir() {
			return fmt.Errorf("--out %s: %s in it is a directory, and not of a replay: name another one", r.Out, name)
		}
	}
	if r.Room != nil {
		if err := r.Room(r.Out); err != nil {
			return fmt.Errorf("--out %s: %w", r.Out, err)
		}
	}
	staged, err := os.MkdirTemp(r.Out, stagedPrefix)
	if err == nil {
		err = os.Remove(staged)
	}
	if err = errors.Join(err, tidy(r.Out)); err != nil {
		return fmt.Errorf("--out %s: %w: name a directory that this user may write to", r.Out, err)
	}
	return nil
}

// within reports whether path is dir, or lies below it.
func within(path, dir string) bool {
	rel, err := filepath.Rel(resolved(dir), resolved(path))
	return err == nil && filepath.IsLocal(rel)
}

// resolved is where a path leads, of which the end need not be there yet.
func resolved(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real
	}
	parent := filepath.Dir(abs)
	if parent == abs {
		return abs
	}
	return filepath.Join(resolved(parent), filepath.Base(abs))
}

// stagedPrefix begins the names under which output is made.
const stagedPrefix = ".sunsetwatch-new-"

// tidy removes what runs that were killed left half made.
func tidy(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), stagedPrefix) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// write writes the output into dir, which exists: to a directory beside its place
// first, so that what is half written never looks whole.
func (r *Result) write(dir string, also []func(dir string, r *Result) error) (err error) {
	staged, err := os.MkdirTemp(dir, stagedPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(staged)
	if err := os.Chmod(staged, 0o755); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(staged, FindingsName))
	if err != nil {
		return err
	}
	if err := errors.Join(WriteFindings(file, r.Findings), file.Sync(), file.Close()); err != nil {
		return err
	}
	for _, write := range also {
		if err := write(staged, r); err != nil {
			return err
		}
	}
	summary, err := json.MarshalIndent(r.Summary, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(staged, SummaryName, append(summary, '\n'), 0o644); err != nil {
		return err
	}
	return install(staged, dir)
}

// install moves what was staged to its place.
func install(staged, dir string) error {
	entries, err := os.ReadDir(staged)
	if err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, SummaryName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if e.Name() == SummaryName {
			continue
		}
		if e.IsDir() {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
		if err := os.Rename(filepath.Join(staged, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	if err := os.Rename(filepath.Join(staged, SummaryName), filepath.Join(dir, SummaryName)); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, stateName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// writeFile writes to a temporary name, and renames.
func writeFile(dir, name string, data []byte, mode fs.FileMode) (err error) {
	file, err := os.CreateTemp(dir, stagedPrefix)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	_, err = file.Write(data)
	if err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
	}
	return os.Rename(file.Name(), filepath.Join(dir, name))
}
