package web

import (
	"net/http"
	"time"

	"sunsetwatch/detector/exporter"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

// Status is the answer of /api/v1/status. Times are RFC 3339 in UTC, null where
// there is none; durations are seconds. Fields are added, never renamed.
type Status struct {
	Build         BuildStatus         `json:"build"`
	StartedAt     time.Time           `json:"started_at"`
	Uptime        float64             `json:"uptime_seconds"`
	ConfigFile    string              `json:"config_file"`
	Ready         bool                `json:"ready"`   // set by the handler
	Missing       []string            `json:"missing"` // set by the handler
	Registrations RegistrationsStatus `json:"registrations"`
	JudgedAt      *time.Time          `json:"judged_at"` // the time of judgement
	Findings      FindingsStatus      `json:"findings"`  // set by the handler
	Ledger        LedgerStatus        `json:"ledger"`
	State         StateStatus         `json:"state"`
	Reload        ReloadStatus        `json:"reload"`
	Topics        []TopicStatus       `json:"topics"`
	Partitions    []PartitionStatus   `json:"partitions"`
}

// BuildStatus says what is running.
type BuildStatus struct {
	Version   string `json:"version"`
	Revision  string `json:"revision"`
	GoVersion string `json:"go_version"`
}

// RegistrationsStatus says what is loaded.
type RegistrationsStatus struct {
	Count  int    `json:"count"`
	SHA256 string `json:"sha256"` // lower-case hexadecimal; empty: not loaded
}

// FindingsStatus counts findings by state.
type FindingsStatus struct {
	Open      int `json:"open"`
	Quiet     int `json:"quiet"`
	Closed    int `json:"closed"`
	Withdrawn int `json:"withdrawn"`
}

// LedgerStatus is the size of the ledger, as of the last save.
type LedgerStatus struct {
	Cells                  int   `json:"cells"`
	Bytes                  int64 `json:"bytes"`
	UnregisteredPrincipals int   `json:"unregistered_principals"`
}

// StateStatus says how the state was restored and when it was saved.
type StateStatus struct {
	Directory    string     `json:"directory"`
	Restored     string     `json:"restored"` // one sentence: from what, and what was set aside; empty: not yet
	LastSave     *time.Time `json:"last_save_at"`
	SaveFailures uint64     `json:"save_failures"`
	SaveError    *string    `json:"save_error"` // null: the last save was good
}

// ReloadStatus is the last load of the registrations.
type ReloadStatus struct {
	LastSuccess *time.Time `json:"last_success_at"`
	Successful  bool       `json:"last_successful"`
	Error       *string    `json:"error"` // null: the last one was good
}

// TopicStatus is what became of the records of one topic, as of the last save.
type TopicStatus struct {
	Topic            string            `json:"topic"`
	RecordsRead      uint64            `json:"records_read"`
	EventsRead       uint64            `json:"events_read"`
	EventsCounted    uint64            `json:"events_counted"`
	EventsDuplicate  uint64            `json:"events_duplicate"`
	EventIDConflicts uint64            `json:"event_id_conflicts"`
	EventsRejected   map[string]uint64 `json:"events_rejected"` // every reason, 0 included
	OffsetsSkipped   map[string]uint64 `json:"offsets_skipped"`
	OffsetsIgnored   map[string]uint64 `json:"offsets_ignored"`
}

// PartitionStatus is where reading one partition stands; numbers are null where
// they are not known yet.
type PartitionStatus struct {
	Topic         string     `json:"topic"`
	Partition     int32      `json:"partition"`
	Position      *int64     `json:"position"`
	HighWatermark *int64     `json:"high_watermark"`
	LastStable    *int64     `json:"last_stable"`
	Lag           *int64     `json:"lag_records"`
	StableLag     *int64     `json:"stable_lag_records"`
	JudgedTo      *time.Time `json:"judged_to"`
}

func (h *handler) status(w http.ResponseWriter, r *http.Request) {
	if r.URL.RawQuery != "" {
		refuse(w, http.StatusBadRequest, "there are no parameters here")
		return
	}
	s := h.Status()
	s.Missing = append([]string{}, h.missing()...)
	s.Ready = len(s.Missing) == 0
	s.Build = BuildStatus{h.Build.Version, h.Build.Revision, h.Build.GoVersion}
	s.Findings = countFindings(h.Findings())
	if s.Topics == nil {
		s.Topics = []TopicStatus{}
	}
	if s.Partitions == nil {
		s.Partitions = []PartitionStatus{}
	}
	answer(w, http.StatusOK, s)
}

// Partitions are the statuses of ps, in the order given.
func Partitions(ps []exporter.Partition) []PartitionStatus {
	all := make([]PartitionStatus, 0, len(ps))
	known := func(n int64) *int64 {
		if n < 0 {
			return nil
		}
		return &n
	}
	for i := range ps {
		p := &ps[i]
		lag, stable := p.Lag()
		all = append(all, PartitionStatus{p.Topic, p.Partition, known(p.Position), known(p.HighWatermark),
			known(p.LastStable), known(lag), known(stable), Time(p.JudgedTo)})
	}
	return all
}

// Time is i for JSON: nil where it is access.Beginning or access.End.
func Time(i access.Instant) *time.Time {
	if i == access.Beginning || i == access.End {
		return nil
	}
	t := i.Time()
	return &t
}

// Topics adds up what became of the records of each topic, in the order in which
// the topics first appear in sources.
func Topics(sources []ledger.SourceStatus) []TopicStatus {
	var all []TopicStatus
	place := map[string]int{}
	for i := range sources {
		s := &sources[i]
		at, there := place[s.Topic]
		if !there {
			at = len(all)
			place[s.Topic] = at
			all = append(all, TopicStatus{Topic: s.Topic, EventsRejected: map[string]uint64{},
				OffsetsSkipped: map[string]uint64{}, OffsetsIgnored: map[string]uint64{}})
		}
		t := &all[at]
		t.RecordsRead += s.Coverage.Records
		t.EventsRead += s.Coverage.Events
		t.EventsCounted += s.Counted
		t.EventsDuplicate += s.Duplicate
		t.EventIDConflicts += s.Conflicts
		for r, n := range s.Coverage.Rejected {
			t.EventsRejected[access.Reason(r).String()] += n
		}
		for r, n := range s.Coverage.Skipped {
			t.OffsetsSkipped[access.Skip(r).String()] += n
		}
		for r, n := range s.Coverage.Ignored {
			t.OffsetsIgnored[access.Ignore(r).String()] += n
		}
	}
	return all
}
