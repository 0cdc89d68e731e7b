package table

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"maps"
	"slices"
)

// checksum is over everything that a file says: Parquet has checksums of pages,
// and none of its footer.
type checksum struct {
	hash hash.Hash32
	b    []byte
}

// newChecksum begins with the metadata, but for the checksum.
func newChecksum(meta map[string]string) *checksum {
	c := &checksum{hash: crc32.New(crc32.MakeTable(crc32.Castagnoli))}
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		if key != keyChecksum {
			c.text(key)
			c.text(meta[key])
		}
	}
	c.flush()
	return c
}

func (c *checksum) String() string { return fmt.Sprintf("crc32c:%08x", c.hash.Sum32()) }

func (c *checksum) flush() {
	c.hash.Write(c.b)
	c.b = c.b[:0]
}

func (c *checksum) number(n uint64) { c.b = binary.AppendUvarint(c.b, n) }

func (c *checksum) text(s string) {
	c.number(uint64(len(s)))
	c.b = append(c.b, s...)
}

func (c *checksum) truth(v bool) {
	if v {
		c.number(1)
	} else {
		c.number(0)
	}
}

// add adds a row, its columns in their order.
func (c *checksum) add(r *row) {
	c.text(r.Principal)
	c.text(r.Feature)
	c.number(uint64(len(r.Scopes)))
	for _, s := range r.Scopes {
		c.text(s)
	}
	for _, s := range []string{r.Operation, r.Direction, r.Outcome, r.Relation, r.Consent, r.Indicator} {
		c.text(s)
	}
	optional(c, r.Probe, c.text)
	c.truth(r.Folded)
	long := func(n int64) { c.number(uint64(n)) }
	short := func(n int32) { c.number(uint64(n)) }
	long(r.Month)
	optional(c, r.From, long)
	optional(c, r.Until, long)
	c.number(r.Events)
	c.number(r.Records)
	c.number(r.Bytes)
	c.number(uint64(r.Days))
	c.number(uint64(len(r.Runs)))
	for _, x := range r.Runs {
		long(x.First)
		long(x.Last)
	}
	optional(c, r.FirstTime, long)
	optional(c, r.FirstSource, c.text)
	optional(c, r.FirstOffset, long)
	optional(c, r.FirstIndex, short)
	optional(c, r.FirstLate, c.truth)
	optional(c, r.LastTime, long)
	optional(c, r.LastSource, c.text)
	optional(c, r.LastOffset, long)
	optional(c, r.LastIndex, short)
	optional(c, r.LastLate, c.truth)
	c.people(r.People, r.PeopleExact, r.PeopleHashes, r.PeopleSketch)
	c.people(r.Grantors, r.GrantorsExact, r.GrantorsHashes, r.GrantorsSketch)
	optional(c, r.PeopleFirst, long)
	optional(c, r.PeopleLast, long)
	c.flush()
}

func (c *checksum) people(n uint64, exact bool, hashes []uint64, sketch []byte) {
	c.number(n)
	c.truth(exact)
	c.number(uint64(len(hashes)))
	for _, h := range hashes {
		c.b = binary.BigEndian.AppendUint64(c.b, h)
	}
	c.truth(sketch != nil)
	c.text(string(sketch))
}

func optional[T any](c *checksum, v *T, add func(T)) {
	c.truth(v != nil)
	if v != nil {
		add(*v)
	}
}
