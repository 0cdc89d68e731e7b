package codec

import (
	"fmt"
	"strings"
	"testing"

	"sunsetwatch/rules/access"
)

// cloudTrail is the mapping of the documentation, and one of its events.
func cloudTrail() Mapping {
	return Mapping{
		Fields: map[string]Rule{
			"time":      {Path: "eventTime"},
			"principal": {Path: "userIdentity.arn | userIdentity.principalId"},
			"feature":   {Path: "eventSource"},
			"operation": {Path: "readOnly", Values: map[string]string{"true": "read", "false": "write"}, Default: "other"},
			"outcome":   {Path: "errorCode", Present: "error", Absent: "served"},
			"subject":   {Path: "header:x-user"},
			"records":   {Const: "1"},
			"scopes":    {Path: "resources.0.type | =bucket"},
		},
		Explode: "Records",
	}
}

const cloudTrailEvent = `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDA","arn":"arn:aws:iam::1:user/x",` +
	`"sessionContext":{"attributes":{"mfa":"false"}}},"eventTime":"2015-07-01T00:00:00Z","eventSource":"s3.amazonaws.com",` +
	`"readOnly":true,"resources":[{"type":"AWS::S3::Object","n":1},{"type":"AWS::S3::Bucket"}],"errorCode":null}`

