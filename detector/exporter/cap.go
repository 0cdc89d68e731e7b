package exporter

import (
	"slices"

	"sunsetwatch/rules"
)

// DefaultMaxSeries is the default of Options.MaxSeries.
const DefaultMaxSeries = 100_000

// row is one series of a capped metric, before the cap.
type row struct {
	id     metricID
	rank   rank
	value  float64
	labels []string
}

// rank says which series go when there are too many: the highest first.
type rank uint8

const (
	rankAlert    rank = iota // finding_open at 1, warning or critical: never left out
	rankDetail               // the other gauges of such findings
	rankRegistry             // sunsets, exceptions, and counters that have counted
	rankEnded                // finding_open at 0, of findings that ended or left their labels
	rankInfo                 // findings of severity info, and registration_info
	rankZero                 // what is 0 from the start
)

func rankOf(s rules.Severity, on bool) rank {
	switch {
	case !on:
		return rankEnded
	case s == rules.Info:
		return rankInfo
	}
	return rankAlert
}

// detail is the rank of the other gauges of a finding.
func (r rank) detail() rank { return max(r, rankDetail) }

// cut leaves out rows beyond limit, those of the highest rank first and among
// equals the last, and counts them by metric. Rows of rankAlert stay in any case.
func cut(rows []row, limit int) (kept []row, capped [metricCount]uint64) {
	if len(rows) <= limit {
		return rows, capped
	}
	slices.SortStableFunc(rows, func(a, b row) int { return int(a.rank) - int(b.rank) })
	for limit < len(rows) && rows[limit].rank == rankAlert {
		limit++
	}
	for _, r := range rows[limit:] {
		capped[r.id]++
	}
	return rows[:limit], capped
}
