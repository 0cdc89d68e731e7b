package fetch_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"sunsetwatch/consumer/fetch"
	. "sunsetwatch/consumer/fetch/fetchtest"
	"sunsetwatch/rules/access"
)

// modelLog is a random log, and beside it the fate of each of its offsets: the
// value of its record, or the name of its counter.
type modelLog struct {
	batches []stored
	aborted []fetch.Aborted
	fate    []string
}

const (
	fateControl   = "<control>"
	fateAborted   = "<aborted>"
	fateCompacted = "<compacted>"
)

func newModelLog(rng *rand.Rand) *modelLog {
	l := new(modelLog)
	type transaction struct {
		first   int64
		aborted bool
	}
	open := map[int64]*transaction{}
	for range 2 + rng.IntN(30) {
		for range rng.IntN(2) * rng.IntN(5) {
			l.fate = append(l.fate, fateCompacted) // a gap
		}
		base := int64(len(l.fate))
		producer := rng.Int64N(4)
		tx := open[producer]
		b := Batch{Base: base}
		if rng.IntN(8) == 0 {
			b.Codec = rng.IntN(5)
		}
		if producer > 0 {
			b.Producer, b.Attributes = producer, Transactional
		}
		switch {
		case tx != nil && rng.IntN(3) == 0: // its end
			b.Records, b.Codec = []Record{Marker(!tx.aborted)}, None
			b.Attributes |= Control
			delete(open, producer)
			l.fate = append(l.fate, fateControl)
		case rng.IntN(6) == 0: // an empty batch
			b.LastDelta = rng.Int32N(4)
			for range b.LastDelta + 1 {
				l.fate = append(l.fate, fateCompacted)
			}
		default:
			if producer > 0 && tx == nil {
				tx = &transaction{base, rng.IntN(2) == 0}
				open[producer] = tx
				if tx.aborted {
					l.aborted = append(l.aborted, fetch.Aborted{ProducerID: producer, FirstOffset: base})
				}
			}
			b.LastDelta = rng.Int32N(12)
			for d := range b.LastDelta + 1 {
				if rng.IntN(4) == 0 {
					l.fate = append(l.fate, fateCompacted)
					continue
				}
				value := fmt.Sprintf("value %d", base+int64(d))
				b.Records = append(b.Records, Record{Delta: d, Value: []byte(value)})
				if producer > 0 && tx.aborted {
					value = fateAborted
				}
				l.fate = append(l.fate, value)
			}
		}
		l.batches = append(l.batches, put(b))
	}
	rng.Shuffle(len(l.aborted), func(i, j int) { l.aborted[i], l.aborted[j] = l.aborted[j], l.aborted[i] })
	return l
}

// response is the batches from the one that holds offset on, sometimes cut off
// inside a later one, with those transactions that reach behind offset.
func (l *modelLog) response(rng *rand.Rand, offset int64) *fetch.Partition {
	p := &fetch.Partition{HighWatermark: int64(len(l.fate)), Aborted: l.aborted}
	for _, b := range l.batches {
		if b.last < offset {
			continue
		}
		if len(p.Records) > 0 && rng.IntN(4) == 0 {
			p.Records = append(p.Records, b.data[:rng.IntN(len(b.data))]...)
			break
		}
		p.Records = append(p.Records, b.data...)
	}
	return p
}

// abortedFrom leaves the transactions that a broker names for a fetch at offset:
// those whose marker lies at or behind it.
func (l *modelLog) abortedFrom(offset int64) []fetch.Aborted {
	var out []fetch.Aborted
	for _, a := range l.aborted {
		if end := l.endOf(a); end < 0 || end >= offset {
			out = append(out, a)
		}
	}
	return out
}

func (l *modelLog) endOf(a fetch.Aborted) int64 {
	for _, b := range l.batches {
		producer := int64(b.data[50]) // the lowest byte of the producer id
		if b.first > a.FirstOffset && producer == a.ProducerID && b.data[22]&Control != 0 {
			return b.first
		}
	}
	return -1
}

func TestReaderAgainstModel(t *testing.T) {
	r := fetch.NewReader(1 << 20)
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		l := newModelLog(rng)
		position := rng.Int64N(int64(len(l.fate)))
		var want, got access.Coverage
		for _, fate := range l.fate[position:] {
			switch fate {
			case fateControl:
				want.Ignored[access.IgnoreControl]++
			case fateAborted:
				want.Ignored[access.IgnoreAborted]++
			case fateCompacted:
				want.Ignored[access.IgnoreCompacted]++
			default:
				want.Records++
			}
		}
		last := l.batches[len(l.batches)-1].last + 1
		for position < last {
			p := l.response(rng, position)
			p.Aborted = l.abortedFrom(position)
			r.Reset(p, position)
			stop := rng.IntN(40) // sometimes, the reader is left in the middle
			for n := 0; n != stop && r.Next(); n++ {
				rec := r.Record()
				if l.fate[rec.Offset] != string(rec.Value) {
					t.Fatalf("seed %d: offset %d is %q, want %q", seed, rec.Offset, rec.Value, l.fate[rec.Offset])
				}
			}
			if r.Err() != nil {
				t.Fatalf("seed %d: %v", seed, r.Err())
			}
			c := r.Take()
			if moved := r.Position() - position; c.Offsets() != uint64(moved) || moved == 0 && stop != 0 {
				t.Fatalf("seed %d: moved by %d from %d, covered %+v", seed, moved, position, c)
			}
			got.Add(&c)
			position = r.Position()
		}
		if got != want || position != last {
			t.Fatalf("seed %d: covered %+v, want %+v", seed, got, want)
		}
	}
}
