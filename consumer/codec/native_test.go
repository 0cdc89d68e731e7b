package codec

import (
	"fmt"
	"strings"
	"testing"

	"sunsetwatch/rules/access"
)

func TestNativeEvents(t *testing.T) {
	for name, test := range map[string]struct{ value, want string }{
		"minimal":               {minimal, minimalDecoded},
		"full":                  {full, fullDecoded},
		"white space":           {" \t\r\n" + strings.NewReplacer(",", " ,\n ", `":`, `" : `).Replace(minimal) + "\r\n", minimalDecoded},
		"null and empty":        {with(`"id":null,"scopes":null,"direction":"","subject":"","grantor":null,"consent":"","indicator":null,"outcome":"","records":null,"bytes":null,"probe":""`), minimalDecoded},
		"unknown operation":     {strings.Replace(minimal, `"read"`, `"purge"`, 1), strings.Replace(minimalDecoded, `"read"`, `"other"`, 1)},
		"probe":                 {strings.Replace(minimal, `"operation":"read"`, `"probe":"disabled"`, 1), strings.Replace(minimalDecoded[:len(minimalDecoded)-1], `"read"`, `"other"`, 1) + `,"probe":"disabled"}`},
		"scopes in one string":  {with(`"scopes":" b  a b "`), strings.Replace(minimalDecoded, `[]`, `["a","b"]`, 1)},
		"scopes with nothing":   {with(`"scopes":["",null,"a b"]`), strings.Replace(minimalDecoded, `[]`, `["a b"]`, 1)},
		"no scopes":             {with(`"scopes":[ ]`), minimalDecoded},
		"escapes":               {with(`"\u0069d":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u0000"`), strings.Replace(minimalDecoded, `,"scopes`, `,"id":"\"\\/\u0008\u000c\u000a\u000d\u0009é😀\u0000","scopes`, 1)},
		"names of other case":   {with(`"Principal":"q","PRINCIPAL":"r"`), minimalDecoded},
		"unknown fields":        {with(`"a":{"b":[{},[],[1,-0,0.5,1E+9,true,false,null,"\u00e9"]],"c":{}},"":1`), minimalDecoded},
		"same name, two places": {with(`"a":{"a":1,"b":{"a":1}},"b":{"a":1}`), minimalDecoded},
		"UTF-8":                 {with(`"subject":"жé€😀�"`), strings.Replace(minimalDecoded, `"consent`, `"subject":"жé€😀�","consent`, 1)},
		"largest counts":        {with(`"records":9223372036854775807,"bytes":0`), strings.Replace(minimalDecoded, `"records":1`, `"records":9223372036854775807`, 1)},
		"longest name":          {with(`"id":"` + strings.Repeat("é", 128) + `"`), strings.Replace(minimalDecoded, `,"scopes`, `,"id":"`+strings.Repeat("é", 128)+`","scopes`, 1)},
		"deepest":               {with(`"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63)), minimalDecoded},
	} {
		t.Run(name, func(t *testing.T) {
			d := compile(t, Mapping{}).NewDecoder()
			for range 3 { // the second and third time by learned order
				if got := outcomes(d, value(test.value)); len(got) != 1 || got[0] != test.want {
					t.Fatalf("%s\n got %s\nwant %s", test.value, got, test.want)
				}
			}
		})
	}
}

// rejected is one row of the table of what must not pass.
type rejected struct {
	name   string
	value  string
	reason access.Reason
	field  string
}

// hostile is what JSON libraries disagree about, or accept although it is
// wrong, and every other way to be rejected.
func hostile() []rejected {
	const replaced = `"principal":"p"`
	swap := func(with string) string { return strings.Replace(minimal, replaced, with, 1) }
	long := strings.Repeat("x", access.MaxNameBytes+1)
	var scopes, names []string
	for i := range access.MaxScopes + 1 {
		scopes = append(scopes, fmt.Sprintf(`"s%d"`, i))
	}
	for i := range 100 {
		names = append(names, fmt.Sprintf(`"n%d":%d`, i, i))
	}
	return []rejected{
		{"duplicate field", with(`"principal":"q"`), access.DuplicateField, "principal"},
		{"duplicate field, equal", with(replaced), access.DuplicateField, "principal"},
		{"duplicate field, one null", with(`"principal":null`), access.DuplicateField, "principal"},
		{"duplicate field with an escape", with(`"princip\u0061l":"q"`), access.DuplicateField, "principal"},
		{"duplicate field, escaped first", swap(`"princip\u0061l":"q",` + replaced), access.DuplicateField, "principal"},
		{"duplicate unknown field", with(`"x":1,"y":2,"x":3`), access.DuplicateField, ""},
		{"duplicate unknown field with an escape", with(`"\u0078":1,"y":2,"x":3`), access.DuplicateField, ""},
		{"duplicate name deep in an unknown field", with(`"x":[{"a":{"b":1,"c":2,"b":3}}]`), access.DuplicateField, ""},
		{"duplicate name deep in an unknown field with an escape", with(`"x":[{"a":{"b":1,"c":2,"\u0062":3}}]`), access.DuplicateField, ""},
		{"duplicate name among a hundred", with(`"x":{` + strings.Join(names, ",") + `,"n1":0}`), access.DuplicateField, ""},
		{"duplicate field after a hundred names", with(strings.Join(names, ",") + `,"n99":0`), access.DuplicateField, ""},
		{"empty name twice", with(`"":1,"":2`), access.DuplicateField, ""},
		{"name of other case", swap(`"Principal":"p"`), access.MissingField, "principal"},
		{"invalid UTF-8 in a value", swap("\"principal\":\"p\xff\""), access.InvalidUTF8, ""},
		{"invalid UTF-8 in a name", with("\"x\xff\":1"), access.InvalidUTF8, ""},
		{"invalid UTF-8 in a skipped value", with("\"x\":\"12345678\xc3(\""), access.InvalidUTF8, ""},
		{"overlong UTF-8", with("\"x\":\"\xc0\x80\""), access.InvalidUTF8, ""},
		{"surrogate in UTF-8", with("\"x\":\"\xed\xa0\x80\""), access.InvalidUTF8, ""},
		{"UTF-8 that is cut", with("\"x\":\"\xe2\x82\""), access.InvalidUTF8, ""},
		{"invalid UTF-8 outside strings", minimal + "\xff", access.Syntax, ""},
		{"raw control character", swap("\"principal\":\"p\n\""), access.Syntax, ""},
		{"raw zero byte", swap("\"principal\":\"abcdefgh\x00i\""), access.Syntax, ""},
		{"raw control character in a name", with("\"x\t\":1"), access.Syntax, ""},
		{"bad escape", swap(`"principal":"\q"`), access.Syntax, ""},
		{"bad escape of a number", swap(`"principal":"\u12g4"`), access.Syntax, ""},
		{"escape that is cut", swap(`"principal":"\u12"`), access.Syntax, ""},
		{"lone high surrogate", swap(`"principal":"\ud800"`), access.InvalidUTF8, ""},
		{"lone low surrogate", swap(`"principal":"\udc00"`), access.InvalidUTF8, ""},
		{"two high surrogates", swap(`"principal":"\ud800\ud800"`), access.InvalidUTF8, ""},
		{"lone surrogate in a skipped value", with(`"x":"\ud800x"`), access.InvalidUTF8, ""},
		{"lone surrogate in a name", with(`"\udfff":1`), access.InvalidUTF8, ""},
		{"trailing bytes", minimal + "x", access.Syntax, ""},
		{"trailing brace", minimal + "}", access.Syntax, ""},
		{"second object", minimal + minimal, access.Syntax, ""},
		{"cut in an object", minimal[:len(minimal)-1], access.Syntax, ""},
		{"cut in a string", minimal[:len(minimal)-2], access.Syntax, ""},
		{"trailing comma", minimal[:len(minimal)-1] + ",}", access.Syntax, ""},
		{"leading comma", "{," + minimal[1:], access.Syntax, ""},
		{"trailing comma in an array", with(`"x":[1,]`), access.Syntax, ""},
		{"bad value that is skipped", with(`"x":nul`), access.Syntax, ""},
		{"bad value deep in one that is skipped", with(`"x":[{"y":tru}]`), access.Syntax, ""},
		{"NaN", with(`"x":NaN`), access.Syntax, ""},
		{"no value", with(`"x":`), access.Syntax, ""},
		{"no colon", with(`"x" 1`), access.Syntax, ""},
		{"no comma", with(`"x":1 "y":2`), access.Syntax, ""},
		{"name that is no string", with(`x:1`), access.Syntax, ""},
		{"single quotes", with(`'x':1`), access.Syntax, ""},
		{"comment", with(`"x":1/**/`), access.Syntax, ""},
		{"leading zero", with(`"records":0200`), access.Syntax, ""},
		{"leading zero that is skipped", with(`"x":-01`), access.Syntax, ""},
		{"plus sign", with(`"records":+1`), access.Syntax, ""},
		{"number without digits", with(`"x":-`), access.Syntax, ""},
		{"point without digits", with(`"x":1.`), access.Syntax, ""},
		{"exponent without digits", with(`"x":1e`), access.Syntax, ""},
		{"nested 100,000 deep", with(`"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)), access.TooDeep, ""},
		{"objects nested 65 deep", with(`"x":` + strings.Repeat(`{"x":`, 64) + "1" + strings.Repeat("}", 64)), access.TooDeep, ""},
		{"byte order mark", "\ufeff" + minimal, access.Syntax, ""},
		{"an array", "[" + minimal + "]", access.Syntax, ""},
		{"a string", `"x"`, access.Syntax, ""},
		{"null", "null", access.Syntax, ""},
		{"white space", " \n", access.Syntax, ""},
		{"tombstone", "", access.Empty, ""},
		{"more than 1 MiB", minimal + strings.Repeat(" ", 1<<20), access.TooLarge, ""},

		{"number where a string belongs", swap(`"principal":7`), access.BadType, "principal"},
		{"boolean where a string belongs", with(`"id":true`), access.BadType, "id"},
		{"object where a string belongs", with(`"subject":{}`), access.BadType, "subject"},
		{"array where a string belongs", with(`"outcome":["served"]`), access.BadType, "outcome"},
		{"string where a number belongs", with(`"records":"7"`), access.BadType, "records"},
		{"boolean where a number belongs", with(`"bytes":false`), access.BadType, "bytes"},
		{"number as time", strings.Replace(minimal, `"2015-07-01T00:00:00Z"`, "1435708800", 1), access.BadType, "time"},
		{"object as scopes", with(`"scopes":{}`), access.BadType, "scopes"},
		{"number as scopes", with(`"scopes":7`), access.BadType, "scopes"},
		{"number among scopes", with(`"scopes":["a",7]`), access.BadType, "scopes"},
		{"array among scopes", with(`"scopes":["a",["b"]]`), access.BadType, "scopes"},

		{"no time", strings.Replace(minimal, "time", "tame", 1), access.MissingField, "time"},
		{"no principal", strings.Replace(minimal, "principal", "principle", 1), access.MissingField, "principal"},
		{"no feature", strings.Replace(minimal, "feature", "future", 1), access.MissingField, "feature"},
		{"no operation", strings.Replace(minimal, "operation", "op", 1), access.MissingField, "operation"},
		{"principal null", swap(`"principal":null`), access.MissingField, "principal"},
		{"principal empty", swap(`"principal":""`), access.MissingField, "principal"},
		{"operation null and no probe", strings.Replace(minimal, `"read"`, `null,"probe":null`, 1), access.MissingField, "operation"},
		{"empty object", "{}", access.MissingField, "time"},

		{"negative", with(`"records":-1`), access.BadValue, "records"},
		{"minus zero", with(`"records":-0`), access.BadValue, "records"},
		{"fraction", with(`"records":1.0`), access.BadValue, "records"},
		{"exponent", with(`"bytes":1e3`), access.BadValue, "bytes"},
		{"beyond 63 bits", with(`"bytes":9223372036854775808`), access.BadValue, "bytes"},
		{"beyond 64 bits", with(`"bytes":18446744073709551616`), access.BadValue, "bytes"},
		{"far beyond", with(`"bytes":100000000000000000000000`), access.BadValue, "bytes"},
		{"unknown direction", with(`"direction":"up"`), access.BadValue, "direction"},
		{"unknown consent", with(`"consent":"yes"`), access.BadValue, "consent"},
		{"unknown indicator", with(`"indicator":"on"`), access.BadValue, "indicator"},
		{"unknown outcome", with(`"outcome":"SERVED"`), access.BadValue, "outcome"},
		{"unknown probe", with(`"probe":"on"`), access.BadValue, "probe"},

		{"long principal", swap(`"principal":"` + long + `"`), access.TooLong, "principal"},
		{"long feature", strings.Replace(minimal, `"f"`, `"`+long+`"`, 1), access.TooLong, "feature"},
		{"long id", with(`"id":"` + long + `"`), access.TooLong, "id"},
		{"long subject", with(`"subject":"` + long + `"`), access.TooLong, "subject"},
		{"long grantor", with(`"grantor":"` + long + `"`), access.TooLong, "grantor"},
		{"long scope", with(`"scopes":["a","` + long + `"]`), access.TooLong, "scopes"},
		{"too many scopes", with(`"scopes":[` + strings.Join(scopes, ",") + `]`), access.TooLong, "scopes"},
		{"too many scopes in one string", with(`"scopes":"` + strings.ReplaceAll(strings.Join(scopes, " "), `"`, "") + `"`), access.TooLong, "scopes"},
	}
}

func TestHostileEvents(t *testing.T) {
	c := compile(t, Mapping{})
	reasons := map[access.Reason]bool{access.BadTime: true, access.Future: true} // by tests of their own
	learned := c.NewDecoder()
	for _, test := range hostile() {
		reasons[test.reason] = true
		t.Run(test.name, func(t *testing.T) {
			for name, d := range map[string]*Decoder{"strict": strictDecoder(c), "learned": learned} {
				one(t, d, value(minimal))
				_, rej := one(t, d, value(test.value))
				if rej == nil {
					t.Fatalf("%s: accepted", name)
				}
				if rej.Reason != test.reason || rej.Field != test.field {
					t.Errorf("%s: rejected as %v of %q (%s), want %v of %q", name, rej.Reason, rej.Field, rej.Detail, test.reason, test.field)
				}
				if rej.Byte < -1 || rej.Byte > len(test.value) {
					t.Errorf("%s: byte %d of %d", name, rej.Byte, len(test.value))
				}
				if got := outcomes(d, value(minimal)); len(got) != 1 || got[0] != minimalDecoded {
					t.Errorf("%s: the event after it decodes to %s", name, got)
				}
			}
		})
	}
	for r := range access.Reason(access.Reasons) {
		if !reasons[r] {
			t.Errorf("no event is rejected as %v", r)
		}
	}
}

func TestManyEqualScopesAreOne(t *testing.T) {
	d := compile(t, Mapping{}).NewDecoder()
	scopes := strings.Repeat(`"a","b",`, 10_000)
	ev, rej := one(t, d, value(with(`"scopes":[`+scopes[:len(scopes)-1]+`]`)))
	if rej != nil || len(ev.Scopes) != 2 {
		t.Errorf("scopes = %s, rejected: %v", ev.Scopes, rej)
	}
}

func TestFuture(t *testing.T) {
	d := compile(t, Mapping{}).NewDecoder()
	noon := access.Instant(1435752000e9)
	event := []byte(strings.Replace(minimal, "T00:00:00Z", "T12:05:00.000000001Z", 1))
	for stamp, future := range map[access.Instant]bool{noon: true, noon + 1: false, access.End: false, access.Beginning: true, 0: true} {
		_, rej := one(t, d, &Record{Value: event, Timestamp: stamp})
		if (rej != nil) != future || future && rej.Reason != access.Future {
			t.Errorf("record of %v: rejected %v, want future %v", stamp, rej, future)
		}
	}
}

// TestManyNames reads objects of thousands of names, next to one another
// and within one another, without and with a duplicate.
func TestManyNames(t *testing.T) {
	var names strings.Builder
	for i := range 8_000 {
		fmt.Fprintf(&names, `,"%d":0`, i)
	}
	object := names.String()[1:]
	c := compile(t, Mapping{})
	for name, test := range map[string]struct {
		members   string
		duplicate bool
	}{
		"top":                {object, false},
		"top, twice":         {object + `,"7999":1`, true},
		"below":              {`"x":{` + object + `}`, false},
		"below, twice":       {`"x":{` + object + `,"7":1}`, true},
		"side by side":       {`"x":{` + object + `},"y":{` + object + `},"z":[{"7":1},{"7":1}]`, false},
		"in one another":     {`"x":{` + object + `,"y":{` + object + `,"z":1},"z":1}`, false},
		"after the other":    {`"x":{` + object + `,"y":{` + object + `},"7999":1}`, true},
		"and with an escape": {`"x":{` + object + `,"\u0030":1}`, true},
	} {
		for kind, d := range map[string]*Decoder{"strict": strictDecoder(c), "learned": c.NewDecoder()} {
			for range 2 {
				if _, rej := one(t, d, value(with(test.members))); (rej != nil) != test.duplicate || rej != nil && rej.Reason != access.DuplicateField {
					t.Errorf("%s, %s: rejected %v, want duplicate %v", name, kind, rej, test.duplicate)
				}
			}
		}
	}
}

// TestRejectionsKeepSecrets holds every detail against the texts of its event.
func TestRejectionsKeepSecrets(t *testing.T) {
	const secret = "s3cr3t"
	c := compile(t, Mapping{})
	for _, value := range []string{
		with(`"subject":"s3cr3t","subject":"s3cr3t"`),
		with(`"s3cr3t":1,"s3cr3t":2`),
		with(`"outcome":"s3cr3t"`),
		with(`"subject":{"s3cr3t":1}`),
		with(`"records":"s3cr3t"`),
		with(`"subject":"` + strings.Repeat(secret, 100) + `"`),
		with(`"scopes":["` + strings.Repeat(secret, 100) + `"]`),
		with(`"subject":"s3cr3t\q"`),
		with(`"subject":"s3cr3t` + "\xff" + `"`),
		`{"s3cr3t":"s3cr3t"}`,
		`s3cr3t`,
		strings.Replace(minimal, "2015-07-01T00:00:00Z", secret, 1),
	} {
		d := c.NewDecoder()
		_, rej := one(t, d, &Record{Value: []byte(value), Timestamp: access.End})
		if rej == nil {
			t.Errorf("accepted: %s", value)
		} else if strings.Contains(rej.Detail+rej.Field, secret) {
			t.Errorf("%s\nis rejected with its content: %s", value, rej.Detail)
		}
	}
}
