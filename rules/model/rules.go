package model

import (
	"time"

	"sunsetwatch/rules/access"
)

// The kinds that are modelled (DESIGN section 7).
const (
	AccessAfterSunset   = "access_after_sunset"
	NoRegistration      = "no_registration"
	BeforeStart         = "before_start"
	AccessDuringPause   = "access_during_pause"
	AttemptsAfterSunset = "attempts_after_sunset"
	OperationOverreach  = "operation_overreach"
	ScopeOverreach      = "scope_overreach"
	ScopeRetired        = "scope_retired"
	MissingConsent      = "missing_consent"
	ThirdPartySubject   = "third_party_subject"
	IndicatorMissing    = "indicator_missing"
	InboundUndeclared   = "inbound_undeclared"
	DormantGrant        = "dormant_grant"
	RetainedCapability  = "retained_capability"
)

// Severities.
const (
	Critical = "critical"
	Warning  = "warning"
	Info     = "info"
)

// The lengths that hold where the rule file is silent.
const (
	day                  = time.Duration(access.OneDay)
	DefaultClosingPeriod = 30 * day
	DefaultAfter         = 90 * day
)

// Rules are a rule file. The zero value is none: all defaults.
type Rules struct {
	Kinds      map[string]KindRules
	Exceptions []Exception
	Closures   []Closing
	Disputes   []Dispute
}

// KindRules are the thresholds of one kind; zero values are defaults.
type KindRules struct {
	Disabled      bool          // enabled: false
	Severity      string        // holds for every finding of the kind
	ClosingPeriod time.Duration // kinds of accesses and attempts
	After         time.Duration // dormant_grant
}

// Exception suppresses the page of the findings that it matches, while
// From <= N < Until. Kind, Partner and Feature may be "*".
type Exception struct {
	Kind, Partner, Feature     string
	From, Until                access.Instant
	ApprovedBy, Reason, Ticket string
}

// Closing is a person's word that a finding ended.
type Closing struct {
	Finding    Key
	By, Reason string
	At         access.Instant
}

// Dispute is a person's word that stands on a finding and changes nothing.
type Dispute struct {
	Finding  Key
	By, Text string
	At       access.Instant
}

func (r Rules) closingPeriod(kind string) access.Instant {
	if p := r.Kinds[kind].ClosingPeriod; p != 0 {
		return access.Instant(p)
	}
	return access.Instant(DefaultClosingPeriod)
}

func (r Rules) after() access.Instant {
	if p := r.Kinds[DormantGrant].After; p != 0 {
		return access.Instant(p)
	}
	return access.Instant(DefaultAfter)
}

// exception is the first in the file that matches at n.
func (r Rules) exception(k Key, n access.Instant) *Exception {
	for i, e := range r.Exceptions {
		if (e.Kind == "*" || e.Kind == k.Kind) && (e.Partner == "*" || e.Partner == k.Partner) &&
			(e.Feature == "*" || e.Feature == k.Feature) && e.From <= n && n < e.Until {
			return &r.Exceptions[i]
		}
	}
	return nil
}

// dispute is the first in the file that names the finding, whatever its date.
func (r Rules) dispute(k Key) *Dispute {
	for i, d := range r.Disputes {
		if d.Finding == k {
			return &r.Disputes[i]
		}
	}
	return nil
}

// closings are all words of persons about the finding.
func (r Rules) closings(k Key) []Closing {
	var all []Closing
	for _, c := range r.Closures {
		if c.Finding == k {
			all = append(all, c)
		}
	}
	return all
}
