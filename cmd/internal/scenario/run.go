package scenario

import (
	"context"
	"slices"
	"strings"
	"time"

	"sunsetwatch/detector"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Outcome is what came of a file.
type Outcome struct {
	Scenario *Scenario
	Checks   []Check // one for each step that expects something
	Took     time.Duration
}

// Check is a step that was held against what it expects.
type Check struct {
	step       *step
	expected   *expected
	found      []*found // of a judgement
	problems   []string // of check
	mismatches []mismatch
	lines      []lineMismatch
	Took       time.Duration
}

// lineMismatch is a line of a section problems: one of both is empty.
type lineMismatch struct{ got, want string }

// Passed reports whether everything is as expected.
func (c *Check) Passed() bool { return len(c.mismatches) == 0 && len(c.lines) == 0 }

// Passed reports whether everything is as expected.
func (o *Outcome) Passed() bool {
	return !slices.ContainsFunc(o.Checks, func(c Check) bool { return !c.Passed() })
}

// Run tells the story and compares. An error means that it could not be told:
// the context ended, or registrations are refused where no step expects that; it
// is then a list of problems with their places.
func (s *Scenario) Run(ctx context.Context) (*Outcome, error) {
	r := &runner{Scenario: s, ctx: ctx, registrations: registrationsName}
	if s.section(rulesName) != nil {
		r.rules = rulesName
	}
	out := &Outcome{Scenario: s}
	begin := time.Now()
	for i := range s.steps {
		st := &s.steps[i]
		from := time.Now()
		c := Check{step: st, expected: s.expected[st.expect]}
		if err := r.do(st, &c); err != nil {
			return nil, err
		}
		if c.expected == nil {
			continue
		}
		c.compare()
		c.Took = time.Since(from)
		out.Checks = append(out.Checks, c)
	}
	out.Took = time.Since(begin)
	return out, nil
}

// compare holds what was found against what is expected.
func (c *Check) compare() {
	if c.step.verb != checkStep {
		c.mismatches = c.expected.compare(c.found)
		return
	}
	got := slices.Clone(c.problems)
	for _, want := range c.expected.problems {
		i := slices.IndexFunc(got, func(line string) bool { return matchesEllipsis(want, line) })
		if i < 0 {
			c.lines = append(c.lines, lineMismatch{want: want})
			continue
		}
		got = slices.Delete(got, i, i+1)
	}
	for _, line := range got {
		c.lines = append(c.lines, lineMismatch{got: line})
	}
}

// runner goes through the steps. The running system lives from step to step.
type runner struct {
	*Scenario
	ctx                  context.Context
	registrations, rules string // sections that the running system was given last; rules may be empty

	live   *world // nil: not started yet
	set    registered
	stream *stream
	wall   access.Instant
	clock  int // of interrupted
}

// registered is what is known of partners, and what was set for the judge.
type registered struct {
	snapshot *registry.Snapshot
	rules    *rules.RuleSet
}

// knownAt is the set as it was known at k.
func (r registered) knownAt(k access.Instant) registered {
	return registered{r.snapshot.KnownAt(k), r.rules}
}

// cuts are the instants at which time is cut for it.
func (r registered) cuts() ledger.Terms { return detector.Cuts(r.snapshot, r.rules) }

func (r *runner) do(s *step, c *Check) (err error) {
	switch s.verb {
	case checkStep:
		c.problems, err = r.check()
		return err
	case judgeStep:
		c.found, err = r.judge(s)
		return err
	}
	if r.live == nil {
		if err = r.start(); err != nil {
			return err
		}
	}
	switch s.verb {
	case liveStep:
		err = r.goOn(s.before)
	case reloadStep:
		err = r.reload(s)
	case restartStep:
		r.wall = max(r.wall, s.at)
		err = r.live.restart(r.set, r.wall)
	}
	if err != nil || s.expect == "" {
		return err
	}
	c.found, err = r.live.found()
	return err
}

// read reads sections of registrations and of rules, an empty name being none.
func (r *runner) read(registrations, ruleFile string) (registered, error) {
	snapshot, problems := registry.Read([]registry.File{r.file(registrations)}, registry.Options{Now: now})
	if err := problems.Err(); err != nil {
		return registered{}, err
	}
	set := registered{snapshot: snapshot}
	if ruleFile != "" {
		set.rules, problems = rules.ReadRules(r.file(ruleFile), snapshot, rules.RuleOptions{Now: now})
	}
	return set, problems.Err()
}

// check are the problems of registrations.yml and rules.yml, as lines. Places are
// those of the section.
func (r *runner) check() ([]string, error) {
	file := func(name string) registry.File { return registry.File{Name: name, Data: r.section(name).data} }
	snapshot, problems := registry.Read([]registry.File{file(registrationsName)}, registry.Options{Now: now})
	if snapshot != nil && r.rules != "" {
		_, more := rules.ReadRules(file(rulesName), snapshot, rules.RuleOptions{Now: now})
		problems = append(problems, more...)
	}
	var lines []string
	for _, p := range problems {
		line, _, _ := strings.Cut(p.String(), "\n")
		lines = append(lines, line)
	}
	return lines, nil
}

// interrupted is the error of the context, looked at now and then.
func (r *runner) interrupted() error {
	if r.clock++; r.clock%4096 == 0 {
		return r.ctx.Err()
	}
	return nil
}

// judge judges all events afresh.
func (r *runner) judge(s *step) ([]*found, error) {
	set, err := r.read(registrationsName, r.initialRules())
	if err != nil {
		return nil, err
	}
	w, err := newWorld(set)
	if err != nil {
		return nil, err
	}
	until := min(s.before, s.asOf)
	if s.asThen {
		err = r.asThen(w, set, until)
	} else {
		err = r.asKnown(w, set.knownAt(s.asOf), until)
	}
	if err != nil {
		return nil, err
	}
	all, err := w.found()
	if !s.asThen {
		for _, f := range all {
			f.values["opened_at"], f.values["detection_delay"], f.values["history"] = nil, nil, []any{}
		}
	}
	return all, err
}

func (r *runner) initialRules() string {
	if r.section(rulesName) != nil {
		return rulesName
	}
	return ""
}

// asKnown is one judgement of all events before until.
func (r *runner) asKnown(w *world, set registered, until access.Instant) error {
	told := r.Scenario.stream(false)
	for t := told.next(); t != nil; t = told.next() {
		if t.event.Time >= until {
			continue
		}
		if err := w.add(t); err != nil {
			return err
		}
		if err := r.interrupted(); err != nil {
			return err
		}
	}
	if until != access.End {
		w.until = until
	}
	return w.reload(set, access.End)
}

// asThen judges as the running system would have, every event arriving at its
// own time and every revision when it was recorded.
func (r *runner) asThen(w *world, set registered, until access.Instant) error {
	recordings := set.snapshot.Recordings()
	told := r.Scenario.stream(true)
	if err := w.reload(set.knownAt(access.Beginning), min(told.due(), until)); err != nil {
		return err
	}
	for {
		due, recorded := told.due(), access.End
		if len(recordings) > 0 {
			recorded = recordings[0]
		}
		if due >= until && recorded > until || recorded == access.End && due == access.End {
			break
		}
		if due < until && due <= recorded {
			if err := r.add(w, told, due); err != nil {
				return err
			}
		}
		// What happened and what was recorded at the same time is judged together.
		var err error
		if recorded <= min(due, until) {
			recordings = recordings[1:]
			err = w.reload(set.knownAt(recorded), recorded)
		} else {
			err = w.judge(due)
		}
		if err != nil {
			return err
		}
	}
	if until == access.End {
		return nil
	}
	w.until = until
	return w.judge(until)
}

// tell adds the events that are due at the instant, and judges.
func (r *runner) tell(w *world, told *stream, due access.Instant) error {
	if err := r.add(w, told, due); err != nil {
		return err
	}
	return w.judge(due)
}

// add adds the events that are due at the instant.
func (r *runner) add(w *world, told *stream, due access.Instant) error {
	for told.due() == due {
		if err := w.add(told.next()); err != nil {
			return err
		}
		if err := r.interrupted(); err != nil {
			return err
		}
	}
	return nil
}

// start begins the running system, before the first event.
func (r *runner) start() (err error) {
	if r.set, err = r.read(r.registrations, r.rules); err != nil {
		return err
	}
	if r.live, err = newWorld(r.set); err != nil {
		return err
	}
	r.stream = r.Scenario.stream(false)
	r.wall = min(r.stream.due(), access.End-1)
	return r.live.reload(r.set, r.wall)
}

// goOn lets the running system read and judge what arrives before an instant.
func (r *runner) goOn(before access.Instant) error {
	for due := r.stream.due(); due < before; due = r.stream.due() {
		if err := r.tell(r.live, r.stream, due); err != nil {
			return err
		}
		r.wall = max(r.wall, due)
	}
	if before == access.End {
		return nil
	}
	r.wall = max(r.wall, before)
	return r.live.judge(r.wall)
}

// reload gives the running system other registrations or rules.
func (r *runner) reload(s *step) (err error) {
	for _, name := range s.files {
		if partOf(name) == registrationsPart {
			r.registrations = name
		} else {
			r.rules = name
		}
	}
	if r.set, err = r.read(r.registrations, r.rules); err != nil {
		return err
	}
	r.wall = max(r.wall, s.at)
	r.live.options.Terms = r.set.cuts()
	r.live.ledger.SetTerms(r.set.cuts())
	return r.live.reload(r.set, r.wall)
}
