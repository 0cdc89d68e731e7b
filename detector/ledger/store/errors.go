package store

import "errors"

// Reasons why Open refuses a directory. In each case nothing in it was changed.
var (
	// ErrLocked: another process uses the directory.
	ErrLocked = errors.New("the state directory is in use")
	// ErrNewer: a newer version of sunsetwatch wrote the file.
	ErrNewer = errors.New("written by a newer version of sunsetwatch")
	// ErrOtherKey: people in this state are hashed with another subject key.
	ErrOtherKey = errors.New("the state was made with another subject key")
	// ErrClosed: the Store is closed.
	ErrClosed = errors.New("the state is closed")
)

// damage says in what way bytes are not what was written.
type damage string

func (d damage) Error() string { return string(d) }
