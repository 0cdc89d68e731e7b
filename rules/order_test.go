package rules

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestOrder(t *testing.T) {
	want := []*Finding{
		{Severity: Critical, Partner: "z", ID: "1"},
		{Severity: Warning, Partner: "a", Feature: "f", Kind: "k", ID: "2"},
		{Severity: Warning, Partner: "a", Feature: "f", Kind: "k", ID: "3"},
		{Severity: Warning, Partner: "a", Feature: "f", Kind: "k", Principals: []string{"p"}, ID: "0"},
		{Severity: Warning, Partner: "a", Feature: "f", Kind: "k", Principals: []string{"p", "q"}, ID: "0"},
		{Severity: Warning, Partner: "a", Feature: "f", Kind: "k", Principals: []string{"q"}, ID: "0"},
		{Severity: Warning, Partner: "a", Feature: "f", Kind: "k", Rule: "r", ID: "0"},
		{Severity: Warning, Partner: "a", Feature: "f", Kind: "k", Scope: "s", ID: "0"},
		{Severity: Warning, Partner: "a", Feature: "f", Kind: "l", ID: "0"},
		{Severity: Warning, Partner: "a", Feature: "g", Kind: "k", ID: "0"},
		{Severity: Warning, Partner: "b", Feature: "a", Kind: "a", ID: "0"},
		{Severity: Info, Partner: "a", ID: "0"},
	}
	got := slices.Clone(want)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
	slices.SortFunc(got, Compare)
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("place %d: %+v, want %+v", i, *got[i], *want[i])
		}
	}
}

func TestWords(t *testing.T) {
	for _, s := range Severities() {
		if back, err := ParseSeverity(s.String()); err != nil || back != s {
			t.Errorf("severity %d: %q, %v", s, s, err)
		}
	}
	for _, s := range States() {
		if back, err := ParseState(s.String()); err != nil || back != s {
			t.Errorf("state %d: %q, %v", s, s, err)
		}
	}
	if _, err := ParseSeverity("Warning"); err == nil {
		t.Error("severity Warning was taken")
	}
	if _, err := ParseState(""); err == nil {
		t.Error("an empty state was taken")
	}
	if Severity(3).String() != "invalid" || State(4).String() != "invalid" {
		t.Error("a value out of range has a word")
	}
}
