package document_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sunsetwatch/rules/document"
)

func TestParseInstant(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"2015-07-01T00:00:00Z", "2015-07-01T00:00:00Z"},
		{"2015-07-01t00:00:00z", "2015-07-01T00:00:00Z"},
		{"2015-07-01T02:00:00+02:00", "2015-07-01T00:00:00Z"},
		{"2015-06-30T19:30:00.5-04:30", "2015-07-01T00:00:00.5Z"},
		{"2015-07-01T00:00:00.123456789Z", "2015-07-01T00:00:00.123456789Z"},
		{"1678-01-01T00:00:00Z", "1678-01-01T00:00:00Z"},
		{"2261-12-31T23:59:59Z", "2261-12-31T23:59:59Z"},
		{"1677-12-31T23:59:59Z", `"1677-12-31T23:59:59Z" lies outside the years 1678 to 2261`},
		{"2262-01-01T00:00:00Z", `"2262-01-01T00:00:00Z" lies outside the years 1678 to 2261`},
		{"2015-07-01", `"2015-07-01" has no zone: write 2015-07-01T00:00:00Z`},
		{"2015-07-01T10:00", `"2015-07-01T10:00" has no zone: write 2015-07-01T10:00:00Z`},
		{"2015-07-01 10:00:01", `"2015-07-01 10:00:01" has no zone: write 2015-07-01T10:00:01Z`},
		{"2015-07-01 10:00:01Z", `"2015-07-01 10:00:01Z" has a space between day and time: write 2015-07-01T10:00:01Z`},
		{"2015-02-29T00:00:00Z", `"2015-02-29T00:00:00Z" does not exist in the calendar: check day, hour and zone`},
		{"2015-02-28T24:00:00Z", `"2015-02-28T24:00:00Z" does not exist in the calendar: check day, hour and zone`},
		{"2016-12-31T23:59:60Z", `"2016-12-31T23:59:60Z" does not exist in the calendar: check day, hour and zone`},
		{"2015-02-28T00:00:00+25:00", `"2015-02-28T00:00:00+25:00" does not exist in the calendar: check day, hour and zone`},
		{"2015-07-01T00:00:00,5Z", `"2015-07-01T00:00:00,5Z" is not an RFC 3339 instant: write it like 2015-07-01T00:00:00Z`},
		{"2015-07-01T0:00:00Z", `"2015-07-01T0:00:00Z" is not an RFC 3339 instant: write it like 2015-07-01T00:00:00Z`},
		{"2015-07-01T00:00:00+0200", `"2015-07-01T00:00:00+0200" is not an RFC 3339 instant: write it like 2015-07-01T00:00:00Z`},
		{"2015-07-01T00:00:00.1234567890Z", `"2015-07-01T00:00:00.1234567890Z" is not an RFC 3339 instant: write it like 2015-07-01T00:00:00Z`},
		{"2015-07-01T00:00:00.Z", `"2015-07-01T00:00:00.Z" is not an RFC 3339 instant: write it like 2015-07-01T00:00:00Z`},
		{"1435708800", `"1435708800" is not an RFC 3339 instant: write it like 2015-07-01T00:00:00Z`},
		{"", `"" is not an RFC 3339 instant: write it like 2015-07-01T00:00:00Z`},
	} {
		i, err := document.ParseInstant(c.text)
		got := i.String()
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q: got %s, want %s", c.text, got, c.want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	const unit, shape, long = "has a number without a unit: write it like 30d, 12h, 90m or 1d12h", "is not a duration: write it like 30d, 12h, 90m or 1d12h", "is longer than 106751d"
	for _, c := range []struct {
		text      string
		want      time.Duration
		complaint string
	}{
		{"0", 0, ""}, {"0s", 0, ""}, {"30d", 720 * time.Hour, ""}, {"12h", 12 * time.Hour, ""}, {"90m", 90 * time.Minute, ""},
		{"1d12h", 36 * time.Hour, ""}, {"10s", 10 * time.Second, ""}, {"250ms", 250 * time.Millisecond, ""},
		{"1d2h3m4s5ms", 26*time.Hour + 3*time.Minute + 4*time.Second + 5*time.Millisecond, ""},
		{"106751d", 106751 * 24 * time.Hour, ""},
		{"", 0, shape}, {"d", 0, shape}, {"-1d", 0, shape}, {"1.5h", 0, shape}, {"1 d", 0, shape}, {"1w", 0, shape}, {"1h1d", 0, shape}, {"1h1h", 0, shape},
		{"1D", 0, shape}, {"30", 0, unit}, {"1d12", 0, unit}, {"00", 0, unit},
		{"106752d", 0, long}, {"9999999999999999999999h", 0, long}, {"106751d24h", 0, long},
	} {
		d, err := document.ParseDuration(c.text)
		if c.complaint == "" && err != nil || c.complaint != "" && (err == nil || err.Error() != fmt.Sprintf("%q %s", c.text, c.complaint)) || d != c.want {
			t.Errorf("%q: got %v, %v, want %v, %s", c.text, d, err, c.want, c.complaint)
		}
		if err == nil {
			if again, err := document.ParseDuration(document.FormatDuration(d)); again != d || err != nil {
				t.Errorf("%q is formatted as %s", c.text, document.FormatDuration(d))
			}
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"sunset", "grace", "by", "scopes", "from"}
	for word, want := range map[string]string{"sunst": "sunset", "Sunset": "sunset", "susnet": "sunset", "scope": "scopes", "form": "from", "b": "by", "xyz": "", "": "", strings.Repeat("s", 1000): ""} {
		if got := document.Nearest(word, words); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

// A bomb of aliases is refused at once, a file that shares much is not.
func TestAliasesAreBounded(t *testing.T) {
	bomb := "a: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := range 40 {
		n := fmt.Sprintf("*a%d, ", i)
		bomb += fmt.Sprintf("b%d: &a%d [%s]\n", i, i+1, strings.TrimSuffix(strings.Repeat(n, 9), ", "))
	}
	d := document.Parse("f.yml", []byte(bomb))
	if got := d.Problems().String(); !strings.Contains(got, "f.yml:1:1: error: aliases blow this file up to more than") || !d.Broken() {
		t.Error(got)
	}
	shared := "items:\n- &i {id: [a, b, c, d]}\n" + strings.Repeat("- *i\n", 5000)
	d = document.Parse("f.yml", []byte(shared))
	n := 0
	d.Root().Each("items", func(v document.Value) {
		m, _ := v.Mapping()
		n += len(m.Strings("id"))
		m.Done()
	})
	if len(d.Problems()) > 0 || n != 4*5001 {
		t.Error(n, d.Problems())
	}
}

func TestMappingOfNames(t *testing.T) {
	d := document.Parse("f.yml", []byte("fields:\n  time: a\n  principal: b\n  time: c\nother: 1\n"))
	m := d.Root()
	var got []string
	m.Mapping("fields").Entries(func(key string, v document.Value) {
		s, _ := v.Text()
		got = append(got, key+"="+s)
	})
	m.Done()
	if strings.Join(got, " ") != "time=a principal=b" {
		t.Error(got)
	}
	const want = `f.yml:4:3: error: time is given twice: first on line 2
    4 |   time: c
      |   ^
f.yml:5:1: error: unknown key other
    5 | other: 1
      | ^
`
	if got := d.Problems().String(); got != want {
		t.Error(got)
	}
}

func TestAbsentNullAndEmpty(t *testing.T) {
	m := document.Parse("f.yml", []byte("a:\nb: ~\nc: ''\nd: []\ne: {}\n")).Root()
	type state struct{ present, null, given bool }
	for key, want := range map[string]state{"a": {true, true, false}, "b": {true, true, false}, "c": {true, false, true},
		"d": {true, false, true}, "e": {true, false, true}, "f": {}} {
		v := m.Value(key)
		if got := (state{v.Present(), v.Null(), v.Given()}); got != want {
			t.Errorf("%s: %+v", key, got)
		}
	}
	if m.Strings("a") != nil || m.Strings("f") != nil || m.Strings("d") == nil {
		t.Error("an empty list is nil, or an absent one is not")
	}
}

// A file of megabytes that is nothing like what was asked for is refused in the
// time that it takes to print the problems.
func TestManyUnknownKeys(t *testing.T) {
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, "sunset%d: 1\n", i)
	}
	d := document.Parse("f.yml", []byte(b.String()))
	m := d.Root()
	m.Value("sunset")
	m.Done()
	if n := d.Problems().Errors(); n != 20_000 {
		t.Error(n)
	}
}
