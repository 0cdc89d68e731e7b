package archive

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
}

func (l *list) startList() {
	l.sets, l.row, l.open, l.any, l.over = l.sets[:0], 0, 0, false, false
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
	l.rows, l.coded = there, false
	l.code(names)
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
			if c := l.codes[at]; c != 0 {
				open = names.then(open, c)
			}
			at++
		}
	}
	l.any, l.open = any, open
	return nil
}

// forgetList translates what was read into the codes of new names.
func (l *list) forgetList(old, new *names) {
	l.column.forget()
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
