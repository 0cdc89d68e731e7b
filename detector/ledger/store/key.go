package store

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// KeyName is the file name of the subject key in a state directory.
const KeyName = "subject.key"

// Key hashes people. It is secret: it prints as a placeholder.
type Key [16]byte

const keyIDBytes = 8

// ID names the key without giving it away: eight hex digits of a hash of it.
func (k Key) ID() string {
	sum := sha256.Sum256(append([]byte("sunsetwatch subject key\x00"), k[:]...))
	return hex.EncodeToString(sum[:keyIDBytes/2])
}

// String keeps the key out of logs.
func (k Key) String() string { return "(subject key " + k.ID() + ")" }

// GoString keeps the key out of logs.
func (k Key) GoString() string { return k.String() }

// ReadKey reads the key file at path: 32 hex digits, which nobody but its
// owner may read. A file that does not exist is an error that wraps
// fs.ErrNotExist.
func ReadKey(path string) (Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return Key{}, fmt.Errorf("subject key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Key{}, fmt.Errorf("subject key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Key{}, fmt.Errorf("subject key %s is not a regular file", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Key{}, fmt.Errorf("subject key %s can be read by others than its owner (mode %04o): run chmod 600 %s; if others may have read it, people can be recognised in the state", path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(f, 256))
	if err != nil {
		return Key{}, fmt.Errorf("subject key: %w", err)
	}
	text = bytes.TrimSpace(text)
	var k Key
	if len(text) != hex.EncodedLen(len(k)) {
		return Key{}, fmt.Errorf("subject key %s must be %d hex digits, it has %d characters: put the right file back; without it the saved people cannot be counted on", path, hex.EncodedLen(len(k)), len(text))
	}
	if _, err := hex.Decode(k[:], text); err != nil {
		// The error of hex would quote a byte of the secret.
		return Key{}, fmt.Errorf("subject key %s must be %d hex digits, it holds other characters", path, hex.EncodedLen(len(k)))
	}
	return k, nil
}

// EnsureKey reads the key file at path, or, where there is none, makes it
// (mode 0600, its directory 0700) with a random key. A key file that is there
// is whole, also when the process is killed or two of them make it at once.
func EnsureKey(path string) (Key, error) {
	k, err := ReadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err := makeKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return Key{}, fmt.Errorf("subject key %s cannot be made: %w: make its directory writable for this user, or name an existing file as subjects.key_file", path, err)
	}
	return ReadKey(path)
}

func makeKey(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	var k Key
	_, _ = rand.Read(k[:]) // never fails
	_, err = fmt.Fprintln(f, hex.EncodeToString(k[:]))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	// A link, unlike a rename, never replaces a key that somebody else has
	// made in the meantime.
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
