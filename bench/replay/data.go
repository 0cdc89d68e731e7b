package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
)

// Files of a data directory. The last that is written is the manifest, so a
// directory that has it is whole.
const (
	linesFile         = "events.jsonl"
	packedFile        = "events.jsonl.zst"
	tableFile         = "events.parquet"
	registrationsFile = "registrations.yml"
	gapsFile          = "gaps.csv"
	manifestFile      = "manifest.json"
)

const (
	frameBytes = 4 << 20 // of a zstd frame, before packing; it ends in the middle of a line
	groupRows  = 122_880 // of a row group: what DuckDB itself writes
)

// checksums of the streams of the usual sizes: whoever has others measures
// something else.
var checksums = map[int]string{
	400_000:   "5a429ba718f1716f7c9e821c6678962c274a81b235be786883bb7758c991060a",
	5_000_000: "5d2586980bc6064e17090a33d694c8fd16511b6ea805b562ffc4e92a15584d1d",
}

const manifestVersion = 2

// manifest says what a data directory holds.
type manifest struct {
	Version  int // of what is said here
	Events   int
	Checksum string // SHA-256 of the lines
	Bytes    map[string]int64
	Answer   answer
}

// generate fills a directory. What is there already and whole is left alone.
func generate(dir string, n int) (*manifest, error) {
	if m, err := readManifest(dir, n); err == nil {
		return m, nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	debug.SetMemoryLimit(1 << 30)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	w := newWorld()
	for name, write := range map[string]func(io.Writer) error{registrationsFile: w.registrations, gapsFile: w.gaps} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if err := errors.Join(write(f), f.Close()); err != nil {
			return nil, err
		}
	}
	m, err := writeEvents(dir, w, n)
	if err != nil {
		return nil, err
	}
	if err := m.verify(); err != nil {
		return nil, err
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return m, os.WriteFile(filepath.Join(dir, manifestFile), b, 0o644)
}

func readManifest(dir string, n int) (*manifest, error) {
	b, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err != nil {
		return nil, err
	}
	var v struct{ Version int }
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, err
	}
	if v.Version != manifestVersion {
		return nil, os.ErrNotExist // it is made again
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	if m.Events != n {
		return nil, fmt.Errorf("%s holds %d events, not %d: remove it", dir, m.Events, n)
	}
	for name, bytes := range m.Bytes {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() != bytes {
			return nil, fmt.Errorf("%s is not what was written: remove %s", filepath.Join(dir, name), dir)
		}
	}
	return &m, m.verify()
}

func (m *manifest) verify() error {
	if want := checksums[m.Events]; want != "" && want != m.Checksum {
		return fmt.Errorf("the stream of %d events has the checksum %s, want %s: the generator gives another one", m.Events, m.Checksum, want)
	}
	return nil
}

func writeEvents(dir string, w *world, n int) (*manifest, error) {
	var files []*os.File
	create := func(name string) (*os.File, error) {
		f, err := os.Create(filepath.Join(dir, name))
		files = append(files, f)
		return f, err
	}
	lines, err1 := create(linesFile)
	packed, err2 := create(packedFile)
	table, err3 := create(tableFile)
	encoder, err4 := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	sum := sha256.New()
	text := bufio.NewWriterSize(io.MultiWriter(lines, sum), 1<<20)
	rows := parquet.NewGenericWriter[event](table, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(groupRows),
		parquet.CreatedBy("sunsetwatch", "bench", ""))
	wanted := newTruth(w)
	var line, frame, out []byte
	pack := func(least int) error {
		for len(frame) >= least && len(frame) > 0 {
			cut := min(len(frame), frameBytes)
			out = encoder.EncodeAll(frame[:cut], out[:0])
			if _, err := packed.Write(out); err != nil {
				return err
			}
			frame = append(frame[:0], frame[cut:]...)
		}
		return nil
	}
	begin, done := time.Now(), 0
	batch := make([]event, 0, 1024)
	flush := func() error {
		_, err := rows.Write(batch)
		batch = batch[:0]
		return err
	}
	err := w.events(n, func(e *event) error {
		wanted.add(e)
		line = e.appendLine(line[:0])
		if _, err := text.Write(line); err != nil {
			return err
		}
		frame = append(frame, line...)
		if err := pack(frameBytes); err != nil {
			return err
		}
		batch = append(batch, *e)
		if done++; done%1_000_000 == 0 {
			fmt.Fprintf(os.Stderr, "%d events after %s\n", done, time.Since(begin).Round(time.Second))
		}
		if len(batch) == cap(batch) {
			return flush()
		}
		return nil
	})
	errs := []error{err, flush(), pack(0), text.Flush(), rows.Close()}
	m := &manifest{Version: manifestVersion, Events: n, Checksum: hex.EncodeToString(sum.Sum(nil)), Bytes: map[string]int64{}, Answer: wanted.answer()}
	for _, f := range files {
		info, err := f.Stat()
		errs = append(errs, err, f.Close())
		if err == nil {
			m.Bytes[filepath.Base(f.Name())] = info.Size()
		}
	}
	return m, errors.Join(errs...)
}

// warm reads a file, so that the first round does not read it from the disk.
func warm(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(io.Discard, f)
	return err
}
