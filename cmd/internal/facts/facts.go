// Package facts opens and makes the files of ledgers for the commands: a ledger
// is a directory with the file table.FileName.
//
// A file is written under another name and put in place when it is whole, so
// that there is never half of one. It refuses to look into files; that is
// detector/ledger/table.
//
// Concurrency: functions are independent.
package facts

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/detector/ledger/table"
)

// IsLedger reports whether path is the directory of a ledger, or its file.
func IsLedger(path string) bool {
	f, size, err := open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return table.IsFacts(f, size)
}

// Add reads the ledgers in directories, or their files, into r.
func Add(r *table.Reader, paths ...string) error {
	for _, path := range paths {
		f, size, err := open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is no ledger: it has no %s; replay --ledger DIR makes one", path, table.FileName)
		} else if err != nil {
			return fmt.Errorf("the ledger cannot be read: %w", err)
		}
		err = r.Add(f.Name(), f, size)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func open(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		path = filepath.Join(path, table.FileName)
		info, err = os.Stat(path)
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		return nil, 0, err
	}
	f, err := os.Open(path)
	return f, info.Size(), err
}

// Prepare makes the directory where it is missing, and tries whether Write can
// write there, so that nobody counts for hours first.
func Prepare(dir string) error {
	f, err := create(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// create makes the file that Write fills.
func create(dir string) (*os.File, error) {
	err := os.MkdirAll(dir, 0o777)
	if info, failed := os.Stat(filepath.Join(dir, table.FileName)); failed == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory, where the file of the facts belongs", filepath.Join(dir, table.FileName))
	}
	var f *os.File
	if err == nil {
		f, err = os.CreateTemp(dir, "."+table.FileName+"-*") // mode 0600: it has hashes of people
	}
	if err != nil {
		return nil, fmt.Errorf("the ledger cannot be written: %w: name a directory that this user may write to", err)
	}
	return f, nil
}

// Write writes the facts of l to a directory, which is made where it is missing,
// in place of those that are there.
func Write(dir string, l *ledger.Ledger, h table.Header) error {
	f, err := create(dir)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // in vain once it is in place
	out := bufio.NewWriterSize(f, 1<<20)
	err = table.Write(out, l, h)
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, table.FileName))
	}
	if err != nil {
		return fmt.Errorf("the ledger in %s cannot be written: %w", dir, err)
	}
	return nil
}
