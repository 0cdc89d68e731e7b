package facts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/detector/ledger/table"
	"sunsetwatch/rules/access"
)

func counted() *ledger.Ledger {
	l := ledger.New(ledger.Options{})
	p := l.NewPieces(ledger.PiecesOptions{Months: true})
	p.From(ledger.Source{Name: "a.jsonl"})
	p.Add(&access.Event{Time: 5, Principal: []byte("app"), Feature: []byte("f")}, access.Position{Offset: 1})
	return l
}

func TestALedgerIsADirectoryWithAFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "of", "facts")
	if IsLedger(dir) {
		t.Error("what is not there is a ledger")
	}
	for range 2 { // the second time over the first
		if err := Write(dir, counted(), table.Header{KeyID: "0badcafe"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, table.FileName)} {
		r := table.NewReader(table.Options{})
		err := Add(r, path)
		if err != nil {
			t.Fatal(err)
		}
		l, err := r.Ledger(nil)
		if err != nil || l.Latest() != 5 || !IsLedger(path) {
			t.Errorf("%s: latest %s, %v", path, l.Latest(), err)
		}
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 1 {
		t.Errorf("the directory has %v, %v; want one file", names, err)
	}
	if info, err := names[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
}

// What stands in the way is found before anything is counted.
func TestPrepare(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "blocked", table.FileName), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file", "file/below", "blocked"} {
		if err := Prepare(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), "name a directory that this user may write to") {
			t.Errorf("%s: %v", name, err)
		}
	}
	made := filepath.Join(dir, "of", "facts")
	if err := Prepare(made); err != nil {
		t.Fatal(err)
	}
	if names, err := os.ReadDir(made); err != nil || len(names) != 0 {
		t.Errorf("the directory has %v, %v; want nothing", names, err)
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	if err := Add(table.NewReader(table.Options{}), dir); err == nil || !strings.Contains(err.Error(), "is no ledger: it has no facts.parquet") {
		t.Errorf("an empty directory: %v", err)
	}
	path := filepath.Join(dir, table.FileName)
	if err := os.WriteFile(path, []byte("no facts"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Add(table.NewReader(table.Options{}), dir); err == nil || !strings.HasPrefix(err.Error(), path+": it is no file of facts") {
		t.Errorf("another file: %v", err)
	}
	if IsLedger(dir) {
		t.Error("another file is a ledger")
	}
	if err := Write(path, counted(), table.Header{}); err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Errorf("a file for a directory: %v", err)
	}
}
