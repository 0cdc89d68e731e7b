package termsheet

import (
	"fmt"
	"strings"

	"sunsetwatch/rules/document"
	"sunsetwatch/rules/registry"
)

// Find is the registration that PARTNER/FEATURE names. The error says which
// half is unknown, and what was meant most likely.
func Find(s *registry.Snapshot, name string) (*registry.Registration, error) {
	partner, feature, ok := strings.Cut(name, "/")
	if !ok || partner == "" || feature == "" {
		return nil, fmt.Errorf("%s: write PARTNER/FEATURE", Name(name))
	}
	// Names may have slashes themselves.
	for i := range len(name) {
		if name[i] == '/' {
			if r := s.Registration(name[:i], name[i+1:]); r != nil {
				return r, nil
			}
		}
	}
	for i := range len(name) {
		if name[i] == '/' && s.Partner(name[:i]) != nil {
			partner, feature = name[:i], name[i+1:]
		}
	}
	if s.Partner(partner) == nil {
		all := partners(s)
		if g := guess(partner, all); g != "" || len(all) == 0 {
			return nil, fmt.Errorf("no partner is called %s%s", Name(partner), g)
		}
		return nil, fmt.Errorf("no partner is called %s; there are %s", Name(partner), some(all))
	}
	own := features(s, partner)
	if len(own) == 0 {
		return nil, fmt.Errorf("%s has no registration", Name(partner))
	}
	if g := guess(feature, own); g != "" {
		return nil, fmt.Errorf("%s has no registration for %s%s", Name(partner), Name(feature), g)
	}
	return nil, fmt.Errorf("%s has no registration for %s; it has %s", Name(partner), Name(feature), some(own))
}

func guess(name string, among []string) string {
	if near := document.Nearest(name, among); near != "" {
		return ": did you mean " + Name(near) + "?"
	}
	return ""
}

func partners(s *registry.Snapshot) []string {
	var all []string
	for _, p := range s.Partners() {
		all = append(all, p.Name)
	}
	return all
}

func features(s *registry.Snapshot, partner string) []string {
	var all []string
	for _, r := range s.Registrations() {
		if r.Partner == partner {
			all = append(all, r.Feature)
		}
	}
	return all
}

// some of many names.
func some(all []string) string {
	const most = 5
	var parts []string
	for i, n := range all {
		if i == most {
			return fmt.Sprintf("%s and %d more", strings.Join(parts, ", "), len(all)-most)
		}
		parts = append(parts, Name(n))
	}
	return strings.Join(parts, ", ")
}
