package access

import (
	"math"
	"time"
)

// Instant is a point in event time: nanoseconds since 1970-01-01T00:00:00Z.
// It spans the years 1678 to 2262; the codec rejects events outside.
type Instant int64

// Beginning and End are before and after every event: an absent `from` is
// Beginning, an absent sunset is End.
const (
	Beginning Instant = math.MinInt64
	End       Instant = math.MaxInt64
)

// Lengths of time, in nanoseconds, as Instants add and subtract.
const (
	Minute Instant = 60_000_000_000
	Hour           = 60 * Minute
	OneDay         = 24 * Hour
)

// At is the Instant of t. A t outside the range of Instant is clamped to
// Beginning or End.
func At(t time.Time) Instant {
	switch y := t.UTC().Year(); {
	case y < 1678:
		return Beginning
	case y > 2261:
		return End
	}
	return Instant(t.UnixNano())
}

// Time is i in UTC. Beginning and End have no meaning as a time.Time.
func (i Instant) Time() time.Time { return time.Unix(0, int64(i)).UTC() }

// String is RFC 3339 in UTC with as many digits as needed; "-" for Beginning
// and End.
func (i Instant) String() string {
	if i == Beginning || i == End {
		return "-"
	}
	return i.Time().Format(time.RFC3339Nano)
}

// Plus is i + d, held between Beginning and End instead of overflowing; an
// open end stays open.
func (i Instant) Plus(d time.Duration) Instant {
	if i == Beginning || i == End {
		return i
	}
	s := i + Instant(d)
	switch {
	case d > 0 && s < i:
		return End
	case d < 0 && s > i:
		return Beginning
	}
	return s
}

// Day is a UTC day, counted from 1970-01-01.
type Day int32

// Day is the UTC day of i.
func (i Instant) Day() Day {
	d := i / OneDay
	if i%OneDay < 0 {
		d--
	}
	return Day(d)
}

// Start is the first instant of d.
func (d Day) Start() Instant { return Instant(d) * OneDay }

// Minute is the start of the UTC minute of i.
func (i Instant) Minute() Instant {
	m := i % Minute
	if m < 0 {
		m += Minute
	}
	return i - m
}
