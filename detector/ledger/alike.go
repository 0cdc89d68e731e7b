package ledger

import (
	"hash/maphash"
	"math"
	"slices"

	"sunsetwatch/rules/access"
)

// Most accesses are lawful, and of these nobody asks more than how many there were
// and which were the first and the last. So with PiecesOptions.Together they are
// not counted cell by cell, but in one cell for each pair and piece of time. That
// is found by small numbers for names, which stay in the caches of a processor,
// where the cells and their facts do not.

// alike are events of one principal and feature that differ in time, counts and
// place alone, and perhaps in people.
type alike struct {
	pair   *alikePair
	like   *like
	number uint16 // of the like
	served bool
	late   bool
}

// alikePair is a pair by numbers.
type alikePair struct {
	alikeWindow // that of piece; there it is as it was when it was left
	piece       *alikePiece
	pair        *pair
	cells       []int32 // in Pieces.known and one, by number of the like and relation
	number      uint64  // that of its principal and that of its feature
	pieces      []*alikePiece
	cuts        [][]access.Instant // by number of the scope set among those of the feature
}

// alikeWindow is a stretch of time over which the terms of a pair are the same.
type alikeWindow struct {
	from, until      access.Instant
	asked, lawful    uint64   // a bit for each like of a number below 64
	served, attempts *Stretch // of the cell that what is lawful is counted in; nil: nothing was
}

// alikePiece is the rest of it.
type alikePiece struct {
	alikeWindow
	more  map[uint16]bool // whether likes of higher numbers are lawful
	daily []*dailyCounts  // by number of the like; nil: not asked yet
}

// like is what events of a feature have in common but principal and time.
type like struct {
	number  uint16
	set     int
	attr    Attributes
	scopes  []string
	anybody bool // the relation is not known
}

// alikePrincipal and alikeFeature are names by number.
type alikePrincipal struct {
	name   string
	number uint64
}

type alikeFeature struct {
	name   string
	number uint64
	likes  table[like]
	served uint64     // a bit for each of a number below 64 that is of accesses
	sets   [][]string // of scopes
}

// How many of each there may be; events of others are counted cell by cell. Names
// that nobody registered, of which there may be any number, always are.
const (
	mostAlikeNames = 1 << 16
	mostAlikePairs = 1 << 14
	mostLikes      = 1 << 10
)

// together finds them.
type together struct {
	seed       maphash.Seed
	terms      Terms
	principals table[alikePrincipal]
	features   table[alikeFeature]
	pairs      table[alikePair]
	asked      Cell // scratch
}

// table finds things by hash.
type table[T any] struct {
	slots []tableSlot // a power of two, at most half of them in use
	all   []*T
}

type tableSlot struct {
	hash uint64
	n    uint32 // one more than the index in all; 0: free
}

// find yields what has the hash; new is where it can be put.
func (t *table[T]) find(hash uint64, is func(*T) bool) *T {
	if len(t.slots) == 0 {
		return nil
	}
	for at := hash; ; at++ {
		s := &t.slots[at&uint64(len(t.slots)-1)]
		if s.n == 0 {
			return nil
		}
		if s.hash == hash && is(t.all[s.n-1]) {
			return t.all[s.n-1]
		}
	}
}

func (t *table[T]) put(hash uint64, x *T) {
	t.all = append(t.all, x)
	if 2*len(t.all) > len(t.slots) {
		old := t.slots
		t.slots = make([]tableSlot, max(64, 2*len(old)))
		for _, s := range old {
			if s.n > 0 {
				t.place(s)
			}
		}
	}
	t.place(tableSlot{hash, uint32(len(t.all))})
}

func (t *table[T]) place(s tableSlot) {
	at := s.hash
	for t.slots[at&uint64(len(t.slots)-1)].n > 0 {
		at++
	}
	t.slots[at&uint64(len(t.slots)-1)] = s
}

// Together is that of the options.
func (p *Pieces) Together() bool { return p.together != nil }

// alikeOf finds what the event has in common with others. ok is false where each
// event is to be counted in its cell.
func (p *Pieces) alikeOf(ev *access.Event, relation access.Relation) (a alike, ok bool) {
	if p.together == nil || ev.Probe != access.NoProbe {
		return alike{}, false
	}
	pair, f := p.alikePairOf(ev.Principal, ev.Feature)
	if pair == nil {
		return alike{}, false
	}
	l := p.likeOf(f, ev, relation, false)
	if l == nil {
		return alike{}, false
	}
	return alike{pair, l, l.number, ev.Outcome == access.Served, ev.Late}, true
}

