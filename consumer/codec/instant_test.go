package codec

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"sunsetwatch/rules/access"
)

func TestRFC3339(t *testing.T) {
	for _, test := range []struct {
		text string
		want string // in UTC; empty: rejected
	}{
		{"2015-07-01T00:00:00Z", "2015-07-01T00:00:00Z"},
		{"2016-02-29T23:59:59.999999999Z", "2016-02-29T23:59:59.999999999Z"},
		{"2015-07-01T00:00:00.1Z", "2015-07-01T00:00:00.1Z"},
		{"2015-07-01T00:00:00.120+02:00", "2015-06-30T22:00:00.12Z"},
		{"2015-07-01T00:00:00-23:59", "2015-07-01T23:59:00Z"},
		{"2015-07-01T00:00:00-00:00", "2015-07-01T00:00:00Z"},
		{"1678-01-01T00:00:00Z", "1678-01-01T00:00:00Z"},
		{"2261-12-31T23:59:59.999999999Z", "2261-12-31T23:59:59.999999999Z"},
		{"2262-01-01T00:30:00+01:00", "2261-12-31T23:30:00Z"},

		{"1677-12-31T23:59:59.999999999Z", ""},
		{"2262-01-01T00:00:00Z", ""},
		{"1678-01-01T00:30:00+01:00", ""},
		{"0000-01-01T00:00:00Z", ""},
		{"9999-12-31T23:59:59Z", ""},
		{"2015-07-01T00:00:00", ""},
		{"2015-07-01T00:00:00.5", ""},
		{"2015-07-01", ""},
		{"2015-07-01 00:00:00Z", ""},
		{"2015-07-01t00:00:00Z", ""},
		{"2015-07-01T00:00:00z", ""},
		{"2015-07-01T00:00:00,5Z", ""},
		{"2015-07-01T00:00:00.Z", ""},
		{"2015-07-01T00:00:00.1234567890Z", ""},
		{"2015-07-01T00:00:60Z", ""},
		{"2016-12-31T23:59:60Z", ""},
		{"2015-07-01T24:00:00Z", ""},
		{"2015-07-01T00:60:00Z", ""},
		{"2015-07-01T0:00:00Z", ""},
		{"2015-00-01T00:00:00Z", ""},
		{"2015-13-01T00:00:00Z", ""},
		{"2015-07-00T00:00:00Z", ""},
		{"2015-06-31T00:00:00Z", ""},
		{"2015-02-29T00:00:00Z", ""},
		{"2015-07-01T00:00:00+24:00", ""},
		{"2015-07-01T00:00:00+02:60", ""},
		{"2015-07-01T00:00:00+0200", ""},
		{"2015-07-01T00:00:00+02", ""},
		{"2015-07-01T00:00:00Zx", ""},
		{"2015-07-01T00:00:00ZZ", ""},
		{"+015-07-01T00:00:00Z", ""},
		{"2015/07/01T00:00:00Z", ""},
		{"2015-07-01T00;00:00Z", ""},
		{"2015-07-01T0/:00:00Z", ""},
		{"2015-07-01T\xff0:00:00Z", ""},
		{"", ""},
		{"Z", ""},
	} {
		var d days
		for range 2 { // the second time with the date remembered
			at, ok := d.rfc3339([]byte(test.text))
			if ok != (test.want != "") || ok && at.String() != test.want {
				t.Errorf("%q: %v, %v; want %q", test.text, at, ok, test.want)
			}
		}
	}
}

// form is the grammar of RFC 3339 with at most nine digits of a second; the
// standard library also takes a comma, more digits, and hours of one digit.
var form = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// TestRFC3339AgainstTime changes a byte here and there and holds the answer
// against the standard library.
func TestRFC3339AgainstTime(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	var d days
	const alphabet = "0123456789-+:.TtZz,/ "
	for range 60_000 {
		at := time.Unix(rnd.Int64N(2*endSecond)-endSecond, rnd.Int64N(1e9)/tens[rnd.IntN(10)]*1000%1e9)
		text := []byte(at.In(time.FixedZone("", (rnd.IntN(2881)-1440)*60)).Format(time.RFC3339Nano))
		for range rnd.IntN(3) {
			text[rnd.IntN(len(text))] = alphabet[rnd.IntN(len(alphabet))]
		}
		var want time.Time
		valid := form.Match(text) && want.UnmarshalText(text) == nil
		if y := want.UTC().Year(); y < 1678 || y > 2261 {
			valid = false
		}
		got, ok := d.rfc3339(text)
		if ok != valid || ok && got != access.At(want.UTC()) {
			t.Fatalf("%q: %v, %v; want %v, %v", text, got, ok, want.UTC(), valid)
		}
	}
}

func TestUnixTimes(t *testing.T) {
	for _, test := range []struct {
		format, text string
		want         string // empty: rejected
	}{
		{"unix", "1435708800", "2015-07-01T00:00:00Z"},
		{"unix", "1435708800.5", "2015-07-01T00:00:00.5Z"},
		{"unix", "1435708800.123456789", "2015-07-01T00:00:00.123456789Z"},
		{"unix", "-1", "1969-12-31T23:59:59Z"},
		{"unix", "-0.000000001", "1969-12-31T23:59:59.999999999Z"},
		{"unix", "0", "1970-01-01T00:00:00Z"},
		{"unix_ms", "1435708800123", "2015-07-01T00:00:00.123Z"},
		{"unix_ms", "1435708800123.5", "2015-07-01T00:00:00.1235Z"},
		{"unix_ms", "-1", "1969-12-31T23:59:59.999Z"},
		{"unix_us", "1435708800123456", "2015-07-01T00:00:00.123456Z"},
		{"unix_ns", "1435708800123456789", "2015-07-01T00:00:00.123456789Z"},
		{"unix_ns", "-9214560000000000000", "1678-01-01T00:00:00Z"},
		{"unix", "9214646399.999999999", "2261-12-31T23:59:59.999999999Z"},

		{"unix", "1435708800.1234567890", ""},
		{"unix_ns", "1.5", ""},
		{"unix", "1.4357088e9", ""},
		{"unix", "9214646400", ""},
		{"unix", "-9214560000.000000001", ""},
		{"unix_ns", "9214646400000000000", ""},
		{"unix_ns", "99999999999999999999999999", ""},
	} {
		d := compile(t, Mapping{TimeFormat: test.format}).NewDecoder()
		for _, written := range []string{test.text, `"` + test.text + `"`} {
			ev, rej := one(t, d, value(strings.Replace(minimal, `"2015-07-01T00:00:00Z"`, written, 1)))
			switch {
			case test.want == "" && (rej == nil || rej.Reason != access.BadTime || rej.Field != "time"):
				t.Errorf("%s %s: %v, rejected %v; want bad_time", test.format, written, ev.Time, rej)
			case test.want != "" && (rej != nil || ev.Time.String() != test.want):
				t.Errorf("%s %s: %v, rejected %v; want %s", test.format, written, ev.Time, rej, test.want)
			}
		}
	}
	for _, text := range []string{"", "-", "01", "1.", ".5", "+1", " 1", "1 ", "0x1", "now"} {
		if at, ok := sinceEpoch([]byte(text), 0); ok {
			t.Errorf("%q is %v, want it rejected", text, at)
		}
	}
}

func TestEndsOfTime(t *testing.T) {
	for year, want := range map[int]int64{1678: firstSecond, 2262: endSecond} {
		if got := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Unix(); got != want {
			t.Errorf("%d begins at %d, not at %d", year, got, want)
		}
	}
}
