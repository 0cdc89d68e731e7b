package table

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

// Reasons for which Reader.Add refuses a file, beside damage.
var (
	ErrNotFacts = errors.New("it is no file of facts that sunsetwatch wrote")
	ErrFormat   = errors.New("it was written by another version of sunsetwatch")
	ErrOtherKey = errors.New("its people were hashed with another subject key")
)

// Options of a Reader.
type Options struct {
	// KeyID is the ID of the subject key that files must have; empty: that of the
	// first file.
	KeyID string
	// Ledger are the options of the ledger that is made; its Terms are not used.
	Ledger ledger.Options
}

// Reader reads the files of several ledgers, whose events are disjoint, as one.
// What comes out does not depend on their order.
type Reader struct {
	builder *ledger.Builder
	keyID   string
	first   string // the file that gave keyID
	events  uint64
	failed  bool
}

// NewReader is a Reader that has read nothing yet.
func NewReader(o Options) *Reader {
	return &Reader{builder: ledger.NewBuilder(o.Ledger), keyID: o.KeyID}
}

// KeyID is the ID of the subject key of all files; empty before the first one.
func (r *Reader) KeyID() string { return r.keyID }

// Events is how many events the files hold that were read.
func (r *Reader) Events() uint64 { return r.events }

// Add reads one file, of that size; name is for its errors. After an error,
// which may wrap ErrNotFacts, ErrFormat or ErrOtherKey, the Reader is of no use.
func (r *Reader) Add(name string, f io.ReaderAt, size int64) error {
	if r.failed {
		return fmt.Errorf("%s: a file before it was refused", name)
	}
	r.failed = true
	err := r.read(name, f, size)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.failed = false
	return nil
}

// Ledger is everything that was read, cut by the terms, where they are not nil;
// the Reader is of no use after that.
func (r *Reader) Ledger(terms ledger.Terms) (*ledger.Ledger, error) {
	if r.failed {
		return nil, errors.New("a file was refused")
	}
	r.failed = true
	return r.builder.Ledger(terms), nil
}

// IsFacts reports whether a file is a Parquet file that says of itself that it is
// one of facts, of any format.
func IsFacts(f io.ReaderAt, size int64) (is bool) {
	_ = guard(func() error {
		file, err := openFile(f, size)
		if err == nil {
			_, is = file.Lookup(keyFormat)
		}
		return err
	})
	return is
}

// guard turns a panic into an error: the library checks much, and a file that is
// made to harm must not end the program.
func guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("it is damaged: %v", v)
		}
	}()
	return f()
}

func openFile(f io.ReaderAt, size int64) (*parquet.File, error) {
	if err := checkFooter(f, size); err != nil {
		return nil, err
	}
	return parquet.OpenFile(f, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
}

func (r *Reader) read(name string, f io.ReaderAt, size int64) error {
	return guard(func() error {
		file, err := openFile(f, size)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNotFacts, err)
		}
		sources, meta, err := r.begin(name, file)
		if err != nil {
			return err
		}
		if err := checkPages(f, size, file.Metadata()); err != nil {
			return fmt.Errorf("it is damaged: %w", err)
		}
		if err := r.rows(file, sources, meta); err != nil {
			return fmt.Errorf("it is damaged: %w", err)
		}
		return nil
	})
}

