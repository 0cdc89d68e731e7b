package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sunsetwatch/cmd/internal/replay"
	"sunsetwatch/consumer/archive"
	"sunsetwatch/consumer/codec"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/detector/ledger/store"
	"sunsetwatch/detector/ledger/table"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
	doc "sunsetwatch/rules/document"
)

const exitIncomplete = 3 // done, but not all could be read

const inputHelp = `An INPUT is a file, a directory (all files below it; names that begin with a dot or
an underscore and links to directories are passed over, which is told), a glob, - for
standard input, or a range of a Kafka topic:

  kafka://broker:9092[,broker:9092]/topic[?from=OFFSET|TIME&to=OFFSET|TIME]

whose ends are fixed when the run begins; TIME is of records there. It joins no
group and commits nothing. What a file is, its content says: JSON lines, plain or
compressed with gzip or zstd, or Parquet. Fields have their native names, or are
mapped by the section events of --config.file, which may name registrations and
rules as well.`

// archiveFlags are those of the commands that read archived events.
type archiveFlags struct {
	registrations []string
	rules, config string
	format        string
	from, to      string
	known         knownAt
	dedupe        bool
	workers       int
	maxRejected   float64
}

func (a *archiveFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&a.registrations, "registrations", nil, "`PATH` of registration files or a directory of them; repeatable; default: those of --config.file")
	f.StringVar(&a.rules, "rules", "", "rule `FILE` with thresholds, exceptions, closures and disputes; default: that of --config.file")
	f.StringVar(&a.config, "config.file", "", "configuration `FILE` that says where fields are, and names registrations and rules")
	f.StringVar(&a.format, "format", "", "`FORMAT` of files: jsonl (also compressed) or parquet; default: by content")
	f.StringVar(&a.from, "from", "", "only events at or after `TIME`, RFC 3339 with a zone")
	f.StringVar(&a.to, "to", "", "only events before `TIME`")
	a.known.add(f)
	f.Lookup("known-at").Usage = "use only what was recorded by `TIME`, and only events before it; default: all"
	f.BoolVar(&a.dedupe, "dedupe", false, "count equal events (same id, same content) once over all inputs, in about 16 bytes of memory an event; for Kafka ranges a window of 65,536 events is on unless this is false")
	f.Float64Var(&a.maxRejected, "max-rejected", 0.01, "exit 3 if more than this `RATIO` of the events was rejected")
	f.IntVar(&a.workers, "workers", 0, "how many `N` goroutines read; they change the speed, not the outcome; 0: the number of CPUs")
}

// read is what the flags say. It reads no events.
func (a *archiveFlags) read(c *cobra.Command, inputs []string) (s replay.Source, q replay.Question, err error) {
	usage := func(err error) (replay.Source, replay.Question, error) {
		return replay.Source{}, replay.Question{}, &exit{exitUsage, err}
	}
	s = replay.Source{Inputs: inputs, Stdin: c.InOrStdin(), Dedupe: a.dedupe, Workers: a.workers, Key: builtInKey}
	s.KeepRepeats = !a.dedupe && c.Flags().Changed("dedupe")
	q = replay.Everything()
	if s.Format, err = archive.ParseFormat(a.format); err != nil {
		return usage(fmt.Errorf("--format: %w", err))
	}
	for _, t := range []struct {
		flag, value string
		to          *access.Instant
	}{{"--from", a.from, &q.From}, {"--to", a.to, &q.To}} {
		if t.value == "" {
			continue
		}
		if *t.to, err = doc.ParseInstant(t.value); err != nil {
			return usage(fmt.Errorf("%s %w", t.flag, err))
		}
	}
	if q.KnownAt, err = a.known.instant(); err != nil {
		return usage(err)
	}
	if a.workers < 0 {
		return usage(fmt.Errorf("--workers %d: write how many goroutines read, or 0 for the number of CPUs", a.workers))
	}
	if !(a.maxRejected >= 0 && a.maxRejected <= 1) {
		return usage(fmt.Errorf("--max-rejected %v: write a part of the events, from 0 to 1", a.maxRejected))
	}
	if a.config == "" {
		if s.Codec, err = codec.Compile(codec.Mapping{}); err != nil {
			return usage(err)
		}
		return s, q, nil
	}
	config, err := readConfig(a.config)
	if err != nil {
		return usage(err)
	}
	s.Codec = config.Codec
	if len(a.registrations) == 0 {
		a.registrations = config.Registrations
	}
	a.rules = cmp.Or(a.rules, config.Rules)
	return s, q, nil
}

