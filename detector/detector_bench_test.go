package detector

import (
	"fmt"
	"strings"
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// benchmarkPass judges 1,000 dirty cells: 500 pairs of 2 cells each, over two
// years of event time, with as many people as given in every stretch.
func benchmarkPass(b *testing.B, sunset string, people int) {
	var yaml strings.Builder
	yaml.WriteString("version: 1\npartners:\n")
	const partners = 500
	for i := range partners {
		fmt.Fprintf(&yaml, "  - {name: p%d, owner: x@example.com, principals: [app-%d]}\n", i, i)
	}
	yaml.WriteString("registrations:\n")
	for i := range partners {
		fmt.Fprintf(&yaml, "  - {partner: p%d, feature: feed, from: 2014-01-01T00:00:00Z, sunset: %s, grace: 30d}\n", i, sunset)
	}
	f, d := begin(b, snapshot(b, yaml.String()))
	offset := int64(0)
	feed := func(per int, start access.Instant) {
		var calls []call
		for i := range partners {
			for n := range per {
				calls = append(calls, call{
					time: start + access.Instant(n)*access.Hour, offset: offset, principal: fmt.Sprint("app-", i), feature: "feed",
					operation: access.Read + access.Operation(n%2), scopes: []string{"posts"}, subject: fmt.Sprint("u", n), records: 1,
				})
				offset++
			}
		}
		f.feed(calls)
	}
	feed(2*people, at("2015-01-01"))
	feed(2*people, at("2016-06-01"))
	d.Judge(f.ledger.Latest())
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		feed(2, at("2016-12-31"))
		b.StartTimer()
		d.Judge(f.ledger.Latest())
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/pass")
	b.ReportMetric(float64(len(d.Findings())), "findings")
}

func BenchmarkLawfulPass(b *testing.B)          { benchmarkPass(b, "2030-01-01T00:00:00Z", 50) }
func BenchmarkViolatingPass(b *testing.B)       { benchmarkPass(b, "2015-01-10T00:00:00Z", 50) }
func BenchmarkViolatingPassSketch(b *testing.B) { benchmarkPass(b, "2015-01-10T00:00:00Z", 1200) }

// decade is a ledger of ten years of event time: 150 partners x 5 features x 3
// scopes are 2,250 cells, each called each third day about 200 people; 100
// registrations are in one program. Every registration but those ended years ago,
// so that most facts are findings.
type decade struct {
	f *feeder
	d *Detector
}

const (
	decadePartners = 150
	decadeFeatures = 5
	decadeScopes   = 3
	decadeProgram  = 100
)

// decadeYAML is the registrations, with a sunset for one of them and for the
// program.
func decadeYAML(one, program string) string {
	var yaml strings.Builder
	yaml.WriteString("version: 1\npartners:\n")
	for i := range decadePartners {
		fmt.Fprintf(&yaml, "  - {name: p%d, owner: x@example.com, principals: [app-%d]}\n", i, i)
	}
	fmt.Fprintf(&yaml, "programs:\n  - {name: umbrella, sunset: %s}\nregistrations:\n", program)
	for i := range decadePartners {
		for k := range decadeFeatures {
			sunset, in := "2015-07-01T00:00:00Z", ""
			switch n := i*decadeFeatures + k; {
			case n == 0:
				sunset = one
			case n <= decadeProgram:
				sunset, in = "2030-01-01T00:00:00Z", ", program: umbrella"
			}
			fmt.Fprintf(&yaml, "  - {partner: p%d, feature: f%d, from: 2010-01-01T00:00:00Z, sunset: %s, grace: 30d%s}\n", i, k, sunset, in)
		}
	}
	return yaml.String()
}

func newDecade(b *testing.B) *decade {
	b.Helper()
	s := snapshot(b, decadeYAML("2016-01-01T00:00:00Z", "2016-01-01T00:00:00Z"))
	f, d := begin(b, s)
	offset := int64(0)
	for day := at("2010-01-01"); day < at("2020-01-01"); day += 3 * access.OneDay {
		var calls []call
		for i := range decadePartners {
			for k := range decadeFeatures {
				for scope := range decadeScopes {
					calls = append(calls, call{
						time: day + access.Instant(offset%1440)*access.Minute, offset: offset, principal: fmt.Sprint("app-", i), feature: fmt.Sprint("f", k),
						operation: access.Read, scopes: []string{fmt.Sprint("s", scope)}, subject: fmt.Sprint("u", (offset/7)%200), records: 1,
					})
					offset++
				}
			}
		}
		f.feed(calls)
	}
	d.Judge(f.ledger.Latest())
	if cells, _ := f.ledger.Size(); cells != decadePartners*decadeFeatures*decadeScopes {
		b.Fatalf("%d cells", cells)
	}
	return &decade{f, d}
}

// reload is the whole of a reload: cutting the facts anew and judging.
func (x *decade) reload(s *registry.Snapshot) {
	x.f.ledger.SetTerms(s)
	x.d.Reload(s, nil, x.f.ledger.Latest())
}

// change changes between two sets, and prints how many milliseconds one change
// takes. Each changes want findings.
func (x *decade) change(want int, sets ...string) func(*testing.B) {
	return func(b *testing.B) {
		var all []*registry.Snapshot
		for _, yaml := range sets {
			all = append(all, snapshot(b, yaml))
		}
		x.reload(all[1])
		x.d.TakeChanged()
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			x.reload(all[n%2])
			n++
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/change")
		x.reload(all[n%2])
		x.d.TakeChanged()
		x.reload(all[(n+1)%2])
		if got := len(x.d.TakeChanged()); got != want {
			b.Errorf("a change changes %d findings, want %d", got, want)
		}
	}
}

// Judging again, from facts alone. Goals: a change of one registration under
// 50 ms, also at an instant that cuts facts that were merged; of a program with
// 100 members under 1 s; a full judgement, as at a start, under 5 s.
func BenchmarkJudgingAgain(b *testing.B) {
	const early, later, between = "2016-01-01T00:00:00Z", "2017-01-01T00:00:00Z", "2016-05-05T12:34:00Z"
	x := newDecade(b)
	b.Run("registration", x.change(1, decadeYAML(early, early), decadeYAML(later, early)))
	b.Run("registration-cuts-facts", x.change(1, decadeYAML(early, early), decadeYAML(between, early)))
	b.Run("program", x.change(decadeProgram, decadeYAML(early, early), decadeYAML(early, later)))
	b.Run("everything", func(b *testing.B) {
		s := x.d.loaded
		b.ReportAllocs()
		var d *Detector
		for b.Loop() {
			d = newDetector(b, x.f.ledger)
			d.Reload(s, nil, x.f.ledger.Latest())
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/judgement")
		b.ReportMetric(float64(len(d.Findings())), "findings")
	})
}
