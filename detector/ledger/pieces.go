package ledger

import (
	"hash/maphash"

	"github.com/dchest/siphash"

	"sunsetwatch/rules/access"
)

// PiecesOptions say what Pieces keep. The zero value keeps totals and people of
// everything.
type PiecesOptions struct {
	// Months keeps buckets too, one a month and piece, so that facts can be cut
	// anew later, or saved.
	Months bool
	// People says of the accesses of a cell around an instant whether somebody
	// will ask how many people they were about; nil: always. It is to give the
	// same answer for all instants between two cuts.
	People func(c *Cell, at access.Instant) Verdict
	// Outright says of all accesses of the pair of a cell around an instant that no
	// verdict on them is Lawful, and that each is the same for any relation; nil:
	// neither is known. It saves asking People.
	Outright func(c *Cell, at access.Instant) (wrong, anybody bool)
	// Together counts what is Lawful in one cell for each pair and piece of time, and
	// of that nothing but how many accesses and attempts there were, which was the
	// first and which the last. Of what has another verdict, the people and the days
	// are in one cell for each pair, piece of time, relation and verdict; all else is
	// in the cell of each event. It takes Terms and People, and no Months.
	Together bool
	// Daily keeps accesses by UTC day and pair, for pictures; nil: not. It says of
	// the accesses of a cell around an instant whether they are wrong, and gives the
	// same answer for all instants between two cuts. The memory that it takes is
	// that of days x pairs.
	Daily func(c *Cell, at access.Instant) (wrong bool)
}

// Verdict is what somebody finds of accesses. Accesses of a pair that have the same
// one are asked about together, so that nobody asks how many people those of a
// scope or an operation were about.
type Verdict uint64

// Lawful is the verdict on accesses that nobody will ask more of than how many there
// were, and which were the first and the last.
const Lawful Verdict = 0

// Pieces count events straight into the pieces of time between the cuts of their
// cells, which a replay knows beforehand. So its memory depends on the number of
// cells, not of events. What Pieces of the same ledger counted is in the ledger at
// once; ledgers add up with Absorb.
//
// Concurrency: one goroutine for a ledger.
type Pieces struct {
	ledger  *Ledger
	options PiecesOptions

	people0, people1 uint64
	seed             maphash.Seed
	cells            map[uint64][]int32 // by hash of the key
	known            []pieceCell
	key              []byte
	source           *source
	together         *together // nil: nothing is
}

// pieceCell is a cell with the piece that was counted last: events are mostly in
// order of time.
type pieceCell struct {
	key         string
	cell        *Cell
	from, until access.Instant
	total       *Stretch
	lead        *Stretch     // where people and days are
	people      bool         // are counted in this piece
	daily       *dailyCounts // nil: not counted
}

// NewPieces counts into l, whose terms cut time, and which is to have been filled
// by nothing else.
func (l *Ledger) NewPieces(o PiecesOptions) *Pieces {
	p := &Pieces{ledger: l, options: o, seed: maphash.MakeSeed(), cells: map[uint64][]int32{}}
	p.people0, p.people1 = l.options.Key.halves(0)
	if o.Months {
		l.horizon = horizonAt(access.End) // everything is old
	}
	if o.Together {
		p.together = &together{seed: p.seed, terms: l.terms}
	}
	return p
}

// From says which source the events that follow come from.
func (p *Pieces) From(s Source) { p.source = p.ledger.source(s) }

// Advance says that the source was read to an offset, be it without an event.
func (p *Pieces) Advance(next int64) { p.source.Next = max(p.source.Next, next) }

// Add counts one event, which is borrowed.
func (p *Pieces) Add(ev *access.Event, at access.Position) {
	relation := ev.Relation()
	if a, ok := p.alikeOf(ev, relation); ok {
		if p.lawful(&a, ev.Time) {
			p.addLawful(&a, ev.Time, at)
		} else {
			p.addAlike(&a, ev, at)
		}
		return
	}
	p.add(&p.known[p.cellOf(ev, relation)], ev, relation, at)
}

