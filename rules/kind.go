package rules

import (
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Kind is the type of a finding: what counts as wrong. Each lives in a file of
// its own, named after it.
type Kind struct {
	Name    string // the label value
	Summary string // what it judges, as one sentence for documentation
	Basis   Basis
	Window  Window // the cases that it judges; of a kind ByProbes and ByAbsence: no meaning
	// Judge appends its matches of a case of Window to found. It looks at
	// nothing but the case. Of a kind ByAttempts and ByAbsence: nil.
	Judge func(c *Case, found []Match) []Match
	// ByRelation says that Judge looks at the Relation of a case.
	ByRelation bool
	// WhyNot says why a case of Window that Judge found nothing wrong with is
	// none, as a part of a sentence; nil where Judge matches each case of Window.
	WhyNot func(c *Case) string
	// Severity of a finding whose numbers are complete.
	Severity func(f *Finding) Severity
	// Why is one sentence that a person can act on, and who must act. All other
	// fields of f are complete; last is the match of its last access.
	Why func(f *Finding, last *Match) string
}

// Basis is what a finding of a kind consists of.
type Basis uint8

// The bases.
const (
	ByAccess   Basis = iota // accesses; attempts stand beside them
	ByAttempts              // attempts alone, where what would be an access has none
	ByProbes                // capability probes, where there is no access
	ByAbsence               // a registration without an access
)

// Kinds are all kinds.
func Kinds() []Kind {
	return []Kind{
		accessAfterSunset(),
		attemptsAfterSunset(),
		noRegistration(),
		beforeStart(),
		accessDuringPause(),
		operationOverreach(),
		scopeOverreach(),
		scopeRetired(),
		missingConsent(),
		thirdPartySubject(),
		indicatorMissing(),
		inboundUndeclared(),
		retainedCapability(),
		dormantGrant(),
	}
}

// Case is what a kind judges: the like events of one cell in a stretch of event
// time over which neither terms nor belonging change.
type Case struct {
	Time access.Instant // any instant of the stretch

	Principal string
	Feature   string
	Scopes    []string // sorted; shared
	Operation access.Operation
	Direction access.Direction
	Relation  access.Relation
	Consent   access.Consent
	Indicator access.Indicator
	Probe     access.Probe // NoProbe for accesses and attempts
	// Folded reports that a cap folded the scopes together with others: they are
	// not known, and nothing is judged by them.
	Folded bool

	Partner string             // the owner of the principal, or its last one; empty where it had none by then
	Belongs bool               // whether the principal belongs to Partner at Time
	Left    access.Instant     // since when it belongs to nobody; Beginning where it belongs or never did
	Terms   *registry.Terms    // of partner x feature; nil where no registration is known
	Retired []registry.Retired // the retired scopes that cover some of Scopes at Time; shared
}

// Match is one kind's verdict on a case.
type Match struct {
	Kind       *Kind
	Since      access.Instant // from which accesses count as wrong; Beginning: none
	Until      access.Instant // before which accesses count as wrong; End: none
	Sunset     access.Instant // End: does not apply
	GraceUntil access.Instant // End: does not apply
	AfterGrace bool           // the case lies at or after the end of grace
	Program    string         // only where the program's sunset decides
	Decided    *registry.Revision
	Terms      *registry.Terms // in force; nil where no registration is known
	Scope      string          // only scope_retired: the name in the registry
	Scopes     []string        // what the finding lists under scopes; shared
}

// match is one without a boundary, about all scopes of c.
func match(c *Case) Match {
	return Match{
		Since: access.Beginning, Until: access.End,
		Sunset: access.End, GraceUntil: access.End,
		Terms:  c.Terms,
		Scopes: c.Scopes,
	}
}

// decided is a match by one field of the terms in force.
func decided(c *Case, by registry.Field) Match {
	m := match(c)
	m.Decided = c.Terms.Decided[by]
	return m
}

// always is a severity that depends on nothing.
func always(s Severity) func(*Finding) Severity {
	return func(*Finding) Severity { return s }
}
