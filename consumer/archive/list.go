package archive

import "slices"

// list reads a column of lists of texts, of which each row has the code of the
// list. A row may go on in the next page.
type list struct {
	column
	sets []uint32 // of the rows that are whole
	row  int      // the next of them
	open uint32   // the list of the row that may go on
	any  bool     // there is such a row
	over bool     // the column chunk has ended
	reps []uint32

	keys  []uint64
	keyed bool // cache is of the dictionary and the names at hand
	cache [1 << cacheBits]cachedList
}

func (l *list) startList() {
	l.sets, l.row, l.open, l.any, l.over, l.keyed = l.sets[:0], 0, 0, false, false, false
}

// more reads pages until a row is whole.
func (l *list) more(names *names) error {
	for l.row == len(l.sets) {
		l.sets, l.row = l.sets[:0], 0
		ok := !l.over
		var err error
		if ok {
			ok, err = l.next()
		}
		switch {
		case err != nil:
			return l.fail(err)
		case !ok && l.any:
			l.sets, l.any, l.over = append(l.sets, l.open), false, true
			return nil
		case !ok:
			return l.fail(errPage)
		case l.header.kind == dictionaryPage:
			l.dictionary, l.dictAt = l.header, l.body
		default:
			if err := l.listPage(names); err != nil {
				return l.fail(err)
			}
		}
	}
	return nil
}

func (l *list) listPage(names *names) error {
	header := l.header
	parts, err := l.pages.read(l.leaf.maxRep, l.leaf.maxDef)
	if err != nil {
		return err
	}
	n := int(header.values)
	rep, err := hybrid(l.reps, parts.rep, n, levelWidth(l.leaf.maxRep))
	if err != nil {
		return err
	}
	l.reps = rep
	if l.levels, err = hybrid(l.levels, parts.def, n, levelWidth(l.leaf.maxDef)); err != nil {
		return err
	}
	there := 0
	for _, d := range l.levels {
		if int(d) == l.leaf.maxDef {
			there++
		} else if int(d) > l.leaf.maxDef {
			return errValues
		}
	}
	def := l.levels
	l.levels = nil // decoding may use it
	defer func() { l.levels = def }()
	l.present = nil
	if err := l.decodeValues(header.encoding, parts.values, there); err != nil {
		return err
	}
	l.rows = there
	if there == n && l.full(names, rep) {
		return nil
	}
	codes := l.code(names, 0, there)
	// How far a row is: a text of it follows where the level is whole.
	whole, empty := uint32(l.leaf.maxDef), uint32(l.leaf.repDef-1)
	any, open, at := l.any, l.open, 0
	for i, r := range rep {
		switch {
		case r > 1 || r == 1 && !any:
			return errValues
		case r == 0:
			if any {
				l.sets = append(l.sets, open)
			}
			any, open = true, noList
			if def[i] >= empty {
				open = emptyList
			}
		}
		if def[i] == whole {
			if c := codes[at]; c != 0 {
				open = names.then(open, c)
			}
			at++
		}
	}
	l.any, l.open = any, open
	return nil
}

// full reads a page that begins with a row and has a text of its dictionary at every
// level, which is what most do; false: nothing was done. First it makes a key of each
// row, without a branch for where rows begin, as nothing could foretell that; then
// it looks up the keys.
func (l *list) full(names *names, rep []uint32) bool {
	width := levelWidth(len(l.dict.pos))
	if l.ids == nil || len(rep) == 0 || rep[0] != 0 || len(l.sets) > 0 {
		return false
	}
	l.keys = resize(l.keys, len(rep))
	keys, ids := l.keys, l.ids[:len(rep)]
	n, key, lost, all := -1, uint64(0), uint64(0), uint32(0)
	shift := width & 63
	for i, r := range rep {
		all |= r
		n += int(1 - r&1)
		key &= -uint64(r & 1)
		lost |= key >> ((64 - shift) & 63)
		key = key<<shift | uint64(ids[i]+1)
		keys[n] = key
	}
	if all > 1 || lost != 0 {
		return false
	}
	keys = keys[:n+1]
	if !l.keyed {
		l.codeDictionary(names)
		clear(l.cache[:])
		l.keyed = true
	}
	if l.any {
		l.sets = append(l.sets, l.open)
	}
	before := len(l.sets)
	l.sets = slices.Grow(l.sets, len(keys))[:before+len(keys)]
	sets := l.sets[before:]
	for i, key := range keys {
		known := &l.cache[key*0x9e3779b97f4a7c15>>(64-cacheBits)]
		if known.key != key {
			*known = cachedList{key, l.listOf(names, key, width)}
		}
		sets[i] = known.code
	}
	last := len(l.sets) - 1
	l.sets, l.any, l.open = l.sets[:last], true, l.sets[last]
	return true
}

// listOf is the code of the list that a key of full stands for.
func (l *list) listOf(names *names, key uint64, width int) uint32 {
	var codes []uint32
	for ; key != 0; key >>= width {
		codes = append(codes, l.dict.codes[key&(1<<width-1)-1])
	}
	code := uint32(emptyList)
	for i := len(codes) - 1; i >= 0; i-- {
		if codes[i] != 0 { // an empty text is none
			code = names.then(code, codes[i])
		}
	}
	return code
}

// cachedList is the code of a list by its key.
type cachedList struct {
	key  uint64 // 0: none
	code uint32
}

const cacheBits = 10

// forgetList translates what was read into the codes of new names.
func (l *list) forgetList(old, new *names) {
	l.column.forget()
	l.keyed = false
	var members []uint32
	translate := func(list uint32) (to uint32) {
		members, to = old.members(members[:0], list), min(list, emptyList)
		for i := len(members) - 1; i >= 0; i-- {
			to = new.then(to, new.code(old.text(members[i])))
		}
		return to
	}
	for i := l.row; i < len(l.sets); i++ {
		l.sets[i] = translate(l.sets[i])
	}
	l.open = translate(l.open)
}
