package detector

import (
	"fmt"
	"strings"
	"testing"

	"sunsetwatch/rules/access"
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
