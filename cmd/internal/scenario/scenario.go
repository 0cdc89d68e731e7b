// Package scenario runs stories that anybody can write: registrations, events
// and the findings that are expected of them, in one text file. What runs is the
// product: the codec, the fold, the ledger, the registry and the judge; the
// package adds the telling of events, the steps of a story, and the comparison.
// The format is documented in rules/scenarios/README.md.
//
// The package refuses to guess: what it does not understand of a file is a
// problem with its place, and a finding that a file does not list is a
// difference, unless the file allows others.
//
// Concurrency: a Scenario that was parsed is not changed and may be run from any
// goroutine.
package scenario

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
	"sunsetwatch/rules/registry"
)

// Scenario is one file.
type Scenario struct {
	Name  string // of the file, as given
	Story string // the comment at its head

	archive  *txtar.Archive
	sections []*section
	lines    []eventLine
	steps    []step
	expected map[string]*expected // by section
}

// section is one part of the file.
type section struct {
	name   string
	data   []byte
	marker int // line of its marker; the data begins on the next
}

// part is what a section is for, told by its name.
type part uint8

const (
	unknownPart part = iota
	registrationsPart
	rulesPart
	eventsPart
	stepsPart
	findingsPart
	problemsPart
)

// The names of sections that are the default of something.
const (
	registrationsName = "registrations.yml"
	rulesName         = "rules.yml"
	eventsName        = "events"
	stepsName         = "steps"
	findingsName      = "findings"
	problemsName      = "problems"
)

const sectionAdvice = "name it registrations.yml, rules.yml, events, steps, findings or problems; several of a kind are told apart by what follows: registrations-2016.yml, findings-as-then"

func partOf(name string) part {
	stem, yml := strings.CutSuffix(name, ".yml")
	begins := func(word string) bool { return stem == word || strings.HasPrefix(stem, word+"-") }
	switch {
	case yml && begins("registrations"):
		return registrationsPart
	case yml && begins("rules"):
		return rulesPart
	case yml:
		return unknownPart
	case name == eventsName:
		return eventsPart
	case name == stepsName:
		return stepsPart
	case begins(findingsName):
		return findingsPart
	case begins(problemsName):
		return problemsPart
	}
	return unknownPart
}

// Parse reads a file. The Scenario is nil where a problem is an error.
// Registrations and rules are read when the scenario runs, since a scenario may
// be about files that are refused.
func Parse(name string, data []byte) (*Scenario, document.Problems) {
	s := &Scenario{Name: name, archive: txtar.Parse(data), expected: map[string]*expected{}}
	s.Story = strings.TrimSpace(string(s.archive.Comment))
	p := &problems{file: name}
	s.split(p)
	if s.section(registrationsName) == nil {
		p.at(1, 1, "", "the section %s is missing: a scenario holds events against registrations", registrationsName)
	}
	if e := s.section(eventsName); e != nil {
		s.lines = parseEvents(e, p)
	}
	if st := s.section(stepsName); st != nil {
		s.steps = parseSteps(st, p)
	} else {
		s.steps = s.defaultSteps()
	}
	s.readExpected(p)
	s.checkSteps(p)
	if len(p.all) > 0 {
		slices.SortStableFunc(p.all, func(a, b document.Problem) int { return a.Line - b.Line })
		return nil, p.all
	}
	return s, nil
}

// split notes where the sections are.
func (s *Scenario) split(p *problems) {
	line := 1 + bytes.Count(s.archive.Comment, []byte("\n"))
	for _, f := range s.archive.Files {
		e := &section{name: f.Name, data: f.Data, marker: line}
		line += 1 + bytes.Count(f.Data, []byte("\n"))
		text := "-- " + f.Name + " --"
		switch {
		case s.section(f.Name) != nil:
			p.at(e.marker, 1, text, "the section %s is there twice: first on line %d", document.Show(f.Name), s.section(f.Name).marker)
		case partOf(f.Name) == unknownPart:
			advice := sectionAdvice
			if near := document.Nearest(f.Name, []string{registrationsName, rulesName, eventsName, stepsName, findingsName, problemsName}); near != "" {
				advice = "did you mean " + near + "?"
			}
			p.at(e.marker, 1, text, "unknown section %s: %s", document.Show(f.Name), advice)
		default:
			s.sections = append(s.sections, e)
		}
	}
}

