package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"sunsetwatch/cmd/internal/facts"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/detector/ledger/store"
	"sunsetwatch/detector/ledger/table"
	"sunsetwatch/rules/access"
)

// ImportOptions are those of Import.
type ImportOptions struct {
	Ledgers  []string // directories, or files, of ledgers of disjoint events
	StateDir string   // empty, but for the subject key
	// SubjectKeyFile holds the key that the ledgers were made with; empty: the one
	// in the state directory.
	SubjectKeyFile string
	// From is the instant from which on partitions count that the ledgers have no
	// position of; access.Beginning: not said.
	From access.Instant
	Now  time.Time
}

// Imported says what became of an import.
type Imported struct {
	Events           uint64
	Cells            int
	Earliest, Latest access.Instant
	Positions        []ledger.SourceStatus // of partitions that are read on
}

// Import puts ledgers into an empty state, so that history begins before what a
// topic still holds. See ledger.Import for what counts after that. A state that
// holds anything is refused, and so is a ledger of another subject key.
func Import(o ImportOptions) (*Imported, error) {
	keyFile := o.SubjectKeyFile
	if keyFile == "" {
		keyFile = filepath.Join(o.StateDir, store.KeyName)
	}
	key, err := store.ReadKey(keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: copy the key that the ledger was made with to %s, or give it as --subject-key-file and in the configuration as subjects.key_file", err, filepath.Join(o.StateDir, store.KeyName))
	} else if err != nil {
		return nil, err
	}
	reader := table.NewReader(table.Options{KeyID: key.ID(), Ledger: ledger.Options{Key: ledger.Key(key)}})
	if err := facts.Add(reader, o.Ledgers...); err != nil {
		return nil, err
	}
	l, err := reader.Ledger(nil)
	if err != nil {
		return nil, err
	}
	imported := &Imported{Earliest: l.Earliest(), Latest: l.Latest()}
	for _, s := range l.Statuses() {
		imported.Events += s.Counted
	}
	imported.Cells, _ = l.Size()
	if err := l.Import(o.From); err != nil {
		return nil, err
	}
	imported.Positions = l.Sources()
	return imported, saveImported(o, key, l)
}

// saveImported makes a state of l.
func saveImported(o ImportOptions, key store.Key, l *ledger.Ledger) error {
	s, err := store.Open(o.StateDir, store.Options{Now: o.Now, KeyID: key.ID()})
	if err != nil {
		return err
	}
	defer s.Close()
	held := errors.New("held")
	err = s.Load(func(store.Bucket, []byte, []byte) error { return held })
	report := s.Report()
	switch {
	case errors.Is(err, held) || err == nil && report.From != store.FromNothing:
		return fmt.Errorf("the state in %s is not empty: facts are imported into an empty one only, since nothing tells which events both hold. Give another directory, or move the state away and import before the first run", o.StateDir)
	case err != nil:
		return err
	case report.Lost():
		return fmt.Errorf("the state in %s was damaged and set aside as %v: restore it, or move those files away and import again", o.StateDir, report.Damaged)
	}
	saved := ledger.Changes{}
	l.TakeChanges(saved)
	var changes store.Changes
	changes.Set(store.Ledger, saved)
	stamp, err := o.Now.UTC().MarshalText()
	if err != nil {
		return err
	}
	changes.Put(store.Meta, []byte(keySaved), stamp)
	if err := s.Save(&changes); err != nil {
		return err
	}
	return s.Copy()
}
