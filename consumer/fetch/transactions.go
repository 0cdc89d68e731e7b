package fetch

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// aborts follows which producers are inside an aborted transaction, in the
// order of the log, as the consumer of Apache Kafka does (CompletedFetch).
type aborts struct {
	all  []Aborted // by first offset
	next int       // those before it have been taken in
	open map[int64]struct{}
}

func (a *aborts) reset(list []Aborted) {
	clear(a.open)
	a.next = 0
	a.all = append(a.all[:0], list...)
	slices.SortFunc(a.all, func(x, y Aborted) int { return cmp.Compare(x.FirstOffset, y.FirstOffset) })
}

// upTo takes in the transactions that began at or before offset last, and
// reports whether one of them, not ended since, is the producer's.
func (a *aborts) upTo(last, producer int64) bool {
	for ; a.next < len(a.all) && a.all[a.next].FirstOffset <= last; a.next++ {
		if a.open == nil {
			a.open = make(map[int64]struct{})
		}
		a.open[a.all[a.next].ProducerID] = struct{}{}
	}
	_, ok := a.open[producer]
	return ok
}

// any reports whether some producer is inside an aborted transaction.
func (a *aborts) any() bool { return len(a.open) > 0 }

// end takes note of the marker that ends the producer's aborted transaction.
func (a *aborts) end(producer int64) { delete(a.open, producer) }

// abortMarker reports whether the first of the records of a control batch ends
// an aborted transaction.
func abortMarker(records []byte) (abort, ok bool) {
	size, at := varint(records, 0)
	if at < 0 || size < 1 || size > int64(len(records)-at) {
		return false, false
	}
	var marker Record
	if _, _, ok := marker.parse(records[at : at+int(size)]); !ok || len(marker.Key) < 4 {
		return false, false
	}
	return binary.BigEndian.Uint16(marker.Key[2:]) == 0, true
}
