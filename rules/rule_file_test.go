package rules

import (
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
	"sunsetwatch/rules/registry"
)

// registered is the set that rule files of tests are read against.
func registered(t testing.TB) *registry.Snapshot {
	t.Helper()
	s, problems := registry.Read([]registry.File{{Name: "registrations.yml", Data: []byte(`version: 1
partners:
  - {name: netflix, owner: o@example.com, principals: [app-netflix]}
  - {name: bing, owner: o@example.com, principals: [app-bing]}
scopes:
  - {name: user.*, sunset: 2019-01-01T00:00:00Z}
  - {name: friends.list, revisions: [{sunset: 2030-01-01T00:00:00Z}, {sunset: null}]}
registrations:
  - {partner: netflix, feature: msg}
  - {partner: bing, feature: search.social}
`)}}, registry.Options{Now: access.End})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}

// readRules reads text as of 2020.
func readRules(t testing.TB, text string) (*RuleSet, document.Problems) {
	t.Helper()
	return ReadRules(registry.File{Name: "rules.yml", Data: []byte(text)}, registered(t),
		RuleOptions{Now: at("2020-01-01T00:00:00Z")})
}

// wholeFile is testdata/rules.yml.
func wholeFile(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A file with everything in it says what it says.
func TestReadRules(t *testing.T) {
	got, problems := readRules(t, wholeFile(t))
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", problems)
	}
	warning := Warning
	want := &RuleSet{
		Settings: map[string]Setting{
			DormantGrant:      {Severity: &warning, ClosingPeriod: 30 * day, After: 120 * day},
			AccessAfterSunset: {ClosingPeriod: 14 * day},
			ScopeOverreach:    {Disabled: true, ClosingPeriod: 30 * day},
			BeforeStart:       {ClosingPeriod: 30 * day},
		},
		Exceptions: []Exception{
			{Kind: AccessAfterSunset, Partner: "netflix", Feature: Any,
				From: at("2019-07-01T00:00:00Z"), Until: at("2020-03-01T00:00:00Z"),
				ApprovedBy: "dpo", Reason: "migration", Ticket: "X-1", Line: 9},
			{Kind: Any, Partner: Any, Feature: "msg",
				From: at("2019-01-01T00:00:00Z"), Until: at("2020-02-01T00:00:00Z"),
				ApprovedBy: "dpo", Reason: "audit", Line: 17},
			{Kind: ScopeRetired, Partner: "netflix", Feature: "msg", Scope: "user.*",
				From: at("2019-07-01T00:00:00Z"), Until: at("2020-03-01T00:00:00Z"),
				ApprovedBy: "dpo", Reason: "slow", Line: 18},
			{Kind: NoRegistration, Partner: Unregistered, Feature: "mail",
				From: at("2019-12-01T00:00:00Z"), Until: at("2020-03-01T00:00:00Z"),
				ApprovedBy: "dpo", Reason: "a test of ours", Line: 19},
		},
		Closures: []ClosureRule{
			{Finding: "k3f9c2a1d8e0", By: "jo", At: at("2019-04-10T00:00:00Z"), Reason: "credential revoked", Line: 21},
			{Finding: "k3f9c2a1d8e0", By: "jo", At: at("2019-06-10T00:00:00Z"), Reason: "again", Line: 22},
		},
		Disputes: []DisputeRule{
			{Finding: "000000000000", By: "partner-manager", At: at("2020-01-01T00:00:00Z"),
				Text: "the partner says that it never had this access", Line: 24},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Without a file, and of kinds that a file does not name, the defaults hold.
func TestSettingDefaults(t *testing.T) {
	whole, _ := readRules(t, wholeFile(t))
	for name, r := range map[string]*RuleSet{"no file": nil, "an empty set": {}, "a file": whole} {
		for kind, want := range map[string]Setting{
			NoRegistration:     {ClosingPeriod: 30 * day},
			RetainedCapability: {ClosingPeriod: 30 * day},
			MissingConsent:     {ClosingPeriod: 30 * day},
		} {
			if got := r.Setting(kind); got != want || got != DefaultSetting(kind) {
				t.Errorf("%s, %s: %+v, want %+v", name, kind, got, want)
			}
		}
	}
	if got, want := (*RuleSet)(nil).Setting(DormantGrant), (Setting{ClosingPeriod: 720 * time.Hour, After: 2160 * time.Hour}); got != want {
		t.Errorf("dormant_grant: %+v, want %+v", got, want)
	}
}

// Every kind there is can be set, and is known to exceptions.
func TestEveryKindCanBeSet(t *testing.T) {
	for _, k := range Kinds() {
		r, problems := readRules(t, "version: 1\nkinds: {"+k.Name+": {severity: critical}}\nexceptions:\n- {kind: "+k.Name+
			`, partner: "*", feature: "*", from: 2019-07-01T00:00:00Z, until: 2020-03-01T00:00:00Z, approved_by: a, reason: b}`)
		if len(problems) > 0 || *r.Setting(k.Name).Severity != Critical || r.Exceptions[0].Kind != k.Name {
			t.Errorf("%s: %v, %+v", k.Name, problems, r)
		}
	}
}

// Without a set, names are not looked up, and all else is checked; without a
// clock, nothing has ended and nothing lies in the future.
func TestReadRulesWithoutSetAndClock(t *testing.T) {
	text := "version: 1\nexceptions: [{kind: scope_retired, partner: x, feature: y, scope: z, from: 2019-07-01T00:00:00Z, until: 2020-01-01T00:00:00Z, approved_by: a, reason: b}]\n" +
		"closures: [{finding: k3f9c2a1d8e0, by: jo, at: 2100-01-01T00:00:00Z, reason: x}]\n"
	file := func(text string) registry.File { return registry.File{Name: "rules.yml", Data: []byte(text)} }
	if r, problems := ReadRules(file(text), nil, RuleOptions{Now: access.End}); len(problems) > 0 || r == nil {
		t.Errorf("problems:\n%s", problems)
	}
	wrong := strings.Replace(text, "partner: x", "partner: ''", 1)
	if r, problems := ReadRules(file(wrong), nil, RuleOptions{Now: access.End}); problems.Errors() != 1 || r != nil {
		t.Errorf("problems:\n%s", problems)
	}
}

// Equal sees every field, and not the lines.
func TestEqual(t *testing.T) {
	whole := wholeFile(t)
	a, _ := readRules(t, whole)
	b, _ := readRules(t, "# a comment\n"+whole+"\n")
	if !a.Equal(b) || !b.Equal(a) {
		t.Error("a comment makes a difference")
	}
	var none *RuleSet
	if !none.Equal(none) || !none.Equal(&RuleSet{}) || !(&RuleSet{}).Equal(none) || none.Equal(a) || a.Equal(none) {
		t.Error("nil is not as a set that says nothing")
	}
	defaults, problems := readRules(t, "version: 1\nkinds: {dormant_grant: {enabled: true, after: 90d}, before_start: {closing_period: 30d}}\n")
	if len(problems) > 0 || !defaults.Equal(none) || !none.Equal(defaults) {
		t.Error("defaults that are written differ from those that are not")
	}
	for _, change := range []string{
		"after: 120d|after: 121d", "severity: warning|severity: info", ", severity: warning|", "closing_period: 14d|closing_period: 15d",
		"enabled: false|enabled: true", "scope_overreach: {|scope_retired: {",
		"kind: access_after_sunset|kind: before_start", "partner: netflix|partner: bing", "feature: \"*\"|feature: msg", "from: 2019-07-01|from: 2019-07-02",
		"until: 2020-03-01T02|until: 2020-03-01T03", "approved_by: dpo|approved_by: dpa", "reason: migration|reason: x", "ticket: X-1|ticket: X-2",
		"scope: user.*|scope: friends.list", "k3f9c2a1d8e0|k3f9c2a1d8e1", "by: jo|by: al", "at: 2019-04-10|at: 2019-04-11", "credential revoked|x",
		"000000000000|000000000001", "by: partner-manager|by: x", "at: 2020-01-01|at: 2019-01-01", "text: the|text: that",
	} {
		before, after, _ := strings.Cut(change, "|")
		c, problems := readRules(t, strings.Replace(whole, before, after, 1))
		if problems.Errors() > 0 {
			t.Errorf("%s:\n%s", change, problems)
		} else if a.Equal(c) || c.Equal(a) {
			t.Errorf("%s makes no difference", change)
		}
	}
}

func TestExceptionMatches(t *testing.T) {
	exact := Exception{Kind: ScopeRetired, Partner: "netflix", Feature: "msg", Scope: "user.*"}
	for _, c := range []struct {
		name                          string
		change                        func(*Exception)
		kind, partner, feature, scope string
		want                          bool
	}{
		{"itself", func(*Exception) {}, ScopeRetired, "netflix", "msg", "user.*", true},
		{"another kind", func(*Exception) {}, AccessAfterSunset, "netflix", "msg", "user.*", false},
		{"another partner", func(*Exception) {}, ScopeRetired, "bing", "msg", "user.*", false},
		{"another feature", func(*Exception) {}, ScopeRetired, "netflix", "msg2", "user.*", false},
		{"another scope, names are not patterns here", func(*Exception) {}, ScopeRetired, "netflix", "msg", "user.id", false},
		{"no scope", func(*Exception) {}, ScopeRetired, "netflix", "msg", "", false},
		{"any kind", func(e *Exception) { e.Kind = Any }, "x", "netflix", "msg", "user.*", true},
		{"any partner", func(e *Exception) { e.Partner = Any }, ScopeRetired, Unregistered, "msg", "user.*", true},
		{"any feature", func(e *Exception) { e.Feature = Any }, ScopeRetired, "netflix", "x", "user.*", true},
		{"any scope", func(e *Exception) { e.Scope = Any }, ScopeRetired, "netflix", "msg", "x", true},
		{"any scope, unsaid", func(e *Exception) { e.Scope = "" }, ScopeRetired, "netflix", "msg", "x", true},
		{"no scope, unsaid", func(e *Exception) { e.Scope = "" }, ScopeRetired, "netflix", "msg", "", true},
		{"unregistered", func(e *Exception) { e.Partner = Unregistered }, ScopeRetired, Unregistered, "msg", "user.*", true},
		{"unregistered, a partner", func(e *Exception) { e.Partner = Unregistered }, ScopeRetired, "netflix", "msg", "user.*", false},
	} {
		e := exact
		c.change(&e)
		if got := e.Matches(c.kind, c.partner, c.feature, c.scope); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestExceptionCovers(t *testing.T) {
	e := Exception{From: 10 * access.Minute, Until: 20 * access.Minute}
	for n, want := range map[access.Instant]bool{
		access.Beginning: false, 10*access.Minute - 1: false, 10 * access.Minute: true,
		20*access.Minute - 1: true, 20 * access.Minute: false, access.End: false,
	} {
		if e.Covers(n) != want {
			t.Errorf("at %s: %v", n, !want)
		}
	}
}

func TestRuleSetInstants(t *testing.T) {
	r := &RuleSet{Exceptions: []Exception{
		{Kind: AccessAfterSunset, Partner: "netflix", Feature: Any, From: 50, Until: 60},
		{Kind: Any, Partner: Any, Feature: "msg", From: 10, Until: 50},
		{Kind: ScopeRetired, Partner: "netflix", Feature: "msg", Scope: "user.*", From: 20, Until: 30},
		{Kind: NoRegistration, Partner: Unregistered, Feature: "mail", From: 1, Until: 2},
	}}
	for _, c := range []struct {
		partner, feature string
		want             []access.Instant
	}{
		{"netflix", "msg", []access.Instant{10, 20, 30, 50, 60}},
		{"netflix", "other", []access.Instant{50, 60}},
		{"bing", "msg", []access.Instant{10, 50}},
		{Unregistered, "mail", []access.Instant{1, 2}},
		{Unregistered, "msg", []access.Instant{10, 50}},
		{"bing", "mail", nil},
	} {
		if diff := cmp.Diff(c.want, r.Instants(c.partner, c.feature)); diff != "" {
			t.Errorf("%s, %s (-want +got):\n%s", c.partner, c.feature, diff)
		}
	}
	if got := (*RuleSet)(nil).Instants("netflix", "msg"); got != nil {
		t.Errorf("no file: %v", got)
	}
}

func FuzzReadRules(f *testing.F) {
	f.Add([]byte(wholeFile(f)), true)
	f.Add([]byte("version: 1\nkinds: {dormnt_grant: {after: 1h}}\nexceptions: [{}]\nclosures: [{finding: x}]\ndisputes: [{at: 2030-01-01T00:00:00Z}]\n"), false)
	s := registered(f)
	f.Fuzz(func(t *testing.T, data []byte, against bool) {
		set := s
		if !against {
			set = nil
		}
		file := registry.File{Name: "f.yml", Data: data}
		opts := RuleOptions{Now: 1_577_836_800e9}
		r, problems := ReadRules(file, set, opts)
		for _, p := range problems {
			if p.File != "f.yml" || p.Line < 1 || p.Column < 1 || p.Message == "" || strings.Contains(p.Message, "\n") {
				t.Fatalf("a problem without a place: %+v", p)
			}
			if text := p.String(); !utf8.ValidString(text) || strings.Count(text, "\n") != 1 && strings.Count(text, "\n") != 3 {
				t.Fatalf("rendered: %q", text)
			}
		}
		if (r == nil) != (problems.Errors() > 0) {
			t.Fatalf("rules %v with %d errors", r != nil, problems.Errors())
		}
		if r == nil {
			return
		}
		again, _ := ReadRules(file, set, opts)
		if !r.Equal(again) {
			t.Fatal("the same file twice is not the same set")
		}
		for kind, s := range r.Settings {
			if s != r.Setting(kind) || s.ClosingPeriod < 48*time.Hour || (s.After != 0) != (kind == DormantGrant) {
				t.Fatalf("%s: %+v", kind, s)
			}
		}
		for _, e := range r.Exceptions {
			if e.Kind == "" || e.Partner == "" || e.Feature == "" || e.ApprovedBy == "" || e.Reason == "" || e.Line < 1 || e.From >= e.Until {
				t.Fatalf("%+v", e)
			}
			if e.Covers(e.Until) || !e.Covers(e.From) || !e.Matches(e.Kind, e.Partner, e.Feature, e.Scope) || len(r.Instants(e.Partner, e.Feature)) < 2 {
				t.Fatalf("%+v", e)
			}
		}
		for _, c := range r.Closures {
			if len(c.Finding) != idLength || c.By == "" || c.Reason == "" || c.At > opts.Now || c.Line < 1 {
				t.Fatalf("%+v", c)
			}
		}
		for _, d := range r.Disputes {
			if len(d.Finding) != idLength || d.By == "" || d.Text == "" || d.At > opts.Now || d.Line < 1 {
				t.Fatalf("%+v", d)
			}
		}
	})
}
