package archive

// product numbers pairs of small numbers as they are met, from 0. It finds them by
// their place in a table, which costs a row of a file less than to hash what it
// says.
type product struct {
	mark  uint32          // set in the number of what is new
	shift uint32          // of the first of a pair
	cells []uint32        // by place: the number and one; 0: not met
	far   map[pair]uint32 // of those beyond the table
	all   []pair          // by number
}

type pair struct{ x, y uint32 }

// cellsMost is how many cells the table of a product has at most: 4 MiB.
const cellsMost = 1 << 20

// unproven marks the number of a combination of which no row was decoded yet.
const unproven = 1 << 31

// join gives each pair of x and y its number. to may be x.
func (p *product) join(to, x, y []uint32) {
	to, y = to[:len(x)], y[:len(x)]
	cells, shift := p.cells, p.shift&31
	for i, a := range x {
		b := y[i]
		if at := uint64(a)<<shift | uint64(b); b>>shift == 0 && at < uint64(len(cells)) && cells[at] != 0 {
			to[i] = cells[at] - 1
			continue
		}
		to[i] = p.of(pair{a, b})
		cells, shift = p.cells, p.shift&31
	}
}

// met is the number of a pair and one; 0: it is not in the table.
func (p *product) met(x, y uint32) uint32 {
	if at := uint64(x)<<(p.shift&31) | uint64(y); y>>(p.shift&31) == 0 && at < uint64(len(p.cells)) {
		return p.cells[at]
	}
	return 0
}

// of is the number of a pair.
func (p *product) of(k pair) uint32 {
	cell := p.cell(k)
	if cell != nil && *cell != 0 {
		return *cell - 1
	}
	if n, met := p.far[k]; met {
		return n
	}
	n := uint32(len(p.all)) | p.mark
	p.all = append(p.all, k)
	if cell != nil {
		*cell = n + 1
		return n
	}
	if p.far == nil {
		p.far = map[pair]uint32{}
	}
	p.far[k] = n
	return n
}

// prove takes the mark off a number.
func (p *product) prove(n uint32) {
	n &^= unproven
	k := p.all[n]
	if cell := p.cell(k); cell != nil && *cell != 0 {
		*cell = n + 1
		return
	}
	p.far[k] = n
}

// cell is where the number of a pair belongs, nil where that is beyond the table.
func (p *product) cell(k pair) *uint32 {
	if shift := uint32(levelWidth(int(k.y))); shift > p.shift {
		if uint64(len(p.cells))<<(shift-p.shift) > cellsMost {
			return nil
		}
		p.widen(shift)
	}
	at := uint64(k.x)<<p.shift | uint64(k.y)
	if at < uint64(len(p.cells)) {
		return &p.cells[at]
	}
	if at >= cellsMost {
		return nil
	}
	size := max(256, len(p.cells))
	for uint64(size) <= at {
		size *= 2
	}
	p.cells = append(make([]uint32, 0, size), p.cells...)[:size]
	return &p.cells[at]
}

// widen makes room for larger second numbers.
func (p *product) widen(shift uint32) {
	old, by := p.cells, p.shift
	p.shift = shift
	if len(old) == 0 {
		return
	}
	p.cells = make([]uint32, len(old)<<(shift-by))
	for at, n := range old {
		x, y := at>>by, at&(1<<by-1)
		p.cells[x<<shift|y] = n
	}
}

// factor numbers what some places say together.
type factor struct {
	places []int
	steps  []product // one for each further place
	codes  []uint32  // of the rows of a batch, marked where they are unproven
}

func newFactor(places []int) factor {
	f := factor{places: places, steps: make([]product, max(1, len(places)-1)), codes: make([]uint32, batchRows)}
	f.last().mark = unproven
	return f
}

// join numbers the rows of a batch by the codes of each place.
func (f *factor) join(n int, of func(place int) []uint32, zeros []uint32) {
	first, second := zeros[:n], zeros[:n]
	if len(f.places) > 0 {
		first = of(f.places[0])
	}
	if len(f.places) > 1 {
		second = of(f.places[1])
	}
	f.codes = f.codes[:n]
	f.steps[0].join(f.codes, first, second)
	for i := range f.steps[1:] {
		f.steps[i+1].join(f.codes, f.codes, of(f.places[i+2]))
	}
}

func (f *factor) last() *product { return &f.steps[len(f.steps)-1] }

func (f *factor) prove(code uint32) { f.last().prove(code) }

func (f *factor) size() int { return len(f.last().all) }

func (f *factor) full(most int) bool {
	for i := range f.steps {
		if len(f.steps[i].all) > most {
			return true
		}
	}
	return false
}