// occurrence is what is counted of an event of a cell.
type occurrence struct {
	mark             Mark
	records, bytes   uint64
	subject, grantor uint64 // hashes of those who count; 0: nobody
}

// add counts an event of a cell.
func (p *Pieces) add(c *pieceCell, ev *access.Event, relation access.Relation, at access.Position) {
	if ev.Time < c.from || ev.Time >= c.until {
		p.enter(c, ev.Time)
	}
	o := occurrence{mark: markOf(ev, at, p.source.id), records: ev.Records, bytes: ev.Bytes}
	if c.people {
		o.subject, o.grantor = p.peopleOf(ev.Subject, ev.Grantor, relation)
	}
	p.addTo(c, &o)
}

// peopleOf are the hashes of those who count of a subject and a grantor.
func (p *Pieces) peopleOf(subject, grantor []byte, relation access.Relation) (s, g uint64) {
	if len(subject) > 0 {
		s = max(1, siphash.Hash(p.people0, p.people1, subject)) // as People has it
	}
	if len(grantor) > 0 && (relation == access.ThirdParty || s == 0) {
		g = max(1, siphash.Hash(p.people0, p.people1, grantor))
	}
	return s, g
}

// addTo counts an event in the piece in which the cell is.
func (p *Pieces) addTo(c *pieceCell, o *occurrence) {
	s, t := c.total, o.mark.Time
	p.count(s, o.mark)
	s.Records, s.Bytes = volume(s.Records, o.records), volume(s.Bytes, o.bytes)
	c.lead.Days.Add(t)
	if p.options.Months {
		p.ledger.put(c.cell, byMonth, dayMask(byMonth, dateOf(t)), &count{1, o.records, o.bytes, o.mark, o.mark})
	}
	if c.daily != nil {
		c.daily.add(t.Day(), 1)
	}
	if o.subject == 0 && o.grantor == 0 || !c.people {
		return
	}
	var w *crowd
	if p.options.Months {
		w = c.cell.crowdOf(peopleByMonth, dateOf(t), c.from)
		w.first, w.last = min(w.first, t), max(w.last, t)
	}
	if o.subject != 0 {
		addTo(&c.lead.People, o.subject)
		if w != nil {
			addTo(&w.people, o.subject)
		}
	}
	if o.grantor != 0 {
		addTo(&c.lead.Grantors, o.grantor)
		if w != nil {
			addTo(&w.grantors, o.grantor)
		}
	}
}

// count counts an event as such, and where it is the first or the last.
func (p *Pieces) count(s *Stretch, mark Mark) { p.countMany(s, 1, mark, mark) }

// countMany counts n events of the source at hand.
func (p *Pieces) countMany(s *Stretch, n uint64, first, last Mark) {
	l := p.ledger
	l.earliest, l.latest = min(l.earliest, first.Time), max(l.latest, last.Time)
	p.source.JudgedTo = max(p.source.JudgedTo, last.Time)
	p.source.Counted += n
	if s.Events == 0 {
		s.First, s.Last = first, last
	} else {
		if first.Time <= s.First.Time && l.Before(first, s.First) {
			s.First = first
		}
		if last.Time >= s.Last.Time && l.Before(s.Last, last) {
			s.Last = last
		}
	}
	s.Events += n
}

func addTo(p **People, hash uint64) {
	if *p == nil {
		*p = &People{}
	}
	(*p).Add(hash)
}

// enter moves a cell to the piece that holds t.
func (p *Pieces) enter(c *pieceCell, t access.Instant) {
	c.from, c.until = c.cell.around(t, t)
	c.total = c.cell.total(c.from)
	c.lead = c.total
	attr := &c.cell.attr
	served := attr.Outcome == access.Served && attr.Probe == access.NoProbe
	c.people = served
	if p.options.People != nil && attr.Probe == access.NoProbe {
		verdict := p.options.People(c.cell, t)
		c.people = served && verdict != Lawful
		if p.options.Together && verdict != Lawful {
			c.lead = c.cell.pair.leadOf(lead{c.from, c.until, verdict, attr.Relation, served, c.total})
		}
	}
	if served && p.options.Daily != nil {
		c.daily = c.cell.pair.daily.of(c.from, c.until, p.options.Daily(c.cell, t))
	}
}

