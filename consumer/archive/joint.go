package archive

import (
	"bytes"
	"context"

	"sunsetwatch/rules/access"
)

// A line belongs to the part in which it ends. To begin, a part needs to know how
// many lines ended before it, and the beginning of the line that it completes.
// Both follow from what the parts before it hold, which can be told by looking
// for line ends alone, long before their events are decoded; so all parts of a
// file can be read at the same time.

// entry is what a part needs to know of those before it.
type entry struct {
	lines int64
	rest  []byte
	err   error // a part before cannot be read
}

// link is what the parts behind need to know of a part.
type link struct {
	lines int64  // that end in it
	rest  []byte // behind the last line end, as much as lines.keep keeps
	cut   bool   // a line ends in it, or rest goes back beyond its beginning
	err   error  // the input cannot be read from here on
}

// linkOf is the link of a part that holds b.
func linkOf(b []byte) link {
	l := link{lines: int64(bytes.Count(b, newline))}
	if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
		l.cut, b = true, b[i+1:]
	}
	l.rest = bytes.Clone(b[:min(len(b), access.MaxValueBytes+1)])
	return l
}

var newline = []byte{'\n'}

// then is the link of two parts in a row, the second of which holds b.
func (l *link) then(b []byte) {
	l.lines += int64(bytes.Count(b, newline))
	if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
		l.cut, l.rest, b = true, l.rest[:0], b[i+1:]
	}
	l.rest = append(l.rest, b[:min(len(b), access.MaxValueBytes+1-len(l.rest))]...)
}

// joint is where a part is joined to those before it.
type joint struct {
	state jointState
	own   link
	entry entry // once it is known
	lost  bool  // the rest of the entry was given up to save memory
}

type jointState uint8

const (
	free    jointState = iota // nobody has looked at the part
	claimed                   // somebody does
	counted                   // its link is known; it was not read
	read                      // its link is known; it was, or is being, read
)

// spared is how long a rest may be that is kept for a part that nobody reads.
const spared = 4 << 10

// claim says that part k is being looked at.
func (in *input) claim(k int) {
	in.mu.Lock()
	if in.joints[k].state == free {
		in.joints[k].state = claimed
	}
	in.mu.Unlock()
}

// unclaim takes that back, where looking failed.
func (in *input) unclaim(k int) {
	in.mu.Lock()
	if in.joints[k].state == claimed {
		in.joints[k].state = free
		in.signal()
	}
	in.mu.Unlock()
}

// publish makes the link of part k known.
func (in *input) publish(k int, l link, state jointState) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if j := &in.joints[k]; j.state <= claimed {
		j.state, j.own = state, l
	} else {
		j.state = max(j.state, state)
		return
	}
	for in.joined < len(in.joints) && in.joints[in.joined].state >= counted {
		j := &in.joints[in.joined]
		in.joined++
		if in.joined == len(in.joints) {
			break
		}
		next := &in.joints[in.joined]
		next.entry.lines = j.entry.lines + j.own.lines
		if j.own.cut {
			next.entry.rest = j.own.rest
		} else {
			both := link{rest: bytes.Clone(j.entry.rest)}
			both.then(j.own.rest)
			next.entry.rest = both.rest
		}
		if next.entry.err = j.entry.err; next.entry.err == nil {
			next.entry.err = j.own.err
		}
		j.own.rest = nil
		if j.state == counted && len(j.entry.rest) > spared {
			j.entry.rest, j.lost = nil, true
		}
	}
	in.signal()
}

// signal wakes those who wait; mu is held.
func (in *input) signal() {
	if in.moved != nil {
		close(in.moved)
		in.moved = nil
	}
}

// enter gives what part k needs to know of those before it. It waits for those
// who look at these parts, and looks at the others itself.
func (in *input) enter(ctx context.Context, a *Archive, k int) (entry, error) {
	for {
		in.mu.Lock()
		if in.joined >= k {
			j := &in.joints[k]
			e, lost := j.entry, j.lost
			in.mu.Unlock()
			if e.err != nil {
				in.publish(k, link{}, read)
			} else if lost {
				e.rest, e.err = in.lostRest(ctx, a, k)
			}
			return e, e.err
		}
		next := -1
		for j := in.joined; j < k && next < 0; j++ {
			if in.joints[j].state == free {
				in.joints[j].state, next = claimed, j
			}
		}
		if next < 0 {
			if in.moved == nil {
				in.moved = make(chan struct{})
			}
			moved := in.moved
			in.mu.Unlock()
			select {
			case <-moved:
			case <-ctx.Done():
				return entry{}, ctx.Err()
			}
			continue
		}
		in.mu.Unlock()
		l, err := in.count(ctx, a, next)
		if err != nil {
			in.unclaim(next)
			return entry{}, err
		}
		in.publish(next, l, counted)
	}
}