// begin reads the metadata.
func (r *Reader) begin(name string, file *parquet.File) (map[string]ledger.SourceID, map[string]string, error) {
	meta := map[string]string{}
	for _, kv := range file.Metadata().KeyValueMetadata {
		meta[kv.Key] = kv.Value
	}
	switch format, err := strconv.Atoi(meta[keyFormat]); {
	case meta[keyFormat] == "":
		return nil, nil, ErrNotFacts
	case err != nil:
		return nil, nil, fmt.Errorf("it is damaged: its format is no number")
	case format != Format:
		return nil, nil, fmt.Errorf("%w: it has format %d, this one reads format %d. Make the ledger again with this version, or read it with that one", ErrFormat, format, Format)
	}
	if err := checkSchema(file.Metadata()); err != nil {
		return nil, nil, fmt.Errorf("it is damaged: %w", err)
	}
	switch keyID := meta[keySubjects]; {
	case r.keyID == "":
		r.keyID, r.first = keyID, name
	case keyID == r.keyID:
	case r.first != "":
		return nil, nil, fmt.Errorf("%w than those of %s (ids %q and %q): people could not be counted over both. Make one of them again with the key of the other", ErrOtherKey, r.first, keyID, r.keyID)
	default:
		return nil, nil, fmt.Errorf("%w: its id is %q, that of the key given is %q. Give the key that the ledger was made with", ErrOtherKey, keyID, r.keyID)
	}
	var list []source
	if err := json.Unmarshal([]byte(meta[keySources]), &list); err != nil {
		return nil, nil, fmt.Errorf("it is damaged: its list of sources: %w", err)
	}
	names := map[string]bool{}
	statuses := make([]ledger.SourceStatus, len(list))
	for i := range list {
		s, err := list[i].status()
		if err == nil && names[s.Name] {
			err = errors.New("it is listed twice")
		}
		if err != nil {
			return nil, nil, fmt.Errorf("it is damaged: its source %d: %w", i, err)
		}
		names[s.Name] = true
		statuses[i] = s
	}
	ids, err := r.builder.Begin(statuses)
	if err != nil {
		return nil, nil, err
	}
	sources := map[string]ledger.SourceID{}
	for i, id := range ids {
		sources[statuses[i].Name] = id
	}
	return sources, meta, nil
}

// rows reads all rows, and holds what they say against the metadata.
func (r *Reader) rows(file *parquet.File, sources map[string]ledger.SourceID, meta map[string]string) error {
	sum := newChecksum(meta)
	earliest, latest := access.End, access.Beginning
	total := int64(0)
	for _, group := range file.RowGroups() {
		in := group.Rows()
		err := eachRow(in, func(x *row) error {
			sum.add(x)
			f, err := x.fact(sources)
			if err == nil {
				err = r.builder.Add(f)
			}
			if err == nil && x.Days != f.Days.Mask() {
				err = errors.New("days are not those of its runs")
			}
			if err != nil {
				return fmt.Errorf("row %d: %w", total, err)
			}
			if f.Events > 0 {
				earliest, latest = min(earliest, f.First.Time), max(latest, f.Last.Time)
				r.events += f.Events
			}
			total++
			return nil
		})
		if err := errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	if total != file.NumRows() {
		return fmt.Errorf("it says that it has %d rows, and has %d", file.NumRows(), total)
	}
	if got := sum.String(); got != meta[keyChecksum] {
		return fmt.Errorf("its checksum does not match: it is %s, and should be %q", got, meta[keyChecksum])
	}
	for key, is := range map[string]access.Instant{keyEarliest: earliest, keyLatest: latest} {
		if total == 0 && meta[key] == "" {
			continue
		}
		said, err := instant(meta[key])
		if err != nil || said != is {
			return fmt.Errorf("its metadata %s is %q, and its facts say %s", key, meta[key], is)
		}
	}
	return nil
}

// eachRow calls f with every row, which is borrowed.
func eachRow(in parquet.Rows, f func(*row) error) error {
	schema := newSchema()
	columns := leavesOf(schema)
	batch := make([]parquet.Row, batchRows)
	for {
		n, err := in.ReadRows(batch)
		for _, values := range batch[:n] {
			if err := columns.check(values); err != nil {
				return err
			}
			var x row
			if err := schema.Reconstruct(&x, values); err != nil {
				return err
			}
			if err := f(&x); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), err == nil && n == 0:
			return nil
		case err != nil:
			return err
		}
	}
}

// instant reads what Instant.String wrote.
func instant(s string) (access.Instant, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, errors.New("a time that is none")
	}
	return access.At(t), nil
}