func TestMappings(t *testing.T) {
	const rest = `"direction":"out","consent":"unknown","indicator":"unset","outcome":"served","records":1,"bytes":0}`
	event := func(principal string) string {
		return `{"time":"2015-07-01T00:00:00Z","principal":"` + principal + `","feature":"f","operation":"read","scopes":[],` + rest
	}
	field := func(name string, r Rule) Mapping { return Mapping{Fields: map[string]Rule{name: r}} }
	principal := func(path string) Mapping { return field("principal", Rule{Path: path}) }
	const missing = "missing_field principal -1: principal: it is required, and there is nothing at "
	without := func(members string) string { return strings.Replace(minimal, `"principal":"p"`, members, 1) }

	for name, test := range map[string]struct {
		mapping Mapping
		record  Record
		want    []string
	}{
		"dotted path":                {principal(`a.b.c`), Record{Value: []byte(without(`"a":{"x":1,"b":{"c":"q"}}`))}, []string{event("q")}},
		"native name has no meaning": {principal(`a`), Record{Value: []byte(minimal)}, []string{missing + "a"}},
		"array index":                {principal(`a.1.0`), Record{Value: []byte(without(`"a":[["x"],["q","y"]]`))}, []string{event("q")}},
		"array too short":            {principal(`a.1`), Record{Value: []byte(without(`"a":["x"]`))}, []string{missing + "a.1"}},
		"number as a name":           {principal(`a.1`), Record{Value: []byte(without(`"a":{"1":"q"}`))}, []string{event("q")}},
		"index with zeros":           {principal(`a.01`), Record{Value: []byte(without(`"a":["x","y"]`))}, []string{missing + "a.01"}},
		"path through a scalar":      {principal(`a.b`), Record{Value: []byte(without(`"a":"x"`))}, []string{missing + "a.b"}},
		"name with a dot":            {principal(`a\.b`), Record{Value: []byte(without(`"a.b":"q"`))}, []string{event("q")}},
		"name called key":            {principal(`\key`), Record{Value: []byte(without(`"key":"q"`)), Key: []byte("x")}, []string{event("q")}},
		"first alternative":          {principal(`a | b`), Record{Value: []byte(without(`"b":"x","a":"q"`))}, []string{event("q")}},
		"second alternative":         {principal(`a|b`), Record{Value: []byte(without(`"b":"q"`))}, []string{event("q")}},
		"null is not there":          {principal(`a|b`), Record{Value: []byte(without(`"a":null,"b":"q"`))}, []string{event("q")}},
		"empty is not there":         {principal(`a|b`), Record{Value: []byte(without(`"a":"","b":"q"`))}, []string{event("q")}},
		"constant at last":           {principal(`a | =one two`), Record{Value: []byte(minimal)}, []string{event("one two")}},
		"constant with a bar":        {principal(`=one\|two`), Record{Value: []byte(minimal)}, []string{event("one|two")}},
		"key":                        {principal(`key`), Record{Value: []byte(minimal), Key: []byte("q")}, []string{event("q")}},
		"no key":                     {principal(`key`), Record{Value: []byte(minimal)}, []string{missing + "key"}},
		"header":                     {principal(`header:x-app`), Record{Value: []byte(minimal), Headers: []Header{{[]byte("y"), nil}, {[]byte("x-app"), []byte("q")}}}, []string{event("q")}},
		"no header":                  {principal(`header:x-app | a`), Record{Value: []byte(without(`"a":"q"`)), Headers: []Header{{[]byte("X-App"), []byte("x")}}}, []string{event("q")}},
		"header twice":               {principal(`header:x`), Record{Value: []byte(minimal), Headers: []Header{{[]byte("x"), []byte("q")}, {[]byte("x"), []byte("r")}}}, []string{"duplicate_field principal -1: principal: the header x is there twice"}},
		"header not UTF-8":           {principal(`header:x`), Record{Value: []byte(minimal), Headers: []Header{{[]byte("x"), []byte("\xff")}}}, []string{"invalid_utf8 principal -1: principal: a header is not valid UTF-8"}},
		"key not UTF-8":              {principal(`key`), Record{Value: []byte(minimal), Key: []byte("\xff")}, []string{"invalid_utf8 principal -1: principal: the record's key is not valid UTF-8"}},
		"key too long":               {principal(`key`), Record{Value: []byte(minimal), Key: []byte(strings.Repeat("x", 257))}, []string{"too_long principal -1: principal: is longer than 256 bytes"}},
		"number as text":             {principal(`a`), Record{Value: []byte(without(`"a":12.50`))}, []string{event("12.50")}},
		"boolean as text":            {principal(`a`), Record{Value: []byte(without(`"a":false`))}, []string{event("false")}},
		"object as text":             {principal(`a|b`), Record{Value: []byte(without(`"a":{},"b":"x"`))}, []string{"bad_type principal 35: principal: must be a string, a number or a boolean (byte 35)"}},
		"array as text":              {principal(`a`), Record{Value: []byte(without(`"a":["x"]`))}, []string{"bad_type principal 35: principal: must be a string, a number or a boolean (byte 35)"}},
		"escaped text":               {principal(`a`), Record{Value: []byte(without(`"\u0061":"\u0071"`))}, []string{event("q")}},
		"whole and part":             {Mapping{Fields: map[string]Rule{"principal": {Path: "a.b"}, "outcome": {Path: "a", Present: "served", Absent: "denied"}}}, Record{Value: []byte(without(`"a":{"b":"q"}`))}, []string{event("q")}},
		"one place for two fields":   {Mapping{Fields: map[string]Rule{"principal": {Path: "feature"}}}, Record{Value: []byte(minimal)}, []string{event("f")}},
		"duplicate on the way":       {principal(`a.b`), Record{Value: []byte(without(`"a":{"b":"q"},"a":1`))}, []string{"duplicate_field  45: a name is given twice in one object (byte 45)"}},
		"duplicate at the end":       {principal(`a.b`), Record{Value: []byte(without(`"a":{"b":"q","\u0062":1}`))}, []string{"duplicate_field principal 44: principal: given twice (byte 44)"}},

		"values":               {field("principal", Rule{Values: map[string]string{"p": "q"}}), Record{Value: []byte(minimal)}, []string{event("q")}},
		"not in values":        {field("principal", Rule{Values: map[string]string{"x": "q"}}), Record{Value: []byte(minimal)}, []string{event("p")}},
		"default of values":    {field("principal", Rule{Values: map[string]string{"x": "y"}, Default: "q"}), Record{Value: []byte(minimal)}, []string{event("q")}},
		"default of nothing":   {field("principal", Rule{Path: "a", Default: "q"}), Record{Value: []byte(minimal)}, []string{event("q")}},
		"translated to absent": {field("consent", Rule{Values: map[string]string{"n/a": ""}}), Record{Value: []byte(with(`"consent":"n/a"`))}, []string{event("p")}},
		"number in values":     {field("principal", Rule{Path: "a", Values: map[string]string{"7": "q"}}), Record{Value: []byte(without(`"a":7`))}, []string{event("q")}},
		"present":              {field("principal", Rule{Path: "a", Present: "q", Absent: "x"}), Record{Value: []byte(without(`"a":[1]`))}, []string{event("q")}},
		"absent":               {field("principal", Rule{Path: "a", Present: "x", Absent: "q"}), Record{Value: []byte(without(`"a":""`))}, []string{event("q")}},
		"only present":         {field("outcome", Rule{Path: "a", Present: "error"}), Record{Value: []byte(minimal)}, []string{event("p")}},
		"const":                {field("principal", Rule{Const: "q"}), Record{Value: []byte(minimal)}, []string{event("q")}},
		"count in a string":    {field("records", Rule{Path: "n"}), Record{Value: []byte(with(`"n":"1"`))}, []string{event("p")}},
		"count with zeros":     {field("records", Rule{Path: "n"}), Record{Value: []byte(with(`"n":"01"`))}, []string{"bad_value records 85: records: must be a whole number from 0 to 9223372036854775807, without point and exponent (byte 85)"}},

		"scopes translated": {
			field("scopes", Rule{Path: "s", Values: map[string]string{"a": "x.read x.write", "b": ""}}),
			Record{Value: []byte(with(`"s":["a","b","c d",7]`))},
			[]string{strings.Replace(minimalDecoded, "[]", `["7","c d","x.read","x.write"]`, 1)},
		},
		"scopes of a text translated": {
			field("scopes", Rule{Path: "s", Values: map[string]string{"a": "x.read x.write"}, Default: "rest"}),
			Record{Value: []byte(with(`"s":" b a  c"`))},
			[]string{strings.Replace(minimalDecoded, "[]", `["rest","x.read","x.write"]`, 1)},
		},
		"scopes of a header": {
			field("scopes", Rule{Path: "s | header:scopes"}),
			Record{Value: []byte(minimal), Headers: []Header{{[]byte("scopes"), []byte("b a")}}},
			[]string{strings.Replace(minimalDecoded, "[]", `["a","b"]`, 1)},
		},
		"default scopes":     {field("scopes", Rule{Default: "b a"}), Record{Value: []byte(minimal)}, []string{strings.Replace(minimalDecoded, "[]", `["a","b"]`, 1)}},
		"scope of an array":  {field("scopes", Rule{Path: "s.1"}), Record{Value: []byte(with(`"s":["x",["b","a"]]`))}, []string{strings.Replace(minimalDecoded, "[]", `["a","b"]`, 1)}},
		"scopes switched":    {field("scopes", Rule{Path: "s", Present: "b a", Absent: "c"}), Record{Value: []byte(with(`"s":{"x":1}`))}, []string{strings.Replace(minimalDecoded, "[]", `["a","b"]`, 1)}},
		"scopes, also first": {Mapping{Fields: map[string]Rule{"id": {Path: "scopes.0"}}}, Record{Value: []byte(with(`"scopes":["b","a"]`))}, []string{strings.Replace(minimalDecoded, `"scopes":[]`, `"id":"b","scopes":["a","b"]`, 1)}},

		"no array to explode":    {cloudTrail(), Record{Value: []byte(`{"records":[]}`)}, []string{"missing_field  -1: there is no array of events at Records"}},
		"null to explode":        {cloudTrail(), Record{Value: []byte(`{"Records":null}`)}, []string{"missing_field  -1: there is no array of events at Records"}},
		"object to explode":      {cloudTrail(), Record{Value: []byte(`{"Records":{}}`)}, []string{"bad_type  11: there must be an array of events at Records (byte 11)"}},
		"empty array to explode": {cloudTrail(), Record{Value: []byte(`{"Records": [ ] }`)}, nil},
		"exploded": {
			cloudTrail(),
			Record{
				Value:   []byte(`{"x":1,"Records": [ ` + cloudTrailEvent + ` , 7,{"eventTime":{"a":1,"a":[2]}},null ,` + strings.NewReplacer("arn:", "", `true`, `false`, `null`, `"Denied"`, `"arn"`, `"nra"`).Replace(cloudTrailEvent) + `]}`),
				Headers: []Header{{[]byte("x-user"), []byte("u1")}},
			},
			[]string{
				`{"time":"2015-07-01T00:00:00Z","principal":"arn:aws:iam::1:user/x","feature":"s3.amazonaws.com","operation":"read","scopes":["AWS::S3::Object"],` +
					`"direction":"out","subject":"u1","consent":"unknown","indicator":"unset","outcome":"served","records":1,"bytes":0}`,
				"bad_type  354: an element of Records is not an object (byte 354)",
				"duplicate_field  376: a name is given twice in one object (byte 376)",
				"bad_type  386: an element of Records is not an object (byte 386)",
				`{"time":"2015-07-01T00:00:00Z","principal":"AIDA","feature":"s3.amazonaws.com","operation":"write","scopes":["AWS::S3::Object"],` +
					`"direction":"out","subject":"u1","consent":"unknown","indicator":"unset","outcome":"error","records":1,"bytes":0}`,
			},
		},
		"bad JSON around elements":      {cloudTrail(), Record{Value: []byte(`{"Records":[` + cloudTrailEvent + `,]}`)}, []string{"syntax  344: not one JSON object: a value is expected (byte 344)"}},
		"duplicate around elements":     {cloudTrail(), Record{Value: []byte(`{"Records":[],"Records":[]}`)}, []string{"duplicate_field  14: a name is given twice in one object (byte 14)"}},
		"duplicate after the elements":  {cloudTrail(), Record{Value: []byte(`{"Records":[{}],"a":{"b":1,"b":1}}`)}, []string{"duplicate_field  27: a name is given twice in one object (byte 27)"}},
		"array to explode further down": {Mapping{Explode: "a.0.b"}, Record{Value: []byte(`{"a":[{"b":[` + minimal + `]}]}`)}, []string{minimalDecoded}},
	} {
		t.Run(name, func(t *testing.T) {
			d := compile(t, test.mapping).NewDecoder()
			test.record.Timestamp = access.End
			for range 3 {
				got := outcomes(d, &test.record)
				if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
					t.Fatalf("%s\n got %s\nwant %s", test.record.Value, strings.Join(got, "\n     "), strings.Join(test.want, "\n     "))
				}
			}
		})
	}
}

