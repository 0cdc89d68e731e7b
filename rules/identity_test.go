package rules

import (
	"regexp"
	"testing"
)

// Ids are saved and stand in links and rule files: they must never change.
func TestIDIsForEver(t *testing.T) {
	for id, i := range map[string]Identity{
		"jo1513obbvci": {Kind: AccessAfterSunset, Partner: "netflix", Feature: "msg.recommend"},
		"p2iiuuqg0ea7": {Kind: NoRegistration, Partner: Unregistered, Principal: "app-x", Feature: "msg.recommend"},
		"5lfeb7hk86l9": {Kind: "scope_retired", Partner: "yandex", Feature: "feed", Scope: "user.global_id"},
	} {
		if got := i.ID(); got != id {
			t.Errorf("%+v: id %s, want %s", i, got, id)
		}
	}
}

func TestIDTellsApart(t *testing.T) {
	seen := map[string]Identity{}
	for _, i := range []Identity{
		{Kind: "k", Partner: "p", Feature: "f"},
		{Kind: "k", Partner: "pf", Feature: ""},
		{Kind: "kp", Partner: "", Feature: "f"},
		{Kind: "k", Partner: Unregistered, Principal: "p", Feature: "f"},
		{Kind: "k", Partner: Unregistered, Principal: Unregistered, Feature: "f"},
		{Kind: "k", Partner: "principal", Feature: "f"},
		{Kind: "k", Partner: "p", Feature: "f", Scope: "s"},
		{Kind: "k", Partner: "p", Feature: "f", Rule: "s"},
	} {
		id := i.ID()
		if other, taken := seen[id]; taken {
			t.Errorf("%+v and %+v have the id %s", i, other, id)
		}
		seen[id] = i
		if !regexp.MustCompile(`^[0-9a-v]{12}$`).MatchString(id) {
			t.Errorf("%+v: id %q", i, id)
		}
	}
	a := Identity{Kind: "k", Partner: "p", Feature: "f"}
	b := a
	if b.Principal = "x"; a.ID() != b.ID() {
		t.Error("the principals of a partner change the id of its finding")
	}
}

func TestIdentityOfAFinding(t *testing.T) {
	for _, c := range []struct {
		f    Finding
		want Identity
	}{
		{Finding{Kind: "k", Partner: "p", Feature: "f", Principals: []string{"a", "b"}}, Identity{Kind: "k", Partner: "p", Feature: "f"}},
		{Finding{Kind: "k", Partner: Unregistered, Feature: "f", Principals: []string{"a"}}, Identity{Kind: "k", Partner: Unregistered, Principal: "a", Feature: "f"}},
		{Finding{Kind: "k", Partner: "p", Feature: "f", Scope: "s", Rule: "r"}, Identity{Kind: "k", Partner: "p", Feature: "f", Scope: "s", Rule: "r"}},
	} {
		if got := c.f.Identity(); got != c.want {
			t.Errorf("%+v: %+v, want %+v", c.f, got, c.want)
		}
	}
}
