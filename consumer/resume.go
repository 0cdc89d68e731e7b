package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"sunsetwatch/consumer/fetch"
	"sunsetwatch/rules/access"
)

const (
	// attemptTimeout bounds one try of a request that does not wait for data.
	attemptTimeout = 10 * time.Second
	// openAtOnce is how many partitions may ask for offsets at the same time,
	// so that thousands of them are no storm.
	openAtOnce = 8
	// moreLooks is how often a verdict that the log is another one is looked
	// at again, because it is drastic and a new leader can be behind.
	moreLooks = 2
)

// beginning is what is known of a partition when it is found.
type beginning struct {
	saved Position
	known bool
	added bool // it appeared while its topic was already read
}

// open decides where reading begins.
func (w *worker) open(ctx context.Context) error {
	if !w.begin.known {
		return w.openNew(ctx)
	}
	w.next, w.mark = w.begin.saved.Next, w.begin.saved.Fingerprint
	if err := w.verify(ctx); err != nil {
		return err
	}
	w.c.log.Info("partition is read on", w.p.fields(zap.Int64("position", w.next))...)
	w.c.opened(w.p, w.next)
	return nil
}

func (w *worker) openNew(ctx context.Context) error {
	start := w.c.o.Start
	if w.begin.added {
		start = Start{}
	}
	begin, end, err := w.offsets(ctx)
	if err != nil {
		return err
	}
	w.next = begin
	switch {
	case start.Latest:
		w.next = end
	case !start.Time.IsZero():
		err := w.persist(ctx, "looking up the start time", func(ctx context.Context) error {
			at, err := w.c.o.Client.OffsetAt(ctx, w.p.topic, w.p.partition, start.Time)
			if w.next = at; at < 0 {
				w.next = end
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	w.c.log.Info("partition is read from its start", w.p.fields(zap.Int64("position", w.next), zap.Stringer("policy", start))...)
	if err := w.advance(Progress{From: w.next, Next: w.next}); err != nil {
		return err
	}
	w.c.opened(w.p, w.next)
	return nil
}

// verdict is what became of the log since next was reached.
type verdict struct {
	start, end int64
	same       bool // next lies in the log, which is not known to be another one
	gap        bool // retention passed next
	kept       bool // the record of the fingerprint is still there
}

// verify holds the position against the log, and moves it where the log has
// changed under it.
func (w *worker) verify(ctx context.Context) error {
	var again backoff
	for look := 0; ; look++ {
		v, err := w.judge(ctx)
		switch {
		case err != nil:
			return err
		case v.same:
			return nil
		case v.gap:
			return w.passGap(v)
		case look == moreLooks:
			return w.beginAnew(v)
		}
		if !pause(ctx, 2*again.next()) {
			return ctx.Err()
		}
	}
}

func (w *worker) judge(ctx context.Context) (v verdict, err error) {
	if v.start, v.end, err = w.offsets(ctx); err != nil {
		return v, err
	}
	if v.gap = w.next < v.start; v.gap {
		return v, nil
	}
	other := false
	if w.mark.Known && v.start <= w.mark.Offset && w.mark.Offset < v.end {
		found, err := w.fingerprint(ctx, w.mark.Offset)
		if err != nil {
			return v, err
		}
		v.kept = found.Known && found.CRC == w.mark.CRC && found.Timestamp == w.mark.Timestamp
		other = found.Known && !v.kept
	}
	v.same = !other && w.next <= v.end
	return v, nil
}

// passGap counts what retention took.
func (w *worker) passGap(v verdict) error {
	lost := v.start - w.next
	if w.c.o.OnGap == Stop {
		return fmt.Errorf("%s: retention deleted offsets %d to %d before they were read; their %d records are lost. "+
			"To count them as lost and go on, set kafka.on_gap to continue; to prevent it, keep records longer in the topic (retention.ms) than sunsetwatch may be down",
			w.p.key, w.next, v.start-1, lost)
	}
	w.c.log.Error("records lost: retention passed the position", w.p.fields(zap.Int64("from", w.next), zap.Int64("next", v.start), zap.Int64("offsets", lost))...)
	var cover access.Coverage
	cover.Skipped[access.SkipRetention] = uint64(lost)
	return w.advance(Progress{From: w.next, Next: v.start, Coverage: cover})
}

// beginAnew starts a new history of offsets. Of a log that was only cut short,
// what is left was read already; any other is read from its start.
func (w *worker) beginAnew(v verdict) error {
	from, what := v.start, "topic was deleted and created again; it is read from its start, and what was unread before is lost"
	if v.kept {
		from, what = v.end, "log was cut short by the brokers; it is read on from its end"
	} else {
		w.mark = access.Fingerprint{}
	}
	w.c.log.Error(what, w.p.fields(zap.Int64("position", w.next), zap.Int64("log_start", v.start), zap.Int64("log_end", v.end), zap.Int64("from", from))...)
	return w.advance(Progress{From: from, Next: from, Recreated: true})
}

// offsets asks for the ends of the log until it is told them.
func (w *worker) offsets(ctx context.Context) (start, end int64, err error) {
	err = w.persist(ctx, "asking for the offsets", func(ctx context.Context) (err error) {
		start, end, err = w.c.o.Client.Offsets(ctx, w.p.topic, w.p.partition)
		return err
	})
	return start, end, err
}

// fingerprint is of the record at offset; not known where it cannot be read.
func (w *worker) fingerprint(ctx context.Context, offset int64) (f access.Fingerprint, err error) {
	err = w.persist(ctx, "looking at the last record read", func(ctx context.Context) (err error) {
		f, err = w.c.o.Client.FingerprintAt(ctx, w.c.leaderOf(w.p), w.p.topic, w.p.partition, offset)
		var bad *fetch.BadBatch
		if errors.As(err, &bad) || errors.Is(err, fetch.ErrFrameTooLarge) {
			f, err = access.Fingerprint{}, nil
		}
		return err
	})
	return f, err
}

// persist tries until it succeeds; its error is that of ctx.
func (w *worker) persist(ctx context.Context, what string, try func(context.Context) error) error {
	var again backoff
	var health condition
	for {
		err := w.attempt(ctx, try)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			if d, ok := health.recovers(); ok {
				w.c.log.Info("broker answers for the partition again", w.p.fields(zap.String("for", what), zap.Duration("after", d))...)
			}
			return nil
		case health.fails():
			w.c.log.Warn("broker does not answer for the partition; trying until it does", w.p.fields(zap.String("for", what), zap.Error(err))...)
		}
		w.c.failed(w.p, err)
		if !pause(ctx, again.next()) {
			return ctx.Err()
		}
	}
}

// attempt makes one try, when not too many others do.
func (w *worker) attempt(ctx context.Context, try func(context.Context) error) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case w.c.opening <- struct{}{}:
	}
	defer func() { <-w.c.opening }()
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return try(ctx)
}
