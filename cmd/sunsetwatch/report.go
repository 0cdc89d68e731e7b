package main

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"

	"sunsetwatch/cmd/internal/registrations"
	"sunsetwatch/cmd/internal/replay"
	"sunsetwatch/cmd/internal/report"
	"sunsetwatch/rules/access"
)

// reportName is the page of a replay, one file that needs nothing beside it.
const reportName = "report.html"

// reportOf writes the page that tells what a replay found. The files that it names
// are hashed now: when it is written, hours later, they may say something else.
func reportOf(registrationPaths []string, ruleFile string) (write func(dir string, r *replay.Result) error, err error) {
	var sets, ruleFiles []report.File
	files, err := registrations.Files(registrationPaths)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		sets = append(sets, report.File{Path: f.Name, SHA256: sumOf(f.Data)})
	}
	if ruleFile != "" {
		data, err := os.ReadFile(ruleFile)
		if err != nil {
			return nil, err
		}
		ruleFiles = append(ruleFiles, report.File{Path: ruleFile, SHA256: sumOf(data)})
	}
	return func(dir string, r *replay.Result) error {
		s := r.Summary
		d := report.Data{
			RegistrySHA256: s.RegistrySHA256,
			From:           r.From, To: r.To, KnownAt: r.KnownAt, AsThen: r.AsThen,
			Version:       version().String(),
			Registrations: sets, Rules: ruleFiles,
			Registry: r.Registry, Findings: r.Findings, Facts: r.Facts, Now: access.Beginning,
			Read: s.EventsRead, Counted: s.EventsCounted, Duplicate: s.EventsDuplicate, OutOfRange: s.EventsOutOfRange,
			First: r.First, Last: r.Last, Lacks: r.Lacks, Notes: r.Notes,
		}
		if r.Last != access.Beginning {
			d.Now = r.Now()
		}
		for _, in := range s.Inputs {
			d.Inputs = append(d.Inputs, report.Input{Path: in.Path, SHA256: r.Hashes[in.Path], Bytes: in.Bytes, Events: in.Events})
		}
		for reason := range access.Reasons {
			name := access.Reason(reason).String()
			if n := s.EventsRejected[name]; n > 0 {
				d.Rejected = append(d.Rejected, report.Rejected{Reason: name, Events: n, Places: s.RejectedPlaces[name]})
			}
		}
		file, err := os.Create(filepath.Join(dir, reportName))
		if err != nil {
			return err
		}
		out := bufio.NewWriter(file)
		if err = report.Write(out, d); err == nil { // else Flush says the same again
			err = out.Flush()
		}
		return errors.Join(err, file.Sync(), file.Close())
	}, nil
}
