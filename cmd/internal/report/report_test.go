package report_test

import (
	"bytes"
	"flag"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sunsetwatch/cmd/internal/report"
	"sunsetwatch/cmd/internal/timeline/story"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

var update = flag.Bool("update", false, "write the golden pages again")

func told(t *testing.T, o story.Options) report.Data {
	t.Helper()
	s, err := story.Tell(o)
	if err != nil {
		t.Fatal(err)
	}
	hash := "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	return report.Data{
		Registrations:  []report.File{{Path: "registrations/", SHA256: hash}},
		Rules:          []report.File{{Path: "rules.yml", SHA256: hash}},
		RegistrySHA256: hash,
		Inputs: []report.Input{
			{Path: "archive/2010-2018.jsonl.zst", SHA256: hash, Bytes: 12_345_678, Events: s.Events},
			{Path: "archive/<script>alert(1)</script>.jsonl", Bytes: 1234, Events: 48},
		},
		From: access.Beginning, To: access.End, KnownAt: access.End, AsThen: o.Life,
		Version:  "v0.3.0",
		Registry: s.Registry, Findings: s.Findings, Facts: s.Facts, Now: s.Now,
		Read: s.Events + 48, Counted: s.Events, Duplicate: 31, OutOfRange: 0,
		Rejected: []report.Rejected{
			{Reason: "bad_time", Events: 12, Places: []string{"archive/b.jsonl:7", "archive/b.jsonl:9", "archive/b.jsonl:12"}},
			{Reason: "syntax", Events: 5, Places: []string{"archive/b.jsonl:1"}},
		},
		First: s.Facts.Earliest(), Last: s.Facts.Latest(),
		Lacks: []string{"archive/b.jsonl ends in the middle of a compressed frame"},
		Notes: []string{"archive/c.parquet has no column for grantor"},
	}
}

func written(t *testing.T, d report.Data) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The same data gives the same page, and the page is the golden one: -update
// writes it again.
func TestGolden(t *testing.T) {
	for name, o := range map[string]story.Options{
		"as-then":      {Days: true, Life: true},
		"without-days": {},
	} {
		got := written(t, told(t, o))
		if again := written(t, told(t, o)); !bytes.Equal(got, again) {
			t.Errorf("%s: two pages of the same data differ", name)
		}
		path := filepath.Join("testdata", name+".html")
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what is written; see the difference after go test ./cmd/internal/report -update", path)
		}
	}
}

// Nothing that a browser would ask for, run or follow is in the page; no subject
// is.
func TestPageIsInert(t *testing.T) {
	page := string(written(t, told(t, story.Options{Days: true, Life: true})))
	outside := regexp.MustCompile(`(?i)<script|javascript:|<link[^>]*href="[^d]|<img|<iframe|<object|src=["']|url\(|@import|\son[a-z]+="|https?://`)
	if at := outside.FindStringIndex(page); at != nil {
		t.Errorf("the page has %q", page[max(0, at[0]-80):min(len(page), at[1]+80)])
	}
	for _, raw := range []string{story.Markup, `<b>feature</b>`, `<i>scope</i>`, `<em>over</em>`, `<b>agreed</b>`, "\u202e", "\x1b", "person-"} {
		if strings.Contains(page, raw) {
			t.Errorf("%q stands in the page as it is", raw)
		}
	}
	for _, shown := range []string{html.EscapeString(`<em>over</em>`), `app-\u202egnitset\u202c-\x1b[31m`} {
		if !strings.Contains(strings.ReplaceAll(page, "&#43;", "+"), shown) {
			t.Errorf("%q is not shown", shown)
		}
	}
	for _, broken := range []string{"ZgotmplZ", "NaN", "%!", "<no value>", "Inf"} {
		if strings.Contains(page, broken) {
			t.Errorf("the page has %q", broken)
		}
	}
}

func TestAnswers(t *testing.T) {
	whole := told(t, story.Options{Days: true})
	only := func(kinds ...string) []*rules.Finding {
		return slices.DeleteFunc(slices.Clone(whole.Findings), func(f *rules.Finding) bool { return !slices.Contains(kinds, f.Kind) })
	}
	withdrawn := *whole.Findings[0]
	withdrawn.State = rules.Withdrawn
	for _, test := range []struct {
		name   string
		change func(d *report.Data)
		want   []string
	}{
		{"all", func(d *report.Data) {}, []string{
			"Yes. 3 partners went on after a sunset, with 4,936 accesses for 3 features, the last on 2018-11-30. There are 14 findings in all: 4 open, 2 quiet and 8 closed.",
			"This report is incomplete.", "17 events could not be read as accesses.",
			"0 accesses after its sunset, judged to 2018-11-30 22:30; 350 denied or failed calls", "hulu</bdi>",
			"once, by all that the registrations say today", "5 to 9", "3,123 times",
		}},
		{"one kind", func(d *report.Data) { d.Findings = only(rules.BeforeStart) }, []string{
			"No finding is about accesses after a sunset, although 4,936 were counted: see what was not found. There is 1 finding in all: 1 closed.",
			"1,812 accesses after its sunset, judged to 2018-11-30 22:30; no finding was made",
		}},
		{"none", func(d *report.Data) { d.Findings = nil }, []string{"No finding was made, although 4,936 accesses were counted after a sunset"}},
		{"no event", func(d *report.Data) {
			d.Findings, d.Facts, d.Now, d.Counted, d.Read = nil, ledger.New(ledger.Options{}), access.Beginning, 0, 48
		}, []string{"No event was counted, so nothing is judged.", "nothing: no event was counted"}},
		{"silent", func(d *report.Data) {
			d.Findings, d.Facts, d.Lacks, d.Rejected, d.Read = nil, ledger.New(ledger.Options{}), nil, nil, d.Counted+d.Duplicate
		}, []string{"Nothing was found: no registration contradicts any of the 15,698 events.", "bing</bdi>"}},
		{"withdrawn", func(d *report.Data) { d.Findings = []*rules.Finding{&withdrawn} }, []string{"1 finding was withdrawn"}},
		{"ranges", func(d *report.Data) {
			d.From, d.To, d.KnownAt, d.Read = parse(t, "2015-01-01"), access.End, parse(t, "2015-07-15"), d.Read+1
		}, []string{"events from 2015-01-01, the end left out", "once, by what was recorded until 2015-07-15", "15,747 events were read, and 15,746 are accounted for"}},
	} {
		d := whole
		if test.name == "all" {
			f := *d.Findings[2]
			f.Bounds, f.Incomplete = &rules.Bounds{Fields: map[string]rules.Range{"days": {Low: 5, High: 9}}}, true
			d.Findings = slices.Clone(d.Findings)
			d.Findings[2] = &f
		}
		test.change(&d)
		page := html.UnescapeString(string(written(t, d)))
		for _, want := range test.want {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page does not say %q", test.name, want)
			}
		}
	}
}

func parse(t *testing.T, day string) access.Instant {
	t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	return access.At(at)
}
