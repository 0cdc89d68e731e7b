package replay

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sunsetwatch/detector"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

// stateName is the file in the directory of the output in which an interrupted run
// is kept.
const stateName = ".sunsetwatch-replay"

const stateMagic = "sunsetwatch replay, interrupted, format 1\n"

// checkpoint is an interrupted run. It is read by the version that wrote it, and by
// no other.
type checkpoint struct {
	// Run tells the run from others: what it reads, what it is asked, what it judges
	// by.
	Run     map[string]string    `json:"run"`
	Started access.Instant       `json:"started"`
	Jobs    []jobState           `json:"jobs"`
	Ranges  map[string][]rangeOf `json:"ranges,omitempty"` // of topics, by input
	Then    []byte               `json:"then,omitempty"`   // detector.Then
	facts   []byte
	daily   []byte
	arrived []byte
	repeats []byte
	recent  [][]byte // by number of input
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (c *checkpoint) encode() ([]byte, error) {
	head, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	b := []byte(stateMagic)
	for _, part := range append([][]byte{head, c.facts, c.daily, c.arrived, c.repeats}, c.recent...) {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)), nil
}

var errState = errors.New("the state of the interrupted run is damaged, or of another version: start again without --resume")

func decodeCheckpoint(b []byte) (*checkpoint, error) {
	n := len(b) - 4
	if n < 0 || !bytes.HasPrefix(b, []byte(stateMagic)) || crc32.Checksum(b[:n], castagnoli) != binary.BigEndian.Uint32(b[n:]) {
		return nil, errState
	}
	var parts [][]byte
	for b = b[len(stateMagic):n]; len(b) > 0; {
		size, k := binary.Uvarint(b)
		if k <= 0 || size > uint64(len(b)-k) {
			return nil, errState
		}
		parts = append(parts, b[k:k+int(size)])
		b = b[k+int(size):]
	}
	if len(parts) < 5 {
		return nil, errState
	}
	c := &checkpoint{facts: parts[1], daily: parts[2], arrived: parts[3], repeats: parts[4], recent: parts[5:]}
	if err := json.Unmarshal(parts[0], c); err != nil {
		return nil, errState
	}
	return c, nil
}

// readCheckpoint is nil where there is none in dir.
func readCheckpoint(dir string) (*checkpoint, error) {
	path := filepath.Join(dir, stateName)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := decodeCheckpoint(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// keep saves what was counted until the interruption, or what was handed over by
// workers that are at work.
func (c *count) keep(dir string, run map[string]string, then []byte) error {
	s := checkpoint{Run: run, Started: c.started, Then: then, Ranges: map[string][]rangeOf{}}
	s.recent = make([][]byte, len(c.inputs))
	for _, j := range c.jobs {
		if !c.keeping.working {
			c.settle(j)
		}
		s.Jobs = append(s.Jobs, *cmp.Or(j.kept, &jobState{}))
		s.recent[j.input] = j.window
		if r, ok := j.origin.(*topicRange); ok {
			s.Ranges[r.address] = r.partitions
		}
	}
	s.facts, s.daily = c.facts.AppendPieces(nil), c.facts.AppendDaily(nil)
	if c.arrivals != nil {
		s.arrived = c.arrivals.Append(nil)
	}
	if c.repeats.all != nil {
		s.repeats = c.repeats.all.Append(nil)
	}
	b, err := s.encode()
	if err != nil {
		return err
	}
	return writeFile(dir, stateName, b, 0o600) // it has hashes of people
}

// restore takes up what was kept. The jobs are those of the run that was
// interrupted, since its inputs are.
func (c *count) restore(s *checkpoint) error {
	if len(s.Jobs) != len(c.jobs) || len(s.recent) != len(c.inputs) {
		return &BadInput{errState}
	}
	var err error
	if c.facts, err = ledger.LoadPieces(s.facts, c.options()); err != nil {
		return &BadInput{errState}
	}
	if err := c.facts.LoadDaily(s.daily); err != nil {
		return &BadInput{errState}
	}
	if c.arrivals != nil {
		if c.arrivals, err = detector.LoadArrivals(s.arrived, c.watch); err != nil {
			return &BadInput{errState}
		}
	}
	if c.repeats.all != nil {
		c.repeats.all.Load(s.repeats)
	}
	for i := range c.inputs {
		if r := c.repeats.recent[i]; r != nil {
			r.Load(s.recent[i])
		}
	}
	for i, j := range c.jobs {
		j.jobState, j.kept, j.window = s.Jobs[i], &s.Jobs[i], s.recent[j.input]
	}
	c.keeping.kept = true
	return nil
}

// inputPrefix begins the names of inputs in checkpoint.Run.
const inputPrefix = "input "

// differences says how a run differs from the one that was interrupted; its inputs
// are left out while they are not known.
func (s *checkpoint) differences(run map[string]string, inputs bool) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(merged(s.Run, run))) {
		was, is := s.Run[name], run[name]
		if was == is || !inputs && strings.HasPrefix(name, inputPrefix) {
			continue
		}
		show := func(v string) string {
			if v == "" {
				return "nothing"
			}
			return v
		}
		all = append(all, fmt.Sprintf("%s: it was %s, and is %s now", name, show(was), show(is)))
	}
	return all
}

func merged(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// refuse is the error of a run that is not the one that was interrupted.
func (s *checkpoint) refuse(run map[string]string, inputs bool) error {
	all := s.differences(run, inputs)
	if len(all) == 0 {
		return nil
	}
	return bad("--resume: this is not the run that was interrupted:\n  %s\nGive the same command, or start again without --resume", strings.Join(all, "\n  "))
}
