package codec

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestDecodeLines(t *testing.T) {
	c := compile(t, Mapping{})
	long := minimal[:len(minimal)-1] + strings.Repeat(" ", 1<<20-len(minimal)) + "}"
	for name, test := range map[string]struct {
		in       string
		want     string
		rejected int
	}{
		"nothing":             {"", "", 0},
		"no end of line":      {minimal, minimalDecoded + "\n", 0},
		"byte order mark":     {"\xef\xbb\xbf" + minimal + "\n", minimalDecoded + "\n", 0},
		"two lines":           {minimal + "\n" + full + "\n", minimalDecoded + "\n" + fullDecoded + "\n", 0},
		"carriage returns":    {minimal + "\r\n" + minimal + "\r\n", minimalDecoded + "\n" + minimalDecoded + "\n", 0},
		"blank lines at last": {minimal + "\n\n \r\n\t", minimalDecoded + "\n", 0},
		"blank lines in between": {
			"\n" + minimal + "\n\n \n" + minimal,
			`{"rejected":"empty","detail":"the record has no value","line":1}` + "\n" + minimalDecoded + "\n" +
				`{"rejected":"empty","detail":"the record has no value","line":3}` + "\n" +
				`{"rejected":"empty","detail":"the record has no value","line":4}` + "\n" + minimalDecoded + "\n", 3,
		},
		"bad lines": {
			"{}\n" + minimal + "\n[1]\n",
			`{"rejected":"missing_field","detail":"time: it is required, and not there: say under events.fields where it is","line":1}` + "\n" + minimalDecoded + "\n" +
				`{"rejected":"syntax","detail":"not one JSON object: a JSON object is expected (byte 0)","line":3}` + "\n", 2,
		},
		"longest line": {long + "\n" + minimal, minimalDecoded + "\n" + minimalDecoded + "\n", 0},
		"too long lines": {
			long + " \n" + strings.Repeat(long, 3) + "\n" + minimal,
			`{"rejected":"too_large","detail":"the value is larger than 1 MiB","line":1}` + "\n" +
				`{"rejected":"too_large","detail":"the value is larger than 1 MiB","line":2}` + "\n" + minimalDecoded + "\n", 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			rejected, err := Decode(strings.NewReader(test.in), &out, c)
			if err != nil || rejected != test.rejected || out.String() != test.want {
				t.Errorf("rejected %d, want %d; error %v\n got %s\nwant %s", rejected, test.rejected, err, out.String(), test.want)
			}
		})
	}
}

func TestDecodeExplodedLines(t *testing.T) {
	var out bytes.Buffer
	rejected, err := Decode(strings.NewReader(minimal+"\n"+`{"e":[`+minimal+`,{},`+minimal+`]}`), &out, compile(t, Mapping{Explode: "e"}))
	want := `{"rejected":"missing_field","detail":"there is no array of events at e","line":1}` + "\n" + minimalDecoded + "\n" +
		`{"rejected":"missing_field","detail":"time: it is required, and not there: say under events.fields where it is","line":2}` + "\n" + minimalDecoded + "\n"
	if err != nil || rejected != 2 || out.String() != want {
		t.Errorf("rejected %d, error %v\n got %s\nwant %s", rejected, err, out.String(), want)
	}
}

func TestDecodeReportsErrors(t *testing.T) {
	c := compile(t, Mapping{})
	broken := errors.New("broken")
	var out bytes.Buffer
	_, err := Decode(io.MultiReader(strings.NewReader(minimal+"\n{"), iotest.ErrReader(broken)), &out, c)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "line 2") || out.String() != minimalDecoded+"\n" {
		t.Errorf("error %v after %s", err, out.String())
	}
	if _, err := Decode(strings.NewReader(minimal), brokenWriter{broken}, c); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }
