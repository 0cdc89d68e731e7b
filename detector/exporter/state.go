package exporter

import (
	"strings"
	"sync"
	"time"

	"sunsetwatch/detector"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// OtherFeature is the feature label of every feature that is not registered.
const OtherFeature = "_other"

// State is what the detector knows, as of one moment. Sources, PartnerEvents,
// UnregisteredPrincipals, Cells and Bytes are to be as of the last save, so that
// a kill never makes a counter step back.
type State struct {
	// At is the time of judgement; access.Beginning before the first event,
	// where wall time stands in for it.
	At access.Instant
	// Findings are all that are kept, ended ones included, in any order.
	Findings []*rules.Finding
	// Registrations are those that the findings were judged with; never nil.
	Registrations *registry.Snapshot
	// Exceptions are those of the rule file that the findings were judged with,
	// in its order.
	Exceptions []detector.ExceptionUse
	// Sources are the partitions read.
	Sources []ledger.SourceStatus
	// PartnerEvents are the events counted, under raw names; rows may repeat.
	PartnerEvents []PartnerEvents
	// UnregisteredPrincipals is the number of principals known that belong to
	// no partner.
	UnregisteredPrincipals int
	Cells                  int   // of the ledger
	Bytes                  int64 // of the ledger
}

// PartnerEvents is the number of events of a partner, a feature and an outcome.
type PartnerEvents struct {
	Partner string // rules.Unregistered, or any unregistered name: shown as _unregistered
	Feature string // one that is not registered: shown as _other
	Outcome access.Outcome
	Events  uint64
}

// Labels are the partner and feature labels of f as of s: names are shown only
// where they are registered, else rules.Unregistered and OtherFeature stand for
// them.
func Labels(s *registry.Snapshot, f *rules.Finding) (partner, feature string) {
	return partnerLabel(s, f.Partner), featureLabel(s, f.Feature)
}

func partnerLabel(s *registry.Snapshot, name string) string {
	if s.Partner(name) == nil {
		return rules.Unregistered
	}
	return label(name)
}

func featureLabel(s *registry.Snapshot, name string) string {
	if !s.KnownFeature(name) {
		return OtherFeature
	}
	return label(name)
}

// label is v as valid UTF-8, which the exposition demands.
func label(v string) string { return strings.ToValidUTF8(v, "\uFFFD") }

// ghosts are label sets that were shown and are not any more, because a finding
// left its team, its program, its names or the state. They are 0 until the
// instant, so that a resolved alert is a change of value.
type ghosts map[openLabels]access.Instant

// published is a State with what follows from it and from those before it.
type published struct {
	*State
	gone ghosts
	rows func() registryRows // computed at the first scrape
}

// follow is the next publication after p, which may be nil.
func (p *published) follow(s *State, now time.Time, hold time.Duration) *published {
	n := access.At(now)
	next := &published{State: s, rows: sync.OnceValue(func() registryRows { return registryRowsOf(s, n) })}
	if p == nil {
		return next
	}
	shown := s.findingSeries(n, hold).open
	next.gone = ghosts{}
	for labels, until := range p.gone {
		if _, back := shown[labels]; !back && n < until {
			next.gone[labels] = until
		}
	}
	for labels := range p.findingSeries(n, hold).open {
		if _, still := shown[labels]; !still {
			next.gone[labels] = n.Plus(afterEnd)
		}
	}
	return next
}
