package rules

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

func TestDormantGrant(t *testing.T) {
	k := kindOf(t, DormantGrant)
	if k.Basis != ByAbsence {
		t.Errorf("it consists of %d", k.Basis)
	}
	severities(t, DormantGrant, map[Severity][]Finding{Info: anyFinding()})
	idle := func(f *Finding) {
		f.Events, f.People, f.Attempts, f.Since, f.FirstEvent = 0, 0, 0, access.Beginning, Coordinate{}
	}
	sentences(t, DormantGrant, []sentence{
		{func(f *Finding, last *Match) { idle(f); last.Terms = terms(open) },
			"netflix may use msg.recommend, and does not: the last access was on 2017-03-31. Team partner-platform: ask whether it is still needed, and give it a sunset if not."},
		{func(f *Finding, last *Match) { idle(f); nobody(f); f.LastEvent, last.Terms = Coordinate{}, nil },
			"netflix may use msg.recommend, and does not: no access was ever counted. Ask whether it is still needed, and give it a sunset if not."},
		{func(f *Finding, _ *Match) { idle(f); f.Team = "" },
			"netflix may use msg.recommend until its sunset on 2015-07-01, and does not: the last access was on 2017-03-31. partnerships@example.com: ask whether it is still needed, and end it sooner if not."},
		{func(f *Finding, last *Match) {
			idle(f)
			last.Terms = terms(func(t *registry.Terms) { t.Program = "umbrella" })
		}, "netflix may use msg.recommend until the end of the program umbrella on 2015-07-01, and does not: the last access was on 2017-03-31. Team partner-platform: ask whether it is still needed, and end it sooner if not."},
	})
}

func TestDormant(t *testing.T) {
	const none = "none"
	instant := func(s string) access.Instant {
		if s == none {
			return access.End
		}
		return at(s)
	}
	pauses := func(ends ...string) func(*registry.Terms) {
		return func(t *registry.Terms) {
			t.Pauses = nil
			for i := 0; i < len(ends); i += 2 {
				t.Pauses = append(t.Pauses, registry.Pause{From: at(ends[i]), Until: at(ends[i+1])})
			}
		}
	}
	forever := func(t *registry.Terms) { open(t); t.Pauses = nil }
	// Dormant after 90 days: 2014-01-01 is dormant from 2014-04-01 on, and
	// 2015-04-02 from 2015-07-01, the sunset.
	for _, c := range []struct {
		name                string
		now, earliest, last string
		terms               func(*registry.Terms)
		dormant             bool
		since, ended, due   string // since: only where it is dormant
	}{
		{name: "nothing counted yet", now: "2015-01-01", earliest: none, due: none},
		{name: "before from", now: "2013-12-31T23:59:59.999999999Z", earliest: "2012-01-01", due: "2014-01-01"},
		{name: "at from", now: "2014-01-01", earliest: "2012-01-01", due: "2014-04-01"},
		{name: "the instant before it becomes dormant", now: "2014-03-31T23:59:59.999999999Z", earliest: "2012-01-01", due: "2014-04-01"},
		{name: "when it becomes dormant", now: "2014-04-01", earliest: "2012-01-01", dormant: true, since: "2014-01-01", ended: none, due: "2015-03-01"},
		{name: "counted from the last access", now: "2014-08-29", earliest: "2012-01-01", last: "2014-06-01", due: "2014-08-30"},
		{name: "and dormant after that", now: "2014-08-30", earliest: "2012-01-01", last: "2014-06-01", dormant: true, since: "2014-06-01", ended: none, due: "2015-03-01"},
		{name: "an access of before from counts for nothing", now: "2014-04-01", earliest: "2012-01-01", last: "2013-06-01", dormant: true, since: "2014-01-01", ended: none, due: "2015-03-01"},
		{name: "counted from what the ledger covers", now: "2014-08-29", earliest: "2014-06-01", due: "2014-08-30"},
		{name: "which may be long after from", now: "2014-08-30", earliest: "2014-06-01", dormant: true, since: "2014-06-01", ended: none, due: "2015-03-01"},
		{name: "no sooner than the first event", now: "2014-01-01", earliest: "2014-06-01", due: "2014-08-30"},
		{name: "due at a pause before that", now: "2015-01-15", earliest: "2012-01-01", last: "2015-01-01", due: "2015-03-01"},
		{name: "the instant before a pause", now: "2015-02-28T23:59:59.999999999Z", earliest: "2012-01-01", dormant: true, since: "2014-01-01", ended: none, due: "2015-03-01"},
		{name: "in a pause", now: "2015-03-01", earliest: "2012-01-01", due: "2015-03-02"},
		{name: "after a pause", now: "2015-03-02", earliest: "2012-01-01", dormant: true, since: "2014-01-01", ended: none, due: "2015-07-01"},
		{name: "a pause takes no part in the silence", now: "2015-04-01", earliest: "2012-01-01", last: "2015-01-01", dormant: true, since: "2015-01-01", ended: none, due: "2015-07-01"},
		{name: "in a pause that outlives the sunset", now: "2015-06-15", earliest: "2012-01-01", terms: pauses("2015-06-01", "2015-09-01"), due: "2015-07-01"},
		{name: "pauses that are over are not due", now: "2015-04-01", earliest: "2012-01-01", terms: pauses("2014-05-01", "2014-05-02", "2014-06-01", "2014-06-02"), dormant: true, since: "2014-01-01", ended: none, due: "2015-07-01"},
		{name: "the instant before the sunset", now: "2015-06-30T23:59:59.999999999Z", earliest: "2012-01-01", dormant: true, since: "2014-01-01", ended: none, due: "2015-07-01"},
		{name: "at the sunset", now: "2015-07-01", earliest: "2012-01-01", dormant: true, since: "2014-01-01", ended: "2015-07-01", due: none},
		{name: "years after the sunset", now: "2025-07-01", earliest: "2012-01-01", last: "2015-01-01", dormant: true, since: "2015-01-01", ended: "2015-07-01", due: none},
		{name: "the sunset came first", now: "2025-07-01", earliest: "2012-01-01", last: "2015-06-01", due: none},
		{name: "the sunset came at the instant", now: "2025-07-01", earliest: "2012-01-01", last: "2015-04-02", due: none},
		{name: "the sunset came an instant later", now: "2025-07-01", earliest: "2012-01-01", last: "2015-04-01T23:59:59.999999999Z", dormant: true,
			since: "2015-04-01T23:59:59.999999999Z", ended: "2015-07-01", due: none},
		{name: "the ledger begins too late before the sunset", now: "2025-07-01", earliest: "2015-05-01", due: none},
		{name: "the ledger begins after the sunset", now: "2025-07-01", earliest: "2020-01-01", due: none},
		{name: "paused from then to the sunset", now: "2025-07-01", earliest: "2012-01-01", last: "2015-01-01", terms: pauses("2015-03-30", "2015-07-01"), due: none},
		{name: "paused by two pauses", now: "2025-07-01", earliest: "2012-01-01", last: "2015-01-01", terms: pauses("2015-03-30", "2015-05-01", "2015-04-20", "2015-08-01"), due: none},
		{name: "paused but for an instant", now: "2025-07-01", earliest: "2012-01-01", last: "2015-01-01", terms: pauses("2015-03-30", "2015-05-01", "2015-05-01T00:00:00.000000001Z", "2015-08-01"), dormant: true,
			since: "2015-01-01", ended: "2015-07-01", due: none},
		{name: "a sunset before from", now: "2020-01-01", earliest: "2010-01-01", terms: func(t *registry.Terms) { t.Sunset = at("2012-01-01") }, due: none},
		{name: "open at both ends", now: "2020-01-01", earliest: "2012-01-01", terms: forever, dormant: true, since: "2012-01-01", ended: none, due: none},
		{name: "open at both ends, not yet", now: "2012-02-01", earliest: "2012-01-01", terms: forever, due: "2012-03-31"},
	} {
		s := Silence{Now: at(c.now), Terms: terms(c.terms), Earliest: instant(c.earliest), Last: access.Beginning}
		if c.last != "" {
			s.Last = at(c.last)
		}
		since, ended, due, ok := Dormant(&s, 90*24*time.Hour)
		if ok != c.dormant || due != instant(c.due) {
			t.Errorf("%s: dormant %t, due %s, want %t, %s", c.name, ok, due, c.dormant, c.due)
		} else if ok && (since != at(c.since) || ended != instant(c.ended)) {
			t.Errorf("%s: since %s, ended %s, want %s, %s", c.name, since, ended, c.since, c.ended)
		}
	}
}

