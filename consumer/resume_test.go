package consumer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/consumer/fetch"
	"sunsetwatch/rules/access"
)

// ends is a Client that knows the ends of a log and one fingerprint of it.
type ends struct {
	Client
	start, end int64
	found      access.Fingerprint
	unreadable bool
	behind     int // so many answers come from a broker that is behind
	failures   int // so many requests fail first
}

func (e *ends) Offsets(context.Context, string, int32) (start, end int64, err error) {
	if e.failures > 0 {
		e.failures--
		return 0, 0, errDown
	}
	if e.behind > 0 {
		e.behind--
		return e.start, e.start, nil
	}
	return e.start, e.end, nil
}

func (e *ends) FingerprintAt(context.Context, int32, string, int32, int64) (access.Fingerprint, error) {
	if e.unreadable {
		return access.Fingerprint{}, &fetch.BadBatch{}
	}
	return e.found, nil
}

func TestPositionIsHeldAgainstTheLog(t *testing.T) {
	read := access.Fingerprint{Offset: 95, Timestamp: 7, CRC: 8, Known: true}
	other := access.Fingerprint{Offset: 95, Timestamp: 7, CRC: 9, Known: true}
	lost := func(n uint64) (c access.Coverage) { c.Skipped[access.SkipRetention] = n; return c }
	for _, c := range []struct {
		name string
		log  ends
		mark access.Fingerprint
		want Progress // zero: reading goes on at 100
	}{
		{name: "same", log: ends{start: 0, end: 200, found: read}, mark: read},
		{name: "same, and nothing new", log: ends{start: 0, end: 100, found: read}, mark: read},
		{name: "same, and all deleted", log: ends{start: 100, end: 100}, mark: read},
		{name: "brokers that fail first", log: ends{start: 0, end: 200, found: read, failures: 30}, mark: read},
		{name: "a broker that is behind", log: ends{start: 0, end: 200, found: read, behind: moreLooks}, mark: read},
		{name: "record compacted away", log: ends{start: 0, end: 200}, mark: read},
		{name: "record unreadable", log: ends{start: 0, end: 200, unreadable: true}, mark: read},
		{name: "record deleted", log: ends{start: 96, end: 200, found: other}, mark: read},
		{name: "no record read yet", log: ends{start: 0, end: 200, found: other}},
		{name: "retention", log: ends{start: 130, end: 200}, mark: read,
			want: Progress{From: 100, Next: 130, Coverage: lost(30), Fingerprint: read}},
		{name: "shorter", log: ends{start: 0, end: 50}, mark: read, want: Progress{Recreated: true}},
		{name: "empty", log: ends{}, mark: read, want: Progress{Recreated: true}},
		{name: "shorter, and no record read", log: ends{start: 10, end: 50}, want: Progress{From: 10, Next: 10, Recreated: true}},
		{name: "another record", log: ends{start: 0, end: 200, found: other}, mark: read, want: Progress{Recreated: true}},
		{name: "cut short behind the record", log: ends{start: 0, end: 97, found: read}, mark: read,
			want: Progress{From: 97, Next: 97, Recreated: true, Fingerprint: read}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink := &tally{}
				w := standalone(t, codec.Mapping{}, sink)
				w.c.o.Client = &c.log
				w.next, w.mark = 100, c.mark
				if err := w.verify(t.Context()); err != nil {
					t.Fatal(err)
				}
				next := int64(100)
				if c.want != (Progress{}) {
					next = c.want.Next
				}
				if sink.last != c.want || w.next != next {
					t.Errorf("position %d, progress %+v, want %+v", w.next, sink.last, c.want)
				}
			})
		})
	}
}

func TestVerifyEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := standalone(t, codec.Mapping{}, &tally{})
		w.c.o.Client = &ends{failures: 1 << 30}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := w.verify(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("verify: %v", err)
		}
	})
}

func TestHighWatermarkBehindThePositionIsNoNewLog(t *testing.T) {
	virtual(t, func(t *testing.T, k *cluster, s *scripted) {
		k.produce("access", 0, 0, 10)
		m := newMemory(t)
		r := start(t, s, m, Options{MaxWait: 500 * time.Millisecond})
		defer r.halt()
		m.await("access", 0, 10)
		s.behind.Store(true)
		s.fetches.Store(0)
		<-time.After(time.Minute)
		if n := s.fetches.Load(); n > 150 {
			t.Errorf("%d fetches in a minute", n)
		}
		s.behind.Store(false)
		k.produce("access", 0, 10, 10)
		m.await("access", 0, 20)
		if a := m.read("access", 0); a.recreated != 0 {
			t.Error("taken for re-created")
		}
	})
}
