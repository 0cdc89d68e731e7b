package explanation

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sunsetwatch/cmd/internal/termsheet"
	"sunsetwatch/consumer/codec"
	"sunsetwatch/detector"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
	"sunsetwatch/rules/registry"
)

const set = `version: 1
partners:
  - {name: bing, principals: [app-bing, {id: app-tv, from: 2016-01-01T00:00:00Z}]}
  - {name: netflix, owner: o@example.com, principals: [app-netflix, {id: app-tv, until: 2015-01-01T00:00:00Z}]}
programs:
  - {name: social, team: search, revisions: [{recorded: 2014-12-01T00:00:00Z, by: policy, sunset: 2014-12-31T00:00:00Z, grace: 30d}]}
scopes:
  - {name: user.*, sunset: 2014-09-01T00:00:00Z, grace: 60d}
  - {name: user.id, sunset: 2014-10-01T00:00:00Z}
registrations:
  - partner: netflix
    feature: msg
    revisions:
      - {recorded: 2014-01-01T00:00:00Z, from: 2014-02-01T00:00:00Z, operations: [write], scopes: [messages.*, user.*], requires: [consent, own_data, indicator]}
      - {recorded: 2015-09-01T00:00:00Z, by: audit, sunset: 2015-07-01T00:00:00Z, grace: 30d}
      - {recorded: 2015-10-01T00:00:00Z, effective: 2014-05-01T00:00:00Z, inbound: true, pauses: [{from: 2014-06-01T00:00:00Z, until: 2014-06-02T00:00:00Z}]}
  - {partner: bing, feature: search, program: social}
`

