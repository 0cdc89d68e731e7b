package exporter

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"pgregory.net/rapid"

	"sunsetwatch/detector"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

var update = flag.Bool("update", false, "write testdata anew")

const set = `
version: 1
partners:
  - {name: netflix, owner: partnerships@example.com, team: partner-platform, principals: [app-netflix]}
  - {name: bing, owner: search@example.com, team: search, principals: [app-bing]}
  - {name: pandora, principals: [app-pandora]}
programs:
  - {name: instant_personalization, team: identity, sunset: 2014-12-31T00:00:00Z}
registrations:
  - {partner: netflix, feature: msg.recommend, from: 2014-06-01T00:00:00Z, sunset: 2015-07-01T00:00:00Z, grace: 30d}
  - {partner: netflix, feature: msg.share, from: 2030-01-01T00:00:00Z}
  - {partner: bing, feature: search.social, program: instant_personalization, from: 2010-04-21T00:00:00Z}
  - {partner: pandora, feature: friends, pauses: [{from: 2018-12-19T00:00:00Z, until: 2018-12-20T00:00:00Z}]}
`

func snapshot(t interface{ Fatal(...any) }, text string) *registry.Snapshot {
	s, problems := registry.Read([]registry.File{{Name: "set.yml", Data: []byte(text)}}, registry.Options{Now: access.End})
	if s == nil {
		t.Fatal(problems.String())
	}
	return s
}

// clock is wall time that a test moves.
type clock struct{ now access.Instant }

func (c *clock) Now() time.Time { return c.now.Time() }

func (c *clock) set(minutes int) { c.now = minute(minutes) }

func gather(t interface{ Fatal(...any) }, c *Collector) map[string]*dto.MetricFamily {
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(c)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*dto.MetricFamily{}
	for _, f := range families {
		all[f.GetName()] = f
	}
	return all
}

// series renders the series of one metric, sorted, without the labels that are
// empty: `partner="netflix",...} 1`.
func series(t interface{ Fatal(...any) }, c *Collector, metric string) []string {
	var all []string
	for _, m := range gather(t, c)[metric].GetMetric() {
		var labels []string
		for _, l := range m.GetLabel() {
			if l.GetValue() != "" {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
		}
		value := m.GetGauge().GetValue() + m.GetCounter().GetValue()
		all = append(all, fmt.Sprintf("%s %v", strings.Join(labels, " "), value))
	}
	slices.Sort(all)
	return all
}

func wantSeries(t *testing.T, c *Collector, metric string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, series(t, c, metric)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", metric, diff)
	}
}

func place(i access.Instant) rules.Coordinate {
	return rules.Coordinate{Time: i, Source: "partner-access/0", Offset: 1}
}

// netflix is a finding that is critical and open.
func netflix() *rules.Finding {
	return &rules.Finding{
		ID: "n", Kind: "access_after_sunset", Severity: rules.Critical,
		Partner: "netflix", Feature: "msg.recommend", Team: "partner-platform",
		Events: 2560, People: 500,
		FirstEvent: place(access.At(time.Date(2015, 7, 1, 0, 0, 0, 0, time.UTC))),
		LastEvent:  place(access.At(time.Date(2017, 3, 31, 18, 0, 0, 0, time.UTC))),
		OpenedAt:   minute(0),
		History:    []rules.Change{entry(0, rules.Open, rules.Warning), entry(1, rules.Open, rules.Critical)},
	}
}

// stranger is a finding about a principal that belonged to nobody.
func stranger(principal, feature string, events, people uint64) *rules.Finding {
	return &rules.Finding{
		ID: principal, Kind: "no_registration", Severity: rules.Critical,
		Partner: rules.Unregistered, Feature: feature, Principals: []string{principal},
		Events: events, People: people,
		FirstEvent: place(minute(-int(events))), LastEvent: place(minute(0)),
		OpenedAt: minute(0), History: []rules.Change{entry(0, rules.Open, rules.Critical)},
	}
}

