package archive

import (
	"unicode/utf8"

	"sunsetwatch/rules/access"
)

// details are what is read of some rows of a batch only.
type details struct {
	subjects, grantors, ids [][]byte
	kept                    []int32
	doubtful                []bool // may be wrong
	arena                   []byte
}

// detail is a field of them.
type detail struct {
	field *rowField
	to    *[][]byte
	of    func(ev *access.Event) []byte
}

// detail reads subjects and grantors, or ids, or all, of some events, and gives
// those that are left: the others are wrong, and rejected.
func (t *table) detail(which []int32, people, ids bool) (kept []int32, err error) {
	b, r, d := t.b, &t.rows, &t.details
	d.arena = d.arena[:0]
	var want []detail
	if people {
		d.subjects, d.grantors = resize(d.subjects, len(which)), resize(d.grantors, len(which))
		if t.peopleOff {
			clear(d.subjects)
			clear(d.grantors)
		} else {
			want = append(want, detail{&b.subject, &d.subjects, func(ev *access.Event) []byte { return ev.Subject }},
				detail{&b.grantor, &d.grantors, func(ev *access.Event) []byte { return ev.Grantor }})
		}
	}
	if ids {
		d.ids = resize(d.ids, len(which))
		want = append(want, detail{&b.id, &d.ids, func(ev *access.Event) []byte { return ev.ID }})
	}
	simple := true
	for _, w := range want {
		simple = simple && (w.field.plain || len(w.field.places) == 0)
		for _, p := range w.field.places {
			if t.lists[p] == nil {
				if err := t.columns[p].decode(); err != nil {
					return nil, err
				}
			}
		}
	}
	d.doubtful = resize(d.doubtful, len(which))
	clear(d.doubtful)
	for _, w := range want {
		switch {
		case len(w.field.places) == 0:
			for k, i := range which {
				(*w.to)[k] = w.of(&r.Shapes.Likes[r.Like[i]])
			}
		case simple:
			t.texts(w.field.places, which, *w.to)
		}
	}
	d.kept = d.kept[:0]
	for k, i := range which {
		if n := len(d.kept); simple && !d.doubtful[k] {
			for _, w := range want {
				(*w.to)[n] = (*w.to)[k]
			}
		} else {
			ev := t.slow(int(r.Row[i]), true)
			if ev == nil {
				continue
			}
			for _, w := range want {
				(*w.to)[n] = t.own(w.of(ev))
			}
		}
		d.kept = append(d.kept, i)
	}
	r.refused += len(which) - len(d.kept)
	return d.kept, nil
}

// texts gives the first text that is there of each row, and marks those that may
// be wrong.
func (t *table) texts(places []int, which []int32, to [][]byte) {
	row := t.rows.Row
	for n, p := range places {
		c := &t.columns[p]
		for k, i := range which {
			if n > 0 && len(to[k]) > 0 {
				continue
			}
			text := c.text(c.row + int(row[i]))
			if len(text) == 0 {
				text = nil
			} else if len(text) > access.MaxNameBytes || !utf8.Valid(text) {
				t.details.doubtful[k] = true
			}
			to[k] = text
		}
	}
}

// own is a copy that lives as long as the batch.
func (t *table) own(text []byte) []byte {
	if text == nil {
		return nil
	}
	d := &t.details
	at := len(d.arena)
	d.arena = append(d.arena, text...)
	return d.arena[at:len(d.arena):len(d.arena)]
}
