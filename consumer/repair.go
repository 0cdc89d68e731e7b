package consumer

import (
	"context"

	"go.uber.org/zap"

	"sunsetwatch/consumer/fetch"
	"sunsetwatch/rules/access"
)

// moreTries is how often an unreadable batch is fetched again before its
// offsets are given up.
const moreTries = 3

// tries counts the attempts to read what stands at one offset.
type tries struct {
	at      int64
	made    int
	backoff backoff
}

// exhausted counts one more attempt at offset and reports whether it was the
// last.
func (t *tries) exhausted(offset int64) bool {
	if t.at != offset || t.made == 0 {
		*t = tries{at: offset}
	}
	t.made++
	return t.made > moreTries
}

// passable reports whether the reader itself may skip a bad batch: its end is
// known, and trying again helps no more.
func (w *worker) passable(it parcel, bad *fetch.BadBatch) bool {
	return trusted(bad, it.part) &&
		(bad.Reason == access.SkipTooLarge || w.tries.at == bad.From && w.tries.made >= moreTries)
}

// trusted reports whether the end that a bad batch claims can be true.
func trusted(bad *fetch.BadBatch, part *fetch.Partition) bool {
	return bad.Next > bad.From && bad.Next <= part.HighWatermark
}

// unreadable has the batch at next fetched again or, where that was done often
// enough, skips to the next offset that can be read.
func (w *worker) unreadable(ctx context.Context, bad *fetch.BadBatch) error {
	if !w.tries.exhausted(w.next) {
		w.c.log.Warn("batch cannot be read; fetching it again",
			w.p.fields(zap.Int64("offset", w.next), zap.Int("attempt", w.tries.made), zap.String("reason", bad.Detail))...)
		w.c.rewind(w.p, w.next, w.tries.backoff.next())
		return nil
	}
	from := w.next
	next, err := w.search(ctx, from)
	if err != nil {
		return err
	}
	if next == from {
		w.c.rewind(w.p, from, longestWait)
		return nil
	}
	var cover access.Coverage
	cover.Skipped[bad.Reason] = uint64(next - from)
	w.logSkip(from, next, bad)
	if err := w.advance(Progress{From: from, Next: next, Coverage: cover}); err != nil {
		return err
	}
	w.c.rewind(w.p, w.next, 0)
	return nil
}

func (w *worker) logSkip(from, next int64, bad *fetch.BadBatch) {
	w.c.log.Error("records lost: batch skipped", w.p.fields(zap.Int64("from", from), zap.Int64("next", next),
		zap.Int64("offsets", next-from), zap.Stringer("reason", bad.Reason), zap.String("detail", bad.Detail))...)
}

// search finds the first readable offset behind from, which is not. Where
// nothing can be read up to the end of what is stable, it is that end; from
// itself, where the log ends there.
func (w *worker) search(ctx context.Context, from int64) (next int64, err error) {
	end := w.c.stable(w.p)
	if end <= from {
		if _, end, err = w.offsets(ctx); err != nil || end <= from {
			return from, err
		}
	}
	err = w.persist(ctx, "looking for the next readable offset", func(ctx context.Context) (err error) {
		next, err = w.c.o.Client.NextReadable(ctx, w.c.leaderOf(w.p), w.p.topic, w.p.partition, from, end)
		return err
	})
	return next, err
}
