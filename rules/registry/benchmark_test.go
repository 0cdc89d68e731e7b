//go:build unix

package registry_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// generate is the text of a set of n registrations of n/100 partners: every
// fourth one has a second revision, every tenth belongs to a program.
func generate(n int) []byte {
	var b strings.Builder
	b.WriteString("version: 1\npartners:\n")
	for i := range n/100 + 1 {
		fmt.Fprintf(&b, "  - {name: partner-%d, owner: owner-%d@example.com, team: team-%d, principals: [app-%d-web, {id: app-%d-tv, from: 2014-09-01T00:00:00Z, until: 2016-01-01T00:00:00Z}]}\n", i, i, i%20, i, i)
	}
	b.WriteString("programs:\n")
	for i := range 10 {
		fmt.Fprintf(&b, "  - {name: program-%d, recorded: 2014-12-01T00:00:00Z, sunset: 2014-12-31T00:00:00Z}\n", i)
	}
	b.WriteString("registrations:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - partner: partner-%d\n    feature: feature-%d\n", i/100, i%1000)
		if i%10 == 0 {
			fmt.Fprintf(&b, "    program: program-%d\n", i/10%10)
		}
		b.WriteString("    revisions:\n      - {recorded: 2014-05-20T09:00:00Z, by: jo, from: 2014-06-01T00:00:00Z, operations: [write], scopes: [messages.write]}\n")
		if i%4 == 0 {
			b.WriteString("      - {recorded: 2016-01-15T00:00:00Z, by: audit, reason: the feature was shut down, ticket: PRIV-1, sunset: 2015-07-01T00:00:00Z, grace: 30d}\n")
		}
	}
	return []byte(b.String())
}

func load(tb testing.TB, n int) *registry.Snapshot {
	tb.Helper()
	s, problems := registry.Read([]registry.File{{Name: "set.yml", Data: generate(n)}}, registry.Options{Now: access.End})
	if s == nil {
		tb.Fatal(problems[:min(len(problems), 5)].String())
	}
	return s
}

// cpu is the processor time that this process has used, that of the garbage
// collector included.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A set of 100,000 registrations in one file (23 MB) is read in at most 5 s of
// CPU; of-bare is that part of what the YAML library alone takes to parse
// the file in one piece, measured in the same run.
func BenchmarkRead100k(b *testing.B) {
	data := generate(100_000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	start := cpu(b)
	var tree yaml.Node
	if err := yaml.Load(data, &tree); err != nil {
		b.Fatal(err)
	}
	tree = yaml.Node{}
	before := cpu(b)
	defer func() {
		used := (cpu(b) - before).Seconds() / float64(b.N)
		b.ReportMetric(used, "cpu-s/op")
		b.ReportMetric(used/(before-start).Seconds(), "of-bare")
	}()
	for b.Loop() {
		s, problems := registry.Read([]registry.File{{Name: "set.yml", Data: data}}, registry.Options{Now: access.End})
		if s == nil {
			b.Fatal(problems[:min(len(problems), 5)].String())
		}
	}
}

// Look-ups of random pairs at random times at 1,000,000 registrations.
func BenchmarkLookup1M(b *testing.B) {
	s := load(b, 1_000_000)
	type question struct {
		principal registry.PrincipalID
		feature   registry.FeatureID
		at        access.Instant
	}
	r := rand.New(rand.NewPCG(1, 2))
	questions := make([]question, 1<<16)
	for i := range questions {
		principal, _ := s.PrincipalID(fmt.Sprintf("app-%d-web", r.IntN(10_000)))
		feature, _ := s.FeatureID(fmt.Sprintf("feature-%d", r.IntN(1000)))
		questions[i] = question{principal, feature, access.Instant(1_380_000_000e9) + access.Instant(r.Int64N(100_000_000e9))}
	}
	b.ReportAllocs()
	hits, i := 0, 0
	before := cpu(b)
	defer func() { b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op") }()
	for b.Loop() {
		q := &questions[i&(1<<16-1)]
		if m := s.Lookup(q.principal, q.feature, q.at); m.Terms != nil && q.at >= m.Terms.Sunset {
			hits++
		}
		i++
	}
	if b.N > 1000 && hits == 0 {
		b.Fatal("no look-up found a sunset")
	}
}

// What a replay as then pays for each instant at which something was recorded,
// at 100,000 registrations of which a quarter was revised later.
func BenchmarkKnownAt100k(b *testing.B) {
	s := load(b, 100_000)
	k := s.Recordings()[1]
	b.ReportAllocs()
	before := cpu(b)
	defer func() { b.ReportMetric((cpu(b)-before).Seconds()/float64(b.N), "cpu-s/op") }()
	for b.Loop() {
		if known := s.KnownAt(k); known == s {
			b.Fatal("nothing was recorded later")
		}
	}
}
