package report_test

import (
	"bytes"
	"testing"

	"sunsetwatch/cmd/internal/report"
	"sunsetwatch/cmd/internal/timeline/story"
	"sunsetwatch/rules/access"
)

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
