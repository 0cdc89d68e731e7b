package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The file format of bbolt 1, as written in go.etcd.io/bbolt/internal/common.
// Integers have the byte order of the machine.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHeaderBytes   = 16 // id uint64, kind, count uint16, overflow uint32
	metaBytes         = 64 // magic, version, page size, flags uint32; root, sequence, freelist, high, txid, checksum uint64
	elementBytes      = 16 // of leaf and branch pages alike
	bucketHeaderBytes = 16 // root page, sequence uint64

	branchPage = 0x01
	leafPage   = 0x02

	bucketElement = 0x01

	noFreelist = ^uint64(0)

	minPageBytes = 1 << 10
	maxPageBytes = 1 << 24
	maxDepth     = 32 // of a tree; with two keys a page more than a file can hold
)

var order = binary.NativeEndian

// verified is what verify found in a sound file.
type verified struct {
	header
	// stepped: one of the two meta pages is damaged, so that this may be the
	// state of the save before the last one. It is whole.
	stepped bool
}

// verify walks the state in a bbolt file of the given size from its newest
// meta page down and checks everything on the way: that each page is inside
// the file, of the right kind and reached once; that elements are packed and
// in order; that each value matches its checksum, and each bucket its total.
// What bbolt then maps into memory cannot lead it astray. Pages that are not
// reached are free: our files keep no list of them.
//
// visit, where not nil, gets each entry, borrowed until it returns; the error
// that it returns ends the walk. Bytes that are not what was written give an
// error that is a damage; a file that is too new one that wraps ErrNewer;
// others come from r.
func verify(r io.ReaderAt, size int64, visit func(b Bucket, key, value []byte) error) (verified, error) {
	m, err := readMeta(r, size)
	if err != nil {
		return verified{}, err
	}
	w := &walk{file: r, pageBytes: m.pageBytes, high: m.high, reached: make([]uint64, m.high/64+1), visit: visit}
	w.reached[0] = 0b11 // the meta pages
	v := verified{stepped: m.stepped}

	// The header first, so that a newer file is refused before anything in it
	// looks strange to us.
	var roots [Buckets][]byte
	var headerRoot []byte
	err = w.tree(m.root, func(flags uint32, name, value []byte) error {
		if flags != bucketElement || len(value) < bucketHeaderBytes {
			return nil // if it is damage, then a bucket will be missing
		}
		if string(name) == headerBucket {
			headerRoot = bytes.Clone(value)
			return nil
		}
		for b := range Bucket(Buckets) {
			if string(name) == bucketNames[b] {
				roots[b] = bytes.Clone(value)
			}
		}
		return nil
	})
	if err != nil {
		return v, err
	}
	if v.header, err = w.header(headerRoot); err != nil {
		return v, err
	}
	// In a copy bbolt numbers the second meta page one lower than the first.
	if v.tx != m.txid && !(m.stepped && v.tx == m.txid+1) {
		return v, damage(fmt.Sprintf("its root is of transaction %d, not of %d: a page of an earlier save came back", v.tx, m.txid))
	}
	for b, root := range roots {
		if err := w.entries(Bucket(b), root, v.totals[b]); err != nil {
			return v, err
		}
	}
	return v, nil
}

// meta is a meta page that bbolt would use.
type meta struct {
	pageBytes                  int
	root, freelist, high, txid uint64
	stepped                    bool
}

// readMeta finds the meta page with the greatest transaction among the sound
// ones, in the way bbolt does.
func readMeta(r io.ReaderAt, size int64) (meta, error) {
	first, ok, err := metaAt(r, size, 0)
	if err != nil {
		return meta{}, err
	}
	if ok {
		second, ok, err := metaAt(r, size, int64(first.pageBytes))
		if err != nil {
			return meta{}, err
		}
		if ok && second.pageBytes != first.pageBytes {
			return meta{}, damage("its meta pages disagree")
		}
		if ok && second.txid > first.txid {
			first = second
		}
		first.stepped = !ok
		return first, first.check(size)
	}
	// The size of pages is not known: try each.
	for at := int64(minPageBytes); at <= maxPageBytes; at *= 2 {
		m, ok, err := metaAt(r, size, at)
		if err != nil {
			return meta{}, err
		}
		if ok {
			if int64(m.pageBytes) != at {
				return meta{}, damage("a meta page is out of place")
			}
			m.stepped = true
			return m, m.check(size)
		}
	}
	return meta{}, damage("both of its meta pages are damaged")
}

