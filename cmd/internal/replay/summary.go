package replay

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strconv"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// SummarySchema names the JSON form of a Summary.
const SummarySchema = "sunsetwatch.summary.v1"

// Summary is what was read, and how much was found: summary.json.
//
//	EventsRead = EventsCounted + EventsDuplicate + sum(EventsRejected) + EventsOutOfRange
type Summary struct {
	Schema           string              `json:"schema"`
	Inputs           []InputSummary      `json:"inputs"` // sorted by path
	EventsRead       uint64              `json:"events_read"`
	EventsCounted    uint64              `json:"events_counted"`
	EventsDuplicate  uint64              `json:"events_duplicate"`
	EventsRejected   map[string]uint64   `json:"events_rejected"` // by reason
	RejectedPlaces   map[string][]string `json:"rejected_places"` // the first of each reason
	EventsOutOfRange uint64              `json:"events_out_of_range"`
	FirstEvent       *string             `json:"first_event"` // of those counted
	LastEvent        *string             `json:"last_event"`
	Partners         int                 `json:"partners"` // of which events were counted
	Findings         map[string]int      `json:"findings"` // by state
	JudgedTo         *string             `json:"judged_to"`
	RegistrySHA256   string              `json:"registry_sha256"`
	Complete         bool                `json:"complete"`
}

// InputSummary is one input.
type InputSummary struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	Events uint64 `json:"events"`
}

func (s *Summary) rejected() (n uint64) {
	for _, k := range s.EventsRejected {
		n += k
	}
	return n
}

func (r *Result) summarize(c *count, set *registry.Snapshot) {
	hash := set.Hash()
	s := &Summary{
		Schema: SummarySchema, Inputs: []InputSummary{}, EventsRejected: map[string]uint64{}, RejectedPlaces: map[string][]string{},
		Findings:       map[string]int{},
		RegistrySHA256: hex.EncodeToString(hash[:]),
	}
	r.Summary = s
	read := make([]InputSummary, len(c.inputs))
	for i, in := range c.inputs {
		read[i].Path = in.path
	}
	for _, j := range c.jobs {
		n := &j.Counts
		read[j.input].Bytes += n.Bytes
		read[j.input].Events += n.Events
		s.EventsRead += n.Events
		s.EventsOutOfRange += n.OutOfRange
		s.EventsDuplicate += j.Duplicate
		s.EventsCounted += n.Added - j.Duplicate
		for reason, k := range n.Rejected {
			if k > 0 {
				s.EventsRejected[access.Reason(reason).String()] += k
			}
		}
	}
	for i, in := range c.inputs {
		if in.bytes >= 0 {
			read[i].Bytes = in.bytes
		}
	}
	s.Inputs = append(s.Inputs, read...)
	slices.SortFunc(s.Inputs, func(a, b InputSummary) int { return cmp.Compare(a.Path, b.Path) })
	for i, places := range r.rejected {
		for _, p := range places {
			name := access.Reason(i).String()
			s.RejectedPlaces[name] = append(s.RejectedPlaces[name], p.place())
		}
	}
	if c.facts.Latest() != access.Beginning {
		s.FirstEvent, s.LastEvent = text(c.facts.Earliest()), text(c.facts.Latest())
		s.JudgedTo = text(r.now(c.facts.Latest()))
	}
	s.Partners = partners(c, set)
	for _, state := range rules.States() {
		s.Findings[state.String()] = 0
	}
	for _, f := range r.Findings {
		s.Findings[f.State.String()]++
	}
}

func text(t access.Instant) *string {
	s := t.String()
	return &s
}

// partners is the number of those of which events were counted.
func partners(c *count, set *registry.Snapshot) int {
	met := map[string]bool{}
	for principal, feature := range c.facts.Pairs() {
		for _, cell := range c.facts.Cells(principal, feature) {
			for s := range cell.Stretches() {
				if partner, _ := set.Owner(principal, s.First.Time); partner != "" {
					met[partner] = true
				}
			}
		}
	}
	return len(met)
}

// grouped is a number with commas between its thousands.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
