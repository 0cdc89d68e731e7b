package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// Copy writes the state of the last save to a second file, verifies it whole,
// and only then puts it in the place of the copy before. Save goes on
// meanwhile. Before the first save there is nothing to copy, and Copy does
// nothing. An error leaves the copy before as it is; when it says that the
// bytes are damaged, so is the file on the disk.
func (s *Store) Copy() error {
	s.copying.Lock()
	defer s.copying.Unlock()
	s.mu.Lock()
	db, broken := s.db, s.broken
	s.mu.Unlock()
	switch {
	case db == nil:
		return ErrClosed
	case broken != nil:
		return broken
	}
	path := filepath.Join(s.dir, copyName)
	if err := s.copyTo(db, path); err != nil {
		_ = os.Remove(path + newName)
		return fmt.Errorf("copy of the state not made: %w: the copy before it is kept; check free space and health of the disk", err)
	}
	return nil
}

func (s *Store) copyTo(db *bbolt.DB, path string) error {
	var want header
	err := guard(func() error {
		return db.View(func(tx *bbolt.Tx) (err error) {
			if want, err = headerOf(tx); err != nil || want.saves == 0 {
				return err
			}
			f, err := os.OpenFile(path+newName, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
			if err != nil {
				return err
			}
			_, err = tx.WriteTo(f)
			if err == nil {
				err = f.Sync()
			}
			return errors.Join(err, f.Close())
		})
	})
	if err != nil || want.saves == 0 {
		return err
	}
	have, err := verifyFile(path+newName, nil)
	if err != nil {
		return err
	}
	if have.header != want {
		return damage("it is not the state that was copied")
	}
	return place(path+newName, path)
}
