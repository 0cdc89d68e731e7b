package registry_test

import (
	"strings"
	"testing"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
	"sunsetwatch/rules/registry"
)

// head is a partner, a program and what a file needs.
const head = `version: 1
partners: [{name: netflix, owner: o@example.com, principals: [app-netflix]}]
programs: [{name: personalization, sunset: 2014-12-31T00:00:00Z}]
`

// check reads the files as of 2020 and compares what is reported about them.
func check(t *testing.T, want string, texts ...string) {
	t.Helper()
	var files []registry.File
	for i, text := range texts {
		files = append(files, registry.File{Name: string(rune('a'+i)) + ".yml", Data: []byte(text)})
	}
	s, problems := registry.Read(files, registry.Options{Now: at(t, "2020-01-01")})
	want = strings.TrimPrefix(want, "\n")
	if got := problems.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if refused := strings.Contains(want, ": error: "); refused != (s == nil) {
		t.Errorf("refused: %v, want %v", s == nil, refused)
	}
}

// Every error and warning about one registration of netflix x msg, whose
// further lines are given; they begin on line 7.
func TestRegistrationProblems(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{"inline", "from: 2014-06-01T00:00:00Z\nsunset: null\ndeprecation: 2014-01-01T02:00:00+02:00\ngrace: null\npauses: null\noperations: []\nscopes: ['*', a.*]\ninbound: true\nrequires: [consent, own_data, indicator]\nprogram: personalization", ""},
		{"nothing but its identity", "", ""},
		{"unknown key", "sunst: 2014-06-01T00:00:00Z", `
a.yml:7:5: error: unknown key sunst: did you mean sunset?
    7 |     sunst: 2014-06-01T00:00:00Z
      |     ^
`},
		{"duplicate key", "by: jo\nby: jo", `
a.yml:8:5: error: by is given twice: first on line 7
    8 |     by: jo
      |     ^
`},
		{"no zone", "from: 2014-06-01T10:00:00", `
a.yml:7:11: error: from has no zone: write 2014-06-01T10:00:00Z
    7 |     from: 2014-06-01T10:00:00
      |           ^
`},
		{"not a whole minute", "from: 2014-06-01T10:00:30.5Z", `
a.yml:7:11: error: from is not a whole minute: write 2014-06-01T10:00:00Z or 2014-06-01T10:01:00Z
    7 |     from: 2014-06-01T10:00:30.5Z
      |           ^
`},
		{"grace not in whole minutes", "sunset: 2015-01-01T00:00:00Z\ngrace: 1m30s", `
a.yml:8:12: error: grace 1m30s is not in whole minutes
    8 |     grace: 1m30s
      |            ^
`},
		{"no such day", "from: 2014-02-30T00:00:00Z", `
a.yml:7:11: error: from does not exist in the calendar: check day, hour and zone
    7 |     from: 2014-02-30T00:00:00Z
      |           ^
`},
		{"sunset at from", "from: 2014-06-01T00:00:00Z\nsunset: 2014-06-01T00:00:00Z", `
a.yml:8:13: error: sunset 2014-06-01T00:00:00Z is not after from 2014-06-01T00:00:00Z
    8 |     sunset: 2014-06-01T00:00:00Z
      |             ^
`},
		{"sunset a minute after from", "from: 2014-06-01T00:00:00Z\nsunset: 2014-06-01T00:01:00Z", ""},
		{"sunset before deprecation", "sunset: 2014-06-01T00:00:00Z\ndeprecation: 2014-06-01T00:01:00Z", `
a.yml:7:13: error: sunset 2014-06-01T00:00:00Z lies before deprecation 2014-06-01T00:01:00Z
    7 |     sunset: 2014-06-01T00:00:00Z
      |             ^
`},
		{"sunset at deprecation", "sunset: 2014-06-01T00:00:00Z\ndeprecation: 2014-06-01T00:00:00Z", ""},
		{"folded, a from after the sunset", "revisions:\n- sunset: 2014-06-01T00:00:00Z\n- recorded: 2014-05-01T00:00:00Z\n  effective: 2030-01-01T00:00:00Z\n  from: 2014-07-01T00:00:00Z\n- recorded: 2014-06-01T00:00:00Z", `
a.yml:11:13: error: sunset 2014-06-01T00:00:00Z is not after from 2014-07-01T00:00:00Z
   11 |       from: 2014-07-01T00:00:00Z
      |             ^
`},
		{"folded, a deprecation after the sunset", "revisions:\n- sunset: 2014-06-01T00:00:00Z\n- deprecation: 2014-07-01T00:00:00Z", `
a.yml:9:20: error: sunset 2014-06-01T00:00:00Z lies before deprecation 2014-07-01T00:00:00Z
    9 |     - deprecation: 2014-07-01T00:00:00Z
      |                    ^
`},
		{"folded, a sunset taken back", "revisions:\n- sunset: 2014-06-01T00:00:00Z\n- {sunset: null, from: 2014-07-01T00:00:00Z}", ""},
		{"a program's sunset before from", "program: personalization\nfrom: 2015-01-01T00:00:00Z", ""},
		{"out of order", "revisions:\n- recorded: 2014-06-01T00:00:00Z\n- recorded: 2014-05-01T00:00:00Z\n- recorded: 2014-06-01T00:00:00Z", `
a.yml:9:17: error: revisions are out of order: recorded 2014-05-01T00:00:00Z comes after 2014-06-01T00:00:00Z
    9 |     - recorded: 2014-05-01T00:00:00Z
      |                 ^
`},
		{"absent recorded after a dated one", "revisions:\n- recorded: 2014-06-01T00:00:00Z\n- by: jo", `
a.yml:9:7: error: recorded is missing: the revision before this one was recorded 2014-06-01T00:00:00Z
    9 |     - by: jo
      |       ^
`},
		{"several known since always", "revisions:\n- by: jo\n- by: al\n- recorded: 2014-06-01T00:00:00Z", ""},
		{"recorded in the future", "recorded: 2020-01-01T00:01:00Z", `
a.yml:7:15: error: recorded 2020-01-01T00:01:00Z lies in the future
    7 |     recorded: 2020-01-01T00:01:00Z
      |               ^
`},
		{"recorded now", "recorded: 2020-01-01T00:00:00Z", ""},
		{"effective in a first revision", "effective: 2014-06-01T00:00:00Z", `
a.yml:7:5: error: effective is not allowed in a first revision: use from
    7 |     effective: 2014-06-01T00:00:00Z
      |     ^
`},
		{"no revisions", "revisions: []", `
a.yml:7:16: error: revisions is empty: write at least one
    7 |     revisions: []
      |                ^
`},
		{"revisions of nothing", "revisions:", `
a.yml:7:5: error: revisions is empty: write at least one
    7 |     revisions:
      |     ^
`},
		{"revisions and inline", "revisions: [{by: jo}]\nsunset: 2014-06-01T00:00:00Z", `
a.yml:8:5: error: sunset stands beside revisions: move it into one of them
    8 |     sunset: 2014-06-01T00:00:00Z
      |     ^
`},
		{"revision is text", "revisions: [jo]", `
a.yml:7:16: error: revisions is empty: write at least one
    7 |     revisions: [jo]
      |                ^
a.yml:7:17: error: an item of revisions must be a mapping, not text
    7 |     revisions: [jo]
      |                 ^
`},
		{"unknown program", "program: personalisation", `
a.yml:7:14: error: unknown program personalisation: did you mean personalization?
    7 |     program: personalisation
      |              ^
`},
		{"unknown operation", "operations: [reed, fly]", `
a.yml:7:18: error: unknown word reed in operations: did you mean read?
    7 |     operations: [reed, fly]
      |                  ^
a.yml:7:24: error: unknown word fly in operations: write read, list, write or delete
    7 |     operations: [reed, fly]
      |                        ^
`},
		{"operations without brackets", "operations: read", `
a.yml:7:17: error: operations must be a list, not text
    7 |     operations: read
      |                 ^
`},
		{"unknown requirement", "requires: [consnt]", `
a.yml:7:16: error: unknown word consnt in requires: did you mean consent?
    7 |     requires: [consnt]
      |                ^
`},
		{"inbound is a word", "inbound: yes", `
a.yml:7:14: error: inbound must be true or false, not text
    7 |     inbound: yes
      |              ^
`},
		{"malformed scopes", "scopes: [a*, .b, a..b, 'a b', '*.a', '']", `
a.yml:7:14: error: scope a* has a * in a place where it means nothing: write a.b, a.* or *
    7 |     scopes: [a*, .b, a..b, 'a b', '*.a', '']
      |              ^
a.yml:7:18: error: scope .b has an empty part: write a.b, a.* or *
    7 |     scopes: [a*, .b, a..b, 'a b', '*.a', '']
      |                  ^
a.yml:7:22: error: scope a..b has an empty part: write a.b, a.* or *
    7 |     scopes: [a*, .b, a..b, 'a b', '*.a', '']
      |                      ^
a.yml:7:28: error: scope "a b" has a blank in it
    7 |     scopes: [a*, .b, a..b, 'a b', '*.a', '']
      |                            ^
a.yml:7:35: error: scope *.a has a * in a place where it means nothing: write a.b, a.* or *
    7 |     scopes: [a*, .b, a..b, 'a b', '*.a', '']
      |                                   ^
a.yml:7:42: error: an item of scopes is empty
    7 |     scopes: [a*, .b, a..b, 'a b', '*.a', '']
      |                                          ^
`},
		{"pauses", "pauses: [{from: 2014-06-01T00:00:00Z, until: 2014-06-01T00:00:00Z}, {from: 2014-06-01T00:00:00Z, why: x}]", `
a.yml:7:50: error: until 2014-06-01T00:00:00Z is not after from 2014-06-01T00:00:00Z
    7 |     pauses: [{from: 2014-06-01T00:00:00Z, until: 2014-06-01T00:00:00Z}, {from: 2014-06-01T00:00:00Z, why: x}]
      |                                                  ^
a.yml:7:73: error: until is missing
    7 |     pauses: [{from: 2014-06-01T00:00:00Z, until: 2014-06-01T00:00:00Z}, {from: 2014-06-01T00:00:00Z, why: x}]
      |                                                                         ^
`},
		{"grace without a sunset", "grace: 30d", `
a.yml:7:5: warning: grace without a sunset
    7 |     grace: 30d
      |     ^
`},
		{"no grace without a sunset", "grace: 0", ""},
		{"grace of a sunset taken back", "revisions:\n- {sunset: 2014-06-01T00:00:00Z, grace: 30d}\n- sunset: null", ""},
		{"rewrites the past", "revisions:\n- {operations: [read], scopes: [a.b], requires: [consent], inbound: false}\n- {operations: [list], scopes: null, requires: [], inbound: true}", `
a.yml:9:8: warning: operations changes without effective, so for the past too: write effective if it holds from some time on
    9 |     - {operations: [list], scopes: null, requires: [], inbound: true}
      |        ^
a.yml:9:28: warning: scopes changes without effective, so for the past too: write effective if it holds from some time on
    9 |     - {operations: [list], scopes: null, requires: [], inbound: true}
      |                            ^
a.yml:9:42: warning: requires changes without effective, so for the past too: write effective if it holds from some time on
    9 |     - {operations: [list], scopes: null, requires: [], inbound: true}
      |                                          ^
a.yml:9:56: warning: inbound changes without effective, so for the past too: write effective if it holds from some time on
    9 |     - {operations: [list], scopes: null, requires: [], inbound: true}
      |                                                        ^
`},
		{"says the same again, or with effective", "revisions:\n- {operations: [read, list], scopes: [a.b]}\n- {operations: [list, read, list], scopes: [a.b]}\n- {effective: 2014-06-01T00:00:00Z, operations: []}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := head + "registrations:\n  - partner: netflix\n    feature: msg\n"
			if c.lines != "" {
				text += "    " + strings.ReplaceAll(c.lines, "\n", "\n    ") + "\n"
			}
			check(t, c.want, text)
		})
	}
}

