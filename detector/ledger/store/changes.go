package store

import (
	"bytes"
	"cmp"
	"slices"
)

// Bucket is one of the three name spaces of keys.
type Bucket uint8

// The buckets, in the order in which Load yields them. They are part of the
// file format: append, never reorder.
const (
	Ledger   Bucket = iota // facts, with positions and counters of their sources
	Findings               // findings with their history
	Meta                   // what else must be saved in the same transaction
	Buckets  = iota
)

var bucketNames = [Buckets]string{"ledger", "findings", "meta"}

// String is the name of the bucket in the file.
func (b Bucket) String() string { return bucketNames[b] }

// Changes is what one Save writes. The zero value is empty and ready for use.
// The same Changes, with more added to it, can be given to Save again after an
// error.
type Changes struct {
	list   []change
	sorted bool
}

// change is one put, or a delete where sealed is nil. sealed aliases the
// memory of key.
type change struct {
	bucket Bucket
	number uint32 // in which order it came
	key    []byte
	sealed []byte
}

// Put sets key, which must not be empty, to value. Both are copied. The last
// Put or Delete of a key wins.
func (c *Changes) Put(b Bucket, key, value []byte) {
	buf := make([]byte, checksumBytes+len(value)+len(key))
	n := copy(buf[checksumBytes:], value) + checksumBytes
	k := buf[n:]
	copy(k, key)
	seal(buf[:n], k)
	c.add(change{bucket: b, key: k, sealed: buf[:n:n]})
}

// Delete removes key. A key that is not there is no error. The key is copied.
func (c *Changes) Delete(b Bucket, key []byte) {
	c.add(change{bucket: b, key: bytes.Clone(key)})
}

// Set puts, or where the value is nil deletes, all keys of m.
func (c *Changes) Set(b Bucket, m map[string][]byte) {
	for key, value := range m {
		if value == nil {
			c.Delete(b, []byte(key))
		} else {
			c.Put(b, []byte(key), value)
		}
	}
}

func (c *Changes) add(ch change) {
	ch.number = uint32(len(c.list))
	c.list = append(c.list, ch)
	c.sorted = false
}

// Len is the number of changes; keys that were changed twice may count twice.
func (c *Changes) Len() int { return len(c.list) }

// Reset empties c and keeps its memory for the next changes.
func (c *Changes) Reset() {
	clear(c.list)
	c.list, c.sorted = c.list[:0], false
}

// settle sorts by bucket and key, which is how bbolt writes fastest, and keeps
// the last change of each key, so that trying again for hours does not gather
// memory.
func (c *Changes) settle() []change {
	if c.sorted {
		return c.list
	}
	slices.SortFunc(c.list, func(a, b change) int {
		return cmp.Or(a.compare(b), cmp.Compare(a.number, b.number))
	})
	kept := c.list[:0]
	for i, ch := range c.list {
		if i+1 < len(c.list) && ch.compare(c.list[i+1]) == 0 {
			continue
		}
		ch.number = uint32(len(kept))
		kept = append(kept, ch)
	}
	clear(c.list[len(kept):])
	c.list, c.sorted = kept, true
	return c.list
}

func (ch change) compare(o change) int {
	if ch.bucket != o.bucket {
		return int(ch.bucket) - int(o.bucket)
	}
	return bytes.Compare(ch.key, o.key)
}