// alikePairOf finds or makes a pair and its feature, nil where its events are
// counted cell by cell.
func (p *Pieces) alikePairOf(principal, feature []byte) (*alikePair, *alikeFeature) {
	t := p.together
	hash := maphash.Bytes(t.seed, principal)
	pr := t.principals.find(hash, func(x *alikePrincipal) bool { return x.name == string(principal) })
	if pr == nil {
		if len(t.principals.all) >= mostAlikeNames || !t.terms.KnownPrincipal(string(principal)) {
			return nil, nil
		}
		pr = &alikePrincipal{name: string(principal), number: uint64(len(t.principals.all))}
		t.principals.put(hash, pr)
	}
	hash = maphash.Bytes(t.seed, feature)
	f := t.features.find(hash, func(x *alikeFeature) bool { return x.name == string(feature) })
	if f == nil {
		if len(t.features.all) >= mostAlikeNames || !t.terms.KnownFeature(string(feature)) {
			return nil, nil
		}
		f = &alikeFeature{name: string(feature), number: uint64(len(t.features.all))}
		t.features.put(hash, f)
	}
	number := pr.number<<32 | f.number
	hash = number * 0x9e3779b97f4a7c15
	hash ^= hash >> 32
	pair := t.pairs.find(hash, func(x *alikePair) bool { return x.number == number })
	if pair == nil {
		if len(t.pairs.all) >= mostAlikePairs {
			return nil, nil
		}
		pair = &alikePair{pair: p.ledger.pairOf(p.ledger.principalOf(pr.name), f.name), number: number}
		pair.from, pair.until = access.End, access.Beginning
		t.pairs.put(hash, pair)
	}
	return pair, f
}

// likeOf finds what an event has in common with others of its feature, nil where
// there are too many. Where anybody, its people are not known, and it stands for
// events with any.
func (p *Pieces) likeOf(f *alikeFeature, ev *access.Event, relation access.Relation, anybody bool) *like {
	a := Attributes{ev.Operation, ev.Direction, ev.Outcome, relation, ev.Consent, ev.Indicator, ev.Probe}
	hash := uint64(a.Operation) | uint64(a.Direction)<<8 | uint64(a.Outcome)<<16 | uint64(a.Relation)<<24 | uint64(a.Consent)<<32 | uint64(a.Indicator)<<40
	if anybody {
		hash |= 1 << 48
	}
	for _, s := range ev.Scopes {
		hash = hash*0x9e3779b97f4a7c15 ^ maphash.Bytes(p.together.seed, s)
	}
	hash *= 0x9e3779b97f4a7c15
	hash ^= hash >> 32
	l := f.likes.find(hash, func(x *like) bool {
		if x.attr != a || x.anybody != anybody || len(x.scopes) != len(ev.Scopes) {
			return false
		}
		for i, s := range ev.Scopes {
			if x.scopes[i] != string(s) {
				return false
			}
		}
		return true
	})
	if l != nil || len(f.likes.all) >= mostLikes {
		return l
	}
	l = &like{number: uint16(len(f.likes.all)), attr: a, anybody: anybody}
	for _, s := range ev.Scopes {
		l.scopes = append(l.scopes, string(s))
	}
	l.set = slices.IndexFunc(f.sets, func(s []string) bool { return slices.Equal(s, l.scopes) })
	if l.set < 0 {
		l.set = len(f.sets)
		f.sets = append(f.sets, l.scopes)
	}
	f.likes.put(hash, l)
	if l.number < 64 && a.Outcome == access.Served {
		f.served |= 1 << l.number
	}
	return l
}

// lawful reports whether nobody will ask more of such an event at t than how many
// there were, and which was the first and the last: then it is counted with
// addLawful, else with addAlike.
func (p *Pieces) lawful(a *alike, t access.Instant) bool {
	pair := a.pair
	if t < pair.from || t >= pair.until {
		pair.enter(t)
	}
	if a.number < 64 && pair.asked>>a.number&1 != 0 {
		return pair.lawful>>a.number&1 != 0
	}
	return p.verdict(a, t)
}

// enter moves a pair to the piece that holds t.
func (pair *alikePair) enter(t access.Instant) {
	if pair.piece != nil {
		pair.piece.alikeWindow = pair.alikeWindow
	}
	i := slices.IndexFunc(pair.pieces, func(x *alikePiece) bool { return x.from <= t && t < x.until })
	if i < 0 {
		i = len(pair.pieces)
		pair.pieces = append(pair.pieces, &alikePiece{alikeWindow: alikeWindow{from: access.Beginning, until: access.End}})
	}
	pair.piece = pair.pieces[i]
	pair.alikeWindow = pair.piece.alikeWindow
}

