package access

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestInstantAgreesWithTime(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 100_000 {
		at := time.Unix(r.Int64N(18e9)-9e9, r.Int64N(1e9)).UTC()
		i := At(at)
		if !i.Time().Equal(at) {
			t.Fatalf("%s becomes %s", at, i.Time())
		}
		y, m, d := at.Date()
		if want := time.Date(y, m, d, 0, 0, 0, 0, time.UTC); !i.Day().Start().Time().Equal(want) {
			t.Fatalf("the day of %s is %s", at, i.Day().Start())
		}
		if want := at.Truncate(time.Minute); !i.Minute().Time().Equal(want) {
			t.Fatalf("the minute of %s is %s", at, i.Minute())
		}
	}
}

func TestInstantEnds(t *testing.T) {
	for _, c := range []struct {
		what      string
		got, want Instant
	}{
		{"long ago", At(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)), Beginning},
		{"the last year in full", At(time.Date(2261, 12, 31, 23, 59, 59, 999_999_999, time.UTC)), Instant(9214646399_999_999_999)},
		{"far ahead", At(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)), End},
		{"another zone", At(time.Date(2262, 1, 1, 11, 38, 49, 0, time.FixedZone("", 12*3600+60))), Instant(9214645069_000_000_000)},
		{"an open end stays open", End.Plus(-time.Hour), End},
		{"an open beginning stays open", Beginning.Plus(time.Hour), Beginning},
		{"no overflow", (End - 1).Plus(time.Hour), End},
		{"no underflow", (Beginning + 1).Plus(-time.Hour), Beginning},
		{"plain", Instant(0).Plus(time.Minute), Minute},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.what, c.got, c.want)
		}
	}
	if Beginning.String() != "-" || End.String() != "-" || Instant(1).String() != "1970-01-01T00:00:00.000000001Z" {
		t.Error("an instant is written otherwise")
	}
}

// Every word of the event format parses to the value that is written so.
func TestWords(t *testing.T) {
	check := func(what string, n int, word func(int) string, parse func([]byte) (int, bool)) {
		for i := range n {
			if v, ok := parse([]byte(word(i))); !ok || v != i {
				t.Errorf("%s %q parses to %d, %v", what, word(i), v, ok)
			}
		}
		for _, w := range []string{"invalid", "READ", " read"} {
			if _, ok := parse([]byte(w)); ok {
				t.Errorf("%s takes %q", what, w)
			}
		}
		if word(n) != "invalid" {
			t.Errorf("%s has a word for %d", what, n)
		}
	}
	check("operation", 5, func(i int) string { return Operation(i).String() }, func(b []byte) (int, bool) { v, ok := ParseOperation(b); return int(v), ok })
	check("direction", 2, func(i int) string { return Direction(i).String() }, func(b []byte) (int, bool) { v, ok := ParseDirection(b); return int(v), ok })
	check("outcome", 3, func(i int) string { return Outcome(i).String() }, func(b []byte) (int, bool) { v, ok := ParseOutcome(b); return int(v), ok })
	check("consent", 3, func(i int) string { return Consent(i).String() }, func(b []byte) (int, bool) { v, ok := ParseConsent(b); return int(v), ok })
	check("indicator", 3, func(i int) string { return Indicator(i).String() }, func(b []byte) (int, bool) { v, ok := ParseIndicator(b); return int(v), ok })
	check("relation", 2, func(i int) string { return Relation(i).String() }, func(b []byte) (int, bool) { v, ok := ParseRelation(b); return int(v), ok })
	check("probe", 3, func(i int) string { return Probe(i).String() }, func(b []byte) (int, bool) { v, ok := ParseProbe(b); return int(v), ok })
}

func TestRelation(t *testing.T) {
	for _, c := range []struct {
		subject, grantor string
		want             Relation
	}{{"u", "", Self}, {"", "g", Self}, {"u", "u", Self}, {"", "", Self}, {"u", "g", ThirdParty}} {
		ev := Event{Subject: []byte(c.subject), Grantor: []byte(c.grantor)}
		if got := ev.Relation(); got != c.want {
			t.Errorf("subject %q, grantor %q: %v", c.subject, c.grantor, got)
		}
	}
}

func TestCoverage(t *testing.T) {
	a := Coverage{Records: 10, Events: 12, Ignored: [Ignores]uint64{1, 2, 3}, Skipped: [Skips]uint64{4, 5, 6}}
	a.Rejected[Future] = 2
	b := a
	b.Add(&a)
	if a.Offsets() != 31 || b.Offsets() != 62 || b.Events != 24 || b.Rejected[Future] != 4 {
		t.Errorf("sums are %+v", b)
	}
}
