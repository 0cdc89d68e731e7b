package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Names in a state directory.
const (
	fileName = "state.db"
	copyName = "state.db.copy"
	newName  = ".new" // appended while a file is being made
)

// Options of Open.
type Options struct {
	// Now goes into the names of damaged files.
	Now time.Time
	// KeyID is the ID of the subject key. A state made with another is refused.
	KeyID string

	pageBytes int // 0: pageBytes
}

const (
	// pageBytes is the same on every machine, whatever its pages of memory.
	pageBytes = 4096
	// growBytes are added to the file when it grows.
	growBytes = 4 << 20
	// mapBytes of addresses are set aside from the start, since bbolt cannot
	// move its map while Copy reads.
	mapBytes = 1 << 30
	// fillPercent leaves some room in pages that are split, as values grow.
	fillPercent = 0.8
)

// Store is an open state directory.
type Store struct {
	dir    string
	path   string
	lock   *os.File
	report Report

	copying sync.Mutex // one Copy at a time; taken before mu

	mu     sync.Mutex // Save, Load and Close exclude each other
	db     *bbolt.DB
	info   os.FileInfo // of the file that db has open
	broken error       // bbolt panicked: it may hold its locks for ever
}

// Open takes the directory, which is made (0700) where it is missing, for this
// process alone, and checks the whole state in it. A damaged file is set aside
// and the copy put in its place; Report says so. Where nothing is left, or
// never was, the Store is empty.
//
// Errors wrap ErrLocked, ErrNewer or ErrOtherKey where that is the reason;
// then, and whenever the disk cannot be read or written, no file was moved.
func Open(dir string, o Options) (_ *Store, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state directory %s cannot be made: %w: make its parent writable for this user, or name another one as state.dir", dir, err)
	}
	if o.pageBytes == 0 {
		o.pageBytes = pageBytes
	}
	s := &Store{dir: dir, path: filepath.Join(dir, fileName)}
	if s.lock, err = lock(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = s.lock.Close()
		}
	}()
	found, report, err := restore(dir, o)
	if err != nil {
		return nil, err
	}
	s.report = report
	if err := s.open(found); err != nil {
		return nil, fmt.Errorf("state %s cannot be opened: %w", s.path, err)
	}
	return s, nil
}

// open opens a verified file with bbolt, and makes sure that bbolt sees what
// was verified.
func (s *Store) open(v verified) (err error) {
	if s.info, err = os.Stat(s.path); err != nil {
		return err
	}
	var seen header
	err = guard(func() (err error) {
		if s.db, err = openBolt(s.path, s.info.Size(), 0); err != nil {
			return err
		}
		return s.db.View(func(tx *bbolt.Tx) error {
			seen, err = headerOf(tx)
			return err
		})
	})
	if err == nil && seen != v.header {
		err = damage("it changed after it was checked: another program writes to it")
	}
	if err != nil && s.db != nil {
		_ = s.db.Close()
	}
	return err
}

// openBolt opens a bbolt file, or makes an empty one, with pages of newPages
// bytes, where there is none.
//
// Free pages are not listed in the file: they are those that the verified tree
// does not reach, so a damaged list can never give a page in use away.
func openBolt(path string, size int64, newPages int) (*bbolt.DB, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         5 * time.Second,
		NoFreelistSync:  true,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: int(max(mapBytes, 2*size)),
		PageSize:        newPages,
		NoStatistics:    true,
	})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("another program has %s open (fuser %s shows which one): close it", path, path)
	}
	if err != nil {
		return nil, err
	}
	db.AllocSize = growBytes
	return db, nil
}

// Report says where the state came from, and what was damaged.
func (s *Store) Report() Report { return s.report }

