package replay

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"sunsetwatch/rules/access"
)

// rejected is where an event was rejected, and why; never what it said.
type rejected struct {
	Reason access.Reason `json:"reason"`
	Offset int64         `json:"offset"`
	Index  int32         `json:"index,omitempty"`
	Detail string        `json:"detail"`
	path   string
}

// mostPlaces is how many places are named of each reason.
const mostPlaces = 3

func (r *rejected) place() string { return fmt.Sprintf("%s:%d", r.path, r.Offset) }

// firstRejected are the first of each reason, by path and place.
func firstRejected(inputs []input, jobs []*job) [access.Reasons][]rejected {
	var all [access.Reasons][]rejected
	for _, j := range jobs {
		for _, r := range j.Rejected {
			r.path = inputs[j.input].source.Name
			all[r.Reason] = append(all[r.Reason], r)
		}
	}
	for i := range all {
		slices.SortFunc(all[i], func(a, b rejected) int {
			return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Index, b.Index))
		})
		all[i] = all[i][:min(len(all[i]), mostPlaces)]
	}
	return all
}

// list writes what was rejected, a line for each reason and the places below it.
func (r *Result) listRejected(w io.Writer) {
	total := r.Summary.rejected()
	if total == 0 {
		return
	}
	fmt.Fprintf(w, "%s of %s events rejected:\n", grouped(total), grouped(r.Summary.EventsRead))
	for i, places := range r.rejected {
		reason := access.Reason(i)
		n := r.Summary.EventsRejected[reason.String()]
		if n == 0 {
			continue
		}
		fmt.Fprintf(w, "  %s: %s\n", reason, grouped(n))
		for _, p := range places {
			fmt.Fprintf(w, "    %s: %s\n", p.place(), p.Detail)
		}
		if uint64(len(places)) < n {
			fmt.Fprintf(w, "    and %s more\n", grouped(n-uint64(len(places))))
		}
	}
}
