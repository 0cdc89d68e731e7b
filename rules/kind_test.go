package rules

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// terms of a registration from 2014 on, over on 2015-07-01, with 30 days of
// grace and a pause on 2015-03-01. Each field was set by a revision of its name.
func terms(change func(*registry.Terms)) *registry.Terms {
	t := &registry.Terms{
		From: at("2014-01-01"), Sunset: at("2015-07-01"), GraceUntil: at("2015-07-31"),
		Pauses: []registry.Pause{{From: at("2015-03-01"), Until: at("2015-03-02")}},
	}
	for f := range registry.Field(registry.Fields) {
		t.Decided[f] = &registry.Revision{By: f.String()}
	}
	if change != nil {
		change(t)
	}
	return t
}

func open(t *registry.Terms) {
	t.From, t.Sunset, t.GraceUntil = access.Beginning, access.End, access.End
}

func TestWindows(t *testing.T) {
	for _, c := range []struct {
		name  string
		time  string
		story Case
		want  Window
	}{
		{"inside", "2015-01-01", Case{Belongs: true, Terms: terms(nil)}, Inside},
		{"at the start", "2014-01-01", Case{Belongs: true, Terms: terms(nil)}, Inside},
		{"before the start", "2013-12-31T23:59:59.999999999Z", Case{Belongs: true, Terms: terms(nil)}, TooEarly},
		{"before the sunset", "2015-06-30T23:59:59.999999999Z", Case{Belongs: true, Terms: terms(nil)}, Inside},
		{"at the sunset", "2015-07-01", Case{Belongs: true, Terms: terms(nil)}, AfterEnd},
		{"a pause begins", "2015-03-01", Case{Belongs: true, Terms: terms(nil)}, Paused},
		{"a pause is over", "2015-03-02", Case{Belongs: true, Terms: terms(nil)}, Inside},
		{"belongs to nobody", "2015-01-01", Case{Terms: terms(nil)}, Unknown},
		{"belongs to nobody, after the sunset", "2016-01-01", Case{Terms: terms(nil)}, Unknown},
		{"no registration", "2015-01-01", Case{Belongs: true}, Unknown},
		{"no ends", "1700-01-01", Case{Belongs: true, Terms: terms(open)}, Inside},
		{"a sunset before the start: too early first", "2013-01-01",
			Case{Belongs: true, Terms: terms(func(t *registry.Terms) { t.Sunset = at("2012-01-01") })}, TooEarly},
		{"a sunset before the start: then after it", "2014-01-01",
			Case{Belongs: true, Terms: terms(func(t *registry.Terms) { t.Sunset = at("2012-01-01") })}, AfterEnd},
		{"a pause after the sunset", "2015-08-01",
			Case{Belongs: true, Terms: terms(func(t *registry.Terms) { t.Pauses[0].Until = at("2016-01-01") })}, AfterEnd},
	} {
		c.story.Time = at(c.time)
		if got := WindowOf(&c.story); got != c.want {
			t.Errorf("%s: window %d, want %d", c.name, got, c.want)
		}
	}
}

// lawful is a case that no kind finds anything wrong with: inside the terms.
func lawful(t *registry.Terms) *Case {
	return &Case{
		Time: at("2015-01-01"), Principal: "app-netflix-web", Feature: "msg.recommend",
		Scopes: []string{"messages.read"}, Operation: access.Read,
		Partner: "netflix", Belongs: true, Left: access.Beginning, Terms: t,
	}
}

// verdict is what one kind says of a case.
type verdict struct {
	name  string
	time  string                // of the case; empty: inside the window
	terms func(*registry.Terms) // what is other than in terms
	with  func(*Case)           // what is other than in lawful
	// want is what is found, beside what each Match has; nil: nothing.
	want []func(*Match)
	// not is what WhyNot says; empty: the kind does not look at the case.
	not string
	// also are the other kinds that the case matches, in their order.
	also []string
}

// found is one match, changed by change.
func found(change func(*Match)) []func(*Match) { return []func(*Match){change} }

// verdicts holds a kind against a table.
func verdicts(t *testing.T, kind string, table []verdict) {
	t.Helper()
	kinds := Kinds()
	k := kindOf(t, kind)
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			t.Helper()
			c := lawful(terms(row.terms))
			if row.time != "" {
				c.Time = at(row.time)
			}
			if row.with != nil {
				row.with(c)
			}
			var want, got []Match
			for _, change := range row.want {
				m := Match{Since: access.Beginning, Until: access.End, Sunset: access.End, GraceUntil: access.End, Terms: c.Terms, Scopes: c.Scopes}
				change(&m)
				want = append(want, m)
			}
			var also []string
			for _, m := range Judge(kinds, c, nil) {
				if m.Kind.Name != kind {
					also = append(also, m.Kind.Name)
					continue
				}
				m.Kind = nil
				got = append(got, m)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if !slices.Equal(also, row.also) {
				t.Errorf("other kinds say %q, want %q", also, row.also)
			}
			other := *c
			other.Relation = access.Self + access.ThirdParty - c.Relation
			if kinds := []Kind{*k}; !k.ByRelation && !reflect.DeepEqual(Judge(kinds, c, nil), Judge(kinds, &other, nil)) {
				t.Error("it says something else of another relation: set ByRelation")
			}
			looks := k.looksAt(c, WindowOf(c)) && k.WhyNot != nil && len(want) == 0
			if looks != (row.not != "") {
				t.Errorf("it looks in vain: %t, want a reason %q", looks, row.not)
			} else if looks && k.WhyNot(c) != row.not {
				t.Errorf("why not: %s, want %s", k.WhyNot(c), row.not)
			}
		})
	}
}

