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

// write writes the output into dir, which exists: to a directory beside its place
// first, so that what is half written never looks whole.
func (r *Result) write(dir string, also []func(dir string, r *Result) error) (err error) {
	staged, err := os.MkdirTemp(dir, ".new-")
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
	if err := writeFile(staged, SummaryName, append(summary, '\n')); err != nil {
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
func writeFile(dir, name string, data []byte) (err error) {
	file, err := os.CreateTemp(dir, ".new-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	_, err = file.Write(data)
	if err = errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
	}
	return os.Rename(file.Name(), filepath.Join(dir, name))
}
