package replay

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"sunsetwatch/cmd/internal/facts"
	"sunsetwatch/detector"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Result is what came of a run.
type Result struct {
	Question
	Set                       // Registry is as it was known
	Findings []*rules.Finding // in the order of rules.Compare
	Summary  *Summary
	Hashes   map[string]string // SHA-256 of the inputs that are files, in hex, by path; only with Options.Out
	Facts    *ledger.Ledger
	First    access.Instant // of the events counted; no meaning where there is none
	Last     access.Instant // Beginning: no event was counted
	Lacks    []string       // why it is not complete; none: it is
	Notes    []string       // what a person should know

	rejected [access.Reasons][]rejected
}

// Now is the time of judgement, where an event was counted.
func (r *Result) Now() access.Instant { return r.now(r.Last) }

// Run reads all inputs and judges what is in them. The error is a *BadInput, an
// *Interrupted, or one of writing; nothing was written then but, perhaps, what
// --resume needs.
func Run(ctx context.Context, o Options) (*Result, error) {
	r := &run{Options: o}
	if r.Workers <= 0 {
		r.Workers = runtime.GOMAXPROCS(0)
	}
	if err := r.prepare(); err != nil {
		return nil, err
	}
	c, findings, err := r.judge(ctx)
	if err != nil {
		return nil, r.stopped(ctx, err)
	}
	result := r.result(c, findings)
	if r.Ledger != "" {
		if err := facts.Write(r.Ledger, c.facts, r.Facts); err != nil {
			return nil, r.unwritten(err)
		}
	}
	if r.Out == "" {
		return result, nil
	}
	if result.Hashes, err = hashes(ctx, c.inputs, r.Workers); ctx.Err() != nil {
		return nil, r.stopped(ctx, err)
	} else if err != nil {
		result.Notes = append(result.Notes, "not hashed: "+err.Error())
	}
	if err := result.write(r.Out, r.Also); err != nil {
		return nil, r.unwritten(fmt.Errorf("writing the output: %w", err))
	}
	return result, nil
}

// run is a run in work.
type run struct {
	Options
	started access.Instant
	saved   *checkpoint // of the run that is resumed; nil: none, or taken up already
	then    *detector.Then
	count   *count // the last one
}

func (r *run) prepare() error {
	r.started = access.At(r.Clock())
	if r.From >= r.until() {
		return bad("no event time is left between --from and --to or --known-at: %s is not before %s", r.From, r.until())
	}
	if r.Resume && r.Out == "" {
		return bad("--resume needs the --out of the run that was interrupted")
	}
	if err := r.room(); err != nil {
		return &BadInput{err}
	}
	if r.Out == "" {
		return nil
	}
	if !r.Resume {
		if _, err := os.Stat(filepath.Join(r.Out, stateName)); err == nil {
			r.Progress.say("note: %s holds an interrupted run, which is not resumed: this one takes its place", r.Out)
		}
		return nil
	}
	var err error
	if r.saved, err = readCheckpoint(r.Out); err != nil {
		return &BadInput{err}
	}
	if r.saved == nil {
		return bad("--resume: there is no interrupted run in %s", r.Out)
	}
	r.started = r.saved.Started
	return r.saved.refuse(r.name(nil), false)
}

