package fetch

import (
	"encoding/binary"
	"fmt"

	"sunsetwatch/rules/access"
)

// DefaultMaxInflated is what a batch may inflate to where nothing else is said.
const DefaultMaxInflated = 64 << 20

// Reader walks the record batches of one partition after another.
//
// Invariant: every offset that pos moved over since Reset is in exactly one
// counter of covered, so that pos never moves but in settle and count.
type Reader struct {
	in       Partition // what Reset was given
	asked    int64
	pos      int64
	rest     []byte // batches not begun yet
	first    int64  // base offset of the first batch that could be begun at or behind asked; -1: none yet
	bad      *BadBatch
	behind   []byte // the batches behind the bad one
	covered  access.Coverage
	aborts   aborts
	inflater inflater

	// The batch being walked, while open.
	open    bool
	batch   batch
	records []byte // those not walked yet
	left    int32  // how many they should be
	floor   int64  // the least offset that the next one may have
	ignored int    // the access.Ignore of every record, or counted
	record  Record
}

// counted is Reader.ignored where records are handed out.
const counted = -1

// NewReader is a Reader that refuses batches which inflate to more than
// maxInflated bytes (0: DefaultMaxInflated).
func NewReader(maxInflated int) *Reader {
	if maxInflated <= 0 {
		maxInflated = DefaultMaxInflated
	}
	return &Reader{inflater: inflater{max: maxInflated}, first: -1}
}

// Reset begins with the records of p, from offset on: records before it are
// passed over without being counted. p is borrowed until the next Reset. What
// was covered before is kept for Take.
func (r *Reader) Reset(p *Partition, offset int64) {
	r.in = *p
	r.asked, r.pos = offset, offset
	r.rest, r.first = p.Records, -1
	r.bad, r.behind = nil, nil
	r.open, r.records = false, nil
	r.record = Record{}
	r.aborts.reset(p.Aborted)
	r.inflater.shrink()
}

// Record is the record that Next moved to.
func (r *Reader) Record() *Record { return &r.record }

// Position is the offset from which reading goes on after what was walked so
// far: of a batch walked to its end, base + last offset delta + 1. A batch has
// been walked to its end when Next has gone on from its last record.
func (r *Reader) Position() int64 { return r.pos }

// Err is nil at the end of what was fetched (a truncated last batch is the end
// too), else a *BadBatch, before which Position stands.
func (r *Reader) Err() error {
	if r.bad == nil {
		return nil
	}
	return r.bad
}

// Take is what was covered since the last Take: Records, Ignored and Skipped,
// which together are the offsets that Position moved over.
func (r *Reader) Take() access.Coverage {
	c := r.covered
	r.covered = access.Coverage{}
	return c
}

// Skip passes over the bad batch at which Next stopped and counts its offsets
// from Position on as skipped; Next then goes on behind it. Inside an aborted
// transaction, whose end may have been in the bad batch, the rest of the
// response is given up: a fetch at Position knows better. A batch that does not
// tell where it ends (BadBatch.Next is its From) stays: see SkipTo.
func (r *Reader) Skip() {
	if r.bad == nil || r.bad.Next <= r.pos {
		return
	}
	next, behind := r.bad.Next, r.behind
	r.SkipTo(next, r.bad.Reason)
	if !r.aborts.any() {
		r.rest = behind
	}
}

// SkipTo passes over everything before offset next, for why, and gives up what
// is left of this response: reading goes on with a fetch at next. It does
// nothing where Position is not before next.
func (r *Reader) SkipTo(next int64, why access.Skip) {
	if next <= r.pos {
		return
	}
	r.covered.Skipped[why] += uint64(next - r.pos)
	r.pos = next
	r.rest, r.bad, r.behind, r.open, r.records = nil, nil, nil, false, nil
}

