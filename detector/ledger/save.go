package ledger

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"sunsetwatch/rules/access"
)

// The saved form is a set of keys with values:
//
//	c CELL           what the cell is, its cuts, the days of its totals, what cuts divide
//	k CELL TIER UNIT the buckets or crowds of one chunk
//	s SOURCE         the status of a source
//	w SOURCE CHUNK   a part of its window of recent events
//	l                the latest event time, and the earliest
//	i                what was imported, where something was
//
// Numbers in keys are big-endian. Totals are summed up again from the chunks,
// which hold all that they do but for the first and last access of each run of
// days.
const (
	keyCell   = 'c'
	keyChunk  = 'k'
	keySource = 's'
	keyWindow = 'w'
	keyLatest = 'l'
	keyImport = 'i'
)

// Changes are keys with their new values; nil deletes the key.
type Changes map[string][]byte

// TakeChanges adds to into what changed since the last call, over what is there
// from an earlier call whose save failed.
func (l *Ledger) TakeChanges(into Changes) {
	for _, s := range l.sources {
		if !s.dirty {
			continue
		}
		s.dirty = false
		into[string(numbers(keySource, uint32(s.id)))] = s.append(nil)
		for i := range s.history.dirty {
			if s.history.dirty[i] {
				s.history.dirty[i] = false
				into[string(numbers(keyWindow, uint32(s.id), uint32(i)))] = appendSeen(nil, s.history.chunk(i))
			}
		}
	}
	for _, c := range l.cells {
		l.rollUp(c)
	}
	var buf []byte
	for _, c := range l.dirtyCells {
		c.dirty = false
		if c.dirtyHead {
			c.dirtyHead = false
			buf = c.append(buf[:0])
			into[string(numbers(keyCell, c.id))] = bytes.Clone(buf)
		}
		for _, d := range c.dropped {
			into[chunkName(c, d.tier, d.unit)] = nil
		}
		c.dropped = nil
		for t := range tiers {
			for i := range c.chunks[t] {
				if k := &c.chunks[t][i]; k.dirty {
					k.dirty, k.saved = false, true
					buf = k.append(buf[:0])
					into[chunkName(c, tier(t), k.unit)] = bytes.Clone(buf)
				}
			}
		}
	}
	l.dirtyCells = l.dirtyCells[:0]
	into[string(keyLatest)] = binary.AppendVarint(binary.AppendVarint(nil, int64(l.latest)), int64(l.earliest))
	if l.imported.sources > 0 {
		into[string(keyImport)] = l.imported.append(nil)
	}
}

func numbers(kind byte, ns ...uint32) []byte {
	b := []byte{kind}
	for _, n := range ns {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

func chunkName(c *Cell, t tier, unit int32) string {
	b := numbers(keyChunk, c.id)
	b = append(b, byte(t))
	return string(binary.BigEndian.AppendUint32(b, uint32(unit)))
}

func appendSeen(b []byte, list []seen) []byte {
	for _, s := range list {
		b = binary.BigEndian.AppendUint64(b, s.id)
		b = binary.BigEndian.AppendUint64(b, s.event)
	}
	return b
}

func (c *Cell) append(b []byte) []byte {
	b = appendString(b, c.pair.principal.name)
	b = appendString(b, c.pair.feature)
	b = binary.AppendUvarint(b, uint64(len(c.scopes)))
	for _, s := range c.scopes {
		b = appendString(b, s)
	}
	a := c.attr
	folded := byte(0)
	if c.folded {
		folded = 1
	}
	b = append(b, byte(a.Operation), byte(a.Direction), byte(a.Outcome), byte(a.Relation), byte(a.Consent), byte(a.Indicator), byte(a.Probe), folded)
	b = binary.AppendUvarint(b, uint64(len(c.cuts)))
	for _, t := range c.cuts {
		b = binary.AppendVarint(b, int64(t))
	}
	b = binary.AppendUvarint(b, uint64(len(c.totals)))
	for _, s := range c.totals {
		b = binary.AppendVarint(b, int64(s.From))
		b = s.Days.append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(c.cutCounts)))
	for i := range c.cutCounts {
		b = append(b, byte(c.cutCounts[i].tier))
		b = c.cutCounts[i].bucket.append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(c.cutCrowds)))
	for _, w := range c.cutCrowds {
		b = append(b, byte(w.tier))
		b = w.crowd.append(b)
	}
	return b
}