// judge counts, as often as it takes, and judges.
func (r *run) judge(ctx context.Context) (*count, []*rules.Finding, error) {
	if !r.AsThen {
		known := r.Registry.KnownAt(r.KnownAt)
		c, err := r.pass(ctx, &count{
			terms: detector.Cuts(r.Registry, r.Rules),
			pieces: func() ledger.PiecesOptions {
				p := r.pieces(known)
				if r.Ledger == "" {
					c := detector.NewConcern(known)
					p.People, p.Outright, p.Together = c.Verdict, c.Outright, true
				}
				return p
			},
		})
		if err != nil {
			return nil, nil, err
		}
		findings, err := asKnown(c.facts, Set{known, r.Rules}, &r.Question)
		return c, findings, err
	}
	r.then = detector.NewThen(r.Registry, r.Rules, r.KnownAt)
	if r.saved != nil {
		if err := r.then.Load(r.saved.Then); err != nil {
			return nil, nil, &BadInput{errState}
		}
	}
	for tries := 1; ; tries++ {
		c, err := r.pass(ctx, &count{
			terms: r.then.Cuts(), timed: true, watch: r.then.Watch(),
			pieces: func() ledger.PiecesOptions { return r.pieces(r.Registry.KnownAt(r.KnownAt)) },
		})
		if err != nil {
			return nil, nil, err
		}
		findings, again := r.then.Judge(c.facts, c.arrivals, r.now(c.facts.Latest()))
		if !again || tries == mostPasses {
			return c, findings, nil
		}
		for _, in := range c.inputs {
			if in.path == "-" {
				return nil, nil, bad("--as-then needs these events a second time, and standard input is read once: write them to a file first")
			}
		}
		r.Progress.say("reading once more: findings ended between the instants that registrations give")
	}
}

// pieces are what one worker keeps: months for registrations that nobody wrote yet,
// days for pictures.
func (r *run) pieces(known *registry.Snapshot) ledger.PiecesOptions {
	p := ledger.PiecesOptions{Months: r.Ledger != ""}
	if r.Out != "" {
		concern := detector.NewConcern(known)
		p.Daily = func(c *ledger.Cell, at access.Instant) bool { return concern.Verdict(c, at) != ledger.Lawful }
	}
	return p
}

// mostPasses over the events are taken for a judgement as then.
const mostPasses = 6

// pass goes once over the events.
func (r *run) pass(ctx context.Context, c *count) (*count, error) {
	c.source, c.question, c.started = &r.Source, &r.Question, r.started
	c.saved, r.saved, c.tick = r.saved, nil, r.Tick
	c.tell = &teller{Progress: r.Progress, clock: r.Clock}
	c.check = func() error {
		if c.saved == nil {
			return nil
		}
		return c.saved.refuse(r.name(c.inputs), true)
	}
	if r.Out != "" {
		c.keeping = keeping{every: cmp.Or(r.Keep, keepEvery), save: r.keep, kept: r.count != nil && r.count.keeping.kept}
	}
	r.count = c
	return c, c.run(ctx)
}

// asKnown is one judgement.
func asKnown(facts *ledger.Ledger, s Set, q *Question) ([]*rules.Finding, error) {
	d, err := detector.New(detector.Options{Facts: facts, Time: func(_, latest access.Instant) access.Instant { return q.now(latest) }})
	if err != nil {
		return nil, err
	}
	d.Reload(s.Registry, s.Rules, access.End)
	all := d.Findings()
	for i, f := range all {
		g := *f
		g.OpenedAt, g.DetectionDelay, g.History = access.Beginning, nil, nil
		all[i] = &g
	}
	return all, nil
}

// stopped is the error of a run that did not come to its end. What was counted is
// kept if the run was interrupted and can be resumed.
func (r *run) stopped(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		if r.count != nil && r.count.keeping.kept {
			err = fmt.Errorf("%w; what was counted until shortly before is kept: when that is mended, %s", err, goOn)
		}
		return err
	}
	switch {
	case r.Out == "":
		return &Interrupted{Reason: "nothing is kept without --out"}
	case r.count == nil || r.count.facts == nil:
		if r.Resume {
			return &Interrupted{Kept: true} // as it was
		}
		return &Interrupted{Reason: "nothing was read yet"}
	}
	if once := r.count.readOnce(); once != "" {
		return &Interrupted{Reason: once + " cannot be read again from where it was: start again"}
	}
	if err := r.keep(); err != nil && r.count.keeping.kept {
		return fmt.Errorf("interrupted, and what was counted in the end cannot be kept: %w; for all before, %s", err, goOn)
	} else if err != nil {
		return fmt.Errorf("interrupted, and what was counted cannot be kept: %w", err)
	}
	return &Interrupted{Kept: true}
}