// rich is a State that has a bit of everything.
func rich(t interface{ Fatal(...any) }) *State {
	bing := &rules.Finding{
		ID: "b", Kind: "access_after_sunset", Severity: rules.Warning, State: rules.Withdrawn,
		Partner: "bing", Feature: "search.social", Team: "search", Program: "instant_personalization",
		Events: 1826, OpenedAt: minute(0),
		History: []rules.Change{entry(0, rules.Open, rules.Warning), entry(1, rules.Withdrawn, rules.Warning)},
	}
	long := strings.Repeat("p", 10_000)
	one := ledger.SourceStatus{Source: ledger.Source{Name: "partner-access/0", Topic: "partner-access"},
		Counted: 4, Duplicate: 1, Conflicts: 1}
	one.Coverage.Records, one.Coverage.Events = 7, 8
	one.Coverage.Rejected[access.Syntax] = 3
	one.Coverage.Skipped[access.SkipRetention] = 5
	one.Coverage.Ignored[access.IgnoreControl] = 2
	return &State{
		At: minute(0),
		Findings: []*rules.Finding{
			netflix(), bing,
			stranger("app-x", "friends", 3, 2), stranger("app-y\xff", "friends", 4, 3), stranger(long, long, 1, 1),
		},
		Registrations: snapshot(t, set),
		Exceptions: []detector.ExceptionUse{
			{Exception: &rules.Exception{Kind: "access_after_sunset", Partner: "netflix", Feature: "*", From: minute(0), Until: minute(90), ApprovedBy: "dpo"}, Hits: 12, Last: minute(1)},
			{Exception: &rules.Exception{Kind: "scope_retired", Partner: "bing", Feature: "search.social", Scope: "user.id", From: minute(-9), Until: minute(-1), ApprovedBy: "ciso"}, Last: access.Beginning},
		},
		Sources: []ledger.SourceStatus{one, one},
		PartnerEvents: []PartnerEvents{
			{"netflix", "msg.recommend", access.Served, 2560},
			{"netflix", "msg.recommend", access.Denied, 3},
			{rules.Unregistered, "friends", access.Served, 7},
			{"app-x", "unheard of", access.Failed, 1},
			{"gone", "not there", access.Failed, 2},
		},
		UnregisteredPrincipals: 3,
		Cells:                  12,
		Bytes:                  3456,
	}
}

func newCollector(c *clock) *Collector {
	return New(Options{
		Now:    c.Now,
		Topics: []string{"partner-access", "empty"},
		Build:  Build{"1.0.0", "abcdef", "go1.26"},
		Partitions: func() []Partition {
			return []Partition{
				{Topic: "partner-access", Partition: 0, Position: 10, HighWatermark: 15, LastStable: 12, JudgedTo: minute(-1)},
				{Topic: "partner-access", Partition: 1, Position: 0, HighWatermark: -1, LastStable: -1, JudgedTo: access.Beginning},
			}
		},
	})
}