// Next moves to the next record that is to be counted, over control batches,
// aborted records and compacted offsets. It is false at the end of what was
// fetched, and where a batch cannot be read: see Err.
func (r *Reader) Next() bool {
	for {
		if !r.open {
			if r.bad != nil || !r.begin() {
				return false
			}
			continue
		}
		if r.left == 0 {
			r.end()
			continue
		}
		size, at := varint(r.records, 0)
		if at < 0 || size < 1 || size > int64(len(r.records)-at) {
			r.stop(access.SkipUnreadable, "a record is longer than the batch")
			continue
		}
		end := at + int(size)
		timeDelta, offsetDelta, ok := r.record.parse(r.records[at:end])
		if !ok {
			r.stop(access.SkipUnreadable, "a record is malformed")
			continue
		}
		offset := r.batch.base + offsetDelta
		if offset < r.floor || offsetDelta > int64(r.batch.lastDelta) {
			r.stop(access.SkipUnreadable, "the offsets of its records are out of order")
			continue
		}
		r.records = r.records[end:]
		r.left--
		r.floor = offset + 1
		if offset < r.pos {
			continue
		}
		r.settle(offset)
		r.pos++
		if r.ignored != counted {
			r.covered.Ignored[r.ignored]++
			continue
		}
		r.covered.Records++
		r.record.Offset = offset
		r.record.Timestamp = r.batch.firstTime + timeDelta
		if r.batch.is(logAppendTimeBit) {
			r.record.Timestamp = r.batch.maxTime
		}
		return true
	}
}

// settle moves to offset next over offsets that hold no record any more.
func (r *Reader) settle(next int64) {
	if next > r.pos {
		r.covered.Ignored[access.IgnoreCompacted] += uint64(next - r.pos)
		r.pos = next
	}
}

// end leaves the open batch, whose records have all been walked.
func (r *Reader) end() {
	if len(r.records) > 0 {
		r.stop(access.SkipUnreadable, "it holds more than the records it claims")
		return
	}
	r.settle(r.batch.next())
	r.open, r.records = false, nil
}

// stop makes r.batch a bad one from Position on. Where nothing of it is left,
// because what is wrong lies behind its last offset, the batch is just over.
func (r *Reader) stop(why access.Skip, what string) {
	r.open, r.records = false, nil
	if next := r.batch.next(); next > r.pos {
		r.fail(r.batch.base, next, why, what)
	}
}

// fail stops before the batch at offset base: offsets up to next are bad, where
// Position says that not even that is known. r.rest is what lies behind it.
func (r *Reader) fail(base, next int64, why access.Skip, what string) {
	r.behind = r.rest
	if next <= r.pos {
		next, r.behind = r.pos, nil
	}
	r.bad = &BadBatch{From: r.pos, Next: next, Reason: why,
		Detail: fmt.Sprintf("%s/%d: the batch at offset %d cannot be read: %s", r.in.Topic, r.in.Partition, base, what)}
}

// begin opens the next batch, passes over one that needs no opening, or stops
// at a bad one. It is false at the end.
func (r *Reader) begin() bool {
	if len(r.rest) == 0 {
		return false
	}
	if len(r.rest) <= magicAt {
		return r.truncated()
	}
	base, size, magic := int64(binary.BigEndian.Uint64(r.rest)), sizeOf(r.rest), r.rest[magicAt]
	switch {
	case base < 0 || base > r.beyond():
		r.untrusted(base, fmt.Sprintf("it lies beyond the high watermark %d", r.in.HighWatermark))
	case magic > 2:
		r.untrusted(base, fmt.Sprintf("its format %d is unknown", magic))
	case magic < 2:
		return r.legacy()
	case size < recordsAt:
		r.untrusted(base, fmt.Sprintf("it claims a length of %d bytes", size-sizedAt))
	case size > int64(len(r.rest)):
		return r.truncated()
	default:
		r.batch.parse(r.rest[:size])
		r.rest = r.rest[size:]
		r.enter()
	}
	return true
}

// enter opens r.batch, which is whole; r.rest is what lies behind it.
func (r *Reader) enter() {
	b := &r.batch
	if !b.sound {
		r.unsound("its checksum is wrong")
		return
	}
	if b.lastDelta < 0 {
		r.unsound(b.fault())
		return
	}
	aborted, ok := r.transact()
	if b.next() <= r.pos {
		return
	}
	r.settle(b.base)
	if fault := b.fault(); fault != "" {
		r.stop(access.SkipUnreadable, fault)
		return
	}
	if !ok {
		r.stop(access.SkipUnreadable, "its transaction marker is malformed")
		return
	}
	if r.first < 0 {
		r.first = b.base
	}
	r.ignored = counted
	switch {
	case b.is(controlBit):
		r.ignored = int(access.IgnoreControl)
	case aborted:
		r.ignored = int(access.IgnoreAborted)
	}
	if r.ignored != counted && r.pos == b.base {
		// Nobody looks into these records, so the header's count is enough.
		r.covered.Ignored[r.ignored] += uint64(b.count)
		r.pos += int64(b.count)
		r.settle(b.next())
		return
	}
	records, err := r.inflate(b)
	if err != nil {
		r.stop(reasonOf(err), err.Error())
		return
	}
	r.open, r.records, r.left, r.floor = true, records, b.count, b.base
}