// Against the sentence of the contract, instant by instant: inside, and no access
// for so long; after the sunset, whether it was so at an instant before. And
// nothing changes by time alone before it is due.
func TestDormantIsWhatItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		instant := func(name string) access.Instant { return access.Instant(rapid.Int64Range(0, 30).Draw(t, name)) }
		after := time.Duration(rapid.Int64Range(1, 12).Draw(t, "after"))
		terms := &registry.Terms{From: instant("from"), Sunset: access.End, GraceUntil: access.End}
		if rapid.Bool().Draw(t, "ends") {
			terms.Sunset = instant("sunset")
		}
		for range rapid.IntRange(0, 3).Draw(t, "pauses") {
			p := registry.Pause{From: instant("pause")}
			p.Until = p.From + access.Instant(rapid.Int64Range(1, 10).Draw(t, "length"))
			terms.Pauses = append(terms.Pauses, p)
		}
		slices.SortFunc(terms.Pauses, func(a, b registry.Pause) int { return int(a.From - b.From) })
		s := Silence{Terms: terms, Earliest: instant("earliest"), Last: access.Beginning}
		if last := instant("last"); rapid.Bool().Draw(t, "used") && last < terms.Sunset {
			s.Last = last
		}
		open := func(n access.Instant) bool {
			c := Case{Time: n, Belongs: true, Terms: terms}
			return WindowOf(&c) == Inside && n-max(terms.From, s.Earliest, s.Last) >= access.Instant(after)
		}
		was, settled := false, access.Beginning // until when nothing may change
		for n := max(s.Last, 0); n < 50; n++ {
			s.Now = n
			_, ended, due, ok := Dormant(&s, after)
			over := n >= max(terms.From, terms.Sunset)
			switch {
			case !over && ok != open(n):
				t.Fatalf("dormant at %d: %t", n, ok)
			case over && ok:
				before := false
				for b := access.Instant(0); b < terms.Sunset; b++ {
					before = before || open(b)
				}
				if !before || ended != terms.Sunset {
					t.Fatalf("at %d it was dormant until %d", n, ended)
				}
			case over:
				for b := access.Instant(0); b < terms.Sunset; b++ {
					if open(b) {
						t.Fatalf("at %d it was never dormant, but at %d", n, b)
					}
				}
			}
			if n < settled && ok != was {
				t.Fatalf("it changes at %d, and was not due before %d", n, settled)
			}
			if due <= n {
				t.Fatalf("due at %d, by %d already", due, n)
			}
			was, settled = ok, due
		}
	})
}
