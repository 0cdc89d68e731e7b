package report

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"sunsetwatch/cmd/internal/termsheet"
	"sunsetwatch/cmd/internal/timeline"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// page is what the template shows.
type page struct {
	*Data
	Style     template.CSS
	Answer    string
	Tone      string // class of the answer
	Question  []pair
	Sums      []pair
	Bad       uint64 // events rejected
	Doubts    []string
	Findings  []*section
	Withdrawn int
	Silences  []silence
	Running   []silence // whose sunset lies ahead, or is none, and of which nothing was found
	Clean     []cleanPartner
	Hashed    bool // an input has a hash
}

type pair struct{ Name, Value string }

// section is one finding.
type section struct {
	*rules.Finding
	Who, Detail, KindPhrase string
	Picture                 *picture
	Rows                    []pair
	Years                   []year
	Operations, Scopes      []count
	Actor                   string
	Decided                 []pair
	Steps                   []step
	Life                    []pair
	PeopleCell              string
	PeopleTitle             string
	SinceDay, LastDay       string
}

type year struct {
	Year      int
	All, Mine uint64
}

type count struct {
	Name string
	N    uint64
	High uint64 // where it is not exact
}

type step struct {
	*termsheet.Step
	Recorded, Effective, By, Reason, Ticket, Place string
	Deciding                                       bool
}

// silence is a registration of which no access after its sunset was counted.
type silence struct {
	Partner, Feature, Program string
	Sunset, GraceUntil        access.Instant
	Last                      access.Instant // access before it; Beginning: none
	Before, After             uint64         // accesses
	Attempts                  uint64         // after it
	Unsure                    bool           // the facts cannot tell all of them apart
	Finding                   string         // id of one about the same end
}

type cleanPartner struct {
	Name          string
	Registrations int
	Accesses      uint64
}

func pageOf(d *Data) *page {
	p := &page{Data: d, Style: template.CSS(style)}
	for _, f := range d.Findings {
		if f.State == rules.Withdrawn {
			p.Withdrawn++
		}
		p.Findings = append(p.Findings, d.section(f))
	}
	for _, r := range d.Rejected {
		p.Bad += r.Events
	}
	for _, in := range d.Inputs {
		p.Hashed = p.Hashed || in.SHA256 != ""
	}
	p.Question = d.question()
	p.Sums = d.sums(p.Bad)
	p.Doubts = d.doubts(p.Bad)
	if d.Now != access.Beginning {
		p.silences()
	}
	p.Answer, p.Tone = p.answer()
	return p
}

func (d *Data) question() []pair {
	var all []pair
	ask := "Which partner was still served a feature's data although its registration does not allow it: since when, how much, about how many people, who must act, and has it ended?"
	all = append(all, pair{"Asked", ask})
	switch {
	case d.From == access.Beginning && d.To == access.End:
		all = append(all, pair{"Of", "all events of the inputs"})
	default:
		all = append(all, pair{"Of", "events " + stretchOf(d.From, d.To) + ", the end left out"})
	}
	switch {
	case d.AsThen && d.KnownAt == access.End:
		all = append(all, pair{"Judged", "as a running system would have, each revision known from the time it was recorded"})
	case d.AsThen:
		all = append(all, pair{"Judged", "as a running system would have until " + moment(d.KnownAt) + ", each revision known from the time it was recorded"})
	case d.KnownAt == access.End:
		all = append(all, pair{"Judged", "once, by all that the registrations say today"})
	default:
		all = append(all, pair{"Judged", "once, by what was recorded until " + moment(d.KnownAt)})
	}
	if d.Now != access.Beginning {
		all = append(all, pair{"Judged to", exact(d.Now)})
	} else {
		all = append(all, pair{"Judged to", "nothing: no event was counted"})
	}
	return all
}