func kindOf(t testing.TB, name string) *Kind {
	t.Helper()
	kinds := Kinds()
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		t.Fatalf("no kind is called %s", name)
	}
	return &kinds[i]
}

// sentence is what a finding says of itself: netflix of the contract, read
// within the window of terms, changed by change.
type sentence struct {
	change func(f *Finding, last *Match)
	want   string
}

// once is a change to a finding of one event about one person.
func once(f *Finding) {
	f.Events, f.People, f.Attempts = 1, 1, 1
	f.Operations, f.Scopes = map[string]uint64{"read": 1}, map[string]uint64{"messages.read": 1}
	f.LastEvent = f.FirstEvent
}

// nobody is a change to a finding for which nobody answers.
func nobody(f *Finding) { f.Team, f.Owner = "", "" }

func sentences(t *testing.T, kind string, table []sentence) {
	t.Helper()
	k := kindOf(t, kind)
	for _, row := range table {
		f := netflix()
		f.Kind = kind
		last := &Match{Since: f.Since, Until: access.End, Terms: terms(nil)}
		row.change(f, last)
		if got := k.Why(f, last); got != row.want {
			t.Errorf("\n got %s\nwant %s", got, row.want)
		}
	}
}

// severities holds the severity rule of a kind against a table.
func severities(t *testing.T, kind string, table map[Severity][]Finding) {
	t.Helper()
	k := kindOf(t, kind)
	for want, findings := range table {
		for i := range findings {
			if got := k.Severity(&findings[i]); got != want {
				t.Errorf("%s of %+v, want %s", got, findings[i], want)
			}
		}
	}
}

// anyFinding are findings that a kind of one severity rates alike.
func anyFinding() []Finding {
	return []Finding{{}, *netflix(), {EventsAfterGrace: pointer(uint64(1))}, {Operations: map[string]uint64{"write": 1, "delete": 1}}}
}

func TestEveryKindIsWhole(t *testing.T) {
	var names []string
	windows := map[Window]string{}
	byAttempts := map[Window]string{}
	for _, k := range Kinds() {
		if k.Name == "" || k.Summary == "" || k.Severity == nil || k.Why == nil {
			t.Errorf("kind %q lacks something", k.Name)
		}
		if strings.HasSuffix(k.Summary, ".") || strings.ContainsAny(k.Summary, "\n`") {
			t.Errorf("%s: the summary stands within other text: %q", k.Name, k.Summary)
		}
		if judges := k.Basis == ByAccess || k.Basis == ByProbes; judges != (k.Judge != nil) {
			t.Errorf("%s judges cases: %t, want %t", k.Name, k.Judge != nil, judges)
		}
		if inVain := k.Basis == ByAccess && k.Window == Inside || k.Basis == ByProbes; inVain != (k.WhyNot != nil) {
			t.Errorf("%s can say why not: %t, want %t", k.Name, k.WhyNot != nil, inVain)
		}
		if slices.Contains(names, k.Name) {
			t.Errorf("kind %q stands twice", k.Name)
		}
		names = append(names, k.Name)
		switch k.Basis {
		case ByAccess:
			if other := windows[k.Window]; other != "" && k.Window != Inside {
				t.Errorf("%s and %s both judge window %d: outside an access belongs to one kind", k.Name, other, k.Window)
			}
			windows[k.Window] = k.Name
		case ByAttempts:
			if other := byAttempts[k.Window]; other != "" {
				t.Errorf("%s and %s both consist of attempts in window %d", k.Name, other, k.Window)
			}
			byAttempts[k.Window] = k.Name
		}
	}
	for w := Unknown; w <= Inside; w++ {
		if windows[w] == "" {
			t.Errorf("no kind judges window %d", w)
		}
	}
	for w, name := range byAttempts {
		if windows[w] == "" || w == Inside {
			t.Errorf("%s: its attempts are those of a kind of window %d, of which there must be one", name, w)
		}
	}
}

func TestLawfulCasesAllocateNothing(t *testing.T) {
	kinds := Kinds()
	bare := lawful(terms(nil))
	strict := lawful(terms(func(t *registry.Terms) {
		t.Operations = []access.Operation{access.Read}
		t.Scopes = []string{"messages.*", "profile.basic"}
		t.Requires = registry.RequireConsent | registry.RequireOwnData | registry.RequireIndicator
		t.Inbound = true
	}))
	strict.Scopes = []string{"messages.read", "messages.write", "profile.basic"}
	strict.Consent, strict.Indicator, strict.Direction = access.ConsentGranted, access.IndicatorShown, access.In
	probe := lawful(terms(nil))
	probe.Probe = access.ProbeEnabled
	for i, c := range []*Case{bare, strict, probe} {
		var found []Match
		if n := testing.AllocsPerRun(100, func() { found = Judge(kinds, c, found[:0]) }); n != 0 || len(found) != 0 {
			t.Errorf("case %d: %v allocations, %d matches", i, n, len(found))
		}
	}
}
