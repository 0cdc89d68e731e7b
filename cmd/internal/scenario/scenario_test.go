package scenario

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// small is a whole scenario, with what it says of three sections.
func small(events, steps, findings string) string {
	text := `The story.
-- registrations.yml --
version: 1
partners:
  - {name: bing, owner: search@example.com, principals: [app-bing]}
registrations:
  - {partner: bing, feature: search, from: 2014-01-01T00:00:00Z, sunset: 2014-07-01T00:00:00Z}
-- events --
` + events
	if steps != "" {
		text += "-- steps --\n" + steps
	}
	return text + "-- findings --\n" + findings
}

const (
	twoReads = "every 12h from 2014-07-01T00:00:00Z to 2014-07-01T12:00:00Z: principal=app-bing feature=search operation=read\n"
	twoFound = "- {kind: access_after_sunset, partner: bing, feature: search, events: 2}\n"
)

func parsed(t testing.TB, text string) *Scenario {
	t.Helper()
	s, problems := Parse("story.txtar", []byte(text))
	if s == nil {
		t.Fatal(problems)
	}
	return s
}

func outcomeOf(t testing.TB, text string) *Outcome {
	t.Helper()
	o, err := parsed(t, text).Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// What a file says wrongly is named with its place and with what to write.
func TestProblems(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "story.txtar:1:1: error: the section registrations.yml is missing"},
		{"no events", "-- registrations.yml --\nversion: 1\n-- findings --\n[]\n", "story.txtar:3:1: error: there is no section events: nothing can be judged"},
		{"nothing expected", "-- registrations.yml --\nversion: 1\n-- events --\n", "story.txtar:1:1: error: nothing is expected: add a section findings"},
		{"unknown section", small(twoReads, "", "[]\n") + "-- finding --\n", "story.txtar:12:1: error: unknown section finding: did you mean findings?"},
		{"section without a near name", small(twoReads, "", "[]\n") + "-- x.yml --\n", "unknown section x.yml: name it registrations.yml, rules.yml, events, steps, findings or problems"},
		{"section twice", small(twoReads, "", "[]\n") + "-- events --\n", "story.txtar:12:1: error: the section events is there twice: first on line 8"},
		{"section not used", small(twoReads, "", "[]\n") + "-- findings-2 --\n[]\n", "story.txtar:12:1: error: no step expects findings-2"},

		{"unknown step", small(twoReads, "jugde expect findings\n", "[]\n"), "story.txtar:11:1: error: unknown step jugde: did you mean judge?\n   11 | jugde expect findings\n"},
		{"step without expectation", small(twoReads, "judge\n", "[]\n"), "story.txtar:11:1: error: what is expected is missing: write judge [before TIME] [as of TIME | as then] expect SECTION"},
		{"expect nothing", small(twoReads, "judge expect\n", "[]\n"), "expect is followed by nothing"},
		{"expect what is not there", small(twoReads, "judge expect findings\njudge expect findings-x\n", "[]\n"), "story.txtar:12:1: error: there is no section findings-x: add it with [] in it"},
		{"expect problems of a judgement", small(twoReads, "judge expect findings\njudge expect problems\n", "[]\n"), "judge expects a section findings, not problems"},
		{"check findings", small(twoReads, "check expect findings\n", "[]\n"), "check expects a section problems, not findings"},
		{"no zone in a step", small(twoReads, "judge before 2015-01-01 expect findings\n", "[]\n"), `"2015-01-01" has no zone: write 2015-01-01T00:00:00Z`},
		{"as of and as then", small(twoReads, "judge as then as of 2015-01-01T00:00:00Z expect findings\n", "[]\n"), "either as of a time or as then"},
		{"twice", small(twoReads, "judge as then as then expect findings\n", "[]\n"), `"as then" is given twice`},
		{"as nothing", small(twoReads, "judge as\n", "[]\n"), "as is followed by nothing"},
		{"word of another step", small(twoReads, "live as then expect findings\n", "[]\n"), `unknown "as then": write live [before TIME] [expect SECTION]`},
		{"reload nothing", small(twoReads, "reload at 2015-01-01T00:00:00Z expect findings\n", "[]\n"), "what is reloaded is missing"},
		{"reload what is not there", small(twoReads, "reload registrations-2.yml expect findings\n", "[]\n"), "there is no section registrations-2.yml"},
		{"reload findings", small(twoReads, "reload findings expect findings\n", "[]\n"), "reload takes sections of registrations and of rules, not findings"},

		{"indented at first", small("  principal=x\n", "", "[]\n"), "story.txtar:9:1: error: the line is indented, so it goes on with the line before"},
		{"no colon", small("every 1d from 2014-01-01T00:00:00Z principal=x\n", "", "[]\n"), "story.txtar:9:1: error: there is no colon after the times"},
		{"no times", small("sometimes:\n", "", "[]\n"), "story.txtar:9:1: error: every is expected here"},
		{"nothing after every", small("every:\n", "", "[]\n"), "every is followed by nothing"},
		{"unit", small("every 6 from 2014-01-01T00:00:00Z to 2014-01-01T00:00:00Z: a=b\n", "", "[]\n"), "story.txtar:9:7: error: \"6\" has a number without a unit"},
		{"never", small("every 0 from 2014-01-01T00:00:00Z to 2014-01-01T00:00:00Z: a=b\n", "", "[]\n"), "0 must be longer than nothing"},
		{"no zone", small("every 6h from 2014-01-01T00:00:00Z to 2014-01-02: a=b\n", "", "[]\n"), "story.txtar:9:39: error: \"2014-01-02\" has no zone"},
		{"backwards", small("every 6h from 2014-01-02T00:00:00Z to 2014-01-01T00:00:00Z: a=b\n", "", "[]\n"), "2014-01-01T00:00:00Z is before the first event"},
		{"no from", small("every 6h since 2014-01-02T00:00:00Z: a=b\n", "", "[]\n"), "story.txtar:9:10: error: from is expected here"},
		{"too much", small("every 6h from 2014-01-01T00:00:00Z to 2014-01-02T00:00:00Z sharp: a=b\n", "", "[]\n"), "sharp is not expected here"},
		{"no times of", small("0 times every 6h from 2014-01-01T00:00:00Z: a=b\n", "", "[]\n"), "0 is no number of times"},
		{"after the end", small("9000 times every 9000d from 2014-01-01T00:00:00Z: a=b\n", "", "[]\n"), "the last event would be after the year 2261"},
		{"too many", small("every 1ms from 2014-01-01T00:00:00Z to 2015-01-01T00:00:00Z: principal=a feature=b operation=read\n", "", "[]\n"), "more than 20000000 events: tell the story on a smaller scale"},
		{"unknown field", small("at 2014-01-01T00:00:00Z: principle=a\n", "", "[]\n"), "story.txtar:9:26: error: unknown field principle: did you mean principal?"},
		{"no field", small("at 2014-01-01T00:00:00Z: principal=a msg read\n", "", "[]\n"), "msg is no NAME=VALUE"},
		{"field twice", small("at 2014-01-01T00:00:00Z: principal=a principal=b\n", "", "[]\n"), "principal is given twice"},
		{"empty field", small("at 2014-01-01T00:00:00Z: principal=\n", "", "[]\n"), "principal is empty: leave it out"},
		{"missing field", small("at 2014-01-01T00:00:00Z: principal=a feature=b\n", "", "[]\n"), "story.txtar:9:4: error: operation is missing"},
		{"unknown operation", small("at 2014-01-01T00:00:00Z: principal=a feature=b operation={read,raed}\n", "", "[]\n"), "operation: raed is none of read, list, write, delete, other"},
		{"no number", small("at 2014-01-01T00:00:00Z: principal=a feature=b operation=read records=-1\n", "", "[]\n"), "records: -1 is no whole number from 0 to 9007199254740992"},
		{"no partition", small("at 2014-01-01T00:00:00Z: principal=a feature=b operation=read partition=1000\n", "", "[]\n"), "partition: 1000 is no whole number from 0 to 999"},
		{"open brace", small("at 2014-01-01T00:00:00Z: principal=a{1..3\n", "", "[]\n"), "principal: a brace is not closed or not opened"},
		{"range backwards", small("at 2014-01-01T00:00:00Z: principal=a{3..1}\n", "", "[]\n"), "{3..1} is no range"},
		{"one alternative", small("at 2014-01-01T00:00:00Z: principal={a}\n", "", "[]\n"), "{a} has nothing to choose from"},
		{"empty alternative", small("at 2014-01-01T00:00:00Z: principal={a,} feature=b operation=read\n", "", "[]\n"), "principal: one of the alternatives is empty"},
		{"too long", small("at 2014-01-01T00:00:00Z: principal="+strings.Repeat("x", 257)+" feature=b operation=read\n", "", "[]\n"), "257 bytes are more than 256"},
		{"written and late", small("at 2014-01-01T00:00:00Z: principal=a feature=b operation=read late=1d written=2014-01-02T00:00:00Z\n", "", "[]\n"), "written and late are both given"},
		{"written before", small("at 2014-01-01T00:00:00Z: principal=a feature=b operation=read written=2013-01-02T00:00:00Z\n", "", "[]\n"), "they would be rejected as future"},
		{"JSON that is none", small("{\"time\":\n", "", "[]\n"), "story.txtar:9:1: error: the line begins with a brace and is not one JSON object"},
		{"JSON rejected", small(`{"time":"2014-01-01T00:00:00Z","principal":"a"}`+"\n", "", "[]\n"), "the event would be rejected, missing_field: feature"},
		{"JSON of the future", small(`{"time":"2014-01-01T00:00:00Z","principal":"a","feature":"b","operation":"read","written":"2013-01-01T00:00:00Z"}`+"\n", "", "[]\n"), "the event would be rejected, future"},
		{"JSON on no partition", small(`{"time":"2014-01-01T00:00:00Z","principal":"a","feature":"b","operation":"read","partition":-1}`+"\n", "", "[]\n"), "partition: must be between 0 and 999"},
		{"JSON written at no time", small(`{"time":"2014-01-01T00:00:00Z","principal":"a","feature":"b","operation":"read","written":"x"}`+"\n", "", "[]\n"), "written: \"x\" is not an RFC 3339 instant"},
		{"no UTF-8", small("at \xff\n", "", "[]\n"), "the line is not valid UTF-8"},

		{"empty findings", small(twoReads, "", "# none\n"), "story.txtar:10:1: error: findings is empty: write [] if nothing shall be found"},
		{"unknown finding field", small(twoReads, "", "- {kind: x, event: 2}\n"), "story.txtar:11:13: error: unknown field event: did you mean events?"},
		{"no kind", small(twoReads, "", "- {partner: bing}\n"), "story.txtar:11:3: error: kind is missing"},
		{"number with commas", small(twoReads, "", "- kind: x\n  events: 2,560\n"), "story.txtar:12:11: error: events must be a number like 525000, without commas"},
		{"about what", small(twoReads, "", "- kind: x\n  people: about 5\n"), "or about 525000 within 2%"},
		{"unknown state", small(twoReads, "", "- kind: x\n  state: opne\n"), "unknown word opne in state: did you mean open?"},
		{"no instant", small(twoReads, "", "- kind: x\n  since: 2014-01-01\n"), "since has no zone: write 2014-01-01T00:00:00Z"},
		{"no duration", small(twoReads, "", "- kind: x\n  detection_delay: long\n"), "detection_delay must be a number of seconds or a duration like 198d"},
		{"unknown part", small(twoReads, "", "- kind: x\n  closure.verfied: true\n"), "unknown field verfied: did you mean verified?"},
		{"no parts", small(twoReads, "", "- kind: x\n  events.x: true\n"), "events has no parts to be named after a dot"},
		{"no low and high", small(twoReads, "", "- kind: x\n  bounds: {events: [1]}\n"), "events must be [low, high]"},
		{"no list", small(twoReads, "", "- kind: x\n  principals: a\n"), "principals must be a list"},
		{"others", small(twoReads, "", "- others: yes\n"), "others"},
		{"pages of a judgement", small(twoReads, "", "- kind: x\n  pages: 1\n"), "story.txtar:12:1: error: pages are counted in steps live"},
		{"no list of findings", small(twoReads, "", "  kind: x\n"), "findings must be a list"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, problems := Parse("story.txtar", []byte(c.text))
			if s != nil || !strings.Contains(problems.String(), c.want) {
				t.Errorf("got %v\nwant %s", problems, c.want)
			}
		})
	}
}

