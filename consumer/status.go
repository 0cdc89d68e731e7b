package consumer

import (
	"cmp"
	"slices"
)

// Status is how far a Consumer is, at one moment.
type Status struct {
	// Missing are the topics that were not found yet, sorted. While it is
	// empty, all partitions are found.
	Missing []string
	// Err is why: the error of the last look, or that of the first one missing.
	// It is empty when none is, or before the first look.
	Err string
	// Partitions found, by topic and number.
	Partitions []PartitionStatus
}

// PartitionStatus is how far one partition was read. Offsets are -1 as long as
// they are not known; those of the broker are as of its last answer.
type PartitionStatus struct {
	Topic     string
	Partition int32

	Leader    int32 // id of the broker; -1: none
	Connected bool  // the leader answered when it was last asked
	Opened    bool  // it is known where to read
	Err       string

	Position      int64 // everything before it was handed to the sink
	LogStart      int64
	HighWatermark int64
	LastStable    int64 // transactions before it are decided
}

// Lag is the number of offsets up to the high watermark.
func (s *PartitionStatus) Lag() int64 { return lag(s.Position, s.HighWatermark) }

// StableLag is the number of offsets up to the last stable one: what could be
// read and was not yet.
func (s *PartitionStatus) StableLag() int64 { return lag(s.Position, s.LastStable) }

func lag(position, end int64) int64 {
	if position < 0 {
		return 0
	}
	return max(end-position, 0)
}

// Status is how far the consumer is. It may be called at any time.
func (c *Consumer) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Status{Err: c.unseen}
	for _, name := range c.o.Topics {
		if t := c.topics[name]; !t.found {
			s.Missing = append(s.Missing, name)
			s.Err = cmp.Or(s.Err, t.why)
		}
	}
	if len(s.Missing) == 0 {
		s.Err = ""
	}
	for _, p := range c.partitions {
		st := p.status
		st.Leader = -1
		if p.leader != nil {
			st.Leader = p.leader.id
		}
		s.Partitions = append(s.Partitions, st)
	}
	slices.SortFunc(s.Partitions, func(a, b PartitionStatus) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return s
}

// opened begins the fetching of p at next.
func (c *Consumer) opened(p *partition, next int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.ask, p.hold = next, false
	p.status.Opened, p.status.Position, p.status.Err = true, next, ""
	p.leader.rouse()
}

// advanced notes that p was handed over up to next.
func (c *Consumer) advanced(p *partition, next int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.status.Position = next
}

// failed notes that the worker of p did not get an answer.
func (c *Consumer) failed(p *partition, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.status.Err = err.Error()
	c.lookAgain()
}

// leaderOf is the id of the broker that leads p, -1 where there is none.
func (c *Consumer) leaderOf(p *partition) int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.leader == nil {
		return -1
	}
	return p.leader.id
}

// stable is the end of what can be read of p, as of the last answer.
func (c *Consumer) stable(p *partition) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return p.status.LastStable
}