// lostRest finds again what lies before part k.
func (in *input) lostRest(ctx context.Context, a *Archive, k int) ([]byte, error) {
	var parts [][]byte
	for j := k - 1; j >= 0; j-- {
		l, err := in.count(ctx, a, j)
		if err != nil {
			return nil, err
		}
		parts = append(parts, l.rest)
		if l.cut {
			break
		}
	}
	var all link
	for i := len(parts) - 1; i >= 0; i-- {
		all.then(parts[i])
	}
	return all.rest, nil
}

// count looks for the line ends of part k.
func (in *input) count(ctx context.Context, a *Archive, k int) (link, error) {
	var l link
	feed := func(b []byte) { l.then(b) }
	err := in.inflate(ctx, a, k, feed)
	if d, ok := err.(*Damage); ok {
		l.err, err = d, nil
	}
	return l, err
}

// inflate hands the bytes of part k of a file to feed, piece by piece.
func (in *input) inflate(ctx context.Context, a *Archive, k int, feed func([]byte)) error {
	if in.encoding == zstded {
		return in.inflateRun(ctx, a, nil, k, feed)
	}
	return in.readPlain(ctx, a, nil, k, feed)
}

// read hands over the events of part k.
func (in *input) read(ctx context.Context, a *Archive, w *worker, k int, sink Sink, c *Counts) error {
	switch {
	case in.stream != nil:
		return in.readStream(ctx, w, c)
	case in.encoding == gzipped:
		return in.readGzip(ctx, a, w, c)
	case in.encoding == columns:
		return in.readRows(ctx, a, w, k, sink, c)
	}
	c.Bytes = in.parts[k].Bytes
	in.claim(k)
	l := &w.lines

	// Others may wait for the link: they get it before the events are decoded.
	if b, ok, err := in.whole(a, w, k); err != nil {
		in.unclaim(k)
		return err
	} else if ok {
		in.publish(k, linkOf(b), read)
		e, err := in.enter(ctx, a, k)
		if err != nil {
			return err
		}
		l.enter(e)
		l.feed(b)
		in.leave(l, k)
		return nil
	}

	e, err := in.enter(ctx, a, k)
	if err != nil {
		in.unclaim(k)
		return err
	}
	l.enter(e)
	first := l.ended
	if in.encoding == zstded {
		err = in.inflateRun(ctx, a, w, k, l.feed)
	} else {
		err = in.readPlain(ctx, a, w, k, l.feed)
	}
	var damage *Damage
	if err != nil {
		var ok bool
		if damage, ok = err.(*Damage); !ok {
			in.unclaim(k)
			return err
		}
	}
	own := link{lines: l.ended - first, rest: bytes.Clone(l.rest), cut: true}
	if damage != nil {
		own.err = damage
	}
	in.publish(k, own, read)
	if err == nil {
		in.leave(l, k)
	}
	return err
}

// leave ends part k.
func (in *input) leave(l *lines, k int) {
	if k == len(in.parts)-1 {
		l.finish()
	} else {
		l.pause(k < in.content)
	}
}

// whole gives all bytes of part k, where the part fits into memory and others may
// wait for its link.
func (in *input) whole(a *Archive, w *worker, k int) (b []byte, ok bool, err error) {
	if a.options.Workers == 1 {
		return nil, false, nil
	}
	if in.encoding == zstded {
		return in.wholeRun(a, w, k)
	}
	h, err := a.handles.open(in)
	if err != nil {
		return nil, false, err
	}
	defer a.handles.release(h)
	p := in.parts[k]
	w.raw, err = span(h.file, w.raw, p.First, min(p.First+p.Bytes, in.end))
	if err != nil {
		return nil, false, nil // readPlain says what is wrong
	}
	return w.raw, true, nil
}