func (d *Data) sums(bad uint64) []pair {
	all := []pair{
		{"Events read", number(d.Read)},
		{"counted", number(d.Counted)},
		{"duplicate", number(d.Duplicate)},
		{"rejected", number(bad)},
		{"out of the range", number(d.OutOfRange)},
	}
	if d.Counted > 0 {
		all = append(all, pair{"First event counted", exact(d.First)}, pair{"Last event counted", exact(d.Last)})
	}
	return all
}

// doubts are what a reader is to know before he relies on the answer.
func (d *Data) doubts(bad uint64) []string {
	all := slices.Clone(d.Lacks)
	if bad > 0 {
		all = append(all, fmt.Sprintf("%s could not be read as accesses. What they did is in no number of this report.", plural(bad, "event", "events")))
	}
	if d.Read != d.Counted+d.Duplicate+bad+d.OutOfRange {
		all = append(all, fmt.Sprintf("%s were read, and %s are accounted for.", plural(d.Read, "event", "events"), number(d.Counted+d.Duplicate+bad+d.OutOfRange)))
	}
	capped := 0
	for _, f := range d.Findings {
		if f.Incomplete {
			capped++
		}
	}
	if capped > 0 {
		all = append(all, fmt.Sprintf("Of %s, facts were folded together because there were too many names. They are marked incomplete.", plural(capped, "finding", "findings")))
	}
	return all
}

// answer is the answer in a sentence, and its class.
func (p *page) answer() (string, string) {
	d := p.Data
	if d.Now == access.Beginning {
		return "No event was counted, so nothing is judged.", "none"
	}
	var all, late, open, quiet, closed int
	var accesses uint64
	partners, features := map[string]bool{}, map[string]bool{}
	last := access.Beginning
	worst := rules.Info
	for _, f := range d.Findings {
		if f.State == rules.Withdrawn {
			continue
		}
		all++
		worst = max(worst, f.Severity)
		switch f.State {
		case rules.Open:
			open++
		case rules.Quiet:
			quiet++
		case rules.Closed:
			closed++
		}
		if f.Kind == rules.AccessAfterSunset {
			late++
			accesses += f.Events
			partners[f.Partner], features[f.Feature] = true, true
			last = max(last, f.LastEvent.Time)
		}
	}
	unjudged := uint64(0)
	for i := range p.Silences {
		unjudged += p.Silences[i].After
	}
	switch {
	case all == 0 && unjudged > 0:
		return fmt.Sprintf("No finding was made, although %s counted after a sunset: see what was not found.", plural(unjudged, "access was", "accesses were")), "warning"
	case all == 0:
		return fmt.Sprintf("Nothing was found: no registration contradicts any of the %s.", plural(d.Counted, "event", "events")), "good"
	}
	var states []string
	for _, s := range []struct {
		n    int
		word string
	}{{open, "open"}, {quiet, "quiet"}, {closed, "closed"}} {
		if s.n > 0 {
			states = append(states, number(s.n)+" "+s.word)
		}
	}
	be := "are"
	if all == 1 {
		be = "is"
	}
	tail := fmt.Sprintf("There %s %s in all: %s.", be, plural(all, "finding", "findings"), list(states))
	switch {
	case late == 0 && unjudged > 0:
		return fmt.Sprintf("No finding is about accesses after a sunset, although %s counted: see what was not found. %s", plural(unjudged, "one was", "were"), tail), worst.String()
	case late == 0:
		return "Nobody was served after a sunset. " + tail, worst.String()
	}
	return fmt.Sprintf("Yes. %s went on after a sunset, with %s for %s, the last on %s. %s",
		plural(len(partners), "partner", "partners"), plural(accesses, "access", "accesses"),
		plural(len(features), "feature", "features"), date(last), tail), worst.String()
}