// inflate is the records of b. An empty batch has no payload, whatever its
// codec.
func (r *Reader) inflate(b *batch) ([]byte, error) {
	if len(b.payload) == 0 {
		return nil, nil
	}
	return r.inflater.inflate(codec(b.attributes&codecBits), b.payload)
}

// transact follows the transactions of the response over r.batch. aborted says
// that the records of the batch belong to an aborted one; ok is false where the
// batch is a marker that cannot be read.
func (r *Reader) transact() (aborted, ok bool) {
	b := &r.batch
	if b.producer <= noProducer || !r.aborts.upTo(b.next()-1, b.producer) {
		return false, true
	}
	if !b.is(controlBit) {
		return b.is(transactionalBit), true
	}
	if b.count == 0 {
		return false, true
	}
	records, err := r.inflate(b)
	if err != nil {
		return false, false
	}
	abort, ok := abortMarker(records)
	if abort {
		r.aborts.end(b.producer)
	}
	return false, ok
}

// truncated is the end, and so false, unless nothing at all was sent whole:
// then the length of the batch must be wrong, because a broker sends the first
// batch whole whatever the limits.
func (r *Reader) truncated() bool {
	if r.pos > r.asked {
		r.rest = nil
		return false
	}
	r.untrusted(r.pos, fmt.Sprintf("no more than %d bytes of it were sent", len(r.rest)))
	return true
}

// untrusted stops at a batch that does not tell where the next one begins.
func (r *Reader) untrusted(base int64, what string) {
	r.rest = nil
	r.fail(base, r.pos, access.SkipUnreadable, what)
}

// unsound stops at a batch whose header is damaged behind its length. Where it
// ends is then told by the batch behind it, or by two fields that agree.
func (r *Reader) unsound(what string) {
	b := &r.batch
	next := r.pos
	switch behind, ok := r.following(); {
	case ok:
		if behind <= r.pos {
			return // all of it lies before the asked offset
		}
		next = behind
	case b.lastDelta >= 0 && int64(b.count) == int64(b.lastDelta)+1 && b.next() <= r.beyond():
		next = b.next()
	}
	r.fail(b.base, next, access.SkipUnreadable, what)
}

// following is the base offset of the batch behind r.batch, if it has been sent.
func (r *Reader) following() (int64, bool) {
	if len(r.rest) <= magicAt || r.rest[magicAt] != 2 || sizeOf(r.rest) < recordsAt {
		return 0, false
	}
	base := int64(binary.BigEndian.Uint64(r.rest))
	return base, base > r.batch.base && base <= r.beyond()
}

// racing is how many records may have been appended between the moments at
// which a broker looks at the high watermark and at the log; far too many.
const racing = 1 << 24

// beyond is an offset that no batch of the response can have.
func (r *Reader) beyond() int64 {
	if r.in.HighWatermark < 0 || r.in.HighWatermark > 1<<62 {
		return 1 << 62
	}
	return r.in.HighWatermark + racing
}

// legacy stops at the messages of magic 0 and 1 that come next, all of them at
// once. A compressed one stands at the offset of its last inner message.
func (r *Reader) legacy() bool {
	base := int64(binary.BigEndian.Uint64(r.rest))
	next, whole := r.pos, false
	for len(r.rest) > magicAt && r.rest[magicAt] < 2 {
		offset, size := int64(binary.BigEndian.Uint64(r.rest)), sizeOf(r.rest)
		if size < legacyLeast || size > int64(len(r.rest)) || offset < 0 || offset > r.beyond() {
			break
		}
		whole = true
		next = max(next, offset+1)
		r.rest = r.rest[size:]
	}
	switch {
	case !whole && sizeOf(r.rest) > int64(len(r.rest)):
		return r.truncated()
	case !whole:
		r.untrusted(base, fmt.Sprintf("it claims a length of %d bytes", sizeOf(r.rest)-sizedAt))
	case next > r.pos:
		r.fail(base, next, access.SkipUnreadable,
			"it has the message format of Kafka before 0.11 (magic 0 or 1); copy the topic with a newer producer to have it read")
	}
	return true
}