// Loader builds a Ledger from its saved form, key by key in any order that has
// a cell before its chunks, as the order of keys has.
type Loader struct {
	l       *Ledger
	cells   map[uint32]*Cell
	days    map[*Cell]map[access.Instant]Days
	sources map[SourceID]*source
	rings   map[SourceID][]seen
}

// NewLoader begins with an empty Ledger.
func NewLoader(o Options) *Loader {
	o.Terms = nil // cells keep the cuts that they were saved with until SetTerms
	return &Loader{
		l:       New(o),
		cells:   map[uint32]*Cell{},
		days:    map[*Cell]map[access.Instant]Days{},
		sources: map[SourceID]*source{},
		rings:   map[SourceID][]seen{},
	}
}

// Load takes one key with its value.
func (o *Loader) Load(key, value []byte) error {
	d := &decoder{b: value}
	ns, err := keyNumbers(key)
	if err == nil {
		switch {
		case key[0] == keyLatest && len(ns) == 0:
			o.l.latest, o.l.earliest = access.Instant(d.varint()), access.Instant(d.varint())
			o.l.horizon = horizonAt(o.l.latest)
		case key[0] == keyImport && len(ns) == 0:
			o.l.imported = d.imported()
		case key[0] == keySource && len(ns) == 1:
			o.sources[SourceID(ns[0])] = d.source(SourceID(ns[0]))
		case key[0] == keyWindow && len(ns) == 2:
			o.window(SourceID(ns[0]), ns[1], d)
		case key[0] == keyCell && len(ns) == 1:
			o.cell(ns[0], d)
		case key[0] == keyChunk && len(ns) == 3:
			o.chunk(ns, d)
		default:
			d.fail("an unknown key")
		}
		err = d.end()
	}
	if err != nil {
		return fmt.Errorf("saved facts, key %x: %w", key, err)
	}
	return nil
}

// keyNumbers are the numbers of a key; the tier of a chunk is one of them.
func keyNumbers(key []byte) ([]uint32, error) {
	if len(key) == 0 {
		return nil, fmt.Errorf("an empty key")
	}
	rest := key[1:]
	if key[0] == keyChunk && len(rest) == 9 {
		return []uint32{binary.BigEndian.Uint32(rest), uint32(rest[4]), binary.BigEndian.Uint32(rest[5:])}, nil
	}
	if len(rest)%4 != 0 {
		return nil, fmt.Errorf("a key of %d bytes", len(key))
	}
	var ns []uint32
	for ; len(rest) > 0; rest = rest[4:] {
		ns = append(ns, binary.BigEndian.Uint32(rest))
	}
	return ns, nil
}

func (o *Loader) window(id SourceID, chunk uint32, d *decoder) {
	if chunk >= Window/historyChunk || len(d.b) != historyChunk*16 {
		d.fail("part %d of a window in %d bytes", chunk, len(d.b))
		return
	}
	ring := o.rings[id]
	if ring == nil {
		ring = make([]seen, Window)
		o.rings[id] = ring
	}
	for i := range historyChunk {
		ring[int(chunk)*historyChunk+i] = seen{binary.BigEndian.Uint64(d.b[16*i:]), binary.BigEndian.Uint64(d.b[16*i+8:])}
	}
	d.b = nil
}

func (o *Loader) cell(id uint32, d *decoder) { o.head(id, d) }

// head reads what Cell.append wrote, and returns where its totals begin.
func (o *Loader) head(id uint32, d *decoder) (starts []access.Instant) {
	principal, feature := d.string(), d.string()
	var scopes []string
	for range d.count() {
		scopes = append(scopes, d.string())
	}
	a := Attributes{access.Operation(d.byte()), access.Direction(d.byte()), access.Outcome(d.byte()),
		access.Relation(d.byte()), access.Consent(d.byte()), access.Indicator(d.byte()), access.Probe(d.byte())}
	c := &Cell{id: id, scopes: scopes, attr: a, folded: d.byte() == 1}
	for range d.count() {
		t := access.Instant(d.varint())
		if n := len(c.cuts); n > 0 && c.cuts[n-1] >= t {
			d.fail("cuts out of order")
		}
		c.cuts = append(c.cuts, t)
	}
	days := map[access.Instant]Days{}
	for range d.count() {
		from := access.Instant(d.varint())
		days[from] = d.days()
		starts = append(starts, from)
	}
	for range d.count() {
		t := o.tier(uint32(d.byte()), d)
		c.cutCounts = append(c.cutCounts, cutCount{t, d.bucket()})
	}
	for range d.count() {
		t := o.tier(uint32(d.byte()), d)
		c.cutCrowds = append(c.cutCrowds, cutCrowd{t, d.crowd()})
	}
	if o.cells[id] != nil {
		d.fail("cell %d twice", id)
	}
	if d.err != nil {
		return nil
	}
	c.pair = o.l.pairOf(o.l.principalOf(principal), feature)
	o.cells[id] = c
	o.days[c] = days
	return starts
}