func (d *Data) section(f *rules.Finding) *section {
	tl := timeline.OfFinding(d.Registry, d.Facts, f)
	s := &section{
		Finding: f, Who: who(f), Detail: f.Scope + f.Rule, KindPhrase: phrase(f.Kind),
		Picture:    draw(tl, f, d.Now),
		Operations: counts(f.Operations, f.Bounds, func(b *rules.Bounds) map[string]rules.Range { return b.Operations }),
		Scopes:     counts(f.Scopes, f.Bounds, func(b *rules.Bounds) map[string]rules.Range { return b.Scopes }),
	}
	s.PeopleCell, s.PeopleTitle = number(f.People), "exact"
	if !f.PeopleExact {
		s.PeopleCell, s.PeopleTitle = "≈ "+number(f.People), "estimated"
	}
	s.SinceDay, s.LastDay = "–", "–"
	if f.Since != access.Beginning {
		s.SinceDay = date(f.Since)
	} else if f.FirstEvent != (rules.Coordinate{}) {
		s.SinceDay = date(f.FirstEvent.Time)
	}
	if f.LastEvent != (rules.Coordinate{}) {
		s.LastDay = date(f.LastEvent.Time)
	}
	s.Rows = d.numbers(f)
	s.Years = years(tl, f)
	s.actor(f)
	s.decided(f)
	s.life(f)
	if r := d.Registry.Registration(f.Partner, f.Feature); r != nil {
		h := termsheet.HistoryOf(d.Registry, r, d.KnownAt)
		for i := range h.Revisions {
			s.Steps = append(s.Steps, stepOf(&h.Revisions[i], f.DecidedBy))
		}
	}
	return s
}

// counts are the numbers of a map, the largest first.
func counts(all map[string]uint64, bounds *rules.Bounds, of func(*rules.Bounds) map[string]rules.Range) []count {
	var list []count
	for name, n := range all {
		c := count{Name: name, N: n}
		if bounds != nil {
			if r, is := of(bounds)[name]; is {
				c.High = r.High
			}
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b count) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name)) })
	return list
}

// numbers are the counts of f and the places of its first and last event.
func (d *Data) numbers(f *rules.Finding) []pair {
	var rows []pair
	bound := func(field, value string) string {
		if f.Bounds == nil {
			return value
		}
		if r, is := f.Bounds.Fields[field]; is && r.High > r.Low {
			return fmt.Sprintf("%s to %s", number(r.Low), number(r.High))
		}
		return value
	}
	add := func(name, value string) { rows = append(rows, pair{name, value}) }
	people := func(n uint64, exact bool) string {
		if exact {
			return number(n) + " (exact)"
		}
		return "about " + number(n) + " (estimated, to about 1 %)"
	}
	if f.Events > 0 || f.Bounds != nil {
		add("Accesses", bound("events", number(f.Events)))
	}
	if n := f.EventsAfterGrace; n != nil && f.GraceUntil > f.Sunset {
		add("after the end of grace", bound("events_after_grace", number(*n)))
	}
	if f.Attempts > 0 || f.Bounds != nil {
		add("Denied or failed calls", bound("attempts", number(f.Attempts)))
	}
	if f.Events > 0 {
		add("On days", bound("days", number(f.Days)))
		add("People whose data it was", bound("people", people(f.People, f.PeopleExact)))
		if f.Grantors != f.People || f.ThirdPartyEvents > 0 {
			add("People who authorised it", bound("grantors", people(f.Grantors, f.GrantorsExact)))
			add("of another person's data", number(f.ThirdPartyEvents))
		}
		add("Records", bound("records", number(f.Records)))
		add("Bytes", bound("bytes", number(f.Bytes)))
	}
	if f.ProbeDays != nil {
		add("Days with a probe that says enabled", number(*f.ProbeDays))
	}
	if f.Since != access.Beginning {
		add("Wrong since", moment(f.Since))
	}
	if f.Sunset != access.End {
		what := moment(f.Sunset)
		if f.Program != "" {
			what += ", of the program " + text(f.Program)
		}
		add("Sunset", what)
		if f.GraceUntil > f.Sunset {
			add("End of grace", moment(f.GraceUntil))
		}
	}
	add("First event", place(f.FirstEvent))
	add("Last event", place(f.LastEvent))
	add("Credentials", list(texts(f.Principals)))
	return rows
}

