package rules

import (
	"reflect"
	"slices"
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// terms of a registration from 2014 on, over on 2015-07-01, with 30 days of
// grace and a pause in March 2015.
func terms(change func(*registry.Terms)) *registry.Terms {
	t := &registry.Terms{
		From: at("2014-01-01"), Sunset: at("2015-07-01"), GraceUntil: at("2015-07-31"),
		Pauses: []registry.Pause{{From: at("2015-03-01"), Until: at("2015-03-02")}},
	}
	t.Decided[registry.From] = &registry.Revision{By: "from"}
	t.Decided[registry.Sunset] = &registry.Revision{By: "sunset"}
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

func TestKinds(t *testing.T) {
	scopes := []string{"messages.read"}
	none := Match{Since: access.Beginning, Until: access.End, Sunset: access.End, GraceUntil: access.End, Scopes: scopes}
	with := func(change func(*Match)) []Match {
		m := none
		change(&m)
		return []Match{m}
	}
	regular, byProgram := terms(nil), terms(func(t *registry.Terms) { t.Program = "umbrella" })
	for _, c := range []struct {
		name  string
		time  string
		story Case
		kind  string
		want  []Match
	}{
		{"lawful", "2015-01-01", Case{Belongs: true, Terms: regular}, "", nil},
		{"in a pause", "2015-03-01", Case{Belongs: true, Terms: regular}, "", nil},
		{"in grace", "2015-07-30T23:59:59Z", Case{Belongs: true, Terms: regular}, AccessAfterSunset, with(func(m *Match) {
			m.Since, m.Sunset, m.GraceUntil, m.Decided = regular.Sunset, regular.Sunset, regular.GraceUntil, regular.Decided[registry.Sunset]
		})},
		{"at the end of grace", "2015-07-31", Case{Belongs: true, Terms: regular}, AccessAfterSunset, with(func(m *Match) {
			m.Since, m.Sunset, m.GraceUntil, m.Decided = regular.Sunset, regular.Sunset, regular.GraceUntil, regular.Decided[registry.Sunset]
			m.AfterGrace = true
		})},
		{"a program's end", "2015-07-01", Case{Belongs: true, Terms: byProgram}, AccessAfterSunset, with(func(m *Match) {
			m.Since, m.Sunset, m.GraceUntil, m.Decided = regular.Sunset, regular.Sunset, regular.GraceUntil, byProgram.Decided[registry.Sunset]
			m.Program = "umbrella"
		})},
		{"too early", "2013-01-01", Case{Belongs: true, Terms: regular}, BeforeStart, with(func(m *Match) {
			m.Until, m.Decided = regular.From, regular.Decided[registry.From]
		})},
		{"no registration", "2015-01-01", Case{Belongs: true, Left: access.Beginning}, NoRegistration, with(func(*Match) {})},
		{"given up", "2015-01-01", Case{Left: at("2014-12-01"), Terms: regular}, NoRegistration, with(func(m *Match) {
			m.Since = at("2014-12-01")
		})},
		{"given up, never registered", "2015-01-01", Case{Left: at("2014-12-01")}, NoRegistration, with(func(*Match) {})},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.story.Time, c.story.Scopes = at(c.time), scopes
			kinds := Kinds()
			got := Judge(kinds, &c.story, nil)
			for i := range got {
				if got[i].Kind.Name != c.kind {
					t.Errorf("kind %s, want %s", got[i].Kind.Name, c.kind)
				}
				got[i].Kind = nil
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestEveryKindIsWhole(t *testing.T) {
	var names []string
	windows := map[Window]string{}
	for _, k := range Kinds() {
		if k.Name == "" || k.Summary == "" || k.Judge == nil || k.Severity == nil || k.Why == nil {
			t.Errorf("kind %q lacks something", k.Name)
		}
		if slices.Contains(names, k.Name) {
			t.Errorf("kind %q stands twice", k.Name)
		}
		names = append(names, k.Name)
		if other := windows[k.Window]; other != "" && k.Window != Inside {
			t.Errorf("%s and %s both judge window %d: outside an access belongs to one kind", k.Name, other, k.Window)
		}
		windows[k.Window] = k.Name
	}
}

func TestSeverities(t *testing.T) {
	for _, c := range []struct {
		kind string
		f    Finding
		want Severity
	}{
		{AccessAfterSunset, Finding{EventsAfterGrace: pointer(uint64(0))}, Warning},
		{AccessAfterSunset, Finding{EventsAfterGrace: pointer(uint64(1))}, Critical},
		{NoRegistration, Finding{}, Critical},
		{BeforeStart, Finding{}, Warning},
	} {
		for _, k := range Kinds() {
			if k.Name == c.kind && k.Severity(&c.f) != c.want {
				t.Errorf("%s of %+v: %s, want %s", c.kind, c.f, k.Severity(&c.f), c.want)
			}
		}
	}
}

func TestLawfulCasesAllocateNothing(t *testing.T) {
	kinds := Kinds()
	c := &Case{Time: at("2015-01-01"), Belongs: true, Terms: terms(nil), Scopes: []string{"a"}}
	var found []Match
	if n := testing.AllocsPerRun(100, func() { found = Judge(kinds, c, found[:0]) }); n != 0 || len(found) != 0 {
		t.Errorf("%v allocations, %d matches", n, len(found))
	}
}
