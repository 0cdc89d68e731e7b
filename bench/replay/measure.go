package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// usage is what a process took from its start to its end.
type usage struct {
	cpu  float64 // seconds, user and system
	wall float64 // seconds
	peak int64   // bytes resident
}

// measure runs a command. What it prints goes to files, so that nobody works for
// it meanwhile.
func measure(cmd *exec.Cmd, stdout string) (usage, error) {
	out, err := os.Create(stdout)
	if err != nil {
		return usage{}, err
	}
	defer out.Close()
	said, err := os.Create(stdout + ".err")
	if err != nil {
		return usage{}, err
	}
	defer said.Close()
	cmd.Stdout, cmd.Stderr = out, said
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		b, _ := os.ReadFile(said.Name())
		return usage{}, fmt.Errorf("%v: %w\n%s", cmd.Args, err, b)
	}
	r := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return usage{
		cpu:  (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(),
		wall: time.Since(begin).Seconds(),
		peak: r.Maxrss << 10, // Linux counts in KiB
	}, nil
}

// series are the usages of a contender, by round.
type series []usage

func (s series) cpu() (least, median, most float64) {
	return spread(s, func(u usage) float64 { return u.cpu })
}

func (s series) wall() (least, median, most float64) {
	return spread(s, func(u usage) float64 { return u.wall })
}

func (s series) peak() int64 {
	var peak int64
	for _, u := range s {
		peak = max(peak, u.peak)
	}
	return peak
}

func spread(s series, of func(usage) float64) (least, median, most float64) {
	all := make([]float64, len(s))
	for i, u := range s {
		all[i] = of(u)
	}
	slices.Sort(all)
	n := len(all)
	return all[0], (all[(n-1)/2] + all[n/2]) / 2, all[n-1]
}
