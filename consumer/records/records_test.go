package records

import (
	"math"
	"testing"
	"time"

	"sunsetwatch/rules/access"
)

func TestInstantOfARecord(t *testing.T) {
	for ms, want := range map[int64]access.Instant{
		-1: access.End, 0: 0, 1_435_708_800_000: access.At(time.Date(2015, 7, 1, 0, 0, 0, 0, time.UTC)),
		math.MaxInt64: access.End, math.MinInt64: access.Beginning, -2: -2_000_000,
	} {
		if got := instant(ms); got != want {
			t.Errorf("instant(%d) = %d, want %d", ms, got, want)
		}
	}
}
