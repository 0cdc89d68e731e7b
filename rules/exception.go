package rules

import (
	"slices"
	"strings"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
)

// Any stands for every kind, partner, feature or scope in an exception.
const Any = "*"

// Exception suppresses the page of findings, never their count, while
// From <= N < Until.
type Exception struct {
	Kind, Partner, Feature string // Any: all. Partner may be Unregistered
	Scope                  string // empty or Any: all; else the name of a retired scope
	From, Until            access.Instant
	ApprovedBy             string // never empty
	Reason                 string // never empty
	Ticket                 string
	Line                   int // of the file
}

// Matches reports whether e is for findings of kind about partner, feature and
// scope, which is empty but in scope_retired.
func (e *Exception) Matches(kind, partner, feature, scope string) bool {
	return covers(e.Kind, kind) && e.mayMatch(partner, feature) &&
		(e.Scope == "" || covers(e.Scope, scope))
}

// mayMatch reports whether e is for some findings about partner and feature.
func (e *Exception) mayMatch(partner, feature string) bool {
	return covers(e.Partner, partner) && covers(e.Feature, feature)
}

func covers(pattern, name string) bool { return pattern == Any || pattern == name }

// String says who approved e, why and until when.
func (e *Exception) String() string {
	s := e.ApprovedBy + ": " + e.Reason
	if e.Ticket != "" {
		s += " (" + e.Ticket + ")"
	}
	return s + ", until " + e.Until.String()
}

// Covers reports whether e applies at n.
func (e *Exception) Covers(n access.Instant) bool { return e.From <= n && n < e.Until }

// Instants are the sorted instants at which an exception that may match a
// finding about partner and feature, of whatever kind, begins or ends. r may be
// nil.
func (r *RuleSet) Instants(partner, feature string) []access.Instant {
	if r == nil {
		return nil
	}
	var all []access.Instant
	for i := range r.Exceptions {
		if e := &r.Exceptions[i]; e.mayMatch(partner, feature) {
			all = append(all, e.From, e.Until)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// longestException is how long an exception lasts that nobody looks at again.
const longestException = 400 * day

func (r *ruleReader) readException(v document.Value) {
	m, ok := v.Mapping()
	if !ok {
		return
	}
	e := Exception{Line: m.Place().Line()}
	kind, partner, feature := m.Value("kind", document.Required), m.Value("partner", document.Required), m.Value("feature", document.Required)
	scope := m.Value("scope")
	from, until := m.Value("from", document.Required), m.Value("until", document.Required)
	e.ApprovedBy = words(m.Value("approved_by", document.Required))
	e.Reason = words(m.Value("reason", document.Required))
	e.Ticket, _ = m.Value("ticket").Text()
	m.Done()

	if name := about(kind); name != "" {
		e.Kind = r.kind(name, true, kind.Place())
	}
	e.Partner, e.Feature = about(partner), about(feature)
	e.Scope, _ = scope.Text()
	r.checkAbout(&e, partner, feature)
	r.checkScope(&e, scope)

	begins, ok := minute(from)
	ends, good := minute(until)
	e.From, e.Until = begins, ends
	switch {
	case !ok || !good:
	case ends <= begins:
		until.Errorf("until %s is not after from %s", ends, begins)
	case r.now != access.End && ends <= r.now:
		until.Warnf("the exception ended %s: what it suppressed pages again", ends)
	case begins.Plus(longestException) < ends:
		until.Warnf("the exception lasts longer than %s: approve a shorter one, and renew it", document.FormatDuration(longestException))
	}
	if r.rules.Setting(e.Kind).Disabled {
		kind.Warnf("%s is disabled: the exception has nothing to suppress", e.Kind)
	}
	if e.Kind == Any && e.Partner == Any && e.Feature == Any && (e.Scope == "" || e.Scope == Any) {
		m.Place().Warnf("the exception suppresses the page of every finding")
	}
	r.rules.Exceptions = append(r.rules.Exceptions, e)
}

// checkAbout reports partners and features that no finding of the kind is about.
func (r *ruleReader) checkAbout(e *Exception, partner, feature document.Value) {
	// What is found as not registered may have any name.
	unregistered := e.Partner == Unregistered || e.Kind == NoRegistration || e.Kind == RetainedCapability
	if e.Partner == Unregistered && e.Kind != "" && e.Kind != Any && e.Kind != NoRegistration && e.Kind != RetainedCapability {
		partner.Errorf("%s is not for %s: whoever belongs to no partner is found by %s or %s",
			Unregistered, e.Kind, NoRegistration, RetainedCapability)
		return
	}
	s := r.snapshot
	if s == nil {
		return
	}
	registered := s.Partner(e.Partner) != nil
	if !registered && e.Partner != "" && e.Partner != Any && e.Partner != Unregistered {
		partner.Errorf("%s", r.unknown("partner", e.Partner, func() []string {
			names := []string{Unregistered}
			for _, p := range s.Partners() {
				names = append(names, p.Name)
			}
			return names
		}))
	}
	if e.Kind == "" || e.Feature == "" || e.Feature == Any {
		return
	}
	switch {
	case !s.KnownFeature(e.Feature):
		message := r.unknown("feature", e.Feature, s.FeatureNames)
		if !unregistered {
			feature.Errorf("%s", message)
		} else if strings.HasSuffix(message, "?") {
			feature.Warnf("%s", message)
		}
	case registered && !unregistered && e.Kind != Any && s.Registration(e.Partner, e.Feature) == nil:
		feature.Warnf("%s is not registered for %s: the exception has nothing to suppress", document.Show(e.Feature), document.Show(e.Partner))
	}
}

// about is a name, or Any; empty where it is neither, which is then reported.
func about(v document.Value) string {
	name, ok := v.Text()
	if ok && name == "" {
		v.Errorf("%s is empty: write a name, or \"*\" for all", v.Label())
	}
	return name
}

// checkScope reports scopes that no finding can be about.
func (r *ruleReader) checkScope(e *Exception, v document.Value) {
	switch {
	case !v.Given() || e.Scope == "" || e.Kind == "":
	case e.Kind != ScopeRetired:
		v.KeyPlace().Errorf("scope is only for %s: leave it out", ScopeRetired)
	case e.Scope != Any && r.snapshot != nil && !slices.Contains(r.snapshot.ScopeNames(), e.Scope):
		v.Errorf("%s", r.unknown("retired scope", e.Scope, r.snapshot.ScopeNames))
	}
}