// A file that is refused while it runs is refused with its place in the file.
func TestRegistrationsAreRefusedWithTheirPlace(t *testing.T) {
	text := strings.Replace(small(twoReads, "", twoFound), "sunset: 2014-07-01T00:00:00Z", "sunset: 2014-07-01", 1)
	_, err := parsed(t, text).Run(context.Background())
	want := "story.txtar:7:74: error: sunset has no zone: write 2014-07-01T00:00:00Z"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v\nwant %s", err, want)
	}
	text = small(twoReads, "", twoFound) + "-- rules.yml --\nversion: 2\n"
	_, err = parsed(t, text).Run(context.Background())
	if err == nil || !strings.HasPrefix(err.Error(), "story.txtar:13:10: error: ") {
		t.Errorf("got %v", err)
	}
}

// differences is what a scenario with these findings shows.
func differences(t *testing.T, steps, findings string) string {
	t.Helper()
	var b strings.Builder
	o := outcomeOf(t, small(twoReads, steps, findings))
	for i := range o.Checks {
		if c := &o.Checks[i]; !c.Passed() {
			b.WriteString(c.differences("story.txtar"))
		}
	}
	return b.String()
}

func TestDifferences(t *testing.T) {
	for _, c := range []struct{ name, steps, findings, want string }{
		{"none", "", twoFound, ""},
		{"others allowed", "", "- others: allowed\n", ""},
		{"a number", "", "- {kind: access_after_sunset, partner: bing, events: 3}\n", `
story.txtar:10: judge expect findings
  access_after_sunset bing (line 11)
    events: got 2, want 3
`},
		{"missing and unexpected", "", "- {kind: before_start, partner: bing, feature: search}\n", `
story.txtar:10: judge expect findings
  missing: before_start bing search (line 11)
  unexpected: access_after_sunset bing search, critical, open, 2 events
    bing read data for search 2 times since its sunset on 2014-07-01, the last time on 2014-07-01. search@example.com: revoke the credential of app-bing.
`},
		{"everything is listed", "", "[]\n", `
story.txtar:10: judge expect findings
  unexpected: access_after_sunset bing search, critical, open, 2 events
    bing read data for search 2 times since its sunset on 2014-07-01, the last time on 2014-07-01. search@example.com: revoke the credential of app-bing.
`},
		{"all forms that hold", "live expect findings\n", `
- kind: access_after_sunset
  partner: bing
  program: null
  principals: [app-bing]
  since: 2014-07-01T02:00:00+02:00
  first_event: 2014-07-01T00:00:00Z
  last_event: {time: 2014-07-01T12:00:00Z, offset: 1}
  first_event.source: partner-access/0
  events: about 2 within 1%
  people_exact: true
  operations: {read: 2}
  operations.read: 2
  scopes: {}
  bounds: null
  decided_by: {recorded: null, by: null}
  history:
    - {at: 2014-07-01T00:00:00Z, state: open}
  why: bing read ... revoke the credential of app-bing.
  pages: 1
`, ""},
		{"all forms that do not", "live expect findings\n", `
- kind: access_after_sunset
  partner: bing
  program: x
  principals: [app-bing, app-x]
  since: null
  first_event: 2014-07-01T00:00:01Z
  last_event: {time: 2014-07-01T12:00:01Z, offset: 2}
  people: about 100 within 1%
  people_exact: false
  operations: {write: 2}
  scopes: {posts: 1}
  bounds: {events: [1, 2]}
  detection_delay: 1d
  decided_by.by: jo
  closure.verified: true
  history: []
  why: bing wrote ...
  pages: 2
`, `
story.txtar:11: live expect findings
  access_after_sunset bing (line 14)
    program: got null, want x
    principals: got [app-bing], want a list of 2
    since: got 2014-07-01T00:00:00Z, want null
    first_event: got 2014-07-01T00:00:00Z, want 2014-07-01T00:00:01Z
    last_event.time: got 2014-07-01T12:00:00Z, want 2014-07-01T12:00:01Z
    last_event.offset: got 1, want 2
    people: got 0, want about 100 within 1%
    people_exact: got true, want false
    operations.write: got null, want 2
    operations.read: got 2, want nothing
    scopes.posts: got null, want 1
    bounds.events: got null, want a list of 2
    detection_delay: got 0, want 1d
    decided_by.by: got null, want jo
    closure.verified: got null, want true
    history: got [{at: 2014-07-01T00:00:00Z, severity: critical, state: open, why: "access at 2014-07-01T00:00:00Z"}], want a list of 0
    why: got bing read data for search 2 times since its sunset on 2014-07-01, the last time on 2014-07-01. search@example.com: revoke the credential of app-bing., want bing wrote ...
    pages: got 1, want 2
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := differences(t, c.steps, c.findings)
			if want := strings.TrimPrefix(c.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// Two findings that differ in their principals alone are told apart by them.
func TestPrincipalsTellFindingsApart(t *testing.T) {
	events := "at 2014-02-01T00:00:00Z: principal={a,b} feature=search operation=read\nat 2014-02-01T00:00:00Z: principal=b feature=search operation=read\n"
	one := "- {kind: no_registration, partner: _unregistered, events: 1, principals: [%s]}\n"
	if o := outcomeOf(t, small(events, "", fmt.Sprintf(one, "b")+fmt.Sprintf(one, "a"))); !o.Passed() {
		t.Error(o.Checks[0].differences("x"))
	}
	o := outcomeOf(t, small(events, "", "- {kind: no_registration, partner: _unregistered}\n"))
	want := "x:11: judge expect findings\n  no_registration _unregistered (line 12)\n    2 findings are meant: say partner, feature and, if need be, principals\n"
	if got := o.Checks[0].differences("x"); got != want {
		t.Error(got)
	}
}

// The fields that a file can expect are those of the schema, and pages.
func TestFieldsAreThoseOfTheSchema(t *testing.T) {
	f := &rules.Finding{Since: access.Beginning, DecidedBy: &rules.Decision{}, Closure: &rules.Closure{},
		FirstEvent: rules.Coordinate{Source: "x"}, LastEvent: rules.Coordinate{Source: "x"}, History: []rules.Change{{}}}
	x, err := decoded(f, 0)
	if err != nil {
		t.Fatal(err)
	}
	check := func(path string, values map[string]any, fields []field) {
		for name := range values {
			if name != "schema" && fieldOf(fields, name) == nil {
				t.Errorf("%s%s of a finding cannot be expected: add it to findingFields", path, name)
			}
		}
		for _, f := range fields {
			if _, there := values[f.name]; !there {
				t.Errorf("%s%s can be expected, and a finding does not have it", path, f.name)
			}
		}
	}
	check("", x.values, findingFields)
	for _, f := range findingFields {
		switch v := x.values[f.name].(type) {
		case map[string]any:
			if f.fields != nil {
				check(f.name+".", v, f.fields)
			}
		case []any:
			if f.fields != nil {
				check(f.name+".", v[0].(map[string]any), f.fields)
			}
		}
	}
}

// updated is what update writes.
func updated(t *testing.T, o *Outcome) string {
	t.Helper()
	text, err := o.updated()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A context that ends, ends the telling.
func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	events := "100000 times every 1s from 2014-01-01T00:00:00Z: principal=a feature=b operation=read\n"
	for _, step := range []string{"judge", "judge as then", "live"} {
		if _, err := parsed(t, small(events, step+" expect findings\n", "[]\n")).Run(ctx); err == nil {
			t.Errorf("%s: no error", step)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range corpus(f) {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add(small(twoReads, "live before 2014-07-01T00:00:00Z\nrestart\nreload rules-1.yml registrations-2.yml at 2014-07-01T00:00:00Z expect findings\n", twoFound))
	f.Fuzz(func(t *testing.T, text string) {
		s, problems := Parse("f.txtar", []byte(text))
		if (s == nil) != (len(problems) > 0) {
			t.Fatalf("scenario %v with problems %v", s, problems)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Message == "" || strings.ContainsAny(p.Message, "\n\x1b") {
				t.Fatalf("%+v", p)
			}
		}
		if s == nil || s.events() > 300 {
			return
		}
		o, err := s.Run(context.Background())
		if err != nil {
			return
		}
		// What update writes is read again and passes.
		rewritten, err := o.updated()
		if err != nil {
			if strings.Contains(err.Error(), "defect") {
				t.Fatal(err)
			}
			return
		}
		again, problems := Parse("f.txtar", rewritten)
		if again == nil {
			t.Fatalf("update writes what it does not read\n%s\n%s", rewritten, problems)
		}
		second, err := again.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for i := range second.Checks {
			c := &second.Checks[i]
			for _, m := range c.mismatches {
				if m.ambiguous == 0 {
					t.Fatalf("after update\n%s\n%s", c.differences("f.txtar"), rewritten)
				}
			}
		}
	})
}
