package web

import (
	"fmt"
	"net/http"
	"slices"

	"sunsetwatch/rules"
)

// findingsAnswer is the answer of /api/v1/findings.
type findingsAnswer struct {
	Findings []*rules.Finding `json:"findings"`
	Total    int              `json:"total"` // that match, whatever limit and offset
}

func (h *handler) findings(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	matching := []*rules.Finding{}
	for _, f := range h.Findings() {
		if h.matches(&q, f) {
			matching = append(matching, f)
		}
	}
	slices.SortFunc(matching, rules.Compare)
	total := len(matching)
	first := min(q.offset, total)
	answer(w, http.StatusOK, findingsAnswer{matching[first:min(first+q.limit, total)], total})
}

func (h *handler) finding(w http.ResponseWriter, r *http.Request, id string) {
	if r.URL.RawQuery != "" {
		refuse(w, http.StatusBadRequest, "there are no parameters here")
		return
	}
	for _, f := range h.Findings() {
		if f.ID == id {
			answer(w, http.StatusOK, f)
			return
		}
	}
	refuse(w, http.StatusNotFound, fmt.Sprintf("no finding %q", id))
}

// matches compares names with those of the finding and with its labels in
// metrics, because the link of an alert is made of labels.
func (h *handler) matches(q *query, f *rules.Finding) bool {
	is := func(want, name, label string) bool { return want == "" || want == name || want == label }
	partner, feature := h.Labels(f)
	return is(q.kind, f.Kind, f.Kind) &&
		is(q.partner, f.Partner, partner) &&
		is(q.feature, f.Feature, feature) &&
		(q.state == nil || *q.state == f.State) &&
		(q.severity == nil || *q.severity == f.Severity)
}

func countFindings(all []*rules.Finding) FindingsStatus {
	var n FindingsStatus
	for _, f := range all {
		switch f.State {
		case rules.Open:
			n.Open++
		case rules.Quiet:
			n.Quiet++
		case rules.Closed:
			n.Closed++
		case rules.Withdrawn:
			n.Withdrawn++
		}
	}
	return n
}