func TestSetProblems(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		want  string
	}{
		{"nothing", nil, ""},
		{"nothing but a version", []string{"version: 1\n"}, ""},
		{"no version", []string{"partners: []\n"}, `
a.yml:1:1: error: version is missing
    1 | partners: []
      | ^
`},
		{"another version", []string{"version: 2\n"}, `
a.yml:1:10: error: version 2 is not understood: write version: 1
    1 | version: 2
      |          ^
`},
		{"all files at once", []string{"version: 1\npartner: []\n", "", "version: 1\n\tx: 1\n"}, `
a.yml:2:1: error: unknown key partner: did you mean partners?
    2 | partner: []
      | ^
b.yml:1:1: error: the file is empty
    1 |
      | ^
c.yml:2:1: error: not YAML: a tab indents this line: use spaces
    2 | 	x: 1
      | ^
`},
		{"a broken file does not make the others wrong", []string{"version: 1\nregistrations: [{partner: bing, feature: msg}]\n", "version: 1\npartners: [{name: bing}\n"}, `
b.yml:3:1: error: not YAML: did not find expected ',' or ']' while parsing a flow sequence that begins on line 2
    3 |
      | ^
`},
		{"no owner", []string{"version: 1\npartners: [{name: bing}]\n"}, `
a.yml:2:19: warning: partner bing has no owner
    2 | partners: [{name: bing}]
      |                   ^
`},
		{"no name", []string{"version: 1\npartners: [{owner: o}, {name: '', owner: o}, {name: _other, owner: o}]\n"}, `
a.yml:2:12: error: name is missing
    2 | partners: [{owner: o}, {name: '', owner: o}, {name: _other, owner: o}]
      |            ^
a.yml:2:31: error: name is empty
    2 | partners: [{owner: o}, {name: '', owner: o}, {name: _other, owner: o}]
      |                               ^
a.yml:2:53: error: _other is a reserved name: choose another
    2 | partners: [{owner: o}, {name: '', owner: o}, {name: _other, owner: o}]
      |                                                     ^
`},
		{"defined twice", []string{head, "version: 1\npartners: [{name: netflix, owner: o}]\nprograms: [{name: personalization}]\nscopes: [{name: a.b}, {name: a.b}]\n"}, `
b.yml:2:19: error: partner netflix is defined twice: first at a.yml:2
    2 | partners: [{name: netflix, owner: o}]
      |                   ^
b.yml:3:19: error: program personalization is defined twice: first at a.yml:3
    3 | programs: [{name: personalization}]
      |                   ^
b.yml:4:17: warning: no registration grants scope a.b
    4 | scopes: [{name: a.b}, {name: a.b}]
      |                 ^
b.yml:4:30: error: scope a.b is defined twice: first at b.yml:4
    4 | scopes: [{name: a.b}, {name: a.b}]
      |                              ^
`},
		{"registered twice", []string{head + "registrations:\n- {partner: netflix, feature: msg}\n", "version: 1\nregistrations:\n- {feature: msg, partner: netflix}\n"}, `
b.yml:3:18: error: msg of netflix is registered twice: first at a.yml:5
    3 | - {feature: msg, partner: netflix}
      |                  ^
`},
		{"unknown partner", []string{head, "version: 1\nregistrations: [{partner: netflicks, feature: msg}, {partner: 5, feature: msg}]\n"}, `
b.yml:2:27: error: unknown partner netflicks: did you mean netflix?
    2 | registrations: [{partner: netflicks, feature: msg}, {partner: 5, feature: msg}]
      |                           ^
b.yml:2:63: error: unknown partner 5
    2 | registrations: [{partner: netflicks, feature: msg}, {partner: 5, feature: msg}]
      |                                                               ^
`},
		{"two owners at the same time", []string{head, `version: 1
partners:
- {name: bing, owner: o, principals: [{id: app-netflix, until: 2014-01-01T00:00:00Z}]}
`}, `
b.yml:3:44: error: principal app-netflix belongs to two partners at the same time: also to netflix, at a.yml:2
    3 | - {name: bing, owner: o, principals: [{id: app-netflix, until: 2014-01-01T00:00:00Z}]}
      |                                            ^
`},
		{"three owners, one of them for long", []string{`version: 1
partners:
- {name: bing, owner: o, principals: [{id: x, from: 2014-01-01T00:00:00Z, until: 2018-01-01T00:00:00Z}]}
- {name: sony, owner: o, principals: [{id: x, from: 2015-01-01T00:00:00Z, until: 2016-01-01T00:00:00Z}]}
- {name: yahoo, owner: o, principals: [{id: x, from: 2017-01-01T00:00:00Z}]}
`}, `
a.yml:4:44: error: principal x belongs to two partners at the same time: also to bing, at a.yml:3
    4 | - {name: sony, owner: o, principals: [{id: x, from: 2015-01-01T00:00:00Z, until: 2016-01-01T00:00:00Z}]}
      |                                            ^
a.yml:5:45: error: principal x belongs to two partners at the same time: also to bing, at a.yml:3
    5 | - {name: yahoo, owner: o, principals: [{id: x, from: 2017-01-01T00:00:00Z}]}
      |                                             ^
`},
		{"one partner twice at the same time", []string{"version: 1\npartners: [{name: bing, owner: o, principals: [x, y, x]}]\n"}, `
a.yml:2:54: error: principal x is listed twice for the same time: first at a.yml:2
    2 | partners: [{name: bing, owner: o, principals: [x, y, x]}]
      |                                                      ^
`},
		{"from one partner to the next", []string{`version: 1
partners:
- {name: bing, owner: o, principals: [{id: x, until: 2015-01-01T00:00:00Z}]}
- {name: sony, owner: o, principals: [{id: x, from: 2015-01-01T00:00:00Z}]}
`}, ""},
		{"a gap", []string{`version: 1
partners:
- name: bing
  owner: o
  principals:
    - {id: x, from: 2016-01-01T00:00:00Z}
    - {id: x, until: 2015-01-01T00:00:00Z}
`}, `
a.yml:6:12: warning: principal x belongs to nobody from 2015-01-01T00:00:00Z until 2016-01-01T00:00:00Z
    6 |     - {id: x, from: 2016-01-01T00:00:00Z}
      |            ^
`},
		{"an alias that ends before it begins", []string{"version: 1\npartners: [{name: bing, owner: o, principals: [{id: x, from: 2016-01-01T00:00:00Z, until: 2015-01-01T00:00:00Z}, {from: 2016-01-01T00:00:00Z}]}]\n"}, `
a.yml:2:91: error: until 2015-01-01T00:00:00Z is not after from 2016-01-01T00:00:00Z
    2 | partners: [{name: bing, owner: o, principals: [{id: x, from: 2016-01-01T00:00:00Z, until: 2015-01-01T00:00:00Z}, {from: 2016-01-01T00:00:00Z}]}]
      |                                                                                           ^
a.yml:2:114: error: id is missing
    2 | partners: [{name: bing, owner: o, principals: [{id: x, from: 2016-01-01T00:00:00Z, until: 2015-01-01T00:00:00Z}, {from: 2016-01-01T00:00:00Z}]}]
      |                                                                                                                  ^
`},
		{"a scope that nobody grants", []string{head + `scopes: [{name: a.b}, {name: b.*}, {name: c}]
registrations: [{partner: netflix, feature: msg, scopes: [a.*, b.c.*]}]
`}, `
a.yml:4:43: warning: no registration grants scope c
    4 | scopes: [{name: a.b}, {name: b.*}, {name: c}]
      |                                           ^
`},
		{"everybody is granted all scopes", []string{head + `scopes: [{name: c}]
registrations: [{partner: netflix, feature: msg}]
`}, ""},
		{"programs and scopes know sunset and grace alone", []string{"version: 1\nprograms: [{name: p, from: 2014-01-01T00:00:00Z, grace: 1d}]\nscopes: [{name: s, revisions: [{sunset: 2014-01-01T00:00:00Z, effective: 2014-01-01T00:00:00Z, inbound: true}]}]\nregistrations: []\n"}, `
a.yml:2:22: error: unknown key from
    2 | programs: [{name: p, from: 2014-01-01T00:00:00Z, grace: 1d}]
      |                      ^
a.yml:2:50: warning: grace without a sunset
    2 | programs: [{name: p, from: 2014-01-01T00:00:00Z, grace: 1d}]
      |                                                  ^
a.yml:3:17: warning: no registration grants scope s
    3 | scopes: [{name: s, revisions: [{sunset: 2014-01-01T00:00:00Z, effective: 2014-01-01T00:00:00Z, inbound: true}]}]
      |                 ^
a.yml:3:63: error: effective is not allowed in a first revision
    3 | scopes: [{name: s, revisions: [{sunset: 2014-01-01T00:00:00Z, effective: 2014-01-01T00:00:00Z, inbound: true}]}]
      |                                                               ^
a.yml:3:96: error: unknown key inbound
    3 | scopes: [{name: s, revisions: [{sunset: 2014-01-01T00:00:00Z, effective: 2014-01-01T00:00:00Z, inbound: true}]}]
      |                                                                                                ^
`},
		{"a name that no event can carry", []string{"version: 1\npartners: [{name: bing, owner: o, principals: [" + strings.Repeat("x", 257) + "]}]\n"}, `
a.yml:2:48: error: an item of principals is longer than 256 bytes: no event can carry it
    2 | partners: [{name: bing, owner: o, principals: [` + strings.Repeat("x", 113) + `…
      |                                                ^
`},
		{"sections of the wrong type", []string{"version: 1\npartners: {}\nregistrations: x\nscopes:\n"}, `
a.yml:2:11: error: partners must be a list, not a mapping
    2 | partners: {}
      |           ^
a.yml:3:16: error: registrations must be a list, not text
    3 | registrations: x
      |                ^
`},
	} {
		t.Run(c.name, func(t *testing.T) { check(t, c.want, c.files...) })
	}
}

// Replay reads a set as of any time.
func TestFutureIsAllowedWithoutNow(t *testing.T) {
	s, problems := registry.Read([]registry.File{{Name: "a.yml", Data: []byte("version: 1\nprograms: [{name: p, recorded: 2200-01-01T00:00:00Z}]\n")}}, registry.Options{Now: access.End})
	if s == nil || len(problems) > 0 {
		t.Error(problems)
	}
}

func TestProblemsSummary(t *testing.T) {
	_, problems := registry.Read([]registry.File{{Name: "a.yml", Data: []byte("version: 2\nx: 1\npartners: [{name: bing}]\n")}}, registry.Options{Now: access.End})
	if got := problems.Summary(); got != "2 errors, 1 warning" || problems.Errors() != 2 || problems.Err() == nil {
		t.Errorf("%q %v", got, problems.Err())
	}
	if (document.Problems{}).Summary() != "" || (document.Problems{{Severity: document.Warning}}).Err() != nil {
		t.Error("no error is an error")
	}
}
