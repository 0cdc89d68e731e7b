package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// Origin is where the state of a Store came from.
type Origin uint8

// The origins.
const (
	FromNothing Origin = iota // nothing was ever saved, or all of it is lost: see Report.Lost
	FromFile                  // the last save
	FromCopy                  // the verified copy, since the file was damaged or missing
)

var originWords = [...]string{"nothing", "file", "copy"}

// String is the word for it in logs and on the status page.
func (o Origin) String() string { return originWords[o] }

// Report says what Open found.
type Report struct {
	From Origin
	// Damaged are the damaged files under the names by which they were set
	// aside. Where From is FromNothing, those of earlier runs are among them,
	// since nothing was saved after them.
	Damaged []string
	// Detail says in a sentence or two what happened and what it means; empty
	// when all is as it should be.
	Detail string
}

// Lost reports whether there was a state, and nothing of it could be restored.
func (r *Report) Lost() bool { return r.From == FromNothing && len(r.Damaged) > 0 }

// found is one of the two files, looked at.
type found struct {
	verified
	missing bool
	damage  error // not nil: why it cannot be used
	written time.Time
}

func (f *found) sound() bool { return !f.missing && f.damage == nil }

// restore makes sure that there is a sound file in dir, and says which state it
// holds. Everything is looked at before anything is moved.
func restore(dir string, o Options) (verified, Report, error) {
	file, copied := filepath.Join(dir, fileName), filepath.Join(dir, copyName)
	fail := func(err error) (verified, Report, error) { return verified{}, Report{}, err }
	for _, path := range []string{file, copied} {
		if err := os.Remove(path + newName); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fail(fmt.Errorf("state directory %s: %w", dir, err))
		}
	}

	have, err := inspect(file, o)
	if err != nil {
		return fail(err)
	}
	if have.sound() {
		report := Report{From: FromFile}
		switch {
		case have.saves == 0:
			report.From = FromNothing
			report.Damaged, report.Detail = earlierLoss(dir)
		case have.stepped:
			report.Detail = fmt.Sprintf("one of the two meta pages of %s is damaged: what is used is the last save, or the one before it, whole; the disk may have lost power or be failing", file)
		}
		return have.verified, report, nil
	}

	spare, err := inspect(copied, o)
	if err != nil {
		return fail(err)
	}
	var r Report
	if spare.sound() {
		if have.verified, err = adopt(copied, file+newName, o); err != nil {
			return fail(err)
		}
	}
	if have.damage != nil {
		if err := r.setAside(file, o.Now); err != nil {
			return fail(err)
		}
	}
	if spare.damage != nil {
		if err := r.setAside(copied, o.Now); err != nil {
			return fail(err)
		}
	}
	var said []string
	for _, f := range []struct {
		path string
		*found
	}{{file, &have}, {copied, &spare}} {
		if f.damage != nil {
			said = append(said, fmt.Sprintf("%s is damaged: %v", f.path, f.damage))
		} else if f.missing {
			said = append(said, fmt.Sprintf("%s is missing", f.path))
		}
	}
	switch {
	case spare.sound():
		r.From = FromCopy
		said = append(said, fmt.Sprintf("the copy of %s is used, and reading goes on from its positions", spare.written.UTC().Format(time.RFC3339)))
	case len(r.Damaged) > 0:
		said = append(said, "the state is lost")
	default:
		said = nil
		var detail string
		if r.Damaged, detail = earlierLoss(dir); detail != "" {
			said = append(said, detail)
		}
	}
	if r.From == FromNothing {
		if have.verified, err = makeEmpty(file+newName, o); err != nil {
			return fail(err)
		}
	}
	if err := place(file+newName, file); err != nil {
		return fail(err)
	}
	if len(r.Damaged) > 0 {
		said = append(said, "damaged files are kept as "+strings.Join(r.Damaged, ", "))
	}
	r.Detail = strings.Join(said, "; ")
	return have.verified, r, nil
}