// lead is a stretch that has the people and the days of others too.
type lead struct {
	from, until access.Instant
	verdict     Verdict
	relation    access.Relation
	served      bool
	stretch     *Stretch
}

// leadOf finds the stretch that leads one like l, which may be that of l.
func (p *pair) leadOf(l lead) *Stretch {
	for i := range p.leads { // a few for each piece of time
		if k := &p.leads[i]; k.from == l.from && k.verdict == l.verdict && k.relation == l.relation && k.until == l.until && k.served == l.served {
			return k.stretch
		}
	}
	p.leads = append(p.leads, l)
	return l.stretch
}

// cellOf finds the cell of an event, in known.
func (p *Pieces) cellOf(ev *access.Event, relation access.Relation) int32 {
	p.key = appendKey(p.key[:0], ev, relation)
	hash := maphash.Bytes(p.seed, p.key)
	for _, n := range p.cells[hash] {
		if p.known[n].key == string(p.key) {
			return n
		}
	}
	l := p.ledger
	key := string(p.key)
	principal, feature, scopes, attr := foldKey(key).parse()
	pair := l.pairOf(l.principalOf(principal), feature)
	n := p.know(pieceCell{key: key, cell: l.cellIn(pair, scopes, attr)})
	p.cells[hash] = append(p.cells[hash], n)
	return n
}

// know makes a place in known for a cell. Several may count into the same cell.
func (p *Pieces) know(c pieceCell) int32 {
	c.from, c.until = access.End, access.Beginning
	p.ledger.changed(c.cell)
	p.known = append(p.known, c)
	return int32(len(p.known) - 1)
}

// Absorb adds the facts of o, which is of no use after that. Both are to be of
// disjoint events, of the same key and cut by the same terms. What both hold does
// not depend on which of them absorbs the other.
func (l *Ledger) Absorb(o *Ledger) {
	ids := make([]SourceID, len(o.sources))
	for i, s := range o.sources {
		to := l.source(s.Source)
		ids[i] = to.id
		to.JudgedTo = max(to.JudgedTo, s.JudgedTo)
		to.Counted += s.Counted
		to.Next = max(to.Next, s.Next)
	}
	l.earliest = min(l.earliest, o.earliest)
	if o.latest > l.latest {
		l.latest = o.latest
	}
	for _, pr := range o.principals {
		for _, from := range pr.pairs {
			if from.daily != nil {
				to := l.pairOf(l.principalOf(pr.name), from.feature)
				to.daily = to.daily.unite(from.daily)
			}
		}
	}
	for _, from := range o.cells {
		to := l.cellIn(l.pairOf(l.principalOf(from.pair.principal.name), from.pair.feature), from.scopes, from.attr)
		for _, s := range from.totals {
			s.First.Source, s.Last.Source = ids[s.First.Source], ids[s.Last.Source]
			if to.folded || !to.adopt(s) { // others may lie in the stretch of a folded cell
				l.unite(to.total(s.From), s)
			}
		}
		for t := range tiers {
			for n := range from.chunks[t] {
				k := &from.chunks[t][n]
				for i := range k.buckets {
					b := &k.buckets[i]
					b.first.Source, b.last.Source = ids[b.first.Source], ids[b.last.Source]
					l.put(to, tier(t), b.days, &b.count)
				}
				for i := range k.crowds {
					to.gather(tier(t), &k.crowds[i])
				}
			}
		}
		for _, b := range from.cutCounts {
			b.first.Source, b.last.Source = ids[b.first.Source], ids[b.last.Source]
			to.cutCounts = append(to.cutCounts, b)
		}
		to.cutCrowds = append(to.cutCrowds, from.cutCrowds...)
		to.dirtyHead = true
		l.changed(to)
	}
}

// changed lists a cell for the next save and its pair for the next judgement.
func (l *Ledger) changed(c *Cell) {
	l.touch(c)
	if !c.pair.dirty {
		c.pair.dirty = true
		l.dirtyPairs = append(l.dirtyPairs, c.pair)
	}
}