func texts(all []string) []string {
	shown := make([]string, 0, len(all))
	for i, s := range all {
		if i == 20 {
			shown = append(shown, fmt.Sprintf("%d more", len(all)-i))
			break
		}
		shown = append(shown, text(s))
	}
	if len(shown) == 0 {
		return []string{"none"}
	}
	return shown
}

// place is the time and the coordinates of an event.
func place(c rules.Coordinate) string {
	switch {
	case c == rules.Coordinate{}:
		return "none"
	case c.Source == "":
		return date(c.Time)
	}
	return fmt.Sprintf("%s at %s:%d", exact(c.Time), text(c.Source), c.Offset)
}

// years are the accesses by calendar year, where they are more than one.
func years(tl *timeline.Timeline, f *rules.Finding) []year {
	all := map[int]*year{}
	for i := range tl.Accesses {
		a := &tl.Accesses[i]
		y := a.From.Time().Year()
		if all[y] == nil {
			all[y] = &year{Year: y}
		}
		all[y].All += a.Events
		all[y].Mine += a.Found
	}
	if !tl.Exact || len(all) < 2 || f.Events == 0 {
		return nil
	}
	var list []year
	for _, y := range slices.Sorted(maps.Keys(all)) {
		list = append(list, *all[y])
	}
	return list
}

func (s *section) actor(f *rules.Finding) {
	switch {
	case f.Team != "" && f.Owner != "":
		s.Actor = fmt.Sprintf("Team %s (owner: %s)", text(f.Team), text(f.Owner))
	case f.Team != "":
		s.Actor = "Team " + text(f.Team)
	case f.Owner != "":
		s.Actor = text(f.Owner)
	default:
		s.Actor = "Nobody is named in the registrations"
	}
}

func (s *section) decided(f *rules.Finding) {
	d := f.DecidedBy
	if d == nil {
		return
	}
	s.Decided = []pair{{"Recorded", always(d.Recorded)}}
	for _, p := range []pair{{"By", d.By}, {"Reason", d.Reason}, {"Ticket", d.Ticket}} {
		if p.Value != "" {
			s.Decided = append(s.Decided, pair{p.Name, text(p.Value)})
		}
	}
}

// life is what became of f.
func (s *section) life(f *rules.Finding) {
	add := func(name, value string) { s.Life = append(s.Life, pair{name, value}) }
	if f.OpenedAt != access.Beginning {
		add("Opened", exact(f.OpenedAt))
	}
	if f.DetectionDelay != nil {
		value := "at its first event"
		if *f.DetectionDelay > 0 {
			value = span(*f.DetectionDelay) + " after its first event"
		}
		if f.LateReason != "" {
			value += " (" + phrase(f.LateReason) + ")"
		}
		add("Detected", value)
	} else if f.LateReason != "" {
		add("Late because of", phrase(f.LateReason))
	}
	if f.Relapses > 0 {
		add("Relapses", number(f.Relapses))
	}
	if f.ClosedAt != access.Beginning {
		add("Closed", exact(f.ClosedAt))
	}
	if c := f.Closure; c != nil {
		value := text(c.Why)
		if c.By != "" {
			value = text(c.By) + ": " + value
		}
		if !c.Verified {
			value = "not verified: " + strings.TrimPrefix(value, "not verified: ")
		}
		add("Closure", value)
	}
	if f.SuppressedBy != nil {
		add("Exception", text(*f.SuppressedBy))
	}
	if f.Dispute != nil {
		add("Dispute", text(*f.Dispute))
	}
	if f.Incomplete {
		add("Incomplete", "facts of it were folded together, because there were too many names")
	}
	if f.Bounds != nil {
		add("Bounds", "a date that became known later divides what was counted before, so that some numbers are given by their ends")
	}
}

