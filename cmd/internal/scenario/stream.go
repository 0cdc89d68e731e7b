package scenario

import (
	"cmp"
	"container/heap"
	"strconv"
	"time"

	"sunsetwatch/rules/access"
)

// told is an event as it comes to the product. The event is borrowed until the
// next is asked for.
type told struct {
	event     *access.Event
	written   access.Instant // timestamp of its record; when it arrives
	partition int32
}

// stream tells the events of a file one by one, in the order in which they
// arrive; those that arrive together in the order of lines.
type stream struct {
	cursors cursors
	byTime  bool // in the order of event times instead
	out     told
	current *cursor // whose event is out
}

// cursor is how far one line has been told.
type cursor struct {
	line   *eventLine
	number int // of the line
	n      int // of its next event
	due    access.Instant

	event  access.Event
	buffer []byte
	scopes [][]byte
}

// stream begins the story. byTime tells every event at its own time instead of
// at the time at which it was written.
func (s *Scenario) stream(byTime bool) *stream {
	st := &stream{byTime: byTime}
	for i := range s.lines {
		c := &cursor{line: &s.lines[i], number: i}
		c.due = st.dueAt(c)
		st.cursors = append(st.cursors, c)
	}
	heap.Init(&st.cursors)
	return st
}

// events is how many the file tells of.
func (s *Scenario) events() int {
	n := 0
	for i := range s.lines {
		n += s.lines[i].count
	}
	return n
}

func (c *cursor) time() access.Instant { return c.line.first + c.line.every*access.Instant(c.n) }

func (c *cursor) written() access.Instant {
	if c.line.written != access.Beginning {
		return c.line.written
	}
	return c.time().Plus(c.line.late)
}

func (s *stream) dueAt(c *cursor) access.Instant {
	if s.byTime {
		return c.time()
	}
	return c.written()
}

// due is when the next event comes; access.End where there is none.
func (s *stream) due() access.Instant {
	s.advance()
	if len(s.cursors) == 0 {
		return access.End
	}
	return s.cursors[0].due
}

// next is the next event, nil where there is none.
func (s *stream) next() *told {
	s.advance()
	if len(s.cursors) == 0 {
		return nil
	}
	c := s.cursors[0]
	s.current = c
	s.out = told{event: c.make(), written: c.written(), partition: c.partition()}
	return &s.out
}

// advance lets go of the event that is out.
func (s *stream) advance() {
	c := s.current
	if c == nil {
		return
	}
	s.current = nil
	if c.n++; c.n == c.line.count {
		heap.Pop(&s.cursors)
		return
	}
	c.due = s.dueAt(c)
	heap.Fix(&s.cursors, 0)
}

func (c *cursor) partition() int32 {
	t := c.line.partition
	if t == nil {
		return c.line.partitionNumber
	}
	n, _ := strconv.Atoi(string(t.known[c.n%t.cycle])) // was checked
	return int32(n)
}

// make fills the event.
func (c *cursor) make() *access.Event {
	l := c.line
	if l.single != nil {
		return l.single
	}
	e := &c.event
	*e = access.Event{Time: c.time(), Records: 1}
	e.Late = e.Time.Plus(time.Duration(access.LateSlack)) < c.written()
	c.buffer = c.buffer[:0]
	text := func(t *template) []byte {
		switch {
		case t == nil:
			return nil
		case t.cycle > 0:
			if v := t.known[c.n%t.cycle]; len(v) > 0 {
				return v
			}
			return nil
		}
		from := len(c.buffer)
		c.buffer = t.append(c.buffer, c.n)
		return c.buffer[from:len(c.buffer):len(c.buffer)]
	}
	e.Principal, e.Feature, e.ID = text(l.principal), text(l.feature), text(l.id)
	e.Subject, e.Grantor = text(l.subject), text(l.grantor)
	if l.scopes != nil {
		c.scopes = scopesOf(c.scopes[:0], text(l.scopes))
		if len(c.scopes) > 0 {
			e.Scopes = c.scopes
		}
	}
	if l.operation != nil {
		e.Operation, _ = access.ParseOperation(text(l.operation))
	}
	if l.direction != nil {
		e.Direction, _ = access.ParseDirection(text(l.direction))
	}
	if l.consent != nil {
		e.Consent, _ = access.ParseConsent(text(l.consent))
	}
	if l.indicator != nil {
		e.Indicator, _ = access.ParseIndicator(text(l.indicator))
	}
	if l.outcome != nil {
		e.Outcome, _ = access.ParseOutcome(text(l.outcome))
	}
	if l.probe != nil {
		e.Probe, _ = access.ParseProbe(text(l.probe))
	}
	if l.records != nil {
		e.Records, _ = strconv.ParseUint(string(text(l.records)), 10, 64)
	}
	if l.bytes != nil {
		e.Bytes, _ = strconv.ParseUint(string(text(l.bytes)), 10, 64)
	}
	return e
}

// cursors is a heap by due time and line.
type cursors []*cursor

func (c cursors) Len() int { return len(c) }
func (c cursors) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(c[i].due, c[j].due), cmp.Compare(c[i].number, c[j].number)) < 0
}
func (c cursors) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c *cursors) Push(x any)   { *c = append(*c, x.(*cursor)) }
func (c *cursors) Pop() any {
	old := *c
	x := old[len(old)-1]
	*c = old[:len(old)-1]
	return x
}
