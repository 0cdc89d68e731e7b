package exporter

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sunsetwatch/rules/access"
)

// Options of a Collector.
type Options struct {
	// Now is wall time; required.
	Now func() time.Time
	// Hold is how long a finding stays shown after it opens, relapses or
	// rises; 0: DefaultHold.
	Hold time.Duration
	// MaxSeries caps the series that grow with registrations and findings; 0:
	// DefaultMaxSeries. Open findings of severity warning or critical are shown
	// beyond it.
	MaxSeries int
	// Topics are those whose counters exist before anything was read of them.
	Topics []string
	// Partitions gives where reading stands; nil: no partition is shown.
	Partitions func() []Partition
	Build      Build
}

// Build says what is running.
type Build struct {
	Version, Revision, GoVersion string
}

// Collector is a prometheus.Collector of the metrics of the table.
type Collector struct {
	options Options
	descs   *descriptions
	process *process

	publishing sync.Mutex
	current    atomic.Pointer[published]

	capping sync.Mutex
	capped  [metricCount]uint64
}

// New is a Collector that shows the process, and no State yet.
func New(o Options) *Collector {
	if o.Hold == 0 {
		o.Hold = DefaultHold
	}
	if o.MaxSeries == 0 {
		o.MaxSeries = DefaultMaxSeries
	}
	d := describe()
	return &Collector{options: o, descs: d, process: newProcess(o.Topics)}
}

// Publish shows s from now on. What was shown of findings before, and is not in
// s under the same labels any more, is shown as 0 for an hour.
func (c *Collector) Publish(s *State) {
	c.publishing.Lock()
	defer c.publishing.Unlock()
	c.current.Store(c.current.Load().follow(s, c.options.Now(), c.options.Hold))
}

// Describe is that of prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for id, d := range c.descs.desc {
		if metricID(id) != eventDelay {
			ch <- d
		}
	}
	c.process.delay.Describe(ch)
}

// Collect is that of prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	if p := c.current.Load(); p != nil {
		c.collectCapped(ch, p)
		c.collectCounters(ch, p)
	}
	c.collectProcess(ch)
}

func (c *Collector) collectCapped(ch chan<- prometheus.Metric, p *published) {
	rows, capped := cut(p.cappedRows(access.At(c.options.Now()), c.options.Hold), c.options.MaxSeries)
	for _, r := range rows {
		ch <- c.descs.metric(r.id, r.value, r.labels...)
	}
	c.capping.Lock()
	defer c.capping.Unlock()
	for id, n := range capped {
		c.capped[id] += n
	}
}

// cappedRows are all capped series at now, in an order that depends on their labels
// alone, so that a cap leaves out the same ones at every scrape.
func (p *published) cappedRows(now access.Instant, hold time.Duration) []row {
	series := p.findingSeries(now, hold)
	fixed := p.rows()
	rows := make([]row, 0, len(fixed.rows)+len(fixed.start)+len(series.open)+4*len(series.gauges)+len(p.gone))
	open := func(l openLabels, rank rank, value float64) {
		rows = append(rows, row{findingOpen, rank, value,
			[]string{l.partner, l.feature, l.kind, l.detail, l.severity.String(), l.team, l.program}})
	}
	for l, on := range series.open {
		value := 0.
		if on {
			value = 1
		}
		open(l, rankOf(l.severity, on), value)
	}
	for l, until := range p.gone {
		if _, shown := series.open[l]; !shown && now < until {
			open(l, rankEnded, 0)
		}
	}
	for l, g := range series.gauges {
		labels := []string{l.partner, l.feature, l.kind, l.detail}
		rows = append(rows, row{findingEvents, g.rank, g.events, labels}, row{findingPeople, g.rank, g.people, labels})
		if g.first != access.End {
			rows = append(rows, row{findingFirstEvent, g.rank, seconds(g.first), labels})
		}
		if g.last != access.Beginning {
			rows = append(rows, row{findingLastEvent, g.rank, seconds(g.last), labels})
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.id, b.id), slices.Compare(a.labels, b.labels))
	})
	rows = append(rows, fixed.rows...)
	for _, l := range fixed.start {
		_, shown := series.open[l]
		until, ghost := p.gone[l]
		if !shown && !(ghost && now < until) {
			open(l, rankZero, 0)
		}
	}
	return rows
}

// collectCounters are the counters by topic, and what is counted once.
func (c *Collector) collectCounters(ch chan<- prometheus.Metric, p *published) {
	ch <- c.descs.metric(registrations, float64(p.rows().registrations))
	ch <- c.descs.metric(unregisteredPrincipals, float64(p.UnregisteredPrincipals))
	ch <- c.descs.metric(ledgerCells, float64(p.Cells))
	ch <- c.descs.metric(ledgerBytes, float64(p.Bytes))
	for topic, t := range totals(c.options.Topics, p.Sources) {
		add := func(id metricID, n uint64, labels ...string) {
			ch <- c.descs.metric(id, float64(n), append([]string{topic}, labels...)...)
		}
		add(recordsRead, t.coverage.Records)
		add(eventsRead, t.coverage.Events)
		add(eventsCounted, t.counted)
		add(eventsDuplicate, t.duplicate)
		add(eventIDConflicts, t.conflicts)
		for r, n := range t.coverage.Rejected {
			add(eventsRejected, n, access.Reason(r).String())
		}
		for r, n := range t.coverage.Skipped {
			add(offsetsSkipped, n, access.Skip(r).String())
		}
		for r, n := range t.coverage.Ignored {
			add(offsetsIgnored, n, access.Ignore(r).String())
		}
	}
}
