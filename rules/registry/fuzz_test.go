package registry_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Whatever the bytes are: no panic, every problem has a place and can be
// printed, and there is a Snapshot exactly where there is no error.
func FuzzRead(f *testing.F) {
	names, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(names) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, problems := registry.Read([]registry.File{{Name: "f.yml", Data: data}}, registry.Options{Now: access.End})
		for _, p := range problems {
			if p.File != "f.yml" || p.Line < 1 || p.Column < 1 || p.Message == "" || strings.Contains(p.Message, "\n") {
				t.Fatalf("a problem without a place: %+v", p)
			}
			if text := p.String(); !utf8.ValidString(text) || strings.Count(text, "\n") != 1 && strings.Count(text, "\n") != 3 {
				t.Fatalf("rendered: %q", text)
			}
		}
		if (s == nil) != (problems.Errors() > 0) {
			t.Fatalf("snapshot %v with %d errors", s != nil, problems.Errors())
		}
		if s == nil {
			return
		}
		again, _ := registry.Read([]registry.File{{Name: "g.yml", Data: data}}, registry.Options{Now: access.End})
		if again.Hash() != s.Hash() {
			t.Fatal("the same file twice is not the same set")
		}
		for _, r := range s.Registrations() {
			for _, p := range s.Partner(r.Partner).Principals {
				for _, at := range append(s.Instants(p.Principal, r.Feature, []string{"a.b"}), access.Beginning, access.End) {
					now, _ := s.TermsAt(r, at, access.End)
					then, ok := s.TermsAt(r, at, access.End-1)
					if !ok || now.Sunset != then.Sunset || now.GraceUntil != then.GraceUntil || now.GraceUntil < now.Sunset {
						t.Fatalf("%+v\n%+v", now, then)
					}
					s.Retirements(at, at)
				}
			}
		}
	})
}
