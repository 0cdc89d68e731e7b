package main

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// contest is one format read with so many threads.
type contest struct {
	file    string
	threads int
	names   []string // of the contenders
	took    []series
}

// contender is a whole command.
type contender struct {
	name string
	want answer
	run  func(c *contest) (usage, answer, error)
}

// bench is what contests are held with.
type bench struct {
	data, scratch string
	manifest      *manifest
	world         *world
	duck          *duck
	program       []string // the command line, with {workers}, {registrations} and {input}
	before        []string // the same of another build; nil: none
	log           io.Writer
}

// The two questions that DuckDB is asked.
const (
	shortQuestion = "DuckDB, short question"
	wholeQuestion = "DuckDB, whole question"
)

func (b *bench) contenders() []contender {
	want := b.manifest.Answer
	all := []contender{{"sunsetwatch", want, func(c *contest) (usage, answer, error) { return b.replay(b.program, c) }}}
	if b.before != nil {
		all = append(all, contender{"before", want, func(c *contest) (usage, answer, error) { return b.replay(b.before, c) }})
	}
	return append(all,
		contender{shortQuestion, want.short(), func(c *contest) (usage, answer, error) { return b.ask(c, false) }},
		contender{wholeQuestion, want, func(c *contest) (usage, answer, error) { return b.ask(c, true) }})
}

// hold has the contenders take turns, each round beginning with another.
func (b *bench) hold(c *contest, rounds int) error {
	all := b.contenders()
	c.took = make([]series, len(all))
	for _, k := range all {
		c.names = append(c.names, k.name)
	}
	for round := range rounds {
		for i := range all {
			n := (i + round) % len(all)
			u, a, err := all[n].run(c)
			if err != nil {
				return fmt.Errorf("%s: %w", all[n].name, err)
			}
			if d := a.differences(all[n].want); len(d) > 0 {
				return fmt.Errorf("%s answers wrongly on %s:\n%s", all[n].name, c.file, strings.Join(d, "\n"))
			}
			c.took[n] = append(c.took[n], u)
			fmt.Fprintf(b.log, "%s, %d threads, round %d: %s %.2f s CPU, %.2f s, %d MiB\n", c.file, c.threads, round+1, all[n].name, u.cpu, u.wall, u.peak>>20)
		}
	}
	return nil
}

// replay runs the program.
func (b *bench) replay(line []string, c *contest) (usage, answer, error) {
	args := make([]string, len(line))
	fill := strings.NewReplacer("{workers}", strconv.Itoa(c.threads), "{registrations}", filepath.Join(b.data, registrationsFile),
		"{input}", filepath.Join(b.data, c.file))
	for i, a := range line {
		args[i] = fill.Replace(a)
	}
	out := filepath.Join(b.scratch, "findings.ndjson")
	u, err := measure(exec.Command(args[0], args[1:]...), out)
	if err != nil {
		return u, nil, err
	}
	a, err := fromFindings(out)
	return u, a, err
}

// ask asks DuckDB the whole question, or the short one.
func (b *bench) ask(c *contest, whole bool) (usage, answer, error) {
	events, err := scan(filepath.Join(b.data, c.file), whole)
	q := question{Threads: c.threads, Whole: whole, Gaps: filepath.Join(b.data, gapsFile), Events: events, Answer: filepath.Join(b.scratch, "answer.csv")}
	cmd, err2 := b.duck.command(filepath.Join(b.scratch, "question.sql"), q.sql())
	if err := errors.Join(err, err2); err != nil {
		return usage{}, nil, err
	}
	u, err := measure(cmd, filepath.Join(b.scratch, "duckdb"))
	if err != nil {
		return u, nil, err
	}
	a, err := fromTable(q.Answer, b.world)
	return u, a, err
}

// starts measures what each takes to do nothing.
func (b *bench) starts(rounds int) (program, duckdb series, err error) {
	for range rounds {
		cmd, err := b.duck.command(filepath.Join(b.scratch, "nothing.sql"), "SELECT 1")
		if err != nil {
			return nil, nil, err
		}
		u, err := measure(cmd, filepath.Join(b.scratch, "nothing"))
		if err != nil {
			return nil, nil, err
		}
		duckdb = append(duckdb, u)
		if u, err = measure(exec.Command(b.program[0], "version"), filepath.Join(b.scratch, "nothing")); err != nil {
			return nil, nil, err
		}
		program = append(program, u)
	}
	return program, duckdb, nil
}
