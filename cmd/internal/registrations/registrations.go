// Package registrations reads registration files from disk as one set, with the
// rule file that stands beside it, and notices when they change.
//
// The package refuses to compile half a set, to log, and to decide what a
// change means.
//
// Concurrency: functions may be called from any goroutine; Watch runs in its
// caller's.
package registrations

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
	"sunsetwatch/rules/registry"
)

// Read reads all files of paths as one set and compiles it, and the rule file
// against it; an empty ruleFile is none, and the RuleSet is then nil, which is
// that of all defaults. All or nothing: both are nil where a problem is an error.
// The error is about reading: a path that is not there, or a directory without a
// registration file.
func Read(paths []string, ruleFile string, now access.Instant) (*registry.Snapshot, *rules.RuleSet, document.Problems, error) {
	files, err := Files(paths)
	var file registry.File
	if ruleFile != "" {
		file.Name = filepath.Clean(ruleFile)
		data, failed := os.ReadFile(file.Name)
		if failed == nil && slices.ContainsFunc(files, func(f registry.File) bool { return f.Name == file.Name }) {
			failed = fmt.Errorf("%s: the rule file lies among the registrations: move it to another directory", file.Name)
		}
		file.Data, err = data, errors.Join(err, failed)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	snapshot, problems := registry.Read(files, registry.Options{Now: now})
	var set *rules.RuleSet
	if ruleFile != "" {
		read, more := rules.ReadRules(file, snapshot, rules.RuleOptions{Now: now})
		set, problems = read, append(problems, more...)
	}
	if problems.Errors() > 0 {
		return nil, nil, problems, nil
	}
	return snapshot, set, problems, nil
}

// Files are the files of paths: a path is a file, or a directory, of which all
// files named *.yml and *.yaml count, also in directories below and through links;
// names that begin with a dot do not. Each file is read once, in the order of names.
func Files(paths []string) ([]registry.File, error) {
	var names []string
	var failed []error
	for _, path := range paths {
		found, err := list(path)
		if err != nil {
			failed = append(failed, err)
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var files []registry.File
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		files = append(files, registry.File{Name: name, Data: data})
	}
	return files, errors.Join(failed...)
}

func list(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{filepath.Clean(path)}, nil
	}
	names, err := below(filepath.Clean(path), []fs.FileInfo{info})
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s: no *.yml or *.yaml file in this directory", path)
	}
	return names, err
}

// below are the registration files in the last of dirs and deeper. Links are
// followed, since directories are mounted and replaced by them; dirs are those on
// the way to path.
func below(path string, dirs []fs.FileInfo) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		name := filepath.Join(path, entry.Name())
		info, err := os.Stat(name)
		switch ext := filepath.Ext(name); {
		case err != nil:
			return nil, err
		case !info.IsDir():
			if ext == ".yml" || ext == ".yaml" {
				names = append(names, name)
			}
			continue
		case slices.ContainsFunc(dirs, func(d fs.FileInfo) bool { return os.SameFile(d, info) }):
			return nil, fmt.Errorf("%s: leads back to a directory above it: remove this link", name)
		}
		more, err := below(name, append(slices.Clip(dirs), info))
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	return names, nil
}

// Sum recognises what the files of paths hold, also where they cannot be read.
type Sum [sha256.Size]byte

// SumOf reads the files of paths.
func SumOf(paths []string) Sum {
	files, err := Files(paths)
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%d %s %d\n", len(f.Name), f.Name, len(f.Data))
		h.Write(f.Data)
	}
	fmt.Fprint(h, err)
	return Sum(h.Sum(nil))
}
