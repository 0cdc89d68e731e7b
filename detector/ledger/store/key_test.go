package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestKeyIsMadeOnceAndReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", KeyName)
	if _, err := ReadKey(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	k, err := EnsureKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if k == (Key{}) {
		t.Error("the key is zero")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if got := names(t, filepath.Dir(path)); got != KeyName {
		t.Errorf("files %s", got)
	}
	for _, read := range []func(string) (Key, error){EnsureKey, ReadKey} {
		if again, err := read(path); err != nil || again != k {
			t.Errorf("another key at the second time, or %v", err)
		}
	}
	other, err := EnsureKey(path + "2")
	if err != nil || other == k || other.ID() == k.ID() {
		t.Errorf("two keys are the same, or %v", err)
	}
}

func TestKeyIsMadeByOneOfMany(t *testing.T) {
	path := filepath.Join(t.TempDir(), KeyName)
	var wg sync.WaitGroup
	keys := make([]Key, 8)
	for i := range keys {
		wg.Go(func() {
			k, err := EnsureKey(path)
			if err != nil {
				t.Error(err)
			}
			keys[i] = k
		})
	}
	wg.Wait()
	for _, k := range keys {
		if k != keys[0] {
			t.Fatal("different keys")
		}
	}
}

func TestKeyID(t *testing.T) {
	// It stands in saved states: it must never change.
	if got := (Key{1, 2, 3}).ID(); got != "e60675f0" || len(got) != keyIDBytes {
		t.Errorf("got %s", got)
	}
}

func TestKeyIsNotPrinted(t *testing.T) {
	k := Key{0xde, 0xad, 0xbe, 0xef, 222, 173}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		got := fmt.Sprintf(format, k)
		if strings.Contains(got, "dead") || strings.Contains(got, "222") || strings.Contains(got, "0xde") {
			t.Errorf("%s prints %s", format, got)
		}
	}
}

func TestBadKeyFiles(t *testing.T) {
	good := strings.Repeat("0f", 16)
	for _, test := range []struct {
		name, text string
		mode       os.FileMode
		want       string // part of the error; empty: it is good
	}{
		{"bare", good, 0o600, ""},
		{"line", good + "\n", 0o400, ""},
		{"upper case", strings.ToUpper(good) + "\r\n", 0o600, ""},
		{"group", good, 0o640, "chmod 600"},
		{"others", good, 0o604, "chmod 600"},
		{"empty", "", 0o600, "32 hex digits"},
		{"short", good[:30], 0o600, "it has 30 characters"},
		{"long", good + "00", 0o600, "32 hex digits"},
		{"very long", strings.Repeat(good, 1000), 0o600, "32 hex digits"},
		{"not hex", "zz" + good[2:], 0o600, "other characters"},
	} {
		path := filepath.Join(t.TempDir(), KeyName)
		writeFile(t, path, []byte(test.text))
		if err := os.Chmod(path, test.mode); err != nil {
			t.Fatal(err)
		}
		_, err := EnsureKey(path)
		switch {
		case test.want == "":
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		case err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path):
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.want)
		case strings.Contains(err.Error(), "0f0f") || strings.Contains(err.Error(), "zz"):
			t.Errorf("%s: the error shows the key: %v", test.name, err)
		}
		if string(readFile(t, path)) != test.text {
			t.Errorf("%s: the file was changed", test.name)
		}
	}
	if _, err := EnsureKey(t.TempDir()); err == nil {
		t.Error("a directory is a key")
	}
}