// verdict is that of lawful where it is not known yet, or of a high number.
func (p *Pieces) verdict(a *alike, t access.Instant) bool {
	pair := a.pair
	if a.number < 64 {
		ok := p.ask(a, t)
		pair.asked |= 1 << a.number
		if ok {
			pair.lawful |= 1 << a.number
		}
		return ok
	}
	ok, asked := pair.piece.more[a.number]
	if !asked {
		if pair.piece.more == nil {
			pair.piece.more = map[uint16]bool{}
		}
		ok = p.ask(a, t)
		pair.piece.more[a.number] = ok
	}
	return ok
}

// ask finds out whether a like is lawful in the piece of its pair, which may become
// smaller by it, so that it lies between two cuts for all scopes that were met in it.
func (p *Pieces) ask(a *alike, t access.Instant) bool {
	l, pair := a.like, a.pair
	if l.set >= len(pair.cuts) {
		pair.cuts = append(pair.cuts, make([][]access.Instant, l.set+1-len(pair.cuts))...)
	}
	if pair.cuts[l.set] == nil {
		pair.cuts[l.set] = slices.Clip(append([]access.Instant{}, p.together.terms.Instants(pair.pair.principal.name, pair.pair.feature, l.scopes)...))
	}
	c := &p.together.asked
	*c = a.cell()
	from, until := c.around(t, t)
	pair.from, pair.until = max(pair.from, from), min(pair.until, until)
	anybody := false
	if p.options.Outright != nil {
		wrong := false
		if wrong, anybody = p.options.Outright(c, t); wrong {
			pair.asked, pair.lawful = math.MaxUint64, 0
			return false
		}
	}
	if p.options.People(c, t) != Lawful {
		return false
	}
	if l.anybody && !anybody {
		c.attr.Relation = access.ThirdParty
		return p.options.People(c, t) == Lawful
	}
	return true
}

// cell is one that such events are counted in, apart from a ledger.
func (a *alike) cell() Cell {
	return Cell{pair: a.pair.pair, scopes: a.like.scopes, attr: a.like.attr, cuts: a.pair.cuts[a.like.set]}
}

// addLawful counts an event of which lawful was just said.
func (p *Pieces) addLawful(a *alike, t access.Instant, at access.Position) {
	l, pair := p.ledger, a.pair
	to := &pair.served
	if !a.served {
		to = &pair.attempts
	}
	if *to == nil {
		c := l.cellCut(pair.pair, a.like.scopes, a.like.attr, pair.cutsOf(a.like))
		l.changed(c)
		from, _ := c.around(t, t)
		*to = c.total(from)
	}
	p.count(*to, Mark{Time: t, Offset: at.Offset, place: placeOf(a.late, at), Source: p.source.id})
	if a.served && p.options.Daily != nil {
		p.dailyOf(a, t).add(t.Day(), 1)
	}
}

// dailyOf is where lawful accesses of a piece are counted by day: where those of
// their cell would be.
func (p *Pieces) dailyOf(a *alike, t access.Instant) *dailyCounts {
	piece := a.pair.piece
	n := int(a.number)
	if n >= len(piece.daily) {
		piece.daily = append(piece.daily, make([]*dailyCounts, n+1-len(piece.daily))...)
	}
	if piece.daily[n] == nil {
		c := a.cell()
		from, until := c.around(t, t)
		piece.daily[n] = a.pair.pair.daily.of(from, until, p.options.Daily(&c, t))
	}
	return piece.daily[n]
}

// addAlike counts one event, which is one of the alike.
func (p *Pieces) addAlike(a *alike, ev *access.Event, at access.Position) {
	relation := ev.Relation()
	p.add(&p.known[p.knownOf(a, relation)], ev, relation, at)
}

// knownOf finds the cell of the alike that have a relation, in known.
func (p *Pieces) knownOf(a *alike, relation access.Relation) int32 {
	i := 2*int(a.number) + int(relation)
	if i >= len(a.pair.cells) {
		a.pair.cells = append(a.pair.cells, make([]int32, i+1-len(a.pair.cells))...)
	}
	if n := a.pair.cells[i]; n != 0 {
		return n - 1
	}
	attr := a.like.attr
	attr.Relation = relation
	c := p.ledger.cellCut(a.pair.pair, a.like.scopes, attr, a.pair.cutsOf(a.like))
	a.pair.cells[i] = p.know(pieceCell{cell: c}) + 1
	return a.pair.cells[i] - 1
}

// cutsOf are the cuts of a like, nil where they are not known yet.
func (pair *alikePair) cutsOf(l *like) []access.Instant {
	if l.set < len(pair.cuts) {
		return pair.cuts[l.set]
	}
	return nil
}
