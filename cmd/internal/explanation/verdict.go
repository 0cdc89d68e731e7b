package explanation

import (
	"fmt"
	"strings"

	"sunsetwatch/cmd/internal/termsheet"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// The verdicts of a kind.
const (
	Matches   = "match"      // it would open a finding, or be counted in it
	Counted   = "attempt"    // it would match if it were served; it is counted as an attempt, and opens nothing
	NoMatch   = "no_match"   // the kind looked at it, and found nothing wrong
	NotJudged = "not_judged" // the kind does not look at it
)

// Verdict of one kind; of scope_retired one for each retired scope that matches.
type Verdict struct {
	Kind    string `json:"kind"`
	Verdict string `json:"verdict"`
	Why     string `json:"why"`   // the reason, as a part of a sentence
	Match   *Match `json:"match"` // of Matches and Counted
}

// Match is what a kind found wrong, and the finding that it belongs to.
type Match struct {
	Severity   *rules.Severity     `json:"severity"` // that this event alone gives; null of an attempt
	Finding    string              `json:"finding"`  // its id
	Since      *string             `json:"since"`
	Until      *string             `json:"until"`
	Sunset     *string             `json:"sunset"`
	GraceUntil *string             `json:"grace_until"`
	Program    *string             `json:"program"`
	Scope      *string             `json:"scope"`
	Scopes     []string            `json:"scopes"`
	DecidedBy  *termsheet.Revision `json:"decided_by"`
	Sentence   *string             `json:"sentence"` // what a finding of this event alone would say; null of an attempt
	Notes      []string            `json:"notes"`    // what the rule file says of the finding
}

// judging holds one case against all kinds.
type judging struct {
	*Question
	known *registry.Snapshot
	c     *rules.Case
	e     *Explanation
}

func (j *judging) verdicts() []Verdict {
	all := []Verdict{}
	kinds := rules.Kinds()
	for i := range kinds {
		k := &kinds[i]
		found, not := j.judge(k, kinds)
		switch {
		case j.Rules.Setting(k.Name).Disabled:
			all = append(all, no(k, NotJudged, "the rule file disables it"))
		case len(found) == 0:
			all = append(all, not)
		}
		if !j.Rules.Setting(k.Name).Disabled {
			for n := range found {
				all = append(all, j.match(k, &found[n]))
			}
		}
	}
	return all
}

func no(k *rules.Kind, verdict, why string) Verdict {
	return Verdict{Kind: k.Name, Verdict: verdict, Why: why}
}

// judge is what k finds wrong or, where it finds nothing, why not.
func (j *judging) judge(k *rules.Kind, kinds []rules.Kind) ([]rules.Match, Verdict) {
	w, probe := j.e.window, j.c.Probe != access.NoProbe
	switch k.Basis {
	case rules.ByAbsence:
		why := "it is about a registration that nobody uses, not about one event"
		if j.e.Is == "access" && w == rules.Inside {
			why += "; an access withdraws it"
		}
		return nil, no(k, NotJudged, why)
	case rules.ByProbes:
		if !probe {
			why := "it is judged by probes"
			if j.e.Is == "access" && (w == rules.Unknown || w == rules.AfterEnd) {
				why += "; an access withdraws it"
			}
			return nil, no(k, NotJudged, why)
		}
	case rules.ByAttempts:
		switch {
		case probe:
			return nil, no(k, NotJudged, "a probe is no attempt")
		case j.e.Is == "access" && w == k.Window:
			return nil, no(k, NotJudged, "it consists of attempts alone; an access withdraws it")
		case j.e.Is == "access":
			return nil, no(k, NotJudged, "it consists of attempts alone")
		case w != k.Window:
			return nil, no(k, NoMatch, j.elsewhere())
		}
		// What would be an access decides as that would.
		for i := range kinds {
			if o := &kinds[i]; o.Basis == rules.ByAccess && o.Window == w {
				return o.Judge(j.c, nil), Verdict{}
			}
		}
		return nil, no(k, NotJudged, "no kind judges accesses there")
	case rules.ByAccess:
		switch {
		case probe:
			return nil, no(k, NotJudged, "a probe is no access")
		case w != k.Window && k.Window == rules.Inside:
			return nil, no(k, NotJudged, j.elsewhere())
		case w != k.Window:
			return nil, no(k, NoMatch, j.elsewhere())
		}
	}
	if found := k.Judge(j.c, nil); len(found) > 0 {
		return found, Verdict{}
	}
	why := "it finds nothing wrong"
	if k.WhyNot != nil {
		why = k.WhyNot(j.c)
	}
	return nil, no(k, NoMatch, why)
}

// elsewhere says in which window the event is, and so not in another.
func (j *judging) elsewhere() string {
	the := "the " + j.e.Is
	switch j.e.window {
	case rules.TooEarly:
		return the + " is before the start"
	case rules.AfterEnd:
		return the + " is after the sunset"
	case rules.Paused:
		return the + " is in a pause"
	case rules.Inside:
		return the + " is inside the window"
	}
	switch {
	case j.c.Partner == "":
		return "the principal belongs to no partner"
	case !j.c.Belongs:
		return "the principal belongs to no partner any more"
	}
	return "there is no registration"
}

// match is the verdict of a kind that found something wrong.
func (j *judging) match(k *rules.Kind, m *rules.Match) Verdict {
	f := j.finding(k, m)
	out := &Match{
		Finding: f.ID, Since: termsheet.Instant(m.Since), Until: termsheet.Instant(m.Until),
		Sunset: termsheet.Instant(m.Sunset), GraceUntil: termsheet.Instant(m.GraceUntil),
		Program: termsheet.Optional(m.Program), Scope: termsheet.Optional(m.Scope), Scopes: append([]string{}, m.Scopes...),
		DecidedBy: termsheet.RevisionOf(m.Decided), Notes: []string{},
	}
	why := strings.Join(append(j.offence(k, m), boundaries(m)...), ", ")
	if j.e.Is == "attempt" && k.Basis == rules.ByAccess {
		return Verdict{k.Name, Counted, "counted beside its accesses; an attempt never opens a finding: " + why, out}
	}
	severity := k.Severity(f)
	if s := j.Rules.Setting(k.Name).Severity; s != nil {
		severity = *s
		out.Notes = append(out.Notes, "the rule file sets the severity")
	}
	f.Severity, out.Severity = severity, &severity
	sentence := k.Why(f, m)
	out.Sentence = &sentence
	switch k.Basis {
	case rules.ByAttempts:
		why = "while there is no access after the sunset: " + why
	case rules.ByProbes:
		why = "while no access is counted, and no later probe says disabled: " + why
	}
	out.Notes = append(out.Notes, j.ruled(f)...)
	return Verdict{k.Name, Matches, why, out}
}

// finding is that of the event alone.
func (j *judging) finding(k *rules.Kind, m *rules.Match) *rules.Finding {
	ev := j.Event
	f := &rules.Finding{
		Kind: k.Name, Partner: j.c.Partner, Feature: j.c.Feature, Program: m.Program, Scope: m.Scope,
		Principals: []string{j.c.Principal}, Since: m.Since, Sunset: m.Sunset, GraceUntil: m.GraceUntil,
		FirstEvent: rules.Coordinate{Time: ev.Time}, LastEvent: rules.Coordinate{Time: ev.Time},
		PeopleExact: true, GrantorsExact: true, Operations: map[string]uint64{ev.Operation.String(): 1}, Scopes: map[string]uint64{},
		OpenedAt: access.Beginning, ClosedAt: access.Beginning,
	}
	if f.Partner == "" {
		f.Partner = rules.Unregistered
	}
	f.Team, f.Owner = answers(j.known, j.c.Partner, m.Program)
	for _, s := range m.Scopes {
		f.Scopes[s] = 1
	}
	switch k.Basis {
	case rules.ByAttempts:
		f.Attempts = 1
	case rules.ByProbes:
		days := uint64(1)
		f.ProbeDays = &days
	default:
		f.Events, f.Records, f.Bytes, f.Days = 1, ev.Records, ev.Bytes, 1
		if len(ev.Subject) > 0 {
			f.People, f.Grantors = 1, 1
		}
	}
	if m.Sunset != access.End {
		after := uint64(0)
		if m.AfterGrace {
			after = f.Events
		}
		f.EventsAfterGrace = &after
	}
	f.ID = f.Identity().ID()
	return f
}

// offence is what is wrong, where that is not a matter of time alone.
func (j *judging) offence(k *rules.Kind, m *rules.Match) []string {
	c := j.c
	switch {
	case j.e.window == rules.Unknown:
		return []string{j.elsewhere()}
	case m.Scope != "":
		return []string{"covers " + names(m.Scopes)}
	}
	switch k.Name {
	case rules.OperationOverreach:
		return []string{"the operation is " + c.Operation.String() + ", granted: " + termsheet.Value(c.Terms, registry.Operations)}
	case rules.ScopeOverreach:
		return []string{"outside the grant: " + names(m.Scopes), "granted: " + termsheet.Value(c.Terms, registry.Scopes)}
	case rules.MissingConsent:
		return []string{"consent is required, and " + c.Consent.String()}
	case rules.ThirdPartySubject:
		return []string{"own data is required, and the subject is not the grantor"}
	case rules.IndicatorMissing:
		return []string{"an indicator is required, and " + c.Indicator.String()}
	case rules.InboundUndeclared:
		return []string{"data flows in, which the terms do not declare"}
	}
	return nil
}

func names(all []string) string {
	shown := make([]string, len(all))
	for i, s := range all {
		shown[i] = termsheet.Name(s)
	}
	return strings.Join(shown, ",")
}

// boundaries of a match, and the revision that decided.
func boundaries(m *rules.Match) []string {
	var parts []string
	switch {
	case m.Sunset != access.End:
		sunset := "sunset " + termsheet.Moment(m.Sunset)
		if m.Program != "" {
			sunset += " of the program " + termsheet.Name(m.Program)
		}
		parts = append(parts, sunset)
		switch {
		case m.GraceUntil == m.Sunset:
			parts = append(parts, "no grace")
		case m.AfterGrace:
			parts = append(parts, "after the grace until "+termsheet.Moment(m.GraceUntil))
		default:
			parts = append(parts, "in the grace until "+termsheet.Moment(m.GraceUntil))
		}
	case m.Since != access.Beginning:
		parts = append(parts, "since "+termsheet.Moment(m.Since))
	}
	if m.Until != access.End {
		parts = append(parts, "until "+termsheet.Moment(m.Until))
	}
	return append(parts, decided(m))
}

func decided(m *rules.Match) string {
	if m.Decided == nil {
		return "decided by no revision"
	}
	return "decided by the revision " + termsheet.Origin(m.Decided)
}

// ruled is what the rule file says of a finding.
func (j *judging) ruled(f *rules.Finding) []string {
	if j.Rules == nil {
		return nil
	}
	var notes []string
	for i := range j.Rules.Exceptions {
		x := &j.Rules.Exceptions[i]
		if x.Matches(f.Kind, f.Partner, f.Feature, f.Scope) {
			notes = append(notes, fmt.Sprintf("no page while the time of judgement is from %s until %s: exception by %s: %s",
				termsheet.Moment(x.From), termsheet.Moment(x.Until), termsheet.Text(x.ApprovedBy), termsheet.Text(withTicket(x.Reason, x.Ticket))))
		}
	}
	for i := range j.Rules.Closures {
		if x := &j.Rules.Closures[i]; x.Finding == f.ID {
			notes = append(notes, fmt.Sprintf("closed at %s by %s: %s", termsheet.Moment(x.At), termsheet.Text(x.By), termsheet.Text(x.Reason)))
		}
	}
	for i := range j.Rules.Disputes {
		if x := &j.Rules.Disputes[i]; x.Finding == f.ID {
			notes = append(notes, fmt.Sprintf("disputed at %s by %s: %s", termsheet.Moment(x.At), termsheet.Text(x.By), termsheet.Text(x.Text)))
		}
	}
	return notes
}

func withTicket(reason, ticket string) string {
	if ticket == "" {
		return reason
	}
	return reason + ", " + ticket
}
