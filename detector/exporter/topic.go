package exporter

import (
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

// topicTotals are the counters of all partitions of one topic.
type topicTotals struct {
	coverage                      access.Coverage
	counted, duplicate, conflicts uint64
}

// totals are those of the topics named, and of every topic that was read, also
// when it is not configured any more: a counter does not go away.
func totals(topics []string, sources []ledger.SourceStatus) map[string]*topicTotals {
	all := make(map[string]*topicTotals, len(topics))
	for _, t := range topics {
		all[label(t)] = &topicTotals{}
	}
	for i := range sources {
		s := &sources[i]
		if s.Topic == "" {
			continue
		}
		t := all[label(s.Topic)]
		if t == nil {
			t = &topicTotals{}
			all[label(s.Topic)] = t
		}
		t.coverage.Add(&s.Coverage)
		t.counted += s.Counted
		t.duplicate += s.Duplicate
		t.conflicts += s.Conflicts
	}
	return all
}
