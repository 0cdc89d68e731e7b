package openmetrics

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"sunsetwatch/cmd/internal/timeline"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/registry"
)

// Data is what came of a replay.
type Data struct {
	Registry *registry.Snapshot // as it was known
	Rules    *rules.RuleSet     // may be nil
	Findings []*rules.Finding
	Facts    timeline.Facts // numbers by day want days, see ledger.PiecesOptions.Daily
	Now      access.Instant // time of judgement; Beginning: nothing is judged
}

// BlockRange is the length of a block, and so of a file: what promtool makes of
// --max-block-duration=720h. Blocks are aligned to 1970.
const BlockRange = 486 * access.Hour

// Extension of the files.
const Extension = ".om"

// Write writes a file for each block in which there is a sample into dir, which is
// made if it is not there, and returns their names in the order of time.
func Write(dir string, d Data) ([]string, error) {
	if d.Now == access.Beginning {
		return nil, nil
	}
	all := seriesOf(&d)
	from, until := access.End, access.Beginning
	for _, s := range all {
		from, until = min(from, s.from), max(until, s.until)
	}
	from = max(from, 0) // a Prometheus knows no times before 1970
	if from > until {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	var names []string
	for block := blockOf(from); block <= until; block += BlockRange {
		times := timesIn(block, d.Now)
		if !anySample(all, times) {
			continue
		}
		name := block.Time().Format("20060102T150405Z") + Extension
		if err := writeFile(filepath.Join(dir, name), all, times); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// blockOf is the beginning of the block that holds t.
func blockOf(t access.Instant) access.Instant {
	b := t % BlockRange
	if b < 0 {
		b += BlockRange
	}
	return t - b
}

// end is the time of the last sample: the first whole second after now.
func end(now access.Instant) access.Instant {
	second := access.Minute / 60
	r := now % second
	if r < 0 {
		r += second
	}
	return now - r + second
}

// timesIn are the times of samples in a block: its midnights up to the end, and
// the end.
func timesIn(block, now access.Instant) []access.Instant {
	last := end(now)
	var times []access.Instant
	for day := (block - 1).Day() + 1; day.Start() < min(block+BlockRange, last); day++ {
		times = append(times, day.Start())
	}
	if block <= last && last < block+BlockRange {
		times = append(times, last)
	}
	return times
}

func anySample(all []*series, times []access.Instant) bool {
	for _, s := range all {
		for _, t := range times {
			if s.shown(t) {
				return true
			}
		}
	}
	return false
}

func writeFile(path string, all []*series, times []access.Instant) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(file, all, times), file.Close())
}

// write writes the samples of some times, metric by metric, as promtool wants them.
func write(w io.Writer, all []*series, times []access.Instant) error {
	out := bufio.NewWriter(w) // an error stays, for Flush to report
	for _, m := range metrics {
		head := false
		for _, s := range all {
			if s.metric != m.name {
				continue
			}
			for _, t := range times {
				v, is := s.at(t)
				if !is {
					continue
				}
				if !head {
					fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", m.name, m.help, m.name)
					head = true
				}
				fmt.Fprintf(out, "%s%s %s %d\n", s.metric, s.labels, strconv.FormatFloat(v, 'g', -1, 64), int64(t/(access.Minute/60)))
			}
		}
	}
	out.WriteString("# EOF\n")
	return out.Flush()
}

// labelsOf is a set of labels, by pairs of name and value. Empty ones are left out,
// as Prometheus does.
func labelsOf(pairs ...string) string {
	var parts []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		v := strings.ToValidUTF8(pairs[i+1], "\uFFFD")
		v = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(v)
		parts = append(parts, pairs[i]+`="`+v+`"`)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// Commands are what loads the files of dir into a Prometheus of their own, for a
// person to run.
func Commands(dir string) string {
	return fmt.Sprintf(`for file in %s/*%s; do
  promtool tsdb create-blocks-from --max-block-duration=720h openmetrics "$file" history
done
prometheus --config.file=/dev/null --storage.tsdb.path=history --storage.tsdb.retention.time=100y \
  --query.lookback-delta=25h --web.listen-address=127.0.0.1:9099
`, quoted(dir), Extension)
}

// quoted is a path as a shell takes it.
func quoted(path string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("._-/+@:,", r)
	}
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	if strings.ContainsFunc(path, func(r rune) bool { return !plain(r) }) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
