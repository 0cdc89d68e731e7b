package registry

import (
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
)

// share is the one copy of text: registrations repeat the same words a hundred
// thousand times.
func (s *set) share(text string) string {
	if one, ok := s.texts[text]; ok {
		return one
	}
	s.texts[text] = text
	return text
}

// text is any text; empty where it is absent or null.
func (s *set) text(v document.Value) string {
	text, _ := v.Text()
	return s.share(text)
}

// name is a text that events carry or other entries refer to; empty where it is
// none, which is then reported.
func (s *set) name(v document.Value) string {
	text, ok := v.Text()
	switch {
	case !ok:
		return ""
	case text == "":
		v.Errorf("%s is empty", v.Label())
	case len(text) > access.MaxNameBytes:
		v.Errorf("%s is longer than %d bytes: no event can carry it", v.Label(), access.MaxNameBytes)
		return ""
	}
	return s.share(text)
}

// label is a name that becomes a label of metrics, where two values have a
// meaning of their own.
func (s *set) label(v document.Value) string {
	name := s.name(v)
	if name == "_unregistered" || name == "_other" {
		v.Errorf("%s is a reserved name: choose another", name)
		return ""
	}
	return name
}

// pattern is a scope as grants and retirements write it.
func (s *set) pattern(v document.Value) string {
	name := s.name(v)
	if name == "" {
		return ""
	}
	if complaint := malformed(name); complaint != "" {
		v.Errorf("scope %s %s", document.Show(name), complaint)
		return ""
	}
	return name
}

// instant is an instant on a whole minute: the ledger cuts time at minutes.
func (s *set) instant(v document.Value) (access.Instant, bool) {
	i, ok := v.Instant()
	if ok && i != i.Minute() {
		v.Errorf("%s is not a whole minute: write %s or %s", v.Label(), i.Minute(), i.Minute().Plus(60e9))
		return 0, false
	}
	return i, ok
}

// openInstant is an instant, or open where there is none.
func (s *set) openInstant(v document.Value, open access.Instant) (access.Instant, bool) {
	i, ok := s.instant(v)
	if !ok {
		return open, false
	}
	return i, true
}
