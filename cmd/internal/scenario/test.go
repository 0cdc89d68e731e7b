package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Ext is the ending of scenario files.
const Ext = ".txtar"

// Options of Test.
type Options struct {
	Paths   []string       // files, and directories with all files *.txtar in and below them
	Match   *regexp.Regexp // nil: all; else only files whose name matches
	Verbose bool           // also list what was found
	Update  bool           // write what was found into the files
	JUnit   string         // file for a report in JUnit's XML; empty: none
	Out     io.Writer
	Err     io.Writer
}

// Errors of Test. What is wrong has been printed.
var (
	ErrDiffer     = errors.New("scenarios differ")
	ErrUnreadable = errors.New("scenarios could not be read")
)

// Test runs files one after the other, and prints a line for each, with the
// differences.
func Test(ctx context.Context, o Options) error {
	names, err := files(o.Paths, o.Match)
	if err != nil {
		return err
	}
	t := tester{Options: o}
	for _, name := range names {
		if err := t.one(ctx, name); err != nil {
			return err
		}
	}
	if o.JUnit != "" {
		if err := writeJUnit(o.JUnit, t.results); err != nil {
			return err
		}
	}
	switch {
	case t.unreadable > 0:
		return ErrUnreadable
	case t.failed > 0:
		return ErrDiffer
	}
	return nil
}

// files are the scenario files of paths, each once, in the order of paths and,
// in a directory, of names.
func files(paths []string, match *regexp.Regexp) ([]string, error) {
	var names []string
	var failed []error
	for _, path := range paths {
		found, err := scenarioFiles(path)
		if err != nil {
			failed = append(failed, err)
		}
		for _, name := range found {
			if !slices.Contains(names, name) && (match == nil || match.MatchString(filepath.Base(name))) {
				names = append(names, name)
			}
		}
	}
	if len(failed) == 0 && len(names) == 0 {
		failed = append(failed, fmt.Errorf("no scenario file matches %q", match))
	}
	return names, errors.Join(failed...)
}

func scenarioFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{filepath.Clean(path)}, nil
	}
	var names []string
	root := path + string(filepath.Separator) // so that a link to a directory is one
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != root && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case !entry.IsDir() && filepath.Ext(name) == Ext:
			names = append(names, name)
		}
		return nil
	})
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s: no *%s file in this directory", path, Ext)
	}
	return names, err
}

// result is what came of one file.
type result struct {
	name       string
	outcome    *Outcome // nil: it could not be read or told
	unreadable string   // why
	took       time.Duration
}

type tester struct {
	Options
	results            []result
	failed, unreadable int
}

func (t *tester) one(ctx context.Context, name string) error {
	begin := time.Now()
	outcome, err := run(ctx, name)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r := result{name: name, outcome: outcome, took: time.Since(begin)}
	word, note := "ok  ", ""
	switch {
	case err != nil:
		r.unreadable = err.Error()
		t.unreadable++
		t.results = append(t.results, r)
		fmt.Fprintf(t.Out, "FAIL  %s  unreadable\n", name)
		fmt.Fprintln(t.Err, strings.TrimSuffix(r.unreadable, "\n"))
		return nil
	case outcome.Passed():
	case t.Update:
		text, err := outcome.updated()
		if err != nil {
			fmt.Fprintln(t.Err, err)
			word, note = "FAIL", "  not updated"
			t.failed++
			break
		}
		if err := os.WriteFile(name, text, 0o666); err != nil {
			return err
		}
		note = "  updated"
	default:
		word = "FAIL"
		t.failed++
	}
	t.results = append(t.results, r)
	fmt.Fprintf(t.Out, "%s  %s  %s%s\n", word, name, short(r.took), note)
	for i := range outcome.Checks {
		c := &outcome.Checks[i]
		if !c.Passed() && word == "FAIL" {
			fmt.Fprint(t.Out, indent(c.differences(name)))
		}
		if t.Verbose {
			fmt.Fprint(t.Out, indent(c.list(name)))
		}
	}
	if t.Verbose {
		fmt.Fprintf(t.Out, "  %d events told\n", outcome.Scenario.events())
	}
	return nil
}

func run(ctx context.Context, name string) (*Outcome, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s, problems := Parse(name, data)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return s.Run(ctx)
}

// short is a duration with three digits at most.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}