func TestExposition(t *testing.T) {
	wall := &clock{minute(2)}
	c := newCollector(wall)
	c.Publish(rich(t))
	c.Reloaded(minute(0).Time(), true)
	c.Reloaded(minute(1).Time(), false)
	c.Saved(minute(1).Time())
	c.SaveFailed()
	c.Delay("partner-access").Observe(42)
	var names []string
	for _, m := range Metrics() {
		names = append(names, m.Name)
	}
	got, err := testutil.CollectAndFormat(c, expfmt.TypeTextPlain, names...)
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "rich.prom")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLint(t *testing.T) {
	c := newCollector(&clock{minute(2)})
	c.Publish(rich(t))
	problems, err := testutil.CollectAndLint(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestTable: what is gathered is what the table says, and the other way round.
func TestTable(t *testing.T) {
	c := newCollector(&clock{minute(2)})
	c.Publish(rich(t))
	gathered := gather(t, c)
	for _, m := range Metrics() {
		f := gathered[m.Name]
		delete(gathered, m.Name)
		if f == nil {
			t.Errorf("%s is not gathered", m.Name)
			continue
		}
		if f.GetHelp() != m.Help || !strings.EqualFold(f.GetType().String(), string(m.Type)) {
			t.Errorf("%s: gathered as %s %q", m.Name, f.GetType(), f.GetHelp())
		}
		want := slices.Sorted(slices.Values(m.Labels))
		for _, one := range f.GetMetric() {
			var got []string
			for _, l := range one.GetLabel() {
				got = append(got, l.GetName())
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s has the labels %v, want %v", m.Name, got, want)
			}
		}
	}
	for name := range gathered {
		t.Errorf("%s is not in the table", name)
	}
	for i, m := range Metrics() {
		if m.Name != table()[i].Name || len(m.Labels) > 0 && &m.Labels[0] == &table()[i].Labels[0] {
			t.Errorf("row %d is not a copy", i)
		}
	}
}

func TestKindOfTheStartSeriesExists(t *testing.T) {
	if !slices.ContainsFunc(rules.Kinds(), func(k rules.Kind) bool { return k.Name == kindAccessAfterSunset }) {
		t.Errorf("no kind %s", kindAccessAfterSunset)
	}
}

// TestBeforeTheState: what comes from the state is absent, never 0; what comes
// from the process is there.
func TestBeforeTheState(t *testing.T) {
	c := newCollector(&clock{minute(0)})
	gathered := gather(t, c)
	for _, m := range Metrics() {
		if _, there := gathered[m.Name]; there != (m.Origin == FromProcess) {
			t.Errorf("%s (%s): gathered %t", m.Name, m.Origin, there)
		}
	}
	c.Publish(&State{At: access.Beginning, Registrations: snapshot(t, "version: 1\n")})
	gathered = gather(t, c)
	for metric, n := range map[string]int{
		"sunsetwatch_events_rejected_total": 2 * access.Reasons,
		"sunsetwatch_offsets_skipped_total": 2 * access.Skips,
		"sunsetwatch_offsets_ignored_total": 2 * access.Ignores,
		"sunsetwatch_events_read_total":     2,
		"sunsetwatch_event_delay_seconds":   2,
		"sunsetwatch_series_capped_total":   12,
		"sunsetwatch_registrations":         1,
		"sunsetwatch_finding_open":          0,
	} {
		if got := len(gathered[metric].GetMetric()); got != n {
			t.Errorf("%s has %d series, want %d", metric, got, n)
		}
	}
}

func TestDelayIsClassicAndNative(t *testing.T) {
	c := newCollector(&clock{minute(0)})
	c.Delay("partner-access").Observe(100)
	for _, m := range gather(t, c)["sunsetwatch_event_delay_seconds"].GetMetric() {
		h := m.GetHistogram()
		if h.Schema == nil || len(h.GetBucket()) < 14 || h.GetBucket()[0].GetUpperBound() != 1 || h.GetBucket()[13].GetUpperBound() != 90*86400 {
			t.Errorf("%v", h)
		}
	}
}

const zeros = "feature=%s kind=access_after_sunset partner=%s severity=warning%s 0"

func zero(partner, feature, team string) string {
	if team != "" {
		team = " team=" + team
	}
	return fmt.Sprintf(zeros, feature, partner, team)
}

func TestFindingOpen(t *testing.T) {
	wall := &clock{minute(0)}
	c := newCollector(wall)
	s := &State{At: minute(0), Registrations: snapshot(t, set)}
	start := []string{
		zero("pandora", "friends", ""),
		zero("netflix", "msg.recommend", "partner-platform"),
		zero("netflix", "msg.share", "partner-platform"),
		zero("bing", "search.social", "search"),
	}
	c.Publish(s)
	wantSeries(t, c, "sunsetwatch_finding_open", start...)

	open := netflix()
	open.Severity, open.History = rules.Warning, open.History[:1]
	c.Publish(&State{At: minute(0), Registrations: s.Registrations, Findings: []*rules.Finding{open}})
	one := strings.Replace(start[1], " 0", " 1", 1)
	wantSeries(t, c, "sunsetwatch_finding_open", start[0], one, start[2], start[3])

	wall.set(1)
	c.Publish(&State{At: minute(1), Registrations: s.Registrations, Findings: []*rules.Finding{netflix()}})
	critical := strings.Replace(one, "warning", "critical", 1)
	wantSeries(t, c, "sunsetwatch_finding_open", start[0], critical, start[1], start[2], start[3])

	gone := netflix()
	gone.State, gone.History = rules.Withdrawn, append(gone.History, entry(2, rules.Withdrawn, rules.Critical))
	wall.set(2)
	c.Publish(&State{At: minute(2), Registrations: s.Registrations, Findings: []*rules.Finding{gone}})
	wantSeries(t, c, "sunsetwatch_finding_open", start[0], critical, start[1], start[2], start[3])
	wall.set(16)
	wantSeries(t, c, "sunsetwatch_finding_open", start[0], strings.Replace(critical, " 1", " 0", 1), start[1], start[2], start[3])
	wall.set(76)
	wantSeries(t, c, "sunsetwatch_finding_open", start...)
	wantSeries(t, c, "sunsetwatch_finding_events")
}

// TestFindingLeavesItsLabels: the series under the labels before is 0 for an
// hour, and gone at once where it comes back.
func TestFindingLeavesItsLabels(t *testing.T) {
	wall := &clock{minute(0)}
	c := newCollector(wall)
	all := snapshot(t, "version: 1\npartners: [{name: netflix, principals: [a]}, {name: other, principals: [b]}]\nregistrations: [{partner: other, feature: msg.recommend}]\n")
	publish := func(at int, team, program string) {
		wall.set(at)
		f := netflix()
		f.Team, f.Program = team, program
		f.History = []rules.Change{entry(0, rules.Open, rules.Critical)}
		c.Publish(&State{At: minute(0), Registrations: all, Findings: []*rules.Finding{f}})
	}
	now := func(want ...string) {
		t.Helper()
		want = append(want, zero("other", "msg.recommend", ""))
		for i, w := range want[:len(want)-1] {
			want[i] = "feature=msg.recommend kind=access_after_sunset partner=netflix " + w
		}
		slices.Sort(want)
		wantSeries(t, c, "sunsetwatch_finding_open", want...)
	}
	publish(0, "a", "")
	now("severity=critical team=a 1")
	publish(30, "b", "")
	now("severity=critical team=a 0", "severity=critical team=b 1")
	publish(40, "b", "p")
	now("severity=critical team=a 0", "severity=critical team=b 0", "program=p severity=critical team=b 1")
	publish(50, "b", "")
	now("severity=critical team=a 0", "severity=critical team=b 1", "program=p severity=critical team=b 0")
	wall.set(90)
	now("severity=critical team=b 1", "program=p severity=critical team=b 0")
	wall.set(110)
	now("severity=critical team=b 1")

	c.Publish(&State{At: minute(0), Registrations: all})
	now("severity=critical team=b 0")
	wall.set(170)
	now()
}

func TestEqualLabelsAreOneSeries(t *testing.T) {
	c := newCollector(&clock{minute(2)})
	quietly := stranger("app-z", "friends", 5, 1)
	quietly.State = rules.Withdrawn
	quietly.History = []rules.Change{entry(-200, rules.Open, rules.Critical), entry(1, rules.Withdrawn, rules.Critical)}
	c.Publish(&State{At: minute(0), Registrations: snapshot(t, set), Findings: []*rules.Finding{
		quietly, stranger("app-x", "friends", 3, 2), stranger("app-y", "friends", 4, 3), stranger("app-x", "unheard of", 1, 1),
	}})
	labels := "kind=no_registration partner=_unregistered"
	wantSeries(t, c, "sunsetwatch_finding_events", "feature=_other "+labels+" 1", "feature=friends "+labels+" 7")
	wantSeries(t, c, "sunsetwatch_finding_people", "feature=_other "+labels+" 1", "feature=friends "+labels+" 3")
	open := slices.DeleteFunc(series(t, c, "sunsetwatch_finding_open"), func(s string) bool { return !strings.Contains(s, "no_reg") })
	if want := []string{"feature=_other " + labels + " severity=critical 1", "feature=friends " + labels + " severity=critical 1"}; !slices.Equal(open, want) {
		t.Errorf("%q", open)
	}
}

// TestEveryKind: each kind is shown in each severity, under labels that say what
// it is about; and no kind but access_after_sunset has series before it is found.
func TestEveryKind(t *testing.T) {
	registered := snapshot(t, set)
	for _, kind := range rules.Kinds() {
		for _, severity := range rules.Severities() {
			f := lived(entry(0, rules.Open, severity))
			f.Kind, f.Partner, f.Feature, f.Team = kind.Name, "pandora", "friends", "t"
			labels := fmt.Sprintf("feature=friends kind=%s partner=pandora", kind.Name)
			open := labels
			switch kind.Name {
			case rules.ScopeRetired:
				f.Scope = "user.*"
				labels = "detail=user.* " + labels
				open = labels
			case rules.AccessAfterSunset, rules.AttemptsAfterSunset, rules.RetainedCapability:
				f.Program = "p"
				open += " program=p"
			}
			open += fmt.Sprintf(" severity=%s team=t 1", severity)
			c := newCollector(&clock{minute(0)})
			c.Publish(&State{At: minute(0), Registrations: registered})
			for _, s := range series(t, c, "sunsetwatch_finding_open") {
				if !strings.Contains(s, "kind=access_after_sunset ") || !strings.HasSuffix(s, " 0") {
					t.Errorf("before anything is found there is %s", s)
				}
			}
			c.Publish(&State{At: minute(0), Registrations: registered, Findings: []*rules.Finding{f}})
			if all := series(t, c, "sunsetwatch_finding_open"); !slices.Contains(all, open) {
				t.Errorf("no %s among %q", open, all)
			}
			wantSeries(t, c, "sunsetwatch_finding_events", labels+" 0")
		}
	}
}

func TestCapKeepsAlerts(t *testing.T) {
	wall := &clock{minute(2)}
	limited := func(limit int) *Collector {
		c := New(Options{Now: wall.Now, MaxSeries: limit})
		s := rich(t)
		c.Publish(s)
		return c
	}
	count := func(c *Collector) (n int, all map[string]*dto.MetricFamily) {
		all = gather(t, c)
		for _, m := range Metrics() {
			if m.Capped {
				n += len(all[m.Name].GetMetric())
			}
		}
		return n, all
	}
	whole, _ := count(limited(1000))
	for limit := 1; limit <= whole; limit++ {
		c := limited(limit)
		n, all := count(c)
		alerts := 0
		for _, m := range all["sunsetwatch_finding_open"].GetMetric() {
			if m.GetGauge().GetValue() == 1 {
				alerts++
			}
		}
		if alerts != 4 { // netflix, bing (held), and the strangers under two features
			t.Fatalf("limit %d: %d alerts", limit, alerts)
		}
		if n != max(limit, alerts) {
			t.Errorf("limit %d: %d series", limit, n)
		}
		capped := 0.
		for _, m := range all["sunsetwatch_series_capped_total"].GetMetric() {
			capped += m.GetCounter().GetValue()
		}
		if int(capped) != whole-n {
			t.Errorf("limit %d: %v counted as capped, want %d", limit, capped, whole-n)
		}
		if again, _ := count(c); again != n {
			t.Errorf("limit %d: %d series at the second scrape", limit, again)
		}
	}
}

// TestGatherNeverFails: whatever the findings, no two series have the same
// labels, all values are valid, and names that are not registered do not appear.
func TestGatherNeverFails(t *testing.T) {
	all := snapshot(t, set)
	names := rapid.SampledFrom([]string{"netflix", "bing", "pandora", "app-\xff", "raw\x00name", "_unregistered", "_other", "", strings.Repeat("x", 5000)})
	features := rapid.SampledFrom([]string{"msg.recommend", "friends", "search.social", "raw feature", "\xff\xfe"})
	words := rapid.SampledFrom([]string{"", "a", "b", "\xff", "\xfe", "ü"})
	rapid.Check(t, func(t *rapid.T) {
		wall := &clock{minute(0)}
		c := newCollector(wall)
		for range rapid.IntRange(1, 4).Draw(t, "publications") {
			s := &State{At: access.Beginning, Registrations: all}
			for range rapid.IntRange(0, 12).Draw(t, "findings") {
				f, _ := drawLife(t)
				f.Kind = rapid.SampledFrom([]string{"access_after_sunset", "no_registration", "scope_retired"}).Draw(t, "kind")
				f.Partner, f.Feature = names.Draw(t, "partner"), features.Draw(t, "feature")
				f.Principals = []string{f.Partner}
				f.Team, f.Program, f.Scope, f.Rule = words.Draw(t, "team"), words.Draw(t, "program"), words.Draw(t, "scope"), words.Draw(t, "rule")
				s.Findings = append(s.Findings, f)
			}
			for range rapid.IntRange(0, 5).Draw(t, "exceptions") {
				s.Exceptions = append(s.Exceptions, detector.ExceptionUse{Last: access.Beginning, Exception: &rules.Exception{
					Kind: "no_registration", Partner: names.Draw(t, "partner"), Feature: features.Draw(t, "feature"), Scope: words.Draw(t, "scope"),
					From: minute(0), Until: minute(9), ApprovedBy: words.Draw(t, "approved by")}})
			}
			for range rapid.IntRange(0, 5).Draw(t, "events") {
				s.PartnerEvents = append(s.PartnerEvents, PartnerEvents{names.Draw(t, "partner"), features.Draw(t, "feature"), access.Served, 1})
			}
			c.Publish(s)
			for _, f := range gather(t, c) {
				for _, m := range f.GetMetric() {
					for _, l := range m.GetLabel() {
						if len(l.GetValue()) > 256 || strings.Contains(l.GetValue(), "raw") || strings.Contains(l.GetValue(), "app-") {
							t.Fatalf("%s has the label %s=%q", f.GetName(), l.GetName(), l.GetValue())
						}
					}
				}
			}
			wall.now += access.Instant(rapid.IntRange(0, 100).Draw(t, "minutes")) * access.Minute
		}
	})
}

// TestOrderDoesNotMatter: the same findings in another order give the same
// series, also where a cap cuts them.
func TestOrderDoesNotMatter(t *testing.T) {
	wall := &clock{minute(2)}
	s := rich(t)
	var first map[string][]string
	for range 20 {
		slices.Reverse(s.Findings)
		s.Findings = append(s.Findings[1:], s.Findings[0])
		c := New(Options{Now: wall.Now, MaxSeries: 15})
		c.Publish(s)
		got := map[string][]string{}
		for name := range gather(t, c) {
			got[name] = series(t, c, name)
		}
		delete(got, "sunsetwatch_series_capped_total") // counts scrapes too
		if first == nil {
			first = maps.Clone(got)
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestPartitionLag(t *testing.T) {
	for _, tt := range []struct {
		p           Partition
		lag, stable int64
	}{
		{Partition{Position: 3, HighWatermark: 10, LastStable: 5}, 7, 2},
		{Partition{Position: 11, HighWatermark: 10, LastStable: 5}, 0, 0},
		{Partition{Position: -1, HighWatermark: 10, LastStable: 5}, -1, -1},
		{Partition{Position: 3, HighWatermark: -1, LastStable: -1}, -1, -1},
	} {
		if lag, stable := tt.p.Lag(); lag != tt.lag || stable != tt.stable {
			t.Errorf("%+v: %d, %d", tt.p, lag, stable)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	c := newCollector(&clock{minute(2)})
	s := rich(t)
	reg := prometheus.NewRegistry()
	reg.MustRegister(c)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			c.Publish(s)
			c.Saved(minute(1).Time())
			c.SaveFailed()
			c.Reloaded(minute(1).Time(), true)
			c.Delay("partner-access").Observe(1)
		}
	}()
	for range 20 {
		if _, err := reg.Gather(); err != nil {
			t.Error(err)
		}
	}
	<-done
}

func BenchmarkScrape(b *testing.B) {
	for _, n := range []int{1000, 20_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var text strings.Builder
			text.WriteString("version: 1\npartners:\n")
			for i := range n {
				fmt.Fprintf(&text, "  - {name: p%d, principals: [a%d]}\n", i, i)
			}
			text.WriteString("registrations:\n")
			for i := range n {
				fmt.Fprintf(&text, "  - {partner: p%d, feature: f%d, sunset: 2015-07-01T00:00:00Z}\n", i, i%100)
			}
			s := &State{At: minute(0), Registrations: snapshot(b, text.String())}
			for i := range n / 10 {
				f := netflix()
				f.Partner, f.Feature = fmt.Sprintf("p%d", i), fmt.Sprintf("f%d", i%100)
				s.Findings = append(s.Findings, f)
			}
			c := newCollector(&clock{minute(2)})
			reg := prometheus.NewRegistry()
			reg.MustRegister(c)
			c.Publish(s)
			for b.Loop() {
				if _, err := reg.Gather(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
