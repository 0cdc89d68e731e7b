package exporter

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sunsetwatch/rules/access"
)

// Partition is where reading one partition stands.
type Partition struct {
	Topic         string
	Partition     int32
	Position      int64          // offset read next; -1: not known yet
	HighWatermark int64          // -1: not known yet
	LastStable    int64          // -1: not known yet
	JudgedTo      access.Instant // latest event time counted; access.Beginning: none
}

// Lag is the number of offsets between the position and the high watermark, and
// between it and the last stable offset; -1 where not known.
func (p *Partition) Lag() (toHighWatermark, toLastStable int64) {
	to := func(end int64) int64 {
		if end < 0 || p.Position < 0 {
			return -1
		}
		return max(0, end-p.Position)
	}
	return to(p.HighWatermark), to(p.LastStable)
}

// process is what the process itself has to tell.
type process struct {
	delay *prometheus.HistogramVec

	mu           sync.Mutex
	reloadOK     bool
	reloaded     time.Time // zero: never
	saved        time.Time // zero: never
	saveFailures uint64
}

func newProcess(topics []string) *process {
	m := table()[eventDelay]
	const minute, hour, day = 60, 3600, 86400
	p := &process{delay: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: m.Name,
		Help: m.Help,
		Buckets: []float64{1, 2.5, 5, 10, 30, minute, 5 * minute, 15 * minute,
			hour, 6 * hour, day, 7 * day, 30 * day, 90 * day},
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  160,
		NativeHistogramMinResetDuration: time.Hour,
	}, m.Labels)}
	for _, t := range topics {
		p.delay.WithLabelValues(label(t))
	}
	return p
}

// Delay takes the delays of events of a topic, in seconds. It is to be kept by
// the caller, who observes through it without a look-up.
func (c *Collector) Delay(topic string) prometheus.Observer {
	return c.process.delay.WithLabelValues(label(topic))
}

// Reloaded says that the registrations were loaded at that wall time, or that
// they were refused.
func (c *Collector) Reloaded(at time.Time, ok bool) {
	c.process.mu.Lock()
	defer c.process.mu.Unlock()
	c.process.reloadOK = ok
	if ok {
		c.process.reloaded = at
	}
}

// Saved says that the state was saved at that wall time; also, after a restart,
// when the state that was restored had been saved.
func (c *Collector) Saved(at time.Time) {
	c.process.mu.Lock()
	defer c.process.mu.Unlock()
	c.process.saved = at
}

// SaveFailed says that a save failed.
func (c *Collector) SaveFailed() {
	c.process.mu.Lock()
	defer c.process.mu.Unlock()
	c.process.saveFailures++
}

func (c *Collector) collectProcess(ch chan<- prometheus.Metric) {
	c.process.delay.Collect(ch)
	c.collectPartitions(ch)
	c.collectCapCounters(ch)
	b := c.options.Build
	ch <- c.descs.metric(buildInfo, 1, label(b.Version), label(b.Revision), label(b.GoVersion))

	c.process.mu.Lock()
	defer c.process.mu.Unlock()
	ok := 0.
	if c.process.reloadOK {
		ok = 1
	}
	ch <- c.descs.metric(reloadSuccessful, ok)
	ch <- c.descs.metric(reloadSuccessTime, wallSeconds(c.process.reloaded))
	ch <- c.descs.metric(lastSave, wallSeconds(c.process.saved))
	ch <- c.descs.metric(saveFailures, float64(c.process.saveFailures))
}

func (c *Collector) collectPartitions(ch chan<- prometheus.Metric) {
	if c.options.Partitions == nil {
		return
	}
	type key struct {
		topic     string
		partition int32
	}
	seen := map[key]bool{}
	for _, p := range c.options.Partitions() {
		if k := (key{p.Topic, p.Partition}); seen[k] {
			continue
		} else {
			seen[k] = true
		}
		labels := []string{label(p.Topic), strconv.Itoa(int(p.Partition))}
		lag, stable := p.Lag()
		for id, n := range map[metricID]int64{partitionLag: lag, partitionStableLag: stable, partitionPosition: p.Position} {
			if n >= 0 {
				ch <- c.descs.metric(id, float64(n), labels...)
			}
		}
		if p.JudgedTo != access.Beginning {
			ch <- c.descs.metric(partitionJudged, seconds(p.JudgedTo), labels...)
		}
	}
}

func (c *Collector) collectCapCounters(ch chan<- prometheus.Metric) {
	c.capping.Lock()
	defer c.capping.Unlock()
	for id, m := range table() {
		if m.Capped {
			ch <- c.descs.metric(seriesCapped, float64(c.capped[id]), m.Name)
		}
	}
}

func wallSeconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixNano()) / 1e9
}
