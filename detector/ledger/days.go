package ledger

import (
	"encoding/binary"
	"fmt"
	"slices"

	"sunsetwatch/rules/access"
)

// Days is the set of UTC days that had an access, kept as runs of accesses none
// of which is more than 24 hours after the one before it. So there is one on
// every UTC day from the first to the last of a run, no day is in two runs, and
// every silence of more than 24 hours is known exactly. What a set holds depends
// on the accesses, not on the order or the grouping in which they were added.
// The zero value is empty.
type Days struct {
	runs []Run // in rising order, more than 24 hours apart
}

// Run is a stretch of accesses from First to Last.
type Run struct{ First, Last access.Instant }

// Runs are the runs in rising order; not to be changed.
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
	if len(o.runs) <= 2 {
		for _, r := range o.runs {
			d.add(r)
		}
		return
	}
	a, b := d.runs, o.runs
	all := make([]Run, 0, len(a)+len(b))
	for len(a)+len(b) > 0 {
		var r Run
		if len(b) == 0 || len(a) > 0 && a[0].First <= b[0].First {
			r, a = a[0], a[1:]
		} else {
			r, b = b[0], b[1:]
		}
		if n := len(all); n > 0 && all[n-1].Last+access.OneDay >= r.First {
			all[n-1].Last = max(all[n-1].Last, r.Last)
			continue
		}
		all = append(all, r)
	}
	d.runs = all
}

func (d *Days) add(r Run) {
	n := len(d.runs)
	// Events arrive nearly in order of time: the end is looked at first.
	i := n
	for i > 0 && d.runs[i-1].Last+access.OneDay >= r.First {
		i--
		if n-i > 8 {
			i, _ = slices.BinarySearchFunc(d.runs[:i], r.First, func(x Run, first access.Instant) int {
				if x.Last+access.OneDay < first {
					return -1
				}
				return 1
			})
			break
		}
	}
	j := i
	for j < n && d.runs[j].First <= r.Last+access.OneDay {
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

// within are the days of the accesses from first to last, both of which are one.
func (d *Days) within(first, last access.Instant) Days {
	var w Days
	i, _ := slices.BinarySearchFunc(d.runs, first, func(r Run, t access.Instant) int { return cmpInstant(r.Last, t) })
	for ; i < len(d.runs) && d.runs[i].First <= last; i++ {
		w.runs = append(w.runs, Run{max(d.runs[i].First, first), min(d.runs[i].Last, last)})
	}
	return w
}

// Mask has bit n set where the n-th day of the month, counted from 0, had an
// access. It has a meaning where all of d lies in one month.
func (d *Days) Mask() uint32 {
	var m uint32
	for _, r := range d.runs {
		_, first := monthOf(r.First.Day())
		for n := range int(r.Last.Day()-r.First.Day()) + 1 {
			m |= 1 << (first + n)
		}
	}
	return m
}

// DaysOf are the days of runs, which are to be in rising order, more than 24
// hours apart.
func DaysOf(runs []Run) (Days, error) {
	for i, r := range runs {
		if r.Last < r.First || i > 0 && r.First-runs[i-1].Last <= access.OneDay {
			return Days{}, fmt.Errorf("runs of accesses out of order, or not more than 24 hours apart")
		}
	}
	return Days{runs}, nil
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
		if last < first || len(days.runs) > 0 && first <= before+access.OneDay {
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
