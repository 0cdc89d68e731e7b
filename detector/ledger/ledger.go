package ledger

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"sunsetwatch/rules/access"
)

// Folded is the principal, feature or scope under which a cap folds the rest.
const Folded = "_other"

// Default caps, see Options.
const (
	DefaultCellsPerPrincipal = 10_000
	DefaultUnknownNames      = 10_000
)

// Options of a Ledger. The zero value cuts time nowhere, takes every name as
// known, hashes with a zero Key, and has the default caps.
type Options struct {
	Key   Key
	Terms Terms
	// CellsPerPrincipal is the number of cells of one principal beyond which
	// scope set, consent, indicator and relation fold into one overflow value.
	CellsPerPrincipal int
	// UnknownNames is the number of principals that nobody registered, and of
	// features of one principal that nobody registered, beyond which the rest
	// folds into Folded.
	UnknownNames int
}

// Terms is what a Ledger needs to know of the registrations: names and
// instants, no verdicts.
type Terms interface {
	// Instants at which what holds for the pair changes, in rising order.
	Instants(principal, feature string, scopes []string) []access.Instant
	KnownPrincipal(principal string) bool
	KnownFeature(feature string) bool
}

// Ledger is all facts of all sources, with the positions that they cover.
type Ledger struct {
	options    Options
	terms      Terms
	sources    []*source
	sourceIDs  map[string]SourceID
	principals map[string]*principal
	features   map[string]map[string]bool // feature -> principals with facts of it
	cells      []*Cell                    // by id
	pairs      int                        // how many there are
	unknown    int                        // principals that nobody registered
	earliest   access.Instant
	latest     access.Instant
	horizon    horizon
	imported   imported
	generation uint32 // rises when a Fold must look its cells up again

	dirtyPairs []*pair
	dirtyCells []*Cell
}

// principal is what is known of one app or client id.
type principal struct {
	name            string
	pairs           map[string]*pair
	cells           int
	unknownFeatures int
}

// pair is principal x feature.
type pair struct {
	principal *principal
	feature   string
	number    int // among those of the ledger
	cells     []*Cell
	byKey     map[cellKey]*Cell
	dirty     bool   // listed in Ledger.dirtyPairs
	daily     daily  // nil: not kept
	leads     []lead // of Pieces that count together
}

type cellKey struct {
	attr   Attributes
	folded bool
	scopes string // joinScopes
}

// New is an empty Ledger.
func New(o Options) *Ledger {
	if o.CellsPerPrincipal == 0 {
		o.CellsPerPrincipal = DefaultCellsPerPrincipal
	}
	if o.UnknownNames == 0 {
		o.UnknownNames = DefaultUnknownNames
	}
	return &Ledger{
		options:    o,
		terms:      o.Terms,
		sourceIDs:  map[string]SourceID{},
		principals: map[string]*principal{},
		features:   map[string]map[string]bool{},
		earliest:   access.End,
		latest:     access.Beginning,
		generation: 1,
	}
}

// NewFold is a Fold of a source, which goes on where the ledger's facts of it
// end.
func (l *Ledger) NewFold(s Source) *Fold {
	src := l.source(s)
	f := newFold(src.id, l.options.Key)
	f.from = l.imported.fromOf(src.id)
	f.window.restore(src.history.ring, src.history.next)
	return f
}

func (l *Ledger) source(s Source) *source {
	if id, ok := l.sourceIDs[s.Name]; ok {
		return l.sources[id]
	}
	// Saved even before anything of it is read, so that ids have no gaps.
	src := &source{id: SourceID(len(l.sources)), dirty: true}
	src.SourceStatus = SourceStatus{Source: s, Start: -1, Next: -1, JudgedTo: access.Beginning}
	l.sources = append(l.sources, src)
	l.sourceIDs[s.Name] = src.id
	return src
}

// Position of a source: the offset from which reading goes on and the
// fingerprint before it. known is false where nothing of it was read.
func (l *Ledger) Position(name string) (next int64, f access.Fingerprint, known bool) {
	id, ok := l.sourceIDs[name]
	if !ok || l.sources[id].Next < 0 {
		return 0, access.Fingerprint{}, false
	}
	return l.sources[id].Next, l.sources[id].Fingerprint, true
}

// Files is the name of the one source that all files of a replay are together.
const Files = "files"