// Load calls f with every entry, bucket by bucket and in the order of keys.
// Key and value are borrowed until f returns; the error of f ends Load and is
// returned as it is. What f gets is verified as it is read.
func (s *Store) Load(f func(b Bucket, key, value []byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return ErrClosed
	}
	var stopped error
	_, err := verifyFile(s.path, func(b Bucket, key, value []byte) error {
		stopped = f(b, key, value)
		return stopped
	})
	switch {
	case err == nil || err == stopped:
		return err
	case isDamage(err):
		return fmt.Errorf("state %s was damaged after it had been opened: %w: restart, so that it is set aside and the copy is used", s.path, err)
	}
	return fmt.Errorf("state cannot be read: %w", err)
}

// Save writes c in one transaction and returns when it is on the disk. After
// an error the state on the disk is that of the save before, or, where the
// disk failed at the last moment, all of c: give the same changes, and those
// since, to the next Save.
func (s *Store) Save(c *Changes) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.db == nil:
		return ErrClosed
	case s.broken != nil:
		return s.broken
	case c.Len() == 0:
		return nil
	}
	if info, err := os.Stat(s.path); err != nil || !os.SameFile(info, s.info) {
		return fmt.Errorf("state not saved: %s was removed or replaced while in use: restart, which reads on from what is there now", s.path)
	}
	changes := c.settle()
	var p *panicked
	err := guard(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error { return write(tx, changes) })
	})
	switch {
	case err == nil:
		return nil
	case errors.As(err, &p):
		s.broken = fmt.Errorf("state not saved to %s: %w: restart, which checks the file", s.path, err)
		return s.broken
	}
	return fmt.Errorf("state not saved to %s: %w: the save before it is kept; check free space and health of the disk", s.path, err)
}

// write puts sorted changes into a transaction.
func write(tx *bbolt.Tx, changes []change) error {
	h, err := headerOf(tx)
	if err != nil {
		return err
	}
	var buckets [Buckets]*bbolt.Bucket
	for i := range buckets {
		buckets[i] = tx.Bucket([]byte(bucketNames[i]))
		buckets[i].FillPercent = fillPercent
	}
	for _, ch := range changes {
		b, t := buckets[ch.bucket], &h.totals[ch.bucket]
		if old := b.Get(ch.key); old != nil {
			if bytes.Equal(old, ch.sealed) {
				continue
			}
			_, sum, ok := unseal(ch.key, old)
			if !ok {
				return damage("a value in the file changed after it was checked")
			}
			t.remove(sum)
		}
		if ch.sealed == nil {
			err = b.Delete(ch.key)
		} else {
			_, sum, _ := unseal(ch.key, ch.sealed)
			t.add(sum)
			err = b.Put(ch.key, ch.sealed)
		}
		if err != nil {
			return err
		}
	}
	h.saves++
	return putHeader(tx, &h)
}

func headerOf(tx *bbolt.Tx) (header, error) {
	b := tx.Bucket([]byte(headerBucket))
	if b == nil {
		return header{}, damage("it holds no header")
	}
	return readHeader(b.Get([]byte(headerKey)))
}

func putHeader(tx *bbolt.Tx, h *header) error {
	h.tx = uint64(tx.ID())
	return tx.Bucket([]byte(headerBucket)).Put([]byte(headerKey), h.appendSealed(nil))
}

// Size is the length of the state file in bytes; 0 where it cannot be told.
func (s *Store) Size() int64 {
	info, err := os.Stat(s.path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// Close waits for a Save or Copy under way, closes the file and gives the
// directory up. It saves nothing. A second Close does nothing.
func (s *Store) Close() error {
	s.copying.Lock()
	defer s.copying.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return nil
	}
	var err error
	if s.broken == nil { // else bbolt would wait for itself; the kernel closes the file
		err = s.db.Close()
	}
	s.db = nil
	return errors.Join(err, s.lock.Close())
}

// panicked is a panic of bbolt, or a fault in its map of the file, as an error.
type panicked struct{ value any }

func (p *panicked) Error() string { return fmt.Sprintf("bbolt: %v", p.value) }

// guard calls f, which runs bbolt. The file is verified before bbolt sees it;
// this is for what happens to it later: a disk that returns other bytes, or a
// file cut short by somebody else, which faults where it is mapped.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{v}
		}
	}()
	return f()
}