// unwritten is the error of output that could not be written. What was counted is
// kept for --resume all the same: it takes less room, and what was half written is
// gone.
func (r *run) unwritten(err error) error {
	if r.Out == "" {
		return err
	}
	if once := r.count.readOnce(); once != "" {
		return fmt.Errorf("%w: what was counted is lost, since %s cannot be read again from where it was: mend that, and start again", err, once)
	}
	unkept := r.keep()
	switch {
	case unkept == nil:
		return fmt.Errorf("%w: what was counted is kept: mend that, and %s", err, goOn)
	case r.count.keeping.kept:
		return fmt.Errorf("%w: what was counted in the end is lost, since it cannot be kept either (%w): mend that, and for all before %s", err, unkept, goOn)
	}
	return fmt.Errorf("%w: what was counted is lost, since it cannot be kept either (%w): mend that, and start again", err, unkept)
}

// goOn is what to do with what was kept.
const goOn = "go on with the same command and --resume"

// readOnce is an input for which a run cannot be resumed; empty: there is none.
func (c *count) readOnce() string {
	for _, in := range c.inputs {
		if in.mark == "" {
			return in.path
		}
	}
	return ""
}

// keep saves what was counted, for --resume.
func (r *run) keep() error {
	var then []byte
	if r.then != nil {
		var err error
		if then, err = r.then.Save(); err != nil {
			return err
		}
	}
	err := r.count.keep(r.Out, r.name(r.count.inputs), then)
	r.count.keeping.kept = r.count.keeping.kept || err == nil
	return err
}

// name tells this run from others.
func (r *run) name(inputs []input) map[string]string {
	all := map[string]string{}
	for flag, value := range r.Name {
		all[flag] = value
	}
	for _, in := range inputs {
		all[inputPrefix+in.path] = in.mark
	}
	hash := r.Registry.Hash()
	all["registrations"] = "sha256 " + hex.EncodeToString(hash[:])
	all["--from"], all["--to"], all["--known-at"] = r.From.String(), r.To.String(), r.KnownAt.String()
	all["--ledger"] = strconv.FormatBool(r.Ledger != "")
	all["--as-then"] = strconv.FormatBool(r.AsThen)
	all["--dedupe"] = strconv.FormatBool(r.Dedupe)
	if r.KeepRepeats {
		all["--dedupe"] = "false, given"
	}
	return all
}

func (r *run) result(c *count, findings []*rules.Finding) *Result {
	known := r.Registry.KnownAt(r.KnownAt)
	result := &Result{Question: r.Question, Set: Set{known, r.Rules}, Findings: findings,
		Facts: c.facts, First: c.facts.Earliest(), Last: c.facts.Latest()}
	result.account(c, r.Registry, r.MaxRejected)
	return result
}

// account says what was read, and what of it is not as it should be.
func (r *Result) account(c *count, set *registry.Snapshot, maxRejected float64) {
	r.rejected = firstRejected(c.inputs, c.jobs)
	r.summarize(c, set)
	r.Notes = append(r.Notes, c.notes...)
	for _, in := range c.inputs {
		if in.note != "" {
			r.Notes = append(r.Notes, in.note)
		}
	}
	for _, j := range c.jobs {
		if j.Damage != "" && !slices.Contains(r.Lacks, j.Damage) {
			r.Lacks = append(r.Lacks, j.Damage)
		}
	}
	s := r.Summary
	if n := s.rejected(); float64(n) > maxRejected*float64(s.EventsRead) {
		r.Lacks = append(r.Lacks, fmt.Sprintf("%s of %s events were rejected, more than --max-rejected %s allows",
			grouped(n), grouped(s.EventsRead), strconv.FormatFloat(maxRejected, 'g', -1, 64)))
	}
	s.Complete = len(r.Lacks) == 0
}

// plural is n things.
func plural(n int, thing string) string {
	if n != 1 && !strings.HasSuffix(thing, "s") {
		thing += "s"
	}
	return grouped(uint64(n)) + " " + thing
}
