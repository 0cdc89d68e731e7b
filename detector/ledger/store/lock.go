package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const lockName = "lock"

// lock takes the directory for this process alone, until the file is closed or
// the process ends in whatever way. The file itself stays: removing it would
// let two processes hold a lock of the same name.
func lock(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state directory %s cannot be locked: %w: make it writable for this user, or name another one as state.dir", dir, err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w: another process holds %s: stop it (fuser %s shows which one), or give this instance a state.dir and a kafka.group of its own", ErrLocked, path, path)
	}
	return nil, fmt.Errorf("state directory %s cannot be locked: %w: its file system must support flock", dir, err)
}