// builtInKey hashes people where no other key is given, so that reports repeat.
// What it hashes leaves the process only as numbers of people.
var builtInKey = ledger.Key([]byte("sunsetwatch/0000"))

// heapFloor is memory that nobody touches, and so takes none of the machine's, if it
// is had before the heap has grown. With it the collector comes after tens of
// megabytes instead of after each few: a replay of a few seconds would spend a tenth
// of them on a small heap that only grows.
func heapFloor() []byte { return make([]byte, 48<<20) }

func replayCommand() *cobra.Command {
	var (
		a       archiveFlags
		o       replay.Options
		keyFile string
		failOn  string
		output  string
	)
	c := &cobra.Command{
		Use:   "replay --registrations PATH INPUT...",
		Short: "Judge archived events: what happened, and what was known when",
		Long: `replay reads archived events, holds every access against the registrations, and
prints what is wrong: the same findings as run gives for the same events, by the
same code. It never pages: it writes files, serves nothing, and joins no group.

` + inputHelp + `

Three questions can be asked of the same files:

  what happened, as is known today?           (no flag)
  what did we know on that day?               --known-at 2015-07-15T00:00:00Z
  what would a running system have done,      --as-then
  each revision at the time it was recorded?

--as-then says of each finding when it opened and how late that was, and lists those
that were withdrawn. Nobody was there in the other two: opened_at, detection_delay
and history are empty in them.

The findings are the same, byte for byte, for any number of workers and any order of
inputs. --out DIR gets report.html (one page to read and to hand on), findings.ndjson
(one finding a line) and summary.json (what was read, rejected, found), which comes
last and says that all is whole; metrics/ holds the findings at original times, for a
Prometheus of its own (standard error says how to load them). For the page the inputs
are hashed. A run with --out that was interrupted goes on with the same command and
--resume; one that was killed, from what it keeps every 30 seconds.

--ledger DIR keeps the facts, a few bytes for a million events: replay DIR judges
them again, by other registrations too, without the events. Ledgers of disjoint
inputs are given together, and --ledger makes one of them. They hold people as hashes
with the key of --subject-key-file, 32 hex digits in a file that only its owner may
read, which stays secret:

  (umask 077; od -An -N16 -vtx1 /dev/urandom | tr -d ' \n' > subject.key)

Exit code: 0 done; 1 --fail-on found such a finding; 2 bad usage, configuration or
input; 3 done, but incomplete: an input is cut off or damaged, or more was rejected
than --max-rejected allows (output is written all the same; 1 goes before 3); 130
interrupted.`,
		Example: `  sunsetwatch replay --registrations registrations/ archive/2015/*.jsonl.zst
  sunsetwatch replay --registrations registrations/ --known-at 2015-07-15T00:00:00Z --out report archive/
  sunsetwatch replay --registrations registrations/ --as-then --output json archive/ | jq -r '[.kind, .partner, .opened_at] | @tsv'
  sunsetwatch replay --registrations registrations/ --fail-on warning 'kafka://localhost:9092/partner-access?from=2026-01-01T00:00:00Z'
  sunsetwatch replay --registrations registrations/ --subject-key-file subject.key --ledger facts/2015 archive/2015/
  sunsetwatch replay --registrations registrations/ facts/2015 facts/2016
  zcat access.log.gz | sunsetwatch replay --config.file sunsetwatch.yml -`,
		Args: func(_ *cobra.Command, inputs []string) error {
			if len(inputs) == 0 {
				return errors.New("replay: name the files, directories or topics to read, or - for standard input")
			}
			return nil
		},
		RunE: func(c *cobra.Command, inputs []string) error {
			defer runtime.KeepAlive(heapFloor())
			usage := func(format string, args ...any) error { return &exit{exitUsage, fmt.Errorf(format, args...)} }
			if output != "table" && output != "json" {
				return usage("--output %s: write table or json", doc.Show(output))
			}
			var threshold rules.Severity
			var err error
			if failOn != "" {
				if threshold, err = rules.ParseSeverity(failOn); err != nil {
					return usage("--fail-on: %w", err)
				}
			}
			if o.Ledger != "" && keyFile == "" {
				return usage("--ledger needs --subject-key-file: facts hold people as hashes, and who has the key that everybody has can tell whom")
			}
			if o.Source, o.Question, err = a.read(c, inputs); err != nil {
				return err
			}
			asThen, err := c.Flags().GetBool("as-then")
			if err != nil {
				return err
			}
			o.AsThen = asThen
			if len(a.registrations) == 0 {
				return usage("--registrations is required, or a --config.file that names them")
			}
			if o.Registry, o.Rules, err = readSet(c.ErrOrStderr(), a.registrations, a.rules, access.At(time.Now())); err != nil {
				return err
			}
			if keyFile != "" {
				key, err := store.ReadKey(keyFile)
				if err != nil {
					return &exit{exitUsage, err}
				}
				o.Key, o.KeyID = ledger.Key(key), key.ID()
			}
			o.Facts = table.Header{KeyID: store.Key(o.Key).ID(), Tool: version().String()}
			o.MaxRejected = a.maxRejected
			o.Name = map[string]string{"--format": a.format, "--subject-key-file": "key " + store.Key(o.Key).ID(), "--max-rejected": strconv.FormatFloat(a.maxRejected, 'g', -1, 64)}
			for flag, path := range map[string]string{"--rules": a.rules, "--config.file": a.config} {
				if o.Name[flag], err = hashOf(path); err != nil {
					return &exit{exitUsage, err}
				}
			}
			writeReport, err := reportOf(a.registrations, a.rules)
			if err != nil {
				return &exit{exitUsage, err}
			}
			o.Also = append(o.Also, writeReport, writeMetrics)
			o.Room = roomForReport
			o.Progress = progressTo(c.ErrOrStderr())
			o.Clock = time.Now
			result, err := replay.Run(c.Context(), o)
			if err != nil {
				return replayFailure(c.Context(), err)
			}
			result.Tell(c.ErrOrStderr())
			if o.Out != "" {
				if err := tellMetrics(c.ErrOrStderr(), o.Out); err != nil {
					return &exit{exitUsage, err}
				}
			}
			if output == "json" {
				err = replay.WriteFindings(c.OutOrStdout(), result.Findings)
			} else if err = result.Table(c.OutOrStdout()); err == nil && o.Out != "" {
				_, err = fmt.Fprintf(c.OutOrStdout(), "Written to %s\n", strings.Join(written(o.Out), ", "))
			}
			switch {
			case err != nil:
				return &exit{exitUsage, err}
			case failOn != "" && result.Worst(threshold):
				return &exit{code: exitFindings}
			case len(result.Lacks) > 0:
				return &exit{code: exitIncomplete}
			}
			return nil
		},
	}
	f := c.Flags()
	a.add(f)
	f.Bool("as-then", false, "judge as the running system would have, each revision revealed when it was recorded; withdrawn findings are listed too")
	f.StringVar(&o.Out, "out", "", "write report.html, findings.ndjson, summary.json and metrics/ into `DIR`")
	f.StringVar(&o.Ledger, "ledger", "", "also write the facts into `DIR`, from which they can be judged again without the events")
	f.BoolVar(&o.Resume, "resume", false, "go on from a run with the same --out that was interrupted or killed")
	f.StringVar(&failOn, "fail-on", "", "exit 1 if a finding of `SEVERITY` (info, warning, critical) or above is open or quiet")
	f.StringVar(&keyFile, "subject-key-file", "", "`FILE` with the key that hashes people; default: a built-in one, so that reports repeat")
	f.StringVarP(&output, "output", "o", "table", "`FORMAT` of standard output: table or json")
	return c
}

// replayFailure gives an error of package replay its exit code.
func replayFailure(ctx context.Context, err error) error {
	var interrupted *replay.Interrupted
	if errors.As(err, &interrupted) || ctx.Err() != nil {
		return &exit{exitInterrupted, err}
	}
	return &exit{exitUsage, err}
}

// hashOf is what tells the content of a file from another; empty for no file.
func hashOf(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return "sha256 " + sumOf(data), nil
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// written are the paths of the output, the hidden ones left out.
func written(dir string) []string {
	var all []string
	for _, name := range []string{reportName, replay.FindingsName, replay.SummaryName, metricsName} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			all = append(all, filepath.Join(dir, name))
		}
	}
	return all
}

// progressTo tells a person how far it is, on a terminal with a bar.
func progressTo(w io.Writer) replay.Progress {
	p := replay.Progress{To: w}
	if file, ok := w.(*os.File); ok {
		info, err := file.Stat()
		p.Terminal = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" && os.Getenv("TERM") != ""
	}
	return p
}