func (o *Loader) tier(t uint32, d *decoder) tier {
	if t >= tiers {
		d.fail("tier %d", t)
		return 0
	}
	return tier(t)
}

func (o *Loader) chunk(ns []uint32, d *decoder) {
	c := o.cells[ns[0]]
	if c == nil {
		d.fail("a chunk of cell %d, which is not there", ns[0])
		return
	}
	t := o.tier(ns[1], d)
	k := chunkOf(&c.chunks[t], int32(ns[2]))
	k.saved = true
	for range d.count() {
		b := d.bucket()
		if n := len(k.buckets); n > 0 && k.buckets[n-1].start >= b.start {
			d.fail("buckets out of order")
		}
		k.buckets = append(k.buckets, b)
	}
	for range d.count() {
		w := d.crowd()
		if n := len(k.crowds); n > 0 && k.crowds[n-1].start >= w.start {
			d.fail("crowds out of order")
		}
		k.crowds = append(k.crowds, w)
	}
}

// Ledger is the loaded Ledger, with the terms of o. It fails where parts are
// missing. Every pair is dirty, so that all is judged.
func (o *Loader) Ledger(terms Terms) (*Ledger, error) {
	l := o.l
	for id := range SourceID(len(o.sources)) {
		s := o.sources[id]
		if s == nil {
			return nil, fmt.Errorf("saved facts: source %d is missing", id)
		}
		s.history.ring = o.rings[id]
		l.sources = append(l.sources, s)
		l.sourceIDs[s.Name] = id
	}
	for id := range uint32(len(o.cells)) {
		c := o.cells[id]
		if c == nil {
			return nil, fmt.Errorf("saved facts: cell %d is missing", id)
		}
		if err := o.sum(c); err != nil {
			return nil, fmt.Errorf("saved facts: cell %d: %w", id, err)
		}
		l.list(c, cellKey{attr: c.attr, folded: c.folded, scopes: c.keyScopes()})
		if !c.pair.dirty {
			c.pair.dirty = true
			l.dirtyPairs = append(l.dirtyPairs, c.pair)
		}
	}
	if terms != nil {
		l.SetTerms(terms)
	}
	return l, nil
}

func (c *Cell) keyScopes() string {
	if c.folded {
		return ""
	}
	return joinScopes(c.scopes)
}

// sum makes the totals of a cell from its chunks.
func (o *Loader) sum(c *Cell) error {
	known := func(m Mark) bool { return int(m.Source) < len(o.l.sources) }
	for t := range tiers {
		for n := range c.chunks[t] {
			k := &c.chunks[t][n]
			for i := range k.buckets {
				b := &k.buckets[i]
				if !known(b.first) || !known(b.last) || !c.whole(b.first.Time, b.last.Time) {
					return fmt.Errorf("an impossible bucket at %s", b.start)
				}
				c.total(c.before(b.first.Time)).addCount(o.l, &b.count)
			}
			for i := range k.crowds {
				w := &k.crowds[i]
				if !c.whole(w.first, w.last) {
					return fmt.Errorf("an impossible crowd at %s", w.start)
				}
				c.total(c.before(w.first)).addPeople(w.people, w.grantors)
			}
		}
	}
	for i := range c.cutCounts {
		if b := &c.cutCounts[i]; !known(b.first) || !known(b.last) {
			return fmt.Errorf("an impossible bucket at %s", b.start)
		}
	}
	for _, s := range c.totals {
		s.Days = o.days[c][s.From]
		if s.Events == 0 {
			return fmt.Errorf("people without events at %s", s.From)
		}
	}
	return nil
}
