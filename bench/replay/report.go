package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Between these lines of the results file stands what was measured; the rest of it
// is written by people.
const (
	measuredBegin = "<!-- measured: written by go run . -write -->"
	measuredEnd   = "<!-- end of what was measured -->"
)

// goals are the ratios asked for of each format: at least, and aimed at.
var goals = map[string][2]float64{linesFile: {1.2, 2}, packedFile: {1.1, 1.5}, tableFile: {0.7, 2}}

// table is what was measured, as Markdown.
func (b *bench) table(contests []*contest, program, duckdb series, load [2]string) string {
	var t strings.Builder
	m := b.manifest
	events, people := m.Answer.totals()
	fmt.Fprintf(&t, "%s\n\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	fmt.Fprintf(&t, "* sunsetwatch %s; DuckDB %s, as a library, through its C API\n", b.versionOfProgram(), b.duck.version)
	fmt.Fprintf(&t, "* %s, %d processors; load before %s, after %s\n", processor(), runtime.NumCPU(), load[0], load[1])
	fmt.Fprintf(&t, "* %d events, SHA-256 of the lines %s\n", m.Events, m.Checksum)
	fmt.Fprintf(&t, "* every run of every contender answered right: %d partners and features with %d accesses after a sunset (%.1f %%), %d people summed over them\n",
		len(m.Answer), events, 100*float64(events)/float64(m.Events), people)
	start := func(s series) float64 { least, _, _ := s.cpu(); return least }
	fmt.Fprintf(&t, "* starting and ending alone, which is in all numbers: sunsetwatch %.2f s, DuckDB %.2f s\n\n", start(program), start(duckdb))
	fmt.Fprintf(&t, "| input | threads | contender | rounds | CPU s: min | median | max | wall s: min | RSS MiB: max | ratio of minima (medians) to the short question | to the whole question | asked for (aim) |\n")
	fmt.Fprintf(&t, "|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range contests {
		n := len(c.took)
		for i, s := range c.took {
			least, median, most := s.cpu()
			wall, _, _ := s.wall()
			fmt.Fprintf(&t, "| %s, %d MB | %d | %s | %d | %.2f | %.2f | %.2f | %.2f | %d |", c.file, m.Bytes[c.file]/1e6, c.threads, c.names[i], len(s), least, median, most, wall, s.peak()>>20)
			if i >= n-2 {
				fmt.Fprintf(&t, " | | |\n")
				continue
			}
			for _, rival := range c.took[n-2:] {
				rivalLeast, rivalMedian, _ := rival.cpu()
				fmt.Fprintf(&t, " **%.2f** (%.2f) |", rivalLeast/least, rivalMedian/median)
			}
			g := goals[c.file]
			fmt.Fprintf(&t, " %g (%g) |\n", g[0], g[1])
		}
	}
	return t.String()
}

// write puts the table into the results file.
func write(file, table string) error {
	old, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		old = []byte("# Replay against DuckDB\n\n" + measuredBegin + "\n" + measuredEnd + "\n")
	} else if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(old, []byte(measuredBegin))
	_, after, ok2 := bytes.Cut(rest, []byte(measuredEnd))
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for what was measured: the lines %q and %q", file, measuredBegin, measuredEnd)
	}
	return os.WriteFile(file, fmt.Appendf(nil, "%s%s\n\n%s\n%s%s", before, measuredBegin, table, measuredEnd, after), 0o644)
}

func (b *bench) versionOfProgram() string {
	out, err := exec.Command(b.program[0], "version").Output()
	if err != nil {
		return "of unknown version"
	}
	version := strings.Join(strings.Fields(strings.TrimPrefix(string(out), "sunsetwatch")), " ")
	if commit, err := exec.Command("git", "describe", "--always", "--dirty").Output(); err == nil {
		version += ", tree " + strings.TrimSpace(string(commit))
	}
	return version
}

// processor names the processor.
func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo") // elsewhere there is none
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// load is how many processes want to run, over the last minute.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(b))[0]
}
