package termsheet

import (
	"strings"
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
	"sunsetwatch/rules/registry"
)

const set = `version: 1
partners:
  - {name: netflix, owner: "o\u0007@example.com", principals: [app-a, {id: app-b, until: 2014-01-01T00:00:00Z}, {id: app-b, from: 2015-01-01T00:00:00Z}]}
  - {name: net/flix, owner: o@example.com, principals: [app-c]}
programs:
  - {name: social, revisions: [{recorded: 2013-12-01T00:00:00Z, by: policy, sunset: 2014-12-31T00:00:00Z, grace: 1d}]}
registrations:
  - partner: netflix
    feature: msg
    program: social
    revisions:
      - {recorded: 2014-01-01T00:00:00Z, by: jo, operations: [], scopes: [a.b, x.b]}
      - {recorded: 2014-02-01T00:00:00Z, effective: 2014-02-01T00:00:00Z, inbound: true, requires: [consent, own_data], from: 2012-01-01T09:30:00Z}
      - {recorded: 2014-03-01T00:00:00Z, operations: null, sunset: 2014-12-31T00:00:00Z}
  - {partner: net/flix, feature: a/b}
`

func read(t *testing.T, text string) *registry.Snapshot {
	t.Helper()
	s, problems := registry.Read([]registry.File{{Name: "a.yml", Data: []byte(text)}}, registry.Options{Now: access.End})
	if s == nil {
		t.Fatal(problems)
	}
	return s
}

func at(t *testing.T, text string) access.Instant {
	t.Helper()
	i, err := document.ParseInstant(text)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestFind(t *testing.T) {
	s := read(t, set)
	for _, c := range []struct{ name, want string }{
		{"netflix/msg", ""},
		{"net/flix/a/b", ""},
		{"netflix", "netflix: write PARTNER/FEATURE"},
		{"/msg", "/msg: write PARTNER/FEATURE"},
		{"netflxi/msg", "no partner is called netflxi: did you mean netflix?"},
		{"somebody/msg", "no partner is called somebody; there are net/flix, netflix"},
		{"netflix/mgs", "netflix has no registration for mgs: did you mean msg?"},
		{"netflix/recommend", "netflix has no registration for recommend; it has msg"},
		{"net/flix/a/c", "net/flix has no registration for a/c: did you mean a/b?"},
		{"netflix/\x1b[2J", `netflix has no registration for "\x1b[2J"; it has msg`},
	} {
		r, err := Find(s, c.name)
		if got := ""; err != nil {
			if got = err.Error(); got != c.want {
				t.Errorf("%q: %s, want %s", c.name, got, c.want)
			}
		} else if c.want != "" || r.Partner+"/"+r.Feature != c.name {
			t.Errorf("%q: %v, want %s", c.name, r, c.want)
		}
	}
}

// The history shows revisions of registration and program in the order of
// recorded, with what was known then; later knowledge does not leak in.
func TestHistory(t *testing.T) {
	s := read(t, set)
	h := HistoryOf(s, s.Registration("netflix", "msg"), access.End)
	want := `RECORDED    EFFECTIVE   OF            BY      TICKET  NAMED                                                                 REASON  TERMS
2013-12-01  always      program       policy  -       sunset 2014-12-31, grace 1d                                           -       not registered yet
2014-01-01  always      registration  jo      -       operations none, scopes a.b,x.b                                       -       until 2014-12-31 by program social, grace 1d, operations none, scopes a.b,x.b
2014-02-01  2014-02-01  registration  -       -       from 2012-01-01T09:30Z, inbound true, requires consent,own_data       -       event times before 2014-02-01: until 2014-12-31 by program social, grace 1d, operations none, scopes a.b,x.b
                                                                                                                                    event times since 2014-02-01: 2012-01-01T09:30Z to 2014-12-31 by program social, grace 1d, operations none, scopes a.b,x.b, requires consent,own_data, inbound
2014-03-01  always      registration  -       -       sunset 2014-12-31, operations any                                     -       event times before 2014-02-01: until 2014-12-31, scopes a.b,x.b
                                                                                                                                    event times since 2014-02-01: 2012-01-01T09:30Z to 2014-12-31, scopes a.b,x.b, requires consent,own_data, inbound
`
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	if got := h.Table(false); squeeze(got) != squeeze(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if earlier := HistoryOf(s, s.Registration("netflix", "msg"), at(t, "2014-01-15T00:00:00Z")); len(earlier.Revisions) != 2 {
		t.Errorf("as known at 2014-01-15 there are %d revisions, want 2", len(earlier.Revisions))
	}
}

func TestSheet(t *testing.T) {
	s := read(t, set)
	sheet := Of(s, at(t, "2014-06-01T00:00:00Z"), access.End)
	if n := len(sheet.Registrations); n != 2 {
		t.Fatalf("%d registrations", n)
	}
	r := sheet.Registrations[1]
	if got := strings.Join(r.Principals, " "); got != "app-a" {
		t.Errorf("principals %q", got)
	}
	if *r.Program != "social" || r.Terms.SunsetProgram != nil || r.Terms.Operations != nil || r.Lifecycle != "active" {
		t.Errorf("%+v", r)
	}
	for line := range strings.Lines(sheet.Table(true)) {
		if line = strings.TrimSuffix(line, "\n"); strings.TrimRight(line, " ") != line || strings.ContainsFunc(line, odd) {
			t.Errorf("%q", line)
		}
	}
	if none := Of(s, at(t, "2014-06-01T00:00:00Z"), at(t, "2013-01-01T00:00:00Z")); len(none.Registrations) != 1 {
		t.Errorf("as known at 2013 there are %d registrations, want 1", len(none.Registrations))
	}
	if json := JSON(sheet); !strings.Contains(json, `"operations": null`) {
		t.Errorf("%s", json)
	}
}
