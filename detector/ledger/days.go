package ledger

import (
	"encoding/binary"
	"slices"

	"sunsetwatch/rules/access"
)

// Days is a set of UTC days, kept as runs of neighbouring days. Of each run the
// instants of its first and last access are known, so that a silence of two
// days or more between two accesses is known exactly. The zero value is empty.
type Days struct {
	runs []Run // in rising order, at least one whole day apart
}

// Run is a stretch of accesses with one on every UTC day from First to Last.
type Run struct{ First, Last access.Instant }

// Runs are the runs of neighbouring days in rising order; not to be changed.
func (d *Days) Runs() []Run { return d.runs }

// Count is the number of days.
func (d *Days) Count() int {
	n := 0
	for _, r := range d.runs {
		n += int(r.Last.Day()-r.First.Day()) + 1
	}
	return n
}

// Add adds the day of an access at t.
func (d *Days) Add(t access.Instant) { d.add(Run{t, t}) }

// Union adds all days of o.
func (d *Days) Union(o *Days) {
	if len(d.runs) == 0 {
		d.runs = slices.Clone(o.runs)
		return
	}
	for _, r := range o.runs {
		d.add(r)
	}
}

func (d *Days) add(r Run) {
	n := len(d.runs)
	// Events arrive nearly in order of time: the end is looked at first.
	i := n
	for i > 0 && d.runs[i-1].Last.Day()+1 >= r.First.Day() {
		i--
		if n-i > 8 {
			i, _ = slices.BinarySearchFunc(d.runs[:i], r.First.Day(), func(x Run, day access.Day) int {
				if x.Last.Day()+1 < day {
					return -1
				}
				return 1
			})
			break
		}
	}
	j := i
	for j < n && d.runs[j].First.Day() <= r.Last.Day()+1 {
		r.First = min(r.First, d.runs[j].First)
		r.Last = max(r.Last, d.runs[j].Last)
		j++
	}
	if j == i+1 {
		d.runs[i] = r
		return
	}
	d.runs = slices.Replace(d.runs, i, j, r)
}

func (d *Days) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(d.runs)))
	var before access.Instant
	for _, r := range d.runs {
		b = binary.AppendVarint(b, int64(r.First-before))
		b = binary.AppendVarint(b, int64(r.Last-r.First))
		before = r.Last
	}
	return b
}

func (d *decoder) days() Days {
	var days Days
	var before access.Instant
	for range d.count() {
		first := before + access.Instant(d.varint())
		last := first + access.Instant(d.varint())
		if last < first || len(days.runs) > 0 && first.Day() <= before.Day()+1 {
			d.fail("days out of order")
		}
		if d.err != nil {
			return Days{}
		}
		days.runs = append(days.runs, Run{first, last})
		before = last
	}
	return days
}