// metaAt is the meta page at an offset, where there is a sound one.
func metaAt(r io.ReaderAt, size, at int64) (m meta, ok bool, err error) {
	var buf [pageHeaderBytes + metaBytes]byte
	if at+int64(len(buf)) > size {
		return m, false, nil
	}
	if err := readAt(r, buf[:], at); err != nil {
		return m, false, err
	}
	b := buf[pageHeaderBytes:]
	h := fnv.New64a()
	h.Write(b[:metaBytes-8])
	if order.Uint32(b) != boltMagic || order.Uint32(b[4:]) != boltVersion || order.Uint64(b[56:]) != h.Sum64() {
		return m, false, nil
	}
	m = meta{pageBytes: int(order.Uint32(b[8:])), root: order.Uint64(b[16:]), freelist: order.Uint64(b[32:]), high: order.Uint64(b[40:]), txid: order.Uint64(b[48:])}
	if m.pageBytes < minPageBytes || m.pageBytes > maxPageBytes || m.pageBytes&(m.pageBytes-1) != 0 {
		return m, false, damage(fmt.Sprintf("a meta page gives %d as the size of pages", m.pageBytes))
	}
	return m, true, nil
}

func (m *meta) check(size int64) error {
	if m.high > uint64(size)/uint64(m.pageBytes) {
		return damage(fmt.Sprintf("it was cut off: %d bytes cannot hold %d pages of %d", size, m.high, m.pageBytes))
	}
	if m.freelist != noFreelist {
		return damage("it has a list of free pages, which this program never writes")
	}
	return nil
}

// walk visits the pages of one file.
type walk struct {
	file      io.ReaderAt
	pageBytes int
	high      uint64   // pages from here on are not in use
	reached   []uint64 // a bit per page
	buffers   [][]byte // one per level, for pages on the way down
	visit     func(b Bucket, key, value []byte) error
}

// element is called with each element of a leaf.
type element func(flags uint32, key, value []byte) error

// header reads the header bucket.
func (w *walk) header(root []byte) (h header, err error) {
	if root == nil {
		return h, damage("it holds no header")
	}
	found := false
	err = w.bucket(root, func(flags uint32, key, value []byte) error {
		if string(key) != headerKey {
			return nil // of a newer format, or damage that the checksum of the header will not miss
		}
		if flags != 0 {
			return damage(fmt.Sprintf("its header has flags %#x", flags)) // bbolt would not see it
		}
		found = true
		h, err = readHeader(value)
		return err
	})
	if err == nil && !found {
		err = damage("its header is empty")
	}
	return h, err
}

