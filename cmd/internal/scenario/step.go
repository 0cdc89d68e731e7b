package scenario

import (
	"fmt"
	"strings"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
)

// verb is what a step does.
type verb string

const (
	checkStep   verb = "check"   // reads registrations and rules
	judgeStep   verb = "judge"   // judges all events afresh, as a replay does
	liveStep    verb = "live"    // a running system goes on
	reloadStep  verb = "reload"  // the running system gets other registrations
	restartStep verb = "restart" // the running system is stopped and started again
)

var verbs = []string{string(checkStep), string(judgeStep), string(liveStep), string(reloadStep), string(restartStep)}

// step is one line of the section steps.
type step struct {
	line   int
	text   string // as it is written; of a step that is not, the marker of the section that it expects
	verb   verb
	before access.Instant // only events before it; End: all
	asOf   access.Instant // only what was recorded before or at it; End: all
	asThen bool
	files  []string       // of reload
	at     access.Instant // of reload and restart: the wall time; Beginning: not given
	expect string         // section; empty: nothing
}

// lives reports whether findings of the step have a life behind them, with pages.
func (s *step) lives() bool { return s.asThen || s.verb != judgeStep && s.verb != checkStep }

// stepForms are how steps are written, by verb.
var stepForms = map[verb]string{
	checkStep:   "check expect problems",
	judgeStep:   "judge [before TIME] [as of TIME | as then] expect SECTION",
	liveStep:    "live [before TIME] [expect SECTION]",
	reloadStep:  "reload SECTION... [at TIME] [expect SECTION]",
	restartStep: "restart [at TIME] [expect SECTION]",
}

// defaultSteps are those of a file without the section steps.
func (s *Scenario) defaultSteps() []step {
	for _, d := range []struct {
		section string
		verb    verb
	}{{problemsName, checkStep}, {findingsName, judgeStep}} {
		if e := s.section(d.section); e != nil {
			return []step{{line: e.marker, text: "-- " + e.name + " --", verb: d.verb, before: access.End, asOf: access.End, at: access.Beginning, expect: d.section}}
		}
	}
	return nil
}

func parseSteps(e *section, p *problems) []step {
	var all []step
	for n, line := range strings.Split(string(e.data), "\n") {
		text := strings.TrimRight(line, " \t\r")
		words := strings.Fields(text)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		s := step{line: e.marker + 1 + n, text: text, verb: verb(words[0]), before: access.End, asOf: access.End, at: access.Beginning}
		if err := s.parse(words[1:]); err != nil {
			p.at(s.line, 1, text, "%s", err)
			continue
		}
		all = append(all, s)
	}
	return all
}

func (s *step) parse(words []string) error {
	form, known := stepForms[s.verb]
	if !known {
		if near := document.Nearest(string(s.verb), verbs); near != "" {
			return fmt.Errorf("unknown step %s: did you mean %s?", document.Show(string(s.verb)), near)
		}
		return fmt.Errorf("unknown step %s: steps are %s", document.Show(string(s.verb)), strings.Join(verbs, ", "))
	}
	malformed := fmt.Errorf("write %s", form)
	given := map[string]bool{}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		argument := func() (string, error) {
			if len(words) == 0 {
				return "", fmt.Errorf("%s is followed by nothing: %w", document.Show(word), malformed)
			}
			a := words[0]
			words = words[1:]
			return a, nil
		}
		instant := func(into *access.Instant) error {
			text, err := argument()
			if err == nil {
				*into, err = document.ParseInstant(text)
			}
			return err
		}
		if word == "as" {
			next, err := argument()
			if err != nil {
				return err
			}
			word += " " + next
		}
		if s.verb == reloadStep && partOf(word) != unknownPart && partOf(word) != eventsPart && partOf(word) != stepsPart {
			s.files = append(s.files, word)
			continue
		}
		if given[word] {
			return fmt.Errorf("%s is given twice", document.Show(word))
		}
		given[word] = true
		var err error
		judges, reloads := s.verb == judgeStep, s.verb == reloadStep || s.verb == restartStep
		switch {
		case word == "expect":
			s.expect, err = argument()
		case word == "before" && (judges || s.verb == liveStep):
			err = instant(&s.before)
		case word == "as of" && judges:
			err = instant(&s.asOf)
		case word == "as then" && judges:
			s.asThen = true
		case word == "at" && reloads:
			err = instant(&s.at)
		default:
			err = fmt.Errorf("unknown %s: %w", document.Show(word), malformed)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case s.expect == "" && (s.verb == judgeStep || s.verb == checkStep):
		return fmt.Errorf("what is expected is missing: %w", malformed)
	case s.verb == reloadStep && len(s.files) == 0:
		return fmt.Errorf("what is reloaded is missing: %w", malformed)
	case s.asThen && s.asOf != access.End:
		return fmt.Errorf("a judgement is either as of a time or as then: write two steps")
	}
	return nil
}
