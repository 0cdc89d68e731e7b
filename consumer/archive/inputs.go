package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// found is a path that is to be read.
type found struct {
	path string
	info fs.FileInfo // nil: standard input that is no file
	in   io.Reader   // standard input
}

// stream reports whether what was found can only be read from its beginning to
// its end.
func (f *found) stream() bool { return f.in != nil || !f.info.Mode().IsRegular() }

// resolve makes paths of inputs. The error joins the problems.
func resolve(inputs []string, stdin io.Reader) (all []found, skipped []string, err error) {
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if len(inputs) == 0 {
		problem("no input: name files, directories or globs, or - for standard input")
	}
	for _, input := range inputs {
		if input == "-" {
			f := found{path: "-", in: stdin}
			if stdin == nil {
				problem("-: there is no standard input")
				continue
			}
			if file, ok := stdin.(interface{ Stat() (fs.FileInfo, error) }); ok {
				f.info, _ = file.Stat()
			}
			all = append(all, f)
			continue
		}
		info, err := os.Stat(input)
		switch {
		case err == nil && info.IsDir():
			files, passed, err := walk(input)
			skipped = append(skipped, passed...)
			if err != nil {
				problems = append(problems, err)
			} else if len(files) == 0 && len(passed) > 0 {
				problem("%s: the directory holds no files to read; hidden ones, whose names begin with a dot or an underscore, are passed over (such as %s)", input, passed[0])
			} else if len(files) == 0 {
				problem("%s: the directory is empty", input)
			}
			all = append(all, files...)
		case err == nil:
			all = append(all, found{path: input, info: info})
		case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(input, "*?["):
			files, passed, err := glob(input)
			skipped = append(skipped, passed...)
			if err != nil {
				problems = append(problems, err)
			}
			all = append(all, files...)
		case errors.Is(err, fs.ErrNotExist):
			problem("%s: there is no such file or directory", input)
		default:
			problems = append(problems, err)
		}
	}
	return all, skipped, few(append(problems, twice(all)...))
}

// hidden are names that tools leave beside data, such as .events.jsonl.swp,
// _SUCCESS and _metadata.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") && name != "." && name != ".." || strings.HasPrefix(name, "_")
}

// walk are the files below a directory, sorted, without hidden ones.
func walk(root string) (files []found, skipped []string, err error) {
	err = filepath.WalkDir(filepath.Clean(root)+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
		path = filepath.Clean(path)
		switch {
		case err != nil:
			return err
		case path != filepath.Clean(root) && hidden(d.Name()):
			skipped = append(skipped, path)
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		info, err := os.Stat(path) // behind a symbolic link
		switch {
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			skipped = append(skipped, path)
		default:
			files = append(files, found{path: path, info: info})
		}
		return nil
	})
	sort.Slice(files, func(i, j int) bool { return files[i].path < files[j].path })
	return files, skipped, err
}

// glob are the files that a pattern matches, and those in the directories that it
// matches.
func glob(pattern string) (files []found, skipped []string, err error) {
	if strings.Contains(pattern, "**") {
		return nil, nil, fmt.Errorf("%s: ** is not known here: name the directory, all below it is read", pattern)
	}
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: the pattern is not well-formed: %w", pattern, err)
	}
	for _, match := range matches {
		if hidden(filepath.Base(match)) && !hidden(filepath.Base(pattern)) {
			skipped = append(skipped, match)
			continue
		}
		info, err := os.Stat(match)
		if err != nil {
			return nil, skipped, err
		}
		if !info.IsDir() {
			files = append(files, found{path: match, info: info})
			continue
		}
		below, passed, err := walk(match)
		if err != nil {
			return nil, skipped, err
		}
		files, skipped = append(files, below...), append(skipped, passed...)
	}
	if len(files) == 0 {
		return nil, skipped, fmt.Errorf("%s: the pattern matches no file to read", pattern)
	}
	return files, skipped, nil
}

// twice are the problems of inputs that are the same file. Its events would be
// counted twice.
func twice(all []found) (problems []error) {
	byName := map[string]int{}
	type like struct{ size, changed int64 } // the same file has the same of both
	alike := map[like][]int{}
	for i := range all {
		f := &all[i]
		if first, seen := byName[f.path]; seen {
			problems = append(problems, fmt.Errorf("%s: given twice (inputs %d and %d): its events would be counted twice", f.path, first+1, i+1))
			continue
		}
		byName[f.path] = i
		if f.info == nil {
			continue
		}
		key := like{f.info.Size(), f.info.ModTime().UnixNano()}
		for _, j := range alike[key] {
			if os.SameFile(all[j].info, f.info) {
				problems = append(problems, fmt.Errorf("%s and %s are the same file: its events would be counted twice", all[j].path, f.path))
				break
			}
		}
		alike[key] = append(alike[key], i)
	}
	return problems
}
