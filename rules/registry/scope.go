package registry

import (
	"slices"
	"strings"

	"sunsetwatch/rules/access"
)

// Retired is a scope that is retired for everybody at some event time.
type Retired struct {
	Name       string // as registered: `a.b`, `a.*`
	Sunset     access.Instant
	GraceUntil access.Instant
	Decided    *Revision // that named the sunset
}

// retirement is a scope that is, was or will be retired.
type retirement struct {
	name    string
	history history
}

// at is the retirement at event time t as known at k.
func (r *retirement) at(t, k access.Instant) (Retired, bool) {
	known := r.history.known(k)
	d := deciders{Sunset: known.deciding(Sunset, t), Grace: known.deciding(Grace, t)}
	sunset, _, graceUntil := ending(&d)
	if t < sunset || sunset == access.End {
		return Retired{}, false
	}
	return Retired{r.name, sunset, graceUntil, d[Sunset].info()}, true
}

// Retirements are the scopes retired at event time t as known at k, sorted by
// name.
func (s *Snapshot) Retirements(t, k access.Instant) []Retired {
	var retired []Retired
	for i := range s.retirements {
		if r, ok := s.retirements[i].at(t, k); ok {
			retired = append(retired, r)
		}
	}
	return retired
}

// Retired are the retired scopes that cover some of scopes at event time t, all
// being known, sorted by name.
func (s *Snapshot) Retired(scopes []string, t access.Instant) []Retired {
	var retired []Retired
	for _, r := range s.covering(scopes) {
		if is, ok := r.at(t, access.End); ok {
			retired = append(retired, is)
		}
	}
	slices.SortFunc(retired, func(a, b Retired) int { return strings.Compare(a.Name, b.Name) })
	return retired
}

// covering are the retirements, in force or not, whose name covers one of
// scopes. A scope has few patterns above it, a set may retire many scopes.
func (s *Snapshot) covering(scopes []string) []*retirement {
	if len(s.retirements) == 0 {
		return nil
	}
	var found []*retirement
	add := func(pattern, scope string) {
		i, ok := slices.BinarySearchFunc(s.retirements, pattern, func(r retirement, name string) int {
			return strings.Compare(r.name, name)
		})
		if ok && Covers(pattern, scope) && !slices.Contains(found, &s.retirements[i]) {
			found = append(found, &s.retirements[i])
		}
	}
	for _, scope := range scopes {
		add("*", scope)
		add(scope, scope)
		for i := range len(scope) {
			if scope[i] == '.' {
				add(scope[:i]+".*", scope)
			}
		}
	}
	return found
}

// Covers reports whether pattern (`a.b`, `a.*`, `*`) covers scope: `a.b` itself,
// `a.*` what lies below, `*` all.
func Covers(pattern, scope string) bool {
	if pattern == "*" || pattern == scope {
		return true
	}
	above, ok := strings.CutSuffix(pattern, "*")
	return ok && strings.HasSuffix(above, ".") && len(scope) > len(above) && strings.HasPrefix(scope, above)
}

// meet reports whether some scope is covered by both patterns.
func meet(a, b string) bool {
	return Covers(a, b) || Covers(b, a)
}

// malformed says what is wrong with a pattern; empty where nothing is.
func malformed(pattern string) string {
	name := strings.TrimSuffix(pattern, ".*")
	switch {
	case pattern == "*":
		return ""
	case strings.Contains(name, "*"):
		return "has a * in a place where it means nothing: write a.b, a.* or *"
	case name == "" || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, ".."):
		return "has an empty part: write a.b, a.* or *"
	case strings.ContainsAny(name, " \t\r\n"):
		return "has a blank in it"
	}
	return ""
}