// inspect looks at one file. The error says why Open must refuse, with the
// files as they are.
func inspect(path string, o Options) (f found, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return found{missing: true}, nil
	}
	if err != nil {
		return f, fmt.Errorf("state: %w: make it readable for this user", err)
	}
	f.written = info.ModTime()
	f.verified, err = verifyFile(path, nil)
	switch {
	case errors.Is(err, ErrNewer):
		return f, fmt.Errorf("state %s was %w: start that version again, or give this one a state.dir of its own; nothing was changed", path, err)
	case isDamage(err):
		f.damage = err
		return f, nil
	case err != nil:
		return f, fmt.Errorf("state cannot be read: %w: make it readable for this user, and check the disk; nothing was changed", err)
	case f.stepped && f.saves == 0:
		f.damage = damage("only the empty state from before the first save is left")
		return f, nil
	case f.keyID != o.KeyID:
		return f, fmt.Errorf("%w: %s needs the key with the id %q, the key file given has %q: put the right subject key file back, or give this instance a state.dir of its own; nothing was changed", ErrOtherKey, path, f.keyID, o.KeyID)
	}
	return f, nil
}

func verifyFile(path string, visit func(b Bucket, key, value []byte) error) (verified, error) {
	f, err := os.Open(path)
	if err != nil {
		return verified{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return verified{}, err
	}
	if !info.Mode().IsRegular() {
		return verified{}, fmt.Errorf("%s is not a regular file", path)
	}
	return verify(f, info.Size(), visit)
}

func isDamage(err error) bool {
	_, ok := errors.AsType[damage](err)
	return ok
}

// adopt makes a verified file out of the copy, which stays.
func adopt(from, to string, o Options) (verified, error) {
	err := duplicate(from, to)
	if err == nil {
		var f found
		if f, err = inspect(to, o); err == nil {
			if f.damage == nil {
				return f.verified, nil
			}
			err = fmt.Errorf("%s, just written, does not read back: %w", to, f.damage)
		}
	}
	return verified{}, fmt.Errorf("the copy of the state could not be put in place: %w: check free space and health of the disk; nothing was lost", err)
}

func duplicate(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if err == nil {
		err = dst.Sync()
	}
	return errors.Join(err, dst.Close())
}

// makeEmpty makes the file of a state that was never saved. It is made whole
// under another name, so that a kill leaves no half-made file.
func makeEmpty(path string, o Options) (v verified, err error) {
	h := header{keyID: o.KeyID}
	err = guard(func() error {
		db, err := openBolt(path, 0, o.pageBytes)
		if err != nil {
			return err
		}
		// Twice, so that both meta pages know the header.
		for range 2 {
			err = db.Update(func(tx *bbolt.Tx) error {
				for _, name := range append(bucketNames[:], headerBucket) {
					if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
						return err
					}
				}
				return putHeader(tx, &h)
			})
			if err != nil {
				break
			}
		}
		return errors.Join(err, db.Close())
	})
	if err == nil {
		v, err = verifyFile(path, nil)
	}
	if err != nil {
		return v, fmt.Errorf("state %s cannot be made: %w: check free space and health of the disk", path, err)
	}
	return v, nil
}

// place renames a file into its place and makes that durable.
func place(from, to string) error {
	err := os.Rename(from, to)
	if err == nil {
		err = syncDir(filepath.Dir(to))
	}
	if err != nil {
		return fmt.Errorf("state %s cannot be put in place: %w", to, err)
	}
	return nil
}

// setAside renames a damaged file to a name that is free.
func (r *Report) setAside(path string, now time.Time) error {
	name := path + damagedInfix + now.UTC().Format("20060102T150405Z")
	free := name
	for n := 2; ; n++ {
		if _, err := os.Lstat(free); errors.Is(err, fs.ErrNotExist) {
			break
		}
		free = fmt.Sprintf("%s-%d", name, n)
	}
	if err := os.Rename(path, free); err != nil {
		return fmt.Errorf("damaged state cannot be set aside: %w", err)
	}
	r.Damaged = append(r.Damaged, free)
	return nil
}

const damagedInfix = ".damaged-"

// earlierLoss finds damaged files that earlier runs set aside, for a state
// that was not saved since.
func earlierLoss(dir string) (damaged []string, detail string) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, ""
	}
	for _, n := range names {
		if strings.HasPrefix(n.Name(), fileName) && strings.Contains(n.Name(), damagedInfix) {
			damaged = append(damaged, filepath.Join(dir, n.Name()))
		}
	}
	if damaged != nil {
		detail = "the state was lost in an earlier run, and nothing was saved since"
	}
	return damaged, detail
}
