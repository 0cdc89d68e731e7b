package consumer

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"sunsetwatch/consumer/fetch"
	"sunsetwatch/consumer/records"
	"sunsetwatch/rules/access"
)

const (
	// recordsPerLook is how many records are decoded between two looks at the
	// clock and the context, and between two fingerprints.
	recordsPerLook = 1024
	// longestBatch is how long a worker decodes before it hands over, and
	// largestBatch about how many events it takes: a sink may keep something of
	// each until then.
	longestBatch = time.Second
	largestBatch = 60_000
)

// worker decodes one partition and hands it to its sink. Its fields belong to
// its goroutine.
type worker struct {
	c       *Consumer
	p       *partition
	sink    Sink
	begin   beginning
	reader  *fetch.Reader
	decoder *records.Decoder // its counts are since the last Advance

	next  int64              // where reading goes on; everything before it was handed over
	mark  access.Fingerprint // of a record before next
	tries tries

	latest access.Fingerprint
	looked time.Time // when the stretch at hand began
}

func (w *worker) run(ctx context.Context) error {
	err := w.open(ctx)
	for err == nil && ctx.Err() == nil {
		it, ok := w.c.take(w.p)
		if !ok {
			select {
			case <-ctx.Done():
			case <-w.p.ready:
			}
			continue
		}
		err = w.work(ctx, it)
		w.c.settle(w.p, it, w.next)
	}
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// work does what a parcel asks for.
func (w *worker) work(ctx context.Context, it parcel) error {
	switch {
	case it.what == outside || it.what == doubtful:
		return w.verify(ctx)
	case it.offset != w.next:
		w.c.rewind(w.p, w.next, 0)
		return nil
	case it.what == corrupt:
		return w.unreadable(ctx, &fetch.BadBatch{From: w.next, Next: w.next, Reason: access.SkipUnreadable, Detail: "the broker says that the batch is corrupt"})
	case it.what == oversize:
		return w.unreadable(ctx, &fetch.BadBatch{From: w.next, Next: w.next, Reason: access.SkipTooLarge, Detail: fetch.ErrFrameTooLarge.Error()})
	}
	return w.read(ctx, it)
}

// read decodes the records of a parcel.
func (w *worker) read(ctx context.Context, it parcel) error {
	w.reader.Reset(it.part, w.next)
	w.looked = time.Now()
	for {
		stopped, err := w.records(ctx)
		if stopped || err != nil {
			return err
		}
		var bad *fetch.BadBatch
		switch err := w.reader.Err(); {
		case err == nil && w.reader.Position() > it.offset:
			return w.handOver(w.reader.Position())
		case err == nil:
			bad = &fetch.BadBatch{From: w.next, Next: w.next, Reason: access.SkipUnreadable, Detail: "the broker sent nothing from this offset on"}
		case !errors.As(err, &bad):
			return err
		}
		if !w.passable(it, bad) {
			if err := w.handOver(w.reader.Position()); err != nil {
				return err
			}
			return w.unreadable(ctx, bad)
		}
		w.logSkip(bad.From, bad.Next, bad)
		w.reader.Skip()
	}
}

// records hands the records that can be read to the sink. It has stopped when
// the context ended before their end.
func (w *worker) records(ctx context.Context) (stopped bool, err error) {
	n := 0
	for w.reader.Next() {
		rec := w.reader.Record()
		w.decoder.Decode(rec)
		if n%recordsPerLook == 0 {
			w.latest = rec.Fingerprint()
			if stopped, err := w.look(ctx); stopped || err != nil {
				return stopped, err
			}
		}
		n++
	}
	return false, nil
}

// look hands over what was read when that has taken long, is much, or is the
// last.
func (w *worker) look(ctx context.Context) (stopped bool, err error) {
	now := time.Now()
	if stopped = ctx.Err() != nil; stopped || now.Sub(w.looked) >= longestBatch || w.decoder.Events >= largestBatch {
		w.looked = now
		err = w.handOver(w.reader.Position())
	}
	return stopped, err
}

// handOver ends the stretch that the reader walked, up to next.
func (w *worker) handOver(next int64) error {
	cover := w.reader.Take()
	cover.Events, cover.Rejected = w.decoder.Events, w.decoder.Rejected
	w.decoder.Events, w.decoder.Rejected = 0, [access.Reasons]uint64{}
	if w.latest.Known {
		w.mark, w.latest = w.latest, access.Fingerprint{}
	}
	if next == w.next {
		return nil
	}
	return w.advance(Progress{From: w.next, Next: next, Coverage: cover})
}

// advance tells the sink how far the partition was read.
func (w *worker) advance(p Progress) error {
	if p.Coverage.Offsets() != uint64(p.Next-p.From) {
		w.c.log.DPanic("coverage does not add up: please report this", w.p.fields(zap.Int64("from", p.From), zap.Int64("next", p.Next), zap.Uint64("covered", p.Coverage.Offsets()))...)
	}
	p.Fingerprint = w.mark
	if err := w.sink.Advance(p); err != nil {
		return err
	}
	w.next = p.Next
	w.c.advanced(w.p, p.Next)
	return nil
}