func TestNeedsHeaders(t *testing.T) {
	if compile(t, Mapping{}).NeedsHeaders() {
		t.Error("the native format needs no headers")
	}
	if !compile(t, cloudTrail()).NeedsHeaders() {
		t.Error("a mapping with header: needs headers")
	}
}

func TestCompileErrors(t *testing.T) {
	field := func(name string, r Rule) Mapping { return Mapping{Fields: map[string]Rule{name: r}} }
	for name, test := range map[string]struct {
		mapping Mapping
		want    []string // each within one line of the error
	}{
		"unknown field":         {field("principle", Rule{Path: "a"}), []string{`events.fields.principle: unknown field (did you mean "principal"?)`}},
		"field of other case":   {field("Time", Rule{Path: "a"}), []string{`events.fields.Time: unknown field (did you mean "time"?)`}},
		"nothing like it":       {field("colour", Rule{Path: "a"}), []string{"events.fields.colour: unknown field"}},
		"empty rule":            {field("subject", Rule{}), []string{"events.fields.subject: the rule is empty"}},
		"empty alternative":     {field("subject", Rule{Path: "a | | b"}), []string{"events.fields.subject: an alternative is empty"}},
		"empty name":            {field("subject", Rule{Path: "a..b"}), []string{`events.fields.subject: path "a..b" has an empty name`}},
		"too deep":              {field("subject", Rule{Path: strings.Repeat("a.", 70) + "a"}), []string{"has 71 names"}},
		"header without a name": {field("subject", Rule{Path: "header:"}), []string{"header: needs the name"}},
		"constant without text": {field("subject", Rule{Path: "a | ="}), []string{"= needs a text"}},
		"constant not last":     {field("subject", Rule{Path: "=x | a"}), []string{`"a" comes after the constant "=x"`}},
		"const and path":        {field("records", Rule{Path: "a", Const: "1"}), []string{"events.fields.records: const stands alone"}},
		"switched and default":  {field("outcome", Rule{Path: "a", Present: "error", Default: "served"}), []string{"present and absent do not go with values and default"}},
		"empty text in values":  {field("outcome", Rule{Path: "a", Values: map[string]string{"": "error"}}), []string{"use default"}},
		"const of a bad word":   {field("direction", Rule{Const: "up"}), []string{`events.fields.direction: const "up": must be out or in`}},
		"const no number":       {field("records", Rule{Const: "one"}), []string{`const "one": must be a whole number`}},
		"const no time":         {field("time", Rule{Const: "now"}), []string{`const "now": must be an RFC 3339 time`}},
		"long const":            {field("principal", Rule{Const: strings.Repeat("x", 257)}), []string{"longer than 256 bytes"}},
		"bad constant":          {field("consent", Rule{Path: "a | =yes"}), []string{`constant "yes": must be granted, absent or unknown`}},
		"bad value":             {field("outcome", Rule{Path: "a", Values: map[string]string{"200": "ok"}}), []string{`values, 200: "ok": must be served, denied or error`}},
		"bad default":           {field("indicator", Rule{Path: "a", Default: "on"}), []string{`default "on": must be shown`}},
		"bad present":           {field("probe", Rule{Path: "a", Present: "yes"}), []string{`present "yes": must be enabled or disabled`}},
		"not UTF-8":             {field("principal", Rule{Const: "\xff"}), []string{"not valid UTF-8"}},
		"scopes in scopes":      {field("scopes", Rule{Path: "a.0 | a"}), []string{`"a.0" and "a" lie within one another`}},
		"too many names":        {field("subject", Rule{Path: manyPaths(65)}), []string{"name 65 members of one object"}},
		"time format":           {Mapping{TimeFormat: "unix_sm"}, []string{`events.time_format: unknown format "unix_sm" (did you mean "unix_ms"?)`}},
		"explode alternatives":  {Mapping{Explode: "a|b"}, []string{`events.explode: "a|b" must be one dotted path`}},
		"explode a header":      {Mapping{Explode: "header:a"}, []string{"must be one dotted path"}},
		"explode nothing":       {Mapping{Explode: "a."}, []string{"events.explode: path"}},
		"all at once": {
			Mapping{Fields: map[string]Rule{"tyme": {Path: "a"}, "subject": {Path: "a..b | =x | c"}, "direction": {Const: "up"}}, TimeFormat: "iso", Explode: "."},
			[]string{"events.time_format", `did you mean "time"`, "an empty name", "comes after the constant", "const \"up\"", "events.explode"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Compile(test.mapping)
			if err == nil || c != nil {
				t.Fatalf("Compile() = %v, %v; want an error alone", c, err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Errorf("%d problems, want %d:\n%v", len(lines), len(test.want), err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in:\n%v", want, err)
				}
			}
		})
	}
}

// manyPaths are alternatives of n names in one object.
func manyPaths(n int) string {
	paths := make([]string, n)
	for i := range paths {
		paths[i] = fmt.Sprintf("a.n%d", i)
	}
	return strings.Join(paths, " | ")
}

// TestManyKids reads a mapping of as many names in one object as there may be.
func TestManyKids(t *testing.T) {
	c := compile(t, Mapping{Fields: map[string]Rule{"id": {Path: manyPaths(maxNumbers)}}})
	for _, d := range []*Decoder{strictDecoder(c), c.newDecoder(), c.NewDecoder()} {
		for range 3 {
			for i := range maxNumbers {
				event := with(fmt.Sprintf(`"a":{"x":1,"n%d":"q","y":2}`, i))
				if ev, rej := one(t, d, value(event)); rej != nil || string(ev.ID) != "q" {
					t.Fatalf("n%d: id %q, rejected %v", i, ev.ID, rej)
				}
				event = with(fmt.Sprintf(`"a":{"x":1,"n%d":"q","y":2,"n%d":"q"}`, i, i))
				if _, rej := one(t, d, value(event)); rej == nil || rej.Reason != access.DuplicateField || rej.Field != "id" {
					t.Fatalf("n%d twice: rejected %v", i, rej)
				}
			}
		}
	}
}
