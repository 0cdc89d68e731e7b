// Package demo tells the story of the product with an embedded broker: six
// years of partner access go by in about a minute and are watched as by run.
//
// It is the one package of the program that imports the fake broker. It refuses
// to reach into the daemon: what it prints of findings it has from the API that
// users have.
//
// Concurrency: Run starts the daemon, the producer and the narrator, and has
// ended them all when it returns.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"sunsetwatch/cmd/internal/daemon"
	"sunsetwatch/detector/exporter"
)

// Options of Run.
type Options struct {
	Listen   []string      // addresses of the endpoints
	Duration time.Duration // stop after this wall time; 0: when ctx is done
	Speed    float64       // 1: the story takes about a minute
	Out      io.Writer     // the narration
	Log      *zap.Logger
	Now      func() time.Time
	Build    exporter.Build
	// Told is called once the whole story is produced; nil: not.
	Told func()
}

// step is how often the producer writes.
const step = 100 * time.Millisecond

// Run tells the story and keeps serving until ctx is done or the duration is
// over.
func Run(ctx context.Context, o Options) error {
	if o.Speed <= 0 {
		return &daemon.BadConfig{Err: fmt.Errorf("--speed: %v is not more than 0", o.Speed)}
	}
	if o.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Duration)
		defer cancel()
	}
	dir, err := os.MkdirTemp("", "sunsetwatch-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	registrations := filepath.Join(dir, "registrations.yml")
	if err := os.WriteFile(registrations, registrationsYAML, 0o600); err != nil {
		return err
	}
	b, err := newBroker()
	if err != nil {
		return err
	}
	defer b.close()

	config, problems := daemon.LoadConfig(filepath.Join(dir, "sunsetwatch.yml"), configuration(b), os.LookupEnv)
	if err := problems.Err(); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	listening := make(chan []net.Addr, 1)
	g.Go(func() error {
		return daemon.Run(ctx, daemon.Options{
			Config: config, ConfigFile: "(demo)", Listen: o.Listen, Lifecycle: true,
			Log: o.Log, Now: o.Now, Build: o.Build,
			Listening: func(a []net.Addr) { listening <- a },
		})
	})
	g.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case addresses := <-listening:
			n := &narrator{out: o.Out, url: "http://" + addresses[0].String()}
			return tell(ctx, o, b, n)
		}
	})
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func configuration(b *broker) []byte {
	return fmt.Appendf(nil, `kafka:
  brokers: [%q]
  topics: [%s]
registrations: [registrations.yml]
state: {dir: state, save_every: 1s}
`, b.addresses()[0], topic)
}

// tell produces the story at its speed and narrates it.
func tell(ctx context.Context, o Options, b *broker, n *narrator) error {
	n.welcome(o.Speed)
	perStep := float64(storyEnds.Sub(storyBegins)) / float64(storyLength) * float64(step) * o.Speed
	tick := time.NewTicker(step)
	defer tick.Stop()
	now, produced := storyBegins, storyBegins // in the story's time
	marks := milestones()
	events := 0
	for produced.Before(storyEnds) {
		now = now.Add(time.Duration(perStep))
		until := now.Truncate(24 * time.Hour)
		if until.After(storyEnds) {
			until = storyEnds
		}
		for len(marks) > 0 && marks[0].at.Before(until) {
			n.say(marks[0].at, marks[0].text)
			marks = marks[1:]
		}
		made, err := b.produce(ctx, produced, until)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		events += made
		produced = until
		n.news(ctx, until)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
	n.caughtUp(ctx, events)
	if o.Told != nil {
		o.Told()
	}
	<-ctx.Done()
	return nil
}