func (s *Scenario) section(name string) *section {
	for _, e := range s.sections {
		if e.name == name {
			return e
		}
	}
	return nil
}

// readExpected reads the sections of expectations.
func (s *Scenario) readExpected(p *problems) {
	for _, e := range s.sections {
		switch partOf(e.name) {
		case findingsPart:
			s.expected[e.name] = parseFindings(p.file, e, p)
		case problemsPart:
			s.expected[e.name] = parseProblems(e)
		}
	}
}

// checkSteps holds the steps against the sections.
func (s *Scenario) checkSteps(p *problems) {
	used := map[string]bool{}
	for i := range s.steps {
		st := &s.steps[i]
		for _, name := range st.files {
			switch e := s.section(name); {
			case partOf(name) != registrationsPart && partOf(name) != rulesPart:
				p.at(st.line, 1, st.text, "reload takes sections of registrations and of rules, not %s", document.Show(name))
			case e == nil:
				p.at(st.line, 1, st.text, "there is no section %s: add it, with what was registered from then on", document.Show(name))
			}
		}
		name := st.expect
		if name == "" {
			continue
		}
		used[name] = true
		want := findingsPart
		if st.verb == checkStep {
			want = problemsPart
		}
		switch {
		case partOf(name) != want && want == problemsPart:
			p.at(st.line, 1, st.text, "check expects a section problems, not %s", document.Show(name))
		case partOf(name) != want:
			p.at(st.line, 1, st.text, "%s expects a section findings, not %s", st.verb, document.Show(name))
		case s.section(name) == nil:
			p.at(st.line, 1, st.text, "there is no section %s: add it with [] in it and let test --update fill it in", document.Show(name))
		}
		if st.verb != checkStep && s.section(eventsName) == nil {
			p.at(st.line, 1, st.text, "there is no section events: nothing can be judged. If nothing shall happen, add it with a comment")
		}
		if e := s.expected[name]; e != nil && !st.lives() {
			e.noPages(p)
		}
	}
	for _, e := range s.sections {
		if s.expected[e.name] != nil && !used[e.name] {
			p.at(e.marker, 1, "-- "+e.name+" --", "no step expects %s: add one to the section steps, or remove it", e.name)
		}
	}
	if len(s.steps) == 0 {
		p.at(1, 1, "", "nothing is expected: add a section findings, with [] in it if nothing shall be found")
	}
}

// file is a section of registrations or rules as they are read. Its places are those of
// the scenario's file.
func (s *Scenario) file(name string) registry.File {
	return registry.File{Name: s.Name, Data: s.section(name).padded()}
}

// padded is the data with as many lines before it as there are in the file.
func (e *section) padded() []byte {
	return append(bytes.Repeat([]byte("\n"), e.marker), e.data...)
}

// Title is the name of the file without its folder.
func (s *Scenario) Title() string { return path.Base(strings.ReplaceAll(s.Name, "\\", "/")) }

// problems collects what is wrong in a file.
type problems struct {
	file string
	all  document.Problems
}

// at reports a problem in a line, whose text is given.
func (p *problems) at(line, column int, text, format string, args ...any) {
	problem := document.Problem{File: p.file, Line: line, Column: column, Message: printable(fmt.Sprintf(format, args...))}
	if text != "" && column <= maxExcerpt {
		problem.Excerpt, problem.Caret = printable(cut(text)), column
	}
	p.all = append(p.all, problem)
}

// maxExcerpt is how much of a line is quoted, in characters.
const maxExcerpt = 160

func cut(text string) string {
	runes := []rune(text)
	if len(runes) <= maxExcerpt {
		return text
	}
	return string(runes[:maxExcerpt]) + "…"
}

// now is the instant at which nothing is in the future.
const now = access.End