// entries checks and visits one bucket.
func (w *walk) entries(b Bucket, root []byte, want total) error {
	if root == nil {
		return damage(fmt.Sprintf("bucket %s is missing", b))
	}
	var have total
	err := w.bucket(root, func(flags uint32, key, sealed []byte) error {
		if flags != 0 {
			return damage(fmt.Sprintf("an entry of bucket %s has flags %#x", b, flags))
		}
		value, sum, ok := unseal(key, sealed)
		if !ok {
			return damage(fmt.Sprintf("the checksum of a value of bucket %s does not match", b))
		}
		have.add(sum)
		if w.visit != nil {
			return w.visit(b, key, value)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if have != want {
		return damage(fmt.Sprintf("bucket %s holds %d entries with the sum %x, its header says %d with %x", b, have.entries, have.sum, want.entries, want.sum))
	}
	return nil
}

// bucket walks a bucket: a tree of its own, or one leaf inline.
func (w *walk) bucket(root []byte, f element) error {
	if page := order.Uint64(root); page != 0 {
		if len(root) != bucketHeaderBytes {
			return damage("the root of a bucket has the wrong length")
		}
		return w.tree(page, f)
	}
	inline := root[bucketHeaderBytes:]
	if len(inline) < pageHeaderBytes || order.Uint16(inline[8:]) != leafPage {
		return damage("an inline bucket is not a leaf")
	}
	return w.leaf(inline, bounds{}, f)
}

// bounds are what the page above says of the keys of a page: the first is
// from, and all are less than until. nil is open.
//
// A first key greater than from would still be found, and bbolt's own check
// lets it pass; but at the next save bbolt looks for the page under its first
// key, and adds it a second time.
type bounds struct{ from, until []byte }

// hold reports whether key may follow last, which is nil before the first key.
func (b bounds) hold(last, key []byte) bool {
	if last == nil {
		if b.from != nil && !bytes.Equal(key, b.from) {
			return false
		}
	} else if bytes.Compare(last, key) >= 0 {
		return false
	}
	return b.until == nil || bytes.Compare(key, b.until) < 0
}

// tree walks the pages from root down.
func (w *walk) tree(root uint64, f element) error { return w.page(root, 0, bounds{}, f) }

func (w *walk) page(id uint64, depth int, in bounds, f element) error {
	if depth == maxDepth {
		return damage("its pages are nested too deep")
	}
	p, err := w.read(id, depth)
	if err != nil {
		return err
	}
	count := int(order.Uint16(p[10:]))
	if count == 0 && depth > 0 {
		return damage(fmt.Sprintf("page %d is empty", id))
	}
	switch kind := order.Uint16(p[8:]); {
	case kind == leafPage:
		return w.leaf(p, in, f)
	case kind != branchPage || count == 0:
		return damage(fmt.Sprintf("page %d has kind %#x and %d elements", id, kind, count))
	}

	at := pageHeaderBytes + count*elementBytes
	if at > len(p) {
		return damage(fmt.Sprintf("page %d is too small for its %d elements", id, count))
	}
	keys := make([][]byte, count)
	children := make([]uint64, count)
	var last []byte
	for i := range count {
		e := p[pageHeaderBytes+i*elementBytes:]
		size := int64(order.Uint32(e[4:]))
		if size == 0 || !packed(i, at, order.Uint32(e)) || int64(at)+size > int64(len(p)) {
			return damage(fmt.Sprintf("element %d of page %d is out of place", i, id))
		}
		keys[i] = p[at : at+int(size)]
		children[i] = order.Uint64(e[8:])
		at += int(size)
		if !in.hold(last, keys[i]) {
			return damage(fmt.Sprintf("the keys of page %d are out of order", id))
		}
		last = keys[i]
	}
	for i, child := range children {
		sub := bounds{from: keys[i], until: in.until}
		if i+1 < count {
			sub.until = keys[i+1]
		}
		if err := w.page(child, depth+1, sub, f); err != nil {
			return err
		}
	}
	return nil
}

// packed reports whether element i, which says that its data begins pos bytes
// after itself, means the place at in its page. bbolt leaves no gaps: so a
// count or a size that is not what was written is out of place somewhere.
func packed(i, at int, pos uint32) bool {
	return int64(pageHeaderBytes+i*elementBytes)+int64(pos) == int64(at)
}

// leaf calls f with each element of a leaf.
func (w *walk) leaf(p []byte, in bounds, f element) error {
	count := int(order.Uint16(p[10:]))
	at := pageHeaderBytes + count*elementBytes
	if at > len(p) {
		return damage(fmt.Sprintf("a leaf is too small for its %d elements", count))
	}
	var last []byte
	for i := range count {
		e := p[pageHeaderBytes+i*elementBytes:]
		flags, keySize, valueSize := order.Uint32(e), int64(order.Uint32(e[8:])), int64(order.Uint32(e[12:]))
		if keySize == 0 || !packed(i, at, order.Uint32(e[4:])) || int64(at)+keySize+valueSize > int64(len(p)) {
			return damage(fmt.Sprintf("element %d of a leaf is out of place", i))
		}
		mid := at + int(keySize)
		end := mid + int(valueSize)
		key := p[at:mid:mid]
		if !in.hold(last, key) {
			return damage("the keys of a leaf are out of order")
		}
		if err := f(flags, key, p[mid:end:end]); err != nil {
			return err
		}
		last, at = key, end
	}
	return nil
}

// read is a page with what overflows from it, valid until the next read of the
// same depth.
func (w *walk) read(id uint64, depth int) ([]byte, error) {
	if err := w.reach(id); err != nil {
		return nil, err
	}
	for len(w.buffers) <= depth {
		w.buffers = append(w.buffers, make([]byte, w.pageBytes))
	}
	buf := w.buffers[depth][:w.pageBytes]
	at := int64(id) * int64(w.pageBytes)
	if err := readAt(w.file, buf, at); err != nil {
		return nil, err
	}
	if order.Uint64(buf) != id {
		return nil, damage(fmt.Sprintf("page %d says that it is another", id))
	}
	overflow := uint64(order.Uint32(buf[12:]))
	if overflow == 0 {
		return buf, nil
	}
	if overflow >= w.high-id {
		return nil, damage(fmt.Sprintf("page %d goes on beyond the end", id))
	}
	for next := range overflow {
		if err := w.reach(id + 1 + next); err != nil {
			return nil, err
		}
	}
	n := int(overflow+1) * w.pageBytes
	if cap(buf) < n {
		grown := make([]byte, n)
		copy(grown, buf)
		buf = grown
		w.buffers[depth] = buf
	}
	buf = buf[:n]
	return buf, readAt(w.file, buf[w.pageBytes:], at+int64(w.pageBytes))
}

// reach marks a page, which nothing else may use.
func (w *walk) reach(id uint64) error {
	if id >= w.high {
		return damage(fmt.Sprintf("it points to page %d of %d", id, w.high))
	}
	word, bit := &w.reached[id/64], uint64(1)<<(id%64)
	if *word&bit != 0 {
		return damage(fmt.Sprintf("page %d is used twice", id))
	}
	*word |= bit
	return nil
}

// readAt fills buf. The end of the file is damage: its size was known before.
func readAt(r io.ReaderAt, buf []byte, at int64) error {
	n, err := r.ReadAt(buf, at)
	switch {
	case n == len(buf):
		return nil
	case errors.Is(err, io.EOF):
		return damage("it was cut off while it was read")
	}
	return err
}
