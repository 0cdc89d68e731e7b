//go:build goexperiment.jsonv2

package codec

import (
	jsonv1 "encoding/json"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"sunsetwatch/rules/access"
)

// oracleEvent is the event format as encoding/json/v2 reads it: just as strict
// about JSON, duplicate names and UTF-8.
type oracleEvent struct {
	Time      *string        `json:"time"`
	Principal *string        `json:"principal"`
	Feature   *string        `json:"feature"`
	Operation *string        `json:"operation"`
	ID        *string        `json:"id"`
	Scopes    jsontext.Value `json:"scopes"`
	Direction *string        `json:"direction"`
	Subject   *string        `json:"subject"`
	Grantor   *string        `json:"grantor"`
	Consent   *string        `json:"consent"`
	Indicator *string        `json:"indicator"`
	Outcome   *string        `json:"outcome"`
	Records   *uint64        `json:"records"`
	Bytes     *uint64        `json:"bytes"`
	Probe     *string        `json:"probe"`
}

// oracle is the event of a value by the sentences of the event format, on top
// of json/v2.
func oracle(value []byte) (string, error) {
	var o oracleEvent
	if err := json.Unmarshal(value, &o); err != nil {
		return "", err
	}
	if jsontext.Value(value).Kind() != '{' {
		return "", errors.New("not an object")
	}
	text := func(s *string) []byte {
		if s == nil {
			return nil
		}
		return []byte(*s)
	}
	if o.Time == nil || !form.MatchString(*o.Time) {
		return "", errors.New("no time")
	}
	at, err := time.Parse(time.RFC3339Nano, *o.Time)
	if err != nil || at.UTC().Year() < 1678 || at.UTC().Year() > 2261 {
		return "", errors.New("bad time")
	}
	ev := access.Event{
		Time: access.At(at.UTC()), Principal: text(o.Principal), Feature: text(o.Feature), ID: text(o.ID),
		Subject: text(o.Subject), Grantor: text(o.Grantor), Records: 1,
	}
	word := func(s *string, parse func([]byte) bool) {
		if s != nil && *s != "" && !parse([]byte(*s)) && err == nil {
			err = errors.New("bad word")
		}
	}
	word(o.Operation, func(w []byte) bool { ev.Operation, _ = access.ParseOperation(w); return true })
	word(o.Direction, func(w []byte) (ok bool) { ev.Direction, ok = access.ParseDirection(w); return })
	word(o.Consent, func(w []byte) (ok bool) { ev.Consent, ok = access.ParseConsent(w); return })
	word(o.Indicator, func(w []byte) (ok bool) { ev.Indicator, ok = access.ParseIndicator(w); return })
	word(o.Outcome, func(w []byte) (ok bool) { ev.Outcome, ok = access.ParseOutcome(w); return })
	word(o.Probe, func(w []byte) (ok bool) { ev.Probe, ok = access.ParseProbe(w); return })
	if err != nil {
		return "", err
	}
	for to, from := range map[*uint64]*uint64{&ev.Records: o.Records, &ev.Bytes: o.Bytes} {
		if from != nil {
			*to = *from
		}
	}
	var scopes []string
	switch o.Scopes.Kind() {
	case '"':
		var s string
		if err := json.Unmarshal(o.Scopes, &s); err != nil {
			return "", err
		}
		scopes = strings.Split(s, " ")
	case 'n', 0:
	default:
		if err := json.Unmarshal(o.Scopes, &scopes); err != nil {
			return "", err
		}
	}
	slices.Sort(scopes)
	for _, s := range slices.Compact(scopes) {
		if s != "" {
			ev.Scopes = append(ev.Scopes, []byte(s))
		}
	}
	for _, name := range append([][]byte{ev.Principal, ev.Feature, ev.ID, ev.Subject, ev.Grantor}, ev.Scopes...) {
		if len(name) > access.MaxNameBytes {
			return "", errors.New("too long")
		}
	}
	switch {
	case len(ev.Principal) == 0, len(ev.Feature) == 0, len(text(o.Operation)) == 0 && ev.Probe == access.NoProbe:
		return "", errors.New("a field is missing")
	case len(ev.Scopes) > access.MaxScopes, ev.Records > math.MaxInt64, ev.Bytes > math.MaxInt64:
		return "", errors.New("too much")
	}
	return string(AppendJSON(nil, &ev)), nil
}

// reasonOf is the reason that json/v2 has, where it tells one.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return "duplicate_field"
	case strings.Contains(err.Error(), "invalid UTF-8"), strings.Contains(err.Error(), "invalid surrogate pair"):
		return "invalid_utf8"
	}
	return ""
}

// FuzzDecodeOracle holds acceptance and every field against encoding/json/v2,
// and the reasons that it has too.
func FuzzDecodeOracle(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	c := compile(f, Mapping{})
	f.Fuzz(func(t *testing.T, value []byte) {
		strict, learned := primed(c, value)
		for _, d := range append(learned, strict) {
			checkOracle(t, d, value)
		}
	})
}

func checkOracle(t *testing.T, d *Decoder, value []byte) {
	got := outcomes(d, &Record{Value: value, Timestamp: access.End})
	if len(got) != 1 {
		t.Fatalf("%q gives %d events and rejections", value, len(got))
	}
	if strings.HasPrefix(got[0], "too_deep") || strings.HasPrefix(got[0], "too_large") {
		return // limits of ours
	}
	want, err := oracle(value)
	accepted := strings.HasPrefix(got[0], "{")
	switch {
	case accepted != (err == nil):
		t.Fatalf("%q\n   got %s\noracle %s %v", value, got[0], want, err)
	case accepted && got[0] != want:
		t.Fatalf("%q\n   got %s\noracle %s", value, got[0], want)
	case !accepted:
		if reason := reasonOf(err); reason != "" && !strings.HasPrefix(got[0], reason) && !strings.HasPrefix(got[0], "syntax") {
			t.Fatalf("%q\n   got %s\noracle %v", value, got[0], err)
		}
	}
}

func BenchmarkDecodeOracle(b *testing.B) {
	c := compile(b, Mapping{})
	plain := func(unmarshal func([]byte, *plainEvent) error) func([]byte) uint64 {
		return func(value []byte) uint64 {
			var ev plainEvent
			if err := unmarshal(value, &ev); err != nil {
				b.Fatal(err)
			}
			return ev.Records
		}
	}
	compete(b, nativeEvents(20_000, false),
		&contender{name: "json_v2", decode: plain(func(v []byte, ev *plainEvent) error { return json.Unmarshal(v, ev) })},
		&contender{name: "json_v1_over_v2", decode: plain(func(v []byte, ev *plainEvent) error { return jsonv1.Unmarshal(v, ev) })},
		decoderContender("strict", c.newDecoder()),
		decoderContender("learned", c.NewDecoder()),
	)
}
