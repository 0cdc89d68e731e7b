package ledger

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"sunsetwatch/rules/access"
)

// Fact is what was counted of one cell in one UTC month, as far as it lies
// between two neighbouring cuts: what a ledger with months is made of, apart
// from its sources. Facts gives them, and a Builder takes them.
type Fact struct {
	Principal, Feature string
	Scopes             []string // sorted
	Attributes         Attributes
	Folded             bool // as of Cell.Folded

	// From and Until are the cuts around the Tally, Beginning and End where
	// there is none.
	From, Until access.Instant
	// Tally may be of people only; Events is 0 then, and First, Last and Days
	// have no meaning.
	Tally
	// PeopleFirst and PeopleLast are the first and last event that People and
	// Grantors come from, without meaning where both are nil. They may lie outside
	// of First and Last where new cuts divided the events.
	PeopleFirst, PeopleLast access.Instant
}

// NewMark is the place of one event of a source.
func NewMark(t access.Instant, source SourceID, offset int64, index int32, late bool) Mark {
	m := Mark{Time: t, Offset: offset, place: uint32(index) << 1, Source: source}
	if late {
		m.place |= 1
	}
	return m
}

// Month is the UTC month of the fact.
func (f *Fact) Month() access.Day {
	m, _ := monthOf(f.about().Day())
	return m.start()
}

// about is an instant of the fact.
func (f *Fact) about() access.Instant {
	if f.Events > 0 {
		return f.First.Time
	}
	return f.PeopleFirst
}

// Facts are all facts of l, sorted by their names and attributes and then by
// time, so that ledgers that hold the same give the same. They are valid until
// the next change of l. It fails where l has no months, as of Pieces without
// them: its facts could not be cut at other instants later.
func (l *Ledger) Facts() (iter.Seq[*Fact], error) {
	for _, c := range l.cells {
		n := len(c.cutCounts) + len(c.cutCrowds)
		for t := range tiers {
			n += len(c.chunks[t])
		}
		if n == 0 && len(c.totals) > 0 {
			return nil, fmt.Errorf("facts of %s are counted without months, so that they cannot be given away", c.pair.principal.name)
		}
	}
	cells := slices.SortedFunc(slices.Values(l.cells), compareCells)
	return func(yield func(*Fact) bool) {
		for _, c := range cells {
			for _, f := range l.factsOf(c) {
				if !yield(f) {
					return
				}
			}
		}
	}, nil
}

func compareCells(a, b *Cell) int {
	if c := cmp.Or(strings.Compare(a.pair.principal.name, b.pair.principal.name), strings.Compare(a.pair.feature, b.pair.feature), slices.Compare(a.scopes, b.scopes)); c != 0 {
		return c
	}
	x, y := &a.attr, &b.attr
	return cmp.Or(cmp.Compare(x.Operation, y.Operation), cmp.Compare(x.Direction, y.Direction), cmp.Compare(x.Outcome, y.Outcome),
		cmp.Compare(x.Relation, y.Relation), cmp.Compare(x.Consent, y.Consent), cmp.Compare(x.Indicator, y.Indicator),
		cmp.Compare(x.Probe, y.Probe), cmp.Compare(boolean(a.folded), boolean(b.folded)))
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// factsOf are the facts of a cell, by time; what is cut comes last.
func (l *Ledger) factsOf(c *Cell) []*Fact {
	var whole []*Fact
	known := map[access.Instant]*Fact{} // by the start of the month or of the piece
	at := func(t access.Instant) *Fact {
		_, month := unitOf(byMonth, dateOf(t))
		start := max(month, c.before(t))
		f := known[start]
		if f == nil {
			f = l.factOf(c, t, t)
			known[start] = f
			whole = append(whole, f)
		}
		return f
	}
	for _, t := range []tier{byMonth, byDay, byMinute} {
		for i := range c.chunks[t] {
			for n := range c.chunks[t][i].buckets {
				b := &c.chunks[t][i].buckets[n]
				f := at(b.first.Time)
				s := Stretch{Tally: f.Tally}
				s.addCount(l, &b.count)
				f.Tally = s.Tally
			}
		}
	}
	for _, f := range whole {
		if i, found := c.find(c.before(f.First.Time)); found {
			f.Days = c.totals[i].Days.within(f.First.Time, f.Last.Time)
		}
	}
	for _, t := range []tier{peopleByMonth, peopleByDay} {
		for i := range c.chunks[t] {
			for n := range c.chunks[t][i].crowds {
				w := &c.chunks[t][i].crowds[n]
				at(w.first).join(w)
			}
		}
	}
	slices.SortFunc(whole, func(a, b *Fact) int { return cmpInstant(a.about(), b.about()) })

	var cut []*Fact
	for i := range c.cutCounts {
		b := &c.cutCounts[i]
		f := l.factOf(c, b.first.Time, b.last.Time)
		f.Events, f.Records, f.Bytes, f.First, f.Last = b.events, b.records, b.bytes, b.first, b.last
		b.dayRuns(b.tier, &f.Days)
		cut = append(cut, f)
	}
	for i := range c.cutCrowds {
		w := &c.cutCrowds[i].crowd
		f := l.factOf(c, w.first, w.last)
		f.join(w)
		cut = append(cut, f)
	}
	slices.SortStableFunc(cut, func(a, b *Fact) int {
		return cmp.Or(cmpInstant(a.about(), b.about()), cmp.Compare(boolean(a.Events == 0), boolean(b.Events == 0)))
	})
	return append(whole, cut...)
}

func (l *Ledger) factOf(c *Cell, first, last access.Instant) *Fact {
	f := &Fact{Principal: c.pair.principal.name, Feature: c.pair.feature, Scopes: c.scopes, Attributes: c.attr, Folded: c.folded}
	f.From, f.Until = c.around(first, last)
	return f
}

// join unites the people of f with a crowd, which stays as it is.
func (f *Fact) join(w *crowd) {
	if f.People == nil && f.Grantors == nil {
		f.PeopleFirst, f.PeopleLast = w.first, w.last
	} else {
		f.PeopleFirst, f.PeopleLast = min(f.PeopleFirst, w.first), max(f.PeopleLast, w.last)
	}
	uniteInto(&f.People, w.people)
	uniteInto(&f.Grantors, w.grantors)
}

// Builder makes one Ledger of the facts of several, whose events are disjoint.
// What it makes does not depend on their order.
type Builder struct {
	l     *Ledger
	cells map[string]*builtCell
}

// builtCell is a cell before all of its facts, and so its cuts, are known.
type builtCell struct {
	*Cell
	facts []*Fact
}

// NewBuilder begins with an empty Ledger. The caps of o hold for what is counted
// later: all facts that are given are kept.
func NewBuilder(o Options) *Builder {
	o.Terms = nil // cells keep the cuts that their facts lie between until SetTerms
	return &Builder{l: New(o), cells: map[string]*builtCell{}}
}

// Begin says that a ledger follows with these sources, of which the names and
// how far they were counted are used, and gives their ids. It fails where a source
// is there already: its events would be counted twice.
func (b *Builder) Begin(sources []SourceStatus) ([]SourceID, error) {
	ids := make([]SourceID, len(sources))
	for i := range sources {
		s := &sources[i]
		if _, found := b.l.sourceIDs[s.Name]; found || s.Name == "" {
			return nil, fmt.Errorf("the source %q is in two ledgers: its events would be counted twice. Leave one of them out, or make one ledger of both; where these are two files, make the ledgers anew with paths that differ", s.Name)
		}
		to := b.l.source(s.Source)
		to.Next, to.JudgedTo, to.Counted = s.Next, s.JudgedTo, s.Counted
		ids[i] = to.id
	}
	return ids, nil
}

// Add takes one fact, of which the Builder keeps hold. The marks have ids that
// Begin gave.
func (b *Builder) Add(f *Fact) error {
	if err := b.check(f); err != nil {
		return err
	}
	key := factKey(f)
	c := b.cells[key]
	if c == nil {
		c = &builtCell{Cell: &Cell{scopes: f.Scopes, attr: f.Attributes, folded: f.Folded}}
		c.pair = b.l.pairOf(b.l.principalOf(f.Principal), f.Feature)
		b.cells[key] = c
	}
	c.facts = append(c.facts, f)
	l := b.l
	if f.Events > 0 {
		l.earliest, l.latest = min(l.earliest, f.First.Time), max(l.latest, f.Last.Time)
	}
	return nil
}

// factKey is the same for all facts of a cell.
func factKey(f *Fact) string {
	a := f.Attributes
	k := []byte{byte(a.Operation), byte(a.Direction), byte(a.Outcome), byte(a.Relation), byte(a.Consent), byte(a.Indicator), byte(a.Probe), byte(boolean(f.Folded))}
	k = appendString(k, f.Principal)
	k = appendString(k, f.Feature)
	for _, s := range f.Scopes {
		k = appendString(k, s)
	}
	return string(k)
}

// check refuses what no ledger gives away.
func (b *Builder) check(f *Fact) error {
	known := func(m Mark) bool { return int(m.Source) < len(b.l.sources) }
	switch {
	case f.Principal == "" || f.Feature == "":
		return fmt.Errorf("a fact without principal or feature")
	case !slices.IsSorted(f.Scopes) || len(slices.Compact(slices.Clone(f.Scopes))) != len(f.Scopes):
		return fmt.Errorf("scopes that are not sorted, or not a set")
	case f.Events == 0 && f.People == nil && f.Grantors == nil:
		return fmt.Errorf("a fact of nothing")
	}
	if f.Events > 0 {
		runs := f.Days.runs
		switch {
		case f.Last.Time < f.First.Time || !sameMonth(f.First.Time, f.Last.Time):
			return fmt.Errorf("events from %s to %s are not of one month", f.First.Time, f.Last.Time)
		case f.First.Time < f.From || f.Last.Time >= f.Until:
			return fmt.Errorf("events from %s to %s lie outside of [%s, %s)", f.First.Time, f.Last.Time, f.From, f.Until)
		case !known(f.First) || !known(f.Last):
			return fmt.Errorf("events of a source that is not listed")
		case len(runs) == 0 || runs[0].First != f.First.Time || runs[len(runs)-1].Last != f.Last.Time:
			return fmt.Errorf("runs that do not go from the first to the last event, %s to %s", f.First.Time, f.Last.Time)
		}
	}
	if f.People != nil || f.Grantors != nil {
		switch {
		case f.PeopleLast < f.PeopleFirst || !sameMonth(f.PeopleFirst, f.PeopleLast):
			return fmt.Errorf("people of events from %s to %s, not of one month", f.PeopleFirst, f.PeopleLast)
		case f.PeopleFirst < f.From || f.PeopleLast >= f.Until:
			return fmt.Errorf("people of events from %s to %s lie outside of [%s, %s)", f.PeopleFirst, f.PeopleLast, f.From, f.Until)
		}
	}
	return nil
}

func sameMonth(a, b access.Instant) bool {
	x, _ := monthOf(a.Day())
	y, _ := monthOf(b.Day())
	return x == y
}

// Ledger is what was given, with the terms, where they are not nil; the Builder
// is of no use after that. Every pair is dirty.
func (b *Builder) Ledger(terms Terms) *Ledger {
	l := b.l
	l.horizon = horizonAt(access.End) // everything is old
	var cells []*builtCell
	for _, c := range b.cells {
		cells = append(cells, c)
	}
	slices.SortFunc(cells, func(x, y *builtCell) int { return compareCells(x.Cell, y.Cell) })
	for _, c := range cells {
		b.build(c)
	}
	b.cells = nil
	if terms != nil {
		l.SetTerms(terms)
	}
	return l
}

func (b *Builder) build(built *builtCell) {
	l, c := b.l, built.Cell
	c.id, c.horizon, c.dirtyHead = uint32(len(l.cells)), l.horizon, true
	for _, f := range built.facts {
		for _, t := range []access.Instant{f.From, f.Until} {
			if t != access.Beginning && t != access.End {
				c.cuts = append(c.cuts, t)
			}
		}
	}
	slices.Sort(c.cuts)
	c.cuts = slices.Compact(c.cuts)
	for _, f := range built.facts {
		if f.Events == 0 {
			continue
		}
		k := bucket{start: f.Month().Start(), days: f.Days.Mask(), count: count{f.Events, f.Records, f.Bytes, f.First, f.Last}}
		if !c.whole(f.First.Time, f.Last.Time) {
			c.cutCounts = append(c.cutCounts, cutCount{byMonth, k})
			continue
		}
		l.put(c, byMonth, k.days, &k.count)
		s := c.total(c.before(f.First.Time))
		s.addCount(l, &k.count)
		s.Days.Union(&f.Days)
	}
	for _, f := range built.facts {
		if f.People == nil && f.Grantors == nil {
			continue
		}
		w := crowd{start: f.Month().Start(), first: f.PeopleFirst, last: f.PeopleLast, people: f.People, grantors: f.Grantors}
		// People whose events are all in a bucket that is cut stay aside with it.
		if _, found := c.find(c.before(w.first)); !found || !c.whole(w.first, w.last) {
			c.cutCrowds = append(c.cutCrowds, cutCrowd{peopleByMonth, w})
			continue
		}
		c.total(c.before(w.first)).addPeople(w.people, w.grantors)
		c.gather(peopleByMonth, &w)
	}
	slices.SortFunc(c.cutCounts, func(x, y cutCount) int {
		return cmp.Or(boolean(l.Before(y.first, x.first))-boolean(l.Before(x.first, y.first)), cmp.Compare(x.events, y.events))
	})
	slices.SortFunc(c.cutCrowds, func(x, y cutCrowd) int {
		return cmp.Or(cmpInstant(x.first, y.first), cmpInstant(x.last, y.last))
	})
	l.list(c, cellKey{attr: c.attr, folded: c.folded, scopes: c.keyScopes()})
	l.changed(c)
}
