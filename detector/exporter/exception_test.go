package exporter

import (
	"testing"

	"sunsetwatch/detector"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

func except(kind, partner, feature, scope string, from, until int) rules.Exception {
	return rules.Exception{Kind: kind, Partner: partner, Feature: feature, Scope: scope,
		From: minute(from), Until: minute(until), ApprovedBy: "dpo", Reason: "migration"}
}

// uses are the exceptions, without a hit.
func uses(all ...rules.Exception) []detector.ExceptionUse {
	var list []detector.ExceptionUse
	for i := range all {
		list = append(list, detector.ExceptionUse{Exception: &all[i], Last: access.Beginning})
	}
	return list
}

func TestExceptions(t *testing.T) {
	c := newCollector(&clock{minute(2)})
	registered := snapshot(t, set)
	publish := func(findings []*rules.Finding, all ...detector.ExceptionUse) {
		c.Publish(&State{At: minute(2), Registrations: registered, Findings: findings, Exceptions: all})
	}
	const netflix = "approved_by=dpo feature=msg.recommend kind=access_after_sunset partner=netflix"

	publish(nil, uses(except("access_after_sunset", "netflix", "msg.recommend", "", 0, 60))...)
	wantSeries(t, c, "sunsetwatch_exception_hits_total", netflix+" 0")
	wantSeries(t, c, "sunsetwatch_exception_findings", netflix+" 0")
	wantSeries(t, c, "sunsetwatch_exception_last_hit_timestamp_seconds")
	wantSeries(t, c, "sunsetwatch_exception_until_timestamp_seconds", netflix+" 1.5452136e+09")

	// One and its renewal, and others with labels of their own.
	other := except("access_after_sunset", "netflix", "msg.recommend", "", 0, 60)
	other.ApprovedBy = "jo\xff"
	all := uses(
		except("access_after_sunset", "netflix", "msg.recommend", "", 0, 60),
		except("access_after_sunset", "netflix", "msg.recommend", "*", 60, 120),
		except("scope_retired", "*", "*", "user.id", 0, 60),
		except("no_registration", "_unregistered", "unheard of", "", 0, 60),
		except("*", "bing", "search.social", "", 0, 60),
		other,
	)
	all[0].Hits, all[0].Last = 3, minute(1)
	all[1].Hits, all[1].Last = 4, minute(61)
	all[4].Hits, all[4].Last = 1, minute(5)
	publish(nil, all...)
	wantSeries(t, c, "sunsetwatch_exception_hits_total",
		"approved_by=dpo detail=user.id feature=* kind=scope_retired partner=* 0",
		"approved_by=dpo feature=_other kind=no_registration partner=_unregistered 0",
		netflix+" 7",
		"approved_by=dpo feature=search.social kind=* partner=bing 1",
		"approved_by=jo\uFFFD feature=msg.recommend kind=access_after_sunset partner=netflix 0",
	)
	wantSeries(t, c, "sunsetwatch_exception_last_hit_timestamp_seconds",
		netflix+" 1.54521366e+09",
		"approved_by=dpo feature=search.social kind=* partner=bing 1.5452103e+09",
	)
}

// TestExceptionFindings: open and quiet findings count, each for the exception
// that it names.
func TestExceptionFindings(t *testing.T) {
	wide := except("*", "*", "*", "", 0, 60)
	wide.ApprovedBy = "ciso"
	all := uses(except("access_after_sunset", "netflix", "msg.recommend", "", 0, 60), wide)
	suppressed := func(state rules.State, partner string, by *rules.Exception) *rules.Finding {
		text := by.String()
		f := netflix()
		f.Partner, f.State, f.SuppressedBy = partner, state, &text
		return f
	}
	nobody := "an exception of a file before"
	forgotten := netflix()
	forgotten.SuppressedBy = &nobody
	c := newCollector(&clock{minute(2)})
	c.Publish(&State{At: minute(2), Registrations: snapshot(t, set), Exceptions: all, Findings: []*rules.Finding{
		netflix(), forgotten,
		suppressed(rules.Open, "netflix", all[0].Exception), suppressed(rules.Quiet, "netflix", all[0].Exception),
		suppressed(rules.Closed, "netflix", all[0].Exception), suppressed(rules.Withdrawn, "netflix", all[0].Exception),
		suppressed(rules.Open, "bing", all[0].Exception), // of the same words, but not about it
		suppressed(rules.Open, "bing", all[1].Exception),
	}})
	wantSeries(t, c, "sunsetwatch_exception_findings",
		"approved_by=ciso feature=* kind=* partner=* 1",
		"approved_by=dpo feature=msg.recommend kind=access_after_sunset partner=netflix 2")
}

func TestUntil(t *testing.T) {
	span := func(from, until int) *rules.Exception {
		return &rules.Exception{From: minute(from), Until: minute(until)}
	}
	for name, tt := range map[string]struct {
		all  []*rules.Exception
		want int
	}{
		"one":                              {[]*rules.Exception{span(0, 20)}, 20},
		"renewed, in any order":            {[]*rules.Exception{span(20, 30), span(0, 20)}, 30},
		"renewed with an overlap":          {[]*rules.Exception{span(0, 20), span(15, 30)}, 30},
		"one inside the other":             {[]*rules.Exception{span(0, 20), span(5, 15)}, 20},
		"another one later, after a break": {[]*rules.Exception{span(0, 20), span(21, 30)}, 20},
		"ended":                            {[]*rules.Exception{span(0, 5), span(2, 10)}, 10},
		"ended, and another one to come":   {[]*rules.Exception{span(0, 10), span(11, 30)}, 30},
		"begins now":                       {[]*rules.Exception{span(10, 12)}, 12},
	} {
		if got := until(tt.all, minute(10)); got != minute(tt.want) {
			t.Errorf("%s: %s, want %s", name, got, minute(tt.want))
		}
	}
}