// Judged says how far each source is judged, in no order, but for files that
// were imported. All files are together one source, which is judged to the latest
// event time counted in any of them: how a replay's events lie in files says
// nothing about how far they reach.
func (l *Ledger) Judged() []Judged {
	all := make([]Judged, 0, len(l.sources))
	files := -1
	for _, s := range l.sources {
		j := Judged{s.Source, s.Next != 0 || s.Earlier > 0, s.JudgedTo}
		switch {
		case l.imported.done(s):
		case s.Topic != "":
			all = append(all, j)
		case files < 0:
			files = len(all)
			j.Source = Source{Name: Files}
			all = append(all, j)
		default:
			all[files].Held = all[files].Held || j.Held
			all[files].To = max(all[files].To, j.To)
		}
	}
	return all
}

// Sources are the statuses of all sources that were read, sorted by topic,
// partition and name.
func (l *Ledger) Sources() []SourceStatus {
	var all []SourceStatus
	for _, s := range l.sources {
		if s.Next >= 0 {
			all = append(all, s.SourceStatus)
		}
	}
	slices.SortFunc(all, func(a, b SourceStatus) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		if a.Partition != b.Partition {
			return int(a.Partition) - int(b.Partition)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}

// Statuses are those of all sources, whether anything of them was read or not,
// sorted by name. The places of events name the source at SourceName.
func (l *Ledger) Statuses() []SourceStatus {
	all := make([]SourceStatus, len(l.sources))
	for i, s := range l.sources {
		all[i] = s.SourceStatus
	}
	slices.SortFunc(all, func(a, b SourceStatus) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// advance moves the latest event time on.
func (l *Ledger) advance(latest access.Instant) {
	l.latest = latest
	l.horizon = horizonAt(latest)
}

// cellOf is the cell of this ledger that a Fold's cell is counted in.
func (l *Ledger) cellOf(fc *foldCell) *Cell {
	if fc.cell != nil && fc.generation == l.generation {
		return fc.cell
	}
	principal, feature, scopes, attr := fc.key.parse()
	fc.cell, fc.generation = l.cellIn(l.pairOf(l.principalOf(principal), feature), scopes, attr), l.generation
	return fc.cell
}

func (l *Ledger) principalOf(name string) *principal {
	if pr := l.principals[name]; pr != nil {
		return pr
	}
	known := l.terms == nil || l.terms.KnownPrincipal(name)
	if !known {
		if l.unknown >= l.options.UnknownNames && name != Folded {
			return l.principalOf(Folded)
		}
		l.unknown++
	}
	pr := &principal{name: name, pairs: map[string]*pair{}}
	l.principals[name] = pr
	return pr
}

func (l *Ledger) pairOf(pr *principal, feature string) *pair {
	if p := pr.pairs[feature]; p != nil {
		return p
	}
	if l.terms != nil && !l.terms.KnownFeature(feature) {
		if pr.unknownFeatures >= l.options.UnknownNames && feature != Folded {
			return l.pairOf(pr, Folded)
		}
		pr.unknownFeatures++
	}
	p := &pair{principal: pr, feature: feature, number: l.pairs, byKey: map[cellKey]*Cell{}}
	l.pairs++
	pr.pairs[feature] = p
	if l.features[feature] == nil {
		l.features[feature] = map[string]bool{}
	}
	l.features[feature][pr.name] = true
	return p
}

func (l *Ledger) cellIn(p *pair, scopes []string, attr Attributes) *Cell {
	return l.cellCut(p, scopes, attr, nil)
}

// cellCut is cellIn, where the instants that cut the pair and scopes may be known
// already; nil: they are not.
func (l *Ledger) cellCut(p *pair, scopes []string, attr Attributes, cuts []access.Instant) *Cell {
	key := cellKey{attr: attr, scopes: joinScopes(scopes)}
	if c := p.byKey[key]; c != nil {
		return c
	}
	if p.principal.cells >= l.options.CellsPerPrincipal {
		scopes, cuts = []string{Folded}, nil
		key = cellKey{folded: true, attr: Attributes{Operation: attr.Operation, Outcome: attr.Outcome, Direction: attr.Direction, Probe: attr.Probe}}
		if c := p.byKey[key]; c != nil {
			return c
		}
	}
	c := &Cell{id: uint32(len(l.cells)), pair: p, horizon: l.horizon, scopes: scopes, attr: key.attr, folded: key.folded, dirtyHead: true}
	switch {
	case cuts != nil:
		c.cuts = cuts
	case l.terms != nil:
		c.cuts = l.terms.Instants(p.principal.name, p.feature, scopes)
	}
	l.list(c, key)
	return c
}

// joinScopes is unambiguous for any names.
func joinScopes(scopes []string) string {
	var b []byte
	for _, s := range scopes {
		b = appendString(b, s)
	}
	return string(b)
}

func (l *Ledger) list(c *Cell, key cellKey) {
	l.cells = append(l.cells, c)
	c.pair.cells = append(c.pair.cells, c)
	c.pair.byKey[key] = c
	c.pair.principal.cells++
}

// SetTerms cuts the time of every cell anew.
func (l *Ledger) SetTerms(t Terms) {
	l.terms = t
	l.generation++ // a name that was folded may be known now
	l.unknown = 0
	for _, pr := range l.principals {
		if !t.KnownPrincipal(pr.name) {
			l.unknown++
		}
		pr.unknownFeatures = 0
		for feature := range pr.pairs {
			if !t.KnownFeature(feature) {
				pr.unknownFeatures++
			}
		}
	}
	for _, c := range l.cells {
		l.rollUp(c)
		l.recut(c, t.Instants(c.pair.principal.name, c.pair.feature, c.scopes))
	}
}

// SourceName is topic/partition, or a file's path.
func (l *Ledger) SourceName(id SourceID) string { return l.sources[id].Name }

// Before orders marks by time, source name, offset and index.
func (l *Ledger) Before(a, b Mark) bool {
	if a.Time != b.Time {
		return a.Time < b.Time
	}
	if a.Source != b.Source {
		return l.sources[a.Source].Name < l.sources[b.Source].Name
	}
	return a.Offset < b.Offset || a.Offset == b.Offset && a.Index() < b.Index()
}

// Earliest is the earliest event time counted; End where there is none.
func (l *Ledger) Earliest() access.Instant { return l.earliest }

// Latest is the latest event time counted; Beginning where there is none.
func (l *Ledger) Latest() access.Instant { return l.latest }

// Unknown is the number of principals with facts that nobody registered.
func (l *Ledger) Unknown() int { return l.unknown }

// TakeDirty empties and yields the pairs whose facts changed since the last
// call, in no order.
func (l *Ledger) TakeDirty() iter.Seq2[string, string] {
	dirty := l.dirtyPairs
	l.dirtyPairs = nil
	for _, p := range dirty {
		p.dirty = false
	}
	return func(yield func(principal, feature string) bool) {
		for _, p := range dirty {
			if !yield(p.principal.name, p.feature) {
				return
			}
		}
	}
}

// Principals are those that hold facts of feature, sorted.
func (l *Ledger) Principals(feature string) []string {
	return slices.Sorted(maps.Keys(l.features[feature]))
}

// Features are those of which principal holds facts, sorted.
func (l *Ledger) Features(principal string) []string {
	if pr := l.principals[principal]; pr != nil {
		return slices.Sorted(maps.Keys(pr.pairs))
	}
	return nil
}

// Cells of a pair, in the order in which they were first seen; not to be
// changed.
func (l *Ledger) Cells(principal, feature string) []*Cell {
	if pr := l.principals[principal]; pr != nil {
		if p := pr.pairs[feature]; p != nil {
			return p.cells
		}
	}
	return nil
}

// Pairs are all pairs that hold facts, in no order.
func (l *Ledger) Pairs() iter.Seq2[string, string] {
	return func(yield func(principal, feature string) bool) {
		for _, pr := range l.principals {
			for feature := range pr.pairs {
				if !yield(pr.name, feature) {
					return
				}
			}
		}
	}
}

// Size is the number of cells and about the memory that they hold, in bytes.
func (l *Ledger) Size() (cells, bytes int) {
	for _, c := range l.cells {
		bytes += 400
		for _, s := range c.totals {
			bytes += 240 + 16*len(s.Days.runs) + s.People.bytes() + s.Grantors.bytes()
		}
		for t := range tiers {
			bytes += 64 * cap(c.chunks[t])
			for i := range c.chunks[t] {
				k := &c.chunks[t][i]
				bytes += 88*cap(k.buckets) + 40*cap(k.crowds)
				for n := range k.crowds {
					bytes += k.crowds[n].people.bytes() + k.crowds[n].grantors.bytes()
				}
			}
		}
	}
	for _, pr := range l.principals {
		for _, p := range pr.pairs {
			for _, c := range p.daily {
				bytes += 64 + 8*cap(c.days)
			}
		}
	}
	return len(l.cells), bytes
}
