package rules

import (
	"strings"
	"testing"
)

// Every error and warning of a rule file, as of 2020, exactly as it is printed.
// The text follows the line of the version.
func TestRuleFileProblems(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a version and nothing else", "", ""},
		{"empty sections", "kinds:\nexceptions:\nclosures: []\ndisputes: []\ncustom:\n", ""},
		{"unknown key", "exeptions: []\n", `
rules.yml:2:1: error: unknown key exeptions: did you mean exceptions?
    2 | exeptions: []
      | ^
`},
		{"duplicate section", "kinds: {}\nkinds: {}\n", `
rules.yml:3:1: error: kinds is given twice: first on line 2
    3 | kinds: {}
      | ^
`},
		{"sections of the wrong type", "kinds: []\nexceptions: {}\nclosures: x\ndisputes: [x]\n", `
rules.yml:2:8: error: kinds must be a mapping, not a list
    2 | kinds: []
      |        ^
rules.yml:3:13: error: exceptions must be a list, not a mapping
    3 | exceptions: {}
      |             ^
rules.yml:4:11: error: closures must be a list, not text
    4 | closures: x
      |           ^
rules.yml:5:12: error: an item of disputes must be a mapping, not text
    5 | disputes: [x]
      |            ^
`},
		{"custom kinds", "custom:\n- {name: bulk_read, when: x, severity: warning}\n", `
rules.yml:2:1: error: custom is not supported yet: leave it out; there are no kinds but those that are built in
    2 | custom:
      | ^
`},
		{"unknown kind", "kinds: {acess_after_sunset: {}}\n", `
rules.yml:2:9: error: unknown kind acess_after_sunset: did you mean access_after_sunset?
    2 | kinds: {acess_after_sunset: {}}
      |         ^
`},
		{"unknown kind, nothing near", "kinds: {foo: {severty: info}}\n", `
rules.yml:2:9: error: unknown kind foo: there are access_after_sunset, attempts_after_sunset, no_registration, before_start, access_during_pause, operation_overreach, scope_overreach, scope_retired, missing_consent, third_party_subject, indicator_missing, inbound_undeclared, retained_capability, dormant_grant
    2 | kinds: {foo: {severty: info}}
      |         ^
`},
		{"kinds not supported yet", "kinds: {wind_down_stalled: {}, volume: {after: 1d}, reach: {}}\n", `
rules.yml:2:9: error: kind wind_down_stalled is not supported yet: leave it out
    2 | kinds: {wind_down_stalled: {}, volume: {after: 1d}, reach: {}}
      |         ^
rules.yml:2:32: error: kind volume is not supported yet: leave it out
    2 | kinds: {wind_down_stalled: {}, volume: {after: 1d}, reach: {}}
      |                                ^
rules.yml:2:53: error: kind reach is not supported yet: leave it out
    2 | kinds: {wind_down_stalled: {}, volume: {after: 1d}, reach: {}}
      |                                                     ^
`},
		{"custom kind as a kind", "kinds: {'custom:bulk_read': {severity: info}}\n", `
rules.yml:2:9: error: kind custom:bulk_read is not supported yet: leave it out
    2 | kinds: {'custom:bulk_read': {severity: info}}
      |         ^
`},
		{"duplicate kind", "kinds:\n  before_start: {}\n  before_start: {}\n", `
rules.yml:4:3: error: before_start is given twice: first on line 3
    4 |   before_start: {}
      |   ^
`},
		{"kind of the wrong type", "kinds: {before_start: off}\n", `
rules.yml:2:23: error: before_start must be a mapping, not text
    2 | kinds: {before_start: off}
      |                       ^
`},
		{"unknown setting", "kinds: {before_start: {enable: false, severty: info}}\n", `
rules.yml:2:24: error: unknown key enable: did you mean enabled?
    2 | kinds: {before_start: {enable: false, severty: info}}
      |                        ^
rules.yml:2:39: error: unknown key severty: did you mean severity?
    2 | kinds: {before_start: {enable: false, severty: info}}
      |                                       ^
`},
		{"wrong settings", "kinds: {before_start: {enabled: no, severity: criticl}, dormant_grant: {enabled: 0, severity: 1, after: 90}}\n", `
rules.yml:2:33: error: enabled must be true or false, not text
    2 | kinds: {before_start: {enabled: no, severity: criticl}, dormant_grant: {enabled: 0, severity: 1, after: 90}}
      |                                 ^
rules.yml:2:47: error: unknown word criticl in severity: did you mean critical?
    2 | kinds: {before_start: {enabled: no, severity: criticl}, dormant_grant: {enabled: 0, severity: 1, after: 90}}
      |                                               ^
rules.yml:2:82: error: enabled must be true or false, not a number
    2 | kinds: {before_start: {enabled: no, severity: criticl}, dormant_grant: {enabled: 0, severity: 1, after: 90}}
      |                                                                                  ^
rules.yml:2:95: error: unknown word 1 in severity: write info, warning or critical
    2 | kinds: {before_start: {enabled: no, severity: criticl}, dormant_grant: {enabled: 0, severity: 1, after: 90}}
      |                                                                                               ^
rules.yml:2:105: error: after has a number without a unit: write it like 30d, 12h, 90m or 1d12h
    2 | kinds: {before_start: {enabled: no, severity: criticl}, dormant_grant: {enabled: 0, severity: 1, after: 90}}
      |                                                                                                         ^
`},
		{"after of another kind", "kinds: {before_start: {after: 90d}}\n", `
rules.yml:2:24: error: before_start has no after: only dormant_grant has
    2 | kinds: {before_start: {after: 90d}}
      |                        ^
`},
		{"closing_period of kinds that do not close by it", "kinds: {dormant_grant: {closing_period: 30d}, retained_capability: {closing_period: 30d}}\n", `
rules.yml:2:25: error: dormant_grant has no closing_period: it does not close by the lack of accesses
    2 | kinds: {dormant_grant: {closing_period: 30d}, retained_capability: {closing_period: 30d}}
      |                         ^
rules.yml:2:69: error: retained_capability has no closing_period: it does not close by the lack of accesses
    2 | kinds: {dormant_grant: {closing_period: 30d}, retained_capability: {closing_period: 30d}}
      |                                                                     ^
`},
		{"closing_period under two days", "kinds: {before_start: {closing_period: 1d23h59m}, no_registration: {closing_period: 2d}}\n", `
rules.yml:2:40: error: closing_period must be at least 2d: a shorter one cannot be told from a quiet day
    2 | kinds: {before_start: {closing_period: 1d23h59m}, no_registration: {closing_period: 2d}}
      |                                        ^
`},
		{"after under a day", "kinds: {dormant_grant: {after: 23h}}\n", `
rules.yml:2:32: error: after must be at least 1d: a shorter one cannot be told from a quiet day
    2 | kinds: {dormant_grant: {after: 23h}}
      |                                ^
`},
		{"an exception that lasts", "exceptions:\n- kind: before_start\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", ""},
		{"an exception of nothing", "exceptions: [{}]\n", `
rules.yml:2:14: error: approved_by is missing
    2 | exceptions: [{}]
      |              ^
rules.yml:2:14: error: feature is missing
    2 | exceptions: [{}]
      |              ^
rules.yml:2:14: error: from is missing
    2 | exceptions: [{}]
      |              ^
rules.yml:2:14: error: kind is missing
    2 | exceptions: [{}]
      |              ^
rules.yml:2:14: error: partner is missing
    2 | exceptions: [{}]
      |              ^
rules.yml:2:14: error: reason is missing
    2 | exceptions: [{}]
      |              ^
rules.yml:2:14: error: until is missing
    2 | exceptions: [{}]
      |              ^
`},
		{"an exception that is empty", "exceptions: [null, x]\n", `
rules.yml:2:14: error: an item of exceptions is empty
    2 | exceptions: [null, x]
      |              ^
rules.yml:2:20: error: an item of exceptions must be a mapping, not text
    2 | exceptions: [null, x]
      |                    ^
`},
		{"exception, unknown key", "exceptions:\n- kind: before_start\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  reason: x\n  aproved_by: dpo\n", `
rules.yml:3:3: error: approved_by is missing
    3 | - kind: before_start
      |   ^
rules.yml:9:3: error: unknown key aproved_by: did you mean approved_by?
    9 |   aproved_by: dpo
      |   ^
`},
		{"exception, unknown kind", "exceptions:\n- kind: before_strat\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", `
rules.yml:3:9: error: unknown kind before_strat: did you mean before_start?
    3 | - kind: before_strat
      |         ^
`},
		{"exception, kind not supported yet", "exceptions:\n- kind: volume\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", `
rules.yml:3:9: error: kind volume is not supported yet: leave it out
    3 | - kind: volume
      |         ^
`},
		{"exception, empty names", "exceptions:\n- kind: ''\n  partner: ''\n  feature: ''\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: ''\n  reason: ' '\n", `
rules.yml:3:9: error: kind is empty: write a name, or "*" for all
    3 | - kind: ''
      |         ^
rules.yml:4:12: error: partner is empty: write a name, or "*" for all
    4 |   partner: ''
      |            ^
rules.yml:5:12: error: feature is empty: write a name, or "*" for all
    5 |   feature: ''
      |            ^
rules.yml:8:16: error: approved_by is empty
    8 |   approved_by: ''
      |                ^
rules.yml:9:11: error: reason is empty
    9 |   reason: ' '
      |           ^
`},
		{"exception, no names", "exceptions:\n- kind:\n  partner:\n  feature:\n  from:\n  until:\n  approved_by:\n  reason:\n", `
rules.yml:3:3: error: kind is empty
    3 | - kind:
      |   ^
rules.yml:4:3: error: partner is empty
    4 |   partner:
      |   ^
rules.yml:5:3: error: feature is empty
    5 |   feature:
      |   ^
rules.yml:6:3: error: from is empty
    6 |   from:
      |   ^
rules.yml:7:3: error: until is empty
    7 |   until:
      |   ^
rules.yml:8:3: error: approved_by is empty
    8 |   approved_by:
      |   ^
rules.yml:9:3: error: reason is empty
    9 |   reason:
      |   ^
`},
		{"exception, unknown partner", "exceptions:\n- kind: before_start\n  partner: netflx\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", `
rules.yml:4:12: error: unknown partner netflx: did you mean netflix?
    4 |   partner: netflx
      |            ^
`},
		{"exception, misspelt _unregistered", "exceptions:\n- kind: no_registration\n  partner: _unregistred\n  feature: \"*\"\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", `
rules.yml:4:12: error: unknown partner _unregistred: did you mean _unregistered?
    4 |   partner: _unregistred
      |            ^
`},
		{"exception, unknown partner and feature, nothing near", "exceptions:\n- kind: before_start\n  partner: amazon\n  feature: music\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", `
rules.yml:4:12: error: unknown partner amazon
    4 |   partner: amazon
      |            ^
rules.yml:5:12: error: unknown feature music
    5 |   feature: music
      |            ^
`},
		{"exception, unknown feature", "exceptions:\n- kind: before_start\n  partner: netflix\n  feature: serach.social\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", `
rules.yml:5:12: error: unknown feature serach.social: did you mean search.social?
    5 |   feature: serach.social
      |            ^
`},
		{"exception, unknown feature of any kind", "exceptions:\n- kind: \"*\"\n  partner: netflix\n  feature: mgs\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", `
rules.yml:5:12: error: unknown feature mgs: did you mean msg?
    5 |   feature: mgs
      |            ^
`},
		{"exception, what is not registered has any name", "exceptions:\n- kind: no_registration\n  partner: netflix\n  feature: photos\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", ""},
		{"exception, nearly a registered name", "exceptions:\n- kind: retained_capability\n  partner: _unregistered\n  feature: search.socal\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", `
rules.yml:5:12: warning: unknown feature search.socal: did you mean search.social?
    5 |   feature: search.socal
      |            ^
`},
		{"exception, a partner without that feature", "exceptions:\n- kind: before_start\n  partner: bing\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", `
rules.yml:5:12: warning: msg is not registered for bing: the exception has nothing to suppress
    5 |   feature: msg
      |            ^
`},
		{"exception, a partner without that feature, any kind", "exceptions:\n- kind: \"*\"\n  partner: bing\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", ""},
		{"exception, _unregistered under another kind", "exceptions:\n- kind: before_start\n  partner: _unregistered\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", `
rules.yml:4:12: error: _unregistered is not for before_start: whoever belongs to no partner is found by no_registration or retained_capability
    4 |   partner: _unregistered
      |            ^
`},
		{"exception, _unregistered under any kind", "exceptions:\n- kind: \"*\"\n  partner: _unregistered\n  feature: photos\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", ""},
		{"exception, scope of another kind", "exceptions:\n- kind: before_start\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n  scope: user.*\n", `
rules.yml:10:3: error: scope is only for scope_retired: leave it out
   10 |   scope: user.*
      |   ^
`},
		{"exception, scope of any kind", "exceptions:\n- kind: \"*\"\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n  scope: user.*\n", `
rules.yml:10:3: error: scope is only for scope_retired: leave it out
   10 |   scope: user.*
      |   ^
`},
		{"exception, unknown scope", "exceptions:\n- kind: scope_retired\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n  scope: user.id\n", `
rules.yml:10:10: error: unknown retired scope user.id: did you mean user.*?
   10 |   scope: user.id
      |          ^
`},
		{"exception, scopes", "exceptions:\n- kind: scope_retired\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n  scope: \"*\"\n- kind: scope_retired\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n  scope: friends.list\n", ""},
		{"exception, no zone", "exceptions:\n- kind: before_start\n  partner: netflix\n  feature: msg\n  from: 2019-07-01\n  until: 2020-07-01T00:00:00\n  approved_by: dpo\n  reason: x\n", `
rules.yml:6:9: error: from has no zone: write 2019-07-01T00:00:00Z
    6 |   from: 2019-07-01
      |         ^
rules.yml:7:10: error: until has no zone: write 2020-07-01T00:00:00Z
    7 |   until: 2020-07-01T00:00:00
      |          ^
`},
		{"exception, not whole minutes", "exceptions:\n- kind: before_start\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:30Z\n  until: 2020-07-01T00:00:00.5Z\n  approved_by: dpo\n  reason: x\n", `
rules.yml:6:9: error: from is not a whole minute: write 2019-07-01T00:00:00Z or 2019-07-01T00:01:00Z
    6 |   from: 2019-07-01T00:00:30Z
      |         ^
rules.yml:7:10: error: until is not a whole minute: write 2020-07-01T00:00:00Z or 2020-07-01T00:01:00Z
    7 |   until: 2020-07-01T00:00:00.5Z
      |          ^
`},
		{"exception, until at from", "exceptions:\n- kind: before_start\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2019-07-01T02:00:00+02:00\n  approved_by: dpo\n  reason: x\n", `
rules.yml:7:10: error: until 2019-07-01T00:00:00Z is not after from 2019-07-01T00:00:00Z
    7 |   until: 2019-07-01T02:00:00+02:00
      |          ^
`},
		{"exception, until a minute after from", "exceptions:\n- kind: before_start\n  partner: netflix\n  feature: msg\n  from: 2020-06-30T23:59:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", ""},
		{"exception, ended", "exceptions:\n- kind: before_start\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-01-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", `
rules.yml:7:10: warning: the exception ended 2020-01-01T00:00:00Z: what it suppressed pages again
    7 |   until: 2020-01-01T00:00:00Z
      |          ^
`},
		{"exception, ends in a minute", "exceptions:\n- kind: before_start\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-01-01T00:01:00Z\n  approved_by: dpo\n  reason: x\n", ""},
		{"exception, longer than 400 days", "exceptions:\n- kind: before_start\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-08-04T00:01:00Z\n  approved_by: dpo\n  reason: x\n", `
rules.yml:7:10: warning: the exception lasts longer than 400d: approve a shorter one, and renew it
    7 |   until: 2020-08-04T00:01:00Z
      |          ^
`},
		{"exception, 400 days", "exceptions:\n- kind: before_start\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-08-04T00:00:00Z\n  approved_by: dpo\n  reason: x\n", ""},
		{"exception, for ever", "exceptions:\n- kind: before_start\n  partner: netflix\n  feature: msg\n  from: 1700-01-01T00:00:00Z\n  until: 2261-01-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", `
rules.yml:7:10: warning: the exception lasts longer than 400d: approve a shorter one, and renew it
    7 |   until: 2261-01-01T00:00:00Z
      |          ^
`},
		{"exception, disabled kind", "exceptions:\n- kind: before_start\n  partner: netflix\n  feature: msg\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\nkinds: {before_start: {enabled: false}}\n", `
rules.yml:3:9: warning: before_start is disabled: the exception has nothing to suppress
    3 | - kind: before_start
      |         ^
`},
		{"exception, everything", "exceptions:\n- kind: \"*\"\n  partner: \"*\"\n  feature: \"*\"\n  from: 2019-07-01T00:00:00Z\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\n", `
rules.yml:3:3: warning: the exception suppresses the page of every finding
    3 | - kind: "*"
      |   ^
`},
		{"exception, wrong types", "exceptions:\n- kind: [a]\n  partner: true\n  feature: {}\n  from: 1\n  until: 2020-07-01T00:00:00Z\n  approved_by: []\n  reason: {}\n  ticket: [X-1]\n", `
rules.yml:3:9: error: kind must be text, not a list
    3 | - kind: [a]
      |         ^
rules.yml:4:12: error: partner must be text, not true
    4 |   partner: true
      |            ^
rules.yml:5:12: error: feature must be text, not a mapping
    5 |   feature: {}
      |            ^
rules.yml:6:9: error: from is not an RFC 3339 instant: write it like 2015-07-01T00:00:00Z
    6 |   from: 1
      |         ^
rules.yml:8:16: error: approved_by must be text, not a list
    8 |   approved_by: []
      |                ^
rules.yml:9:11: error: reason must be text, not a mapping
    9 |   reason: {}
      |           ^
rules.yml:10:11: error: ticket must be text, not a list
   10 |   ticket: [X-1]
      |           ^
`},
		{"closure of nothing", "closures: [{}, null]\n", `
rules.yml:2:12: error: at is missing
    2 | closures: [{}, null]
      |            ^
rules.yml:2:12: error: by is missing
    2 | closures: [{}, null]
      |            ^
rules.yml:2:12: error: finding is missing
    2 | closures: [{}, null]
      |            ^
rules.yml:2:12: error: reason is missing
    2 | closures: [{}, null]
      |            ^
rules.yml:2:16: error: an item of closures is empty
    2 | closures: [{}, null]
      |                ^
`},
		{"closure, unknown key", "closures:\n- finding: k3f9c2a1d8e0\n  by: jo\n  at: 2019-04-10T00:00:00Z\n  reson: x\n", `
rules.yml:3:3: error: reason is missing
    3 | - finding: k3f9c2a1d8e0
      |   ^
rules.yml:6:3: error: unknown key reson: did you mean reason?
    6 |   reson: x
      |   ^
`},
		{"closure, malformed ids", "closures:\n- {finding: k3f9c2a1d8e, by: jo, at: 2019-04-10T00:00:00Z, reason: x}\n- {finding: k3f9c2a1d8e00, by: jo, at: 2019-04-10T00:00:00Z, reason: x}\n- {finding: K3F9C2A1D8E0, by: jo, at: 2019-04-10T00:00:00Z, reason: x}\n- {finding: k3f9c2a1d8ew, by: jo, at: 2019-04-10T00:00:00Z, reason: x}\n- {finding: \"k3f9 2a1d8e0\", by: jo, at: 2019-04-10T00:00:00Z, reason: x}\n- {finding: \"\", by: jo, at: 2019-04-10T00:00:00Z, reason: x}\n- {finding: [x], by: jo, at: 2019-04-10T00:00:00Z, reason: x}\n- {finding: 123456789012, by: jo, at: 2019-04-10T00:00:00Z, reason: x}\n- {finding: 1e3456789012, by: jo, at: 2019-04-10T00:00:00Z, reason: x}\n", `
rules.yml:3:13: error: k3f9c2a1d8e is not the id of a finding, which has 12 digits of 0-9 and a-v
    3 | - {finding: k3f9c2a1d8e, by: jo, at: 2019-04-10T00:00:00Z, reason: x}
      |             ^
rules.yml:4:13: error: k3f9c2a1d8e00 is not the id of a finding, which has 12 digits of 0-9 and a-v
    4 | - {finding: k3f9c2a1d8e00, by: jo, at: 2019-04-10T00:00:00Z, reason: x}
      |             ^
rules.yml:5:13: error: K3F9C2A1D8E0 is not the id of a finding, which has 12 digits of 0-9 and a-v
    5 | - {finding: K3F9C2A1D8E0, by: jo, at: 2019-04-10T00:00:00Z, reason: x}
      |             ^
rules.yml:6:13: error: k3f9c2a1d8ew is not the id of a finding, which has 12 digits of 0-9 and a-v
    6 | - {finding: k3f9c2a1d8ew, by: jo, at: 2019-04-10T00:00:00Z, reason: x}
      |             ^
rules.yml:7:13: error: "k3f9 2a1d8e0" is not the id of a finding, which has 12 digits of 0-9 and a-v
    7 | - {finding: "k3f9 2a1d8e0", by: jo, at: 2019-04-10T00:00:00Z, reason: x}
      |             ^
rules.yml:8:13: error: "" is not the id of a finding, which has 12 digits of 0-9 and a-v
    8 | - {finding: "", by: jo, at: 2019-04-10T00:00:00Z, reason: x}
      |             ^
rules.yml:9:13: error: finding must be text, not a list
    9 | - {finding: [x], by: jo, at: 2019-04-10T00:00:00Z, reason: x}
      |             ^
`},
		{"closure, empty words", "closures:\n- finding: k3f9c2a1d8e0\n  by: ''\n  at: 2019-04-10T00:00:00Z\n  reason: ''\n", `
rules.yml:4:7: error: by is empty
    4 |   by: ''
      |       ^
rules.yml:6:11: error: reason is empty
    6 |   reason: ''
      |           ^
`},
		{"closure, null words", "closures:\n- finding:\n  by:\n  at:\n  reason:\n", `
rules.yml:3:3: error: finding is empty
    3 | - finding:
      |   ^
rules.yml:4:3: error: by is empty
    4 |   by:
      |   ^
rules.yml:5:3: error: at is empty
    5 |   at:
      |   ^
rules.yml:6:3: error: reason is empty
    6 |   reason:
      |   ^
`},
		{"closure, in the future", "closures:\n- finding: k3f9c2a1d8e0\n  by: jo\n  at: 2020-01-01T00:01:00Z\n  reason: revoked\n", `
rules.yml:5:7: error: at 2020-01-01T00:01:00Z lies in the future
    5 |   at: 2020-01-01T00:01:00Z
      |       ^
`},
		{"closure, now", "closures:\n- finding: k3f9c2a1d8e0\n  by: jo\n  at: 2020-01-01T00:00:00Z\n  reason: revoked\n", ""},
		{"closure, no zone", "closures:\n- finding: k3f9c2a1d8e0\n  by: jo\n  at: 2019-04-10\n  reason: revoked\n", `
rules.yml:5:7: error: at has no zone: write 2019-04-10T00:00:00Z
    5 |   at: 2019-04-10
      |       ^
`},
		{"closure, not a whole minute", "closures:\n- finding: k3f9c2a1d8e0\n  by: jo\n  at: 2019-04-10T00:00:01Z\n  reason: revoked\n", `
rules.yml:5:7: error: at is not a whole minute: write 2019-04-10T00:00:00Z or 2019-04-10T00:01:00Z
    5 |   at: 2019-04-10T00:00:01Z
      |       ^
`},
		{"closed twice", "closures:\n- finding: k3f9c2a1d8e0\n  by: jo\n  at: 2019-04-10T00:00:00Z\n  reason: revoked\n- finding: k3f9c2a1d8e0\n  by: jo\n  at: 2019-04-10T02:00:00+02:00\n  reason: revoked\n- finding: k3f9c2a1d8e1\n  by: jo\n  at: 2019-04-10T00:00:00Z\n  reason: revoked\n", `
rules.yml:7:12: error: finding k3f9c2a1d8e0 is closed twice at 2019-04-10T00:00:00Z: first at rules.yml:3
    7 | - finding: k3f9c2a1d8e0
      |            ^
`},
		{"dispute of nothing", "disputes: [{}]\n", `
rules.yml:2:12: error: at is missing
    2 | disputes: [{}]
      |            ^
rules.yml:2:12: error: by is missing
    2 | disputes: [{}]
      |            ^
rules.yml:2:12: error: finding is missing
    2 | disputes: [{}]
      |            ^
rules.yml:2:12: error: text is missing
    2 | disputes: [{}]
      |            ^
`},
		{"dispute, unknown key", "disputes:\n- finding: k3f9c2a1d8e0\n  by: jo\n  at: 2019-04-10T00:00:00Z\n  txt: x\n", `
rules.yml:3:3: error: text is missing
    3 | - finding: k3f9c2a1d8e0
      |   ^
rules.yml:6:3: error: unknown key txt: did you mean text?
    6 |   txt: x
      |   ^
`},
		{"dispute, everything wrong", "disputes:\n- finding: x\n  by: ''\n  at: 2020-02-01T00:00:00Z\n  text: ''\n", `
rules.yml:3:12: error: x is not the id of a finding, which has 12 digits of 0-9 and a-v
    3 | - finding: x
      |            ^
rules.yml:4:7: error: by is empty
    4 |   by: ''
      |       ^
rules.yml:5:7: error: at 2020-02-01T00:00:00Z lies in the future
    5 |   at: 2020-02-01T00:00:00Z
      |       ^
rules.yml:6:9: error: text is empty
    6 |   text: ''
      |         ^
`},
		{"dispute, not a whole minute", "disputes:\n- finding: k3f9c2a1d8e0\n  by: jo\n  at: 2019-04-10T00:00:01Z\n  text: no\n", `
rules.yml:5:7: error: at is not a whole minute: write 2019-04-10T00:00:00Z or 2019-04-10T00:01:00Z
    5 |   at: 2019-04-10T00:00:01Z
      |       ^
`},
		{"disputed twice", "disputes:\n- finding: k3f9c2a1d8e0\n  by: jo\n  at: 2019-04-10T00:00:00Z\n  text: no\n- finding: k3f9c2a1d8e0\n  by: jo\n  at: 2019-04-10T00:00:00Z\n  text: never\n", ""},
		{"all at once", "kinds: {befor_start: {}}\nexceptions:\n- kind: before_start\n  partner: netflx\n  feature: msg\n  from: 2019-07-01\n  until: 2020-07-01T00:00:00Z\n  approved_by: dpo\n  reason: x\nclosures:\n- finding: x\n  by: jo\n  at: 2019-04-10T00:00:00Z\n  reason: revoked\ndisputes:\n- finding: k3f9c2a1d8e0\n  by: ''\n  at: 2019-04-10T00:00:00Z\n  text: no\n", `
rules.yml:2:9: error: unknown kind befor_start: did you mean before_start?
    2 | kinds: {befor_start: {}}
      |         ^
rules.yml:5:12: error: unknown partner netflx: did you mean netflix?
    5 |   partner: netflx
      |            ^
rules.yml:7:9: error: from has no zone: write 2019-07-01T00:00:00Z
    7 |   from: 2019-07-01
      |         ^
rules.yml:12:12: error: x is not the id of a finding, which has 12 digits of 0-9 and a-v
   12 | - finding: x
      |            ^
rules.yml:18:7: error: by is empty
   18 |   by: ''
      |       ^
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, problems := readRules(t, "version: 1\n"+c.text)
			if got, want := problems.String(), strings.TrimPrefix(c.want, "\n"); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
			if refused := strings.Contains(c.want, ": error: "); refused != (r == nil) {
				t.Errorf("refused: %v, want %v", r == nil, refused)
			}
		})
	}
}

// Files that are none, or not of this version.
func TestRuleFileAsAWhole(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", `
rules.yml:1:1: error: the file is empty
    1 |
      | ^
`},
		{"no version", "kinds: {}\n", `
rules.yml:1:1: error: version is missing
    1 | kinds: {}
      | ^
`},
		{"another version", "version: 2\n", `
rules.yml:1:10: error: version 2 is not understood: write version: 1
    1 | version: 2
      |          ^
`},
		{"a list", "- x\n", `
rules.yml:1:1: error: the file must be a mapping of keys to values, not a list
    1 | - x
      | ^
`},
		{"no YAML", "version: 1\nkinds: {\n", `
rules.yml:3:1: error: not YAML: did not find expected node content while parsing a flow node
    3 |
      | ^
`},
		{"registrations", "version: 1\npartners: []\nregistrations: []\n", `
rules.yml:2:1: error: unknown key partners
    2 | partners: []
      | ^
rules.yml:3:1: error: unknown key registrations
    3 | registrations: []
      | ^
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, problems := readRules(t, c.text)
			if got, want := problems.String(), strings.TrimPrefix(c.want, "\n"); got != want || r != nil {
				t.Errorf("got %v:\n%s\nwant:\n%s", r != nil, got, want)
			}
		})
	}
}