// stepOf marks the revision that decided, of which a finding has no more than this.
func stepOf(s *termsheet.Step, by *rules.Decision) step {
	of := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	when := func(p *string) string {
		t, err := time.Parse(time.RFC3339Nano, of(p))
		if err != nil {
			return of(p)
		}
		return moment(access.At(t))
	}
	v := step{Step: s, Recorded: "since always", Effective: "all times", By: of(s.By), Reason: of(s.Reason), Ticket: of(s.Ticket)}
	if s.Revision.Recorded != nil {
		v.Recorded = when(s.Revision.Recorded)
	}
	if s.Revision.Effective != nil {
		v.Effective = "from " + when(s.Revision.Effective)
	}
	v.Place = fmt.Sprintf("%s:%d", s.File, s.Line)
	if by != nil {
		recorded := termsheet.Instant(by.Recorded)
		v.Deciding = of(recorded) == of(s.Revision.Recorded) && by.By == v.By && by.Reason == v.Reason && by.Ticket == v.Ticket
	}
	return v
}

// silences are the registrations of which nothing was found.
func (p *page) silences() {
	d := p.Data
	live := map[registry.Pair]map[string]string{} // id by kind
	wrong := map[string]bool{}
	for _, f := range d.Findings {
		if f.State == rules.Withdrawn {
			continue
		}
		k := registry.Pair{Partner: f.Partner, Feature: f.Feature}
		if live[k] == nil {
			live[k] = map[string]string{}
		}
		live[k][f.Kind] = f.ID
		wrong[f.Partner] = true
	}
	accesses, registered := map[string]uint64{}, map[string]int{}
	for _, r := range d.Registry.Registrations() {
		s := d.silenceOf(r)
		k := registry.Pair{Partner: r.Partner, Feature: r.Feature}
		accesses[r.Partner] += s.Before + s.After
		registered[r.Partner]++
		ended := s.Sunset != access.End && s.Sunset <= d.Now
		switch {
		case ended && live[k][rules.AccessAfterSunset] == "":
			s.Finding = cmp.Or(live[k][rules.AttemptsAfterSunset], live[k][rules.RetainedCapability])
			p.Silences = append(p.Silences, s)
		case !ended && len(live[k]) == 0:
			p.Running = append(p.Running, s)
		}
	}
	for _, partner := range d.Registry.Partners() {
		if !wrong[partner.Name] {
			p.Clean = append(p.Clean, cleanPartner{partner.Name, registered[partner.Name], accesses[partner.Name]})
		}
	}
}

// silenceOf counts what r says at the time of judgement about itself.
func (d *Data) silenceOf(r *registry.Registration) silence {
	s := silence{Partner: r.Partner, Feature: r.Feature, Sunset: access.End, GraceUntil: access.End, Last: access.Beginning}
	if terms, known := d.Registry.TermsAt(r, d.Now, access.End); known {
		s.Sunset, s.GraceUntil, s.Program = terms.Sunset, terms.GraceUntil, terms.Program
	}
	for _, principal := range timeline.Principals(d.Registry, r.Partner) {
		for _, c := range d.Facts.Cells(principal, r.Feature) {
			a := c.Attributes()
			if a.Probe != access.NoProbe {
				continue
			}
			for st := range c.Stretches() {
				if st.Events == 0 {
					continue
				}
				owner, _ := d.Registry.Owner(principal, st.First.Time)
				if owner != r.Partner {
					continue
				}
				after := func(t access.Instant) bool {
					stage := timeline.StageOf(d.Registry, r, principal, t)
					return stage == timeline.Grace || stage == timeline.Ended
				}
				late := after(st.First.Time)
				if late != after(st.Last.Time) {
					s.Unsure = true
				}
				switch {
				case a.Outcome != access.Served:
					if late {
						s.Attempts += st.Events
					}
				case late:
					s.After += st.Events
				default:
					s.Before += st.Events
					s.Last = max(s.Last, st.Last.Time)
				}
			}
		}
	}
	return s
}