func snapshot(t *testing.T) *registry.Snapshot {
	t.Helper()
	s, problems := registry.Read([]registry.File{{Name: "a.yml", Data: []byte(set)}}, registry.Options{Now: access.End})
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

// asked is a generator of events at the boundaries of a set, and of times from
// which it is looked at.
type asked struct {
	*rand.Rand
	times    []access.Instant
	compiled *codec.Compiled
}

func newAsked(t *testing.T, s *registry.Snapshot, seed uint64) *asked {
	t.Helper()
	compiled, err := codec.Compile(codec.Mapping{})
	if err != nil {
		t.Fatal(err)
	}
	a := &asked{Rand: rand.New(rand.NewPCG(seed, 2)), compiled: compiled}
	for _, i := range append(s.Instants("app-netflix", "msg", []string{"user.id"}), s.Instants("app-tv", "search", nil)...) {
		a.times = append(a.times, i-1, i, i+1)
	}
	for range 6 { // a pause is short
		a.times = append(a.times, at(t, "2014-06-01T12:00:00Z"))
	}
	return a
}

func (a *asked) question(t *testing.T, s *registry.Snapshot) (text string, q *Question) {
	t.Helper()
	pick := func(words ...string) string { return words[a.IntN(len(words))] }
	text = fmt.Sprintf(`{"time":%q,"principal":%q,"feature":%q,"operation":%q,"scopes":%q,"direction":%q,"consent":%q,"indicator":%q,"outcome":%q,"subject":%q,"grantor":%q,"probe":%q}`,
		a.times[a.IntN(len(a.times))], pick("app-netflix", "app-netflix", "app-bing", "app-tv", "app-x"), pick("msg", "msg", "search", "other"),
		pick("read", "write", "delete", "peek"), pick("", "messages.write", "user.id", "user.name", "user.id messages.read", "posts"),
		pick("", "in"), pick("", "absent", "granted"), pick("", "hidden", "shown"), pick("", "", "", "denied", "error"),
		pick("", "u1", "g1"), pick("", "g1"), pick("", "", "", "", "enabled", "disabled"))
	ev, err := Read([]byte(text), a.compiled)
	if err != nil {
		t.Fatal(err, text)
	}
	q = &Question{Event: ev, Registrations: s, KnownAt: access.End}
	if a.IntN(3) == 0 {
		q.KnownAt = a.times[a.IntN(len(a.times))]
	}
	return text, q
}

// What is said of one event is what a detector finds that has counted it alone.
func TestExplanationAgreesWithTheDetector(t *testing.T) {
	s := snapshot(t)
	a := newAsked(t, s, 1)
	events, found := 2000, 0
	if testing.Short() {
		events = 400
	}
	for range events {
		text, q := a.question(t, s)
		known := s.KnownAt(q.KnownAt)
		l := ledger.New(ledger.Options{Terms: known})
		fold := l.NewFold(ledger.Source{Name: "topic/0", Topic: "topic"})
		fold.Add(q.Event, access.Position{})
		if err := l.Merge(fold, ledger.Progress{Next: 1, Coverage: access.Coverage{Records: 1, Events: 1}}); err != nil {
			t.Fatal(err)
		}
		d, err := detector.New(detector.Options{Facts: l})
		if err != nil {
			t.Fatal(err)
		}
		d.Reload(known, nil, q.Event.Time+access.Minute)
		var want, got []string
		for _, f := range d.Findings() {
			want = append(want, fmt.Sprintln(f.ID, f.Kind, f.Severity, f.Scope, f.Program, f.Since, f.Sunset, f.GraceUntil, f.DecidedBy != nil, f.Why))
		}
		for _, v := range Compose(q).Verdicts {
			if m := v.Match; v.Verdict == Matches {
				show := func(s *string, none string) string {
					if s == nil {
						return none
					}
					return *s
				}
				got = append(got, fmt.Sprintln(m.Finding, v.Kind, *m.Severity, show(m.Scope, ""), show(m.Program, ""),
					show(m.Since, "-"), show(m.Sunset, "-"), show(m.GraceUntil, "-"), m.DecidedBy != nil, *m.Sentence))
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if found += len(got); !slices.Equal(got, want) {
			t.Fatalf("%s\nas known at %s is explained as\n%s\nthe detector finds\n%s", text, q.KnownAt, strings.Join(got, ""), strings.Join(want, ""))
		}
	}
	if found < events/4 {
		t.Errorf("only %d findings of %d events: the test meets too little", found, events)
	}
}

// An explanation says what rules.Judge says, and something of every kind; of
// whatever event, without a word missing.
func TestExplanationAgreesWithTheJudge(t *testing.T) {
	s := snapshot(t)
	a := newAsked(t, s, 3)
	seen, events := map[string]int{}, 3000
	if testing.Short() {
		events = 1500
	}
	for range events {
		text, q := a.question(t, s)
		ev, k := q.Event, q.KnownAt
		e := Compose(q)

		c := caseOf(ev, s.KnownAt(k))
		var want, got []string
		kinds := rules.Kinds()
		for _, m := range rules.Judge(kinds, &c, nil) {
			want = append(want, m.Kind.Name+" "+m.Scope+" "+m.Since.String()+" "+m.GraceUntil.String())
		}
		of := map[string]int{}
		for i := range e.Verdicts {
			v := &e.Verdicts[i]
			of[v.Kind]++
			seen[v.Kind+" "+v.Verdict]++
			if v.Why == "" || (v.Match != nil) != (v.Verdict == Matches || v.Verdict == Counted) {
				t.Fatalf("%s\n%+v", text, v)
			}
			if v.Match == nil {
				continue
			}
			if (v.Verdict == Counted) != (e.Is == "attempt" && v.Kind != rules.AttemptsAfterSunset) || (v.Match.Sentence == nil) != (v.Verdict == Counted) {
				t.Fatalf("%s\n%+v", text, v)
			}
			if v.Kind == rules.AttemptsAfterSunset {
				if e.window != rules.AfterEnd || e.Is != "attempt" {
					t.Fatalf("%s\n%+v", text, v)
				}
				continue
			}
			show := func(s *string) string {
				if s == nil {
					return "-"
				}
				return *s
			}
			scope := ""
			if v.Match.Scope != nil {
				scope = *v.Match.Scope
			}
			got = append(got, v.Kind+" "+scope+" "+show(v.Match.Since)+" "+show(v.Match.GraceUntil))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s\nas known at %s is explained as %q, the judge says %q", text, k, got, want)
		}
		for i := range kinds {
			if of[kinds[i].Name] == 0 {
				t.Fatalf("%s: nothing is said of %s", text, kinds[i].Name)
			}
		}
		shown := e.Text()
		if strings.Contains(shown, "%!") || strings.Contains(shown, "invalid") || strings.Contains(shown, "an unknown date") {
			t.Fatalf("%s\n%s", text, shown)
		}
		if !json.Valid([]byte(termsheet.JSON(e))) {
			t.Fatalf("%s: no JSON", text)
		}
	}
	// Every kind was met, with and without a match.
	for _, k := range rules.Kinds() {
		if k.Basis == rules.ByAbsence {
			continue
		}
		if seen[k.Name+" "+Matches] == 0 || seen[k.Name+" "+NoMatch] == 0 {
			t.Errorf("%s: %d matches, %d without: the test meets too little", k.Name, seen[k.Name+" "+Matches], seen[k.Name+" "+NoMatch])
		}
		if k.Basis == rules.ByAccess && seen[k.Name+" "+Counted] == 0 {
			t.Errorf("%s: no attempt was counted", k.Name)
		}
	}
}

// What a name holds cannot break out of the text.
func TestTextIsSafe(t *testing.T) {
	compiled, _ := codec.Compile(codec.Mapping{})
	ev, err := Read([]byte(`{"time":"2015-01-01T00:00:00Z","principal":"a\u001b[2Jb\nKinds:","feature":"c\td","operation":"read","scopes":["user.\u0007"]}`), compiled)
	if err != nil {
		t.Fatal(err)
	}
	e := Compose(&Question{Event: ev, Registrations: snapshot(t), KnownAt: access.End})
	if text := e.Text(); strings.ContainsAny(text, "\x1b\x07\t") || strings.Count(text, "\nKinds:\n") != 1 {
		t.Errorf("%q", text)
	}
}

func TestRead(t *testing.T) {
	compiled, err := codec.Compile(codec.Mapping{Explode: "Records"})
	if err != nil {
		t.Fatal(err)
	}
	const one = `{"time":"2015-01-01T00:00:00Z","principal":"p","feature":"f","operation":"read"}`
	for _, c := range []struct{ data, want string }{
		{`{"Records":[` + one + `]}`, ""},
		{`{"Records":[` + one + `,` + one + `]}`, "the record holds several events: explain takes one"},
		{`{"Records":[]}`, "the record holds no event"},
		{` `, "standard input is empty: give one event, a JSON object"},
		{`{"Records":[{"time":1}]}`, "the event is rejected as bad_type: "},
	} {
		ev, err := Read([]byte(c.data), compiled)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if (ev == nil) != (c.want != "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s gives %v, %q; want %q", c.data, ev, got, c.want)
		}
	}
}

func TestPrincipal(t *testing.T) {
	s := snapshot(t)
	for _, c := range []struct{ principal, time, want string }{
		{"app-tv", "2014-12-31T23:59:59Z", "app-tv belongs to netflix, until 2015-01-01 (owner o@example.com)"},
		{"app-tv", "2015-01-01T00:00:00Z", "app-tv belongs to nobody: netflix, its last owner, gave it up at 2015-01-01 (owner o@example.com)"},
		{"app-tv", "2016-01-01T00:00:00Z", "app-tv belongs to bing since 2016-01-01"},
		{"app-y", "2016-01-01T00:00:00Z", "app-y belonged to nobody by then"},
	} {
		k := rules.Case{Principal: c.principal, Time: at(t, c.time)}
		k.Partner, k.Belongs = s.Owner(k.Principal, k.Time)
		p := principalOf(&k, s)
		if got := p.text(); got != c.want {
			t.Errorf("%s at %s: %s, want %s", c.principal, c.time, got, c.want)
		}
	}
}
