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
	"math"
	"net"
	"os"
	"path/filepath"
	"syscall"
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
	Speed    float64       // more than 0; 1: the story takes about a minute
	Out      io.Writer     // the narration
	Log      *zap.Logger
	Now      func() time.Time
	Build    exporter.Build
	// Told is called with the URL of the endpoints once the whole story is
	// produced and judged; nil: not.
	Told func(url string)
}

// step is how often the producer writes.
const step = 100 * time.Millisecond

// Run tells the story and keeps serving until ctx is done or the duration is
// over; that is no error.
func Run(ctx context.Context, o Options) error {
	if err := check(&o); err != nil {
		return &daemon.BadConfig{Err: err}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if o.Duration > 0 {
		// Not a deadline: that would reach the sockets of requests under way, which
		// would look like brokers that do not answer.
		defer time.AfterFunc(o.Duration, stop).Stop()
	}
	dir, err := os.MkdirTemp("", "sunsetwatch-demo-")
	if err != nil {
		return fmt.Errorf("a directory for the demo: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "registrations.yml"), registrationsYAML, 0o600); err != nil {
		return fmt.Errorf("the registrations of the demo: %w", err)
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
	if err := watch(ctx, o, config, b); err != nil {
		return err
	}
	fmt.Fprintln(o.Out, "\nStopped. Nothing of the demo is kept.")
	return nil
}

func check(o *Options) error {
	switch {
	case !(o.Speed > 0) || math.IsInf(o.Speed, 1):
		return fmt.Errorf("--speed: %v is not a number above 0; 1 tells the story in about a minute, 2 in half of it", o.Speed)
	case o.Duration < 0:
		return fmt.Errorf("--duration: %v is less than 0; leave it out to go on until Ctrl-C", o.Duration)
	}
	return nil
}

// watch runs the daemon on the broker while the story is told.
func watch(ctx context.Context, o Options, config *daemon.Config, b *broker) error {
	g, ctx := errgroup.WithContext(ctx)
	listening := make(chan []net.Addr, 1)
	g.Go(func() error {
		err := daemon.Run(ctx, daemon.Options{
			Config: config, ConfigFile: "(demo)", Listen: o.Listen, Lifecycle: true,
			Log: o.Log, Now: o.Now, Build: o.Build,
			Listening: func(a []net.Addr) { listening <- a },
		})
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("%w\nSomething listens there already, perhaps another demo: stop it, or add --web.listen-address=127.0.0.1:0 for any free port", err)
		}
		return err
	})
	g.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case addresses := <-listening:
			n := newNarrator(o.Out, "http://"+addresses[0].String())
			defer n.close()
			return tell(ctx, o, b, n)
		}
	})
	return g.Wait()
}

func configuration(b *broker) []byte {
	return fmt.Appendf(nil, `kafka:
  brokers: [%q]
  topics: [%s]
registrations: [registrations.yml]
state: {dir: state, save_every: 1s}
`, b.addresses()[0], topic)
}

// tell produces the story at its speed and narrates it, until ctx is done.
func tell(ctx context.Context, o Options, b *broker, n *narrator) error {
	n.welcome(o.Speed)
	tick := time.NewTicker(step)
	defer tick.Stop()
	var c clock
	marks := milestones()
	events := 0
	for produced := storyBegins; produced.Before(storyEnds); {
		until := c.next(o.Speed)
		for len(marks) > 0 && marks[0].at.Before(until) {
			n.say(marks[0].at, marks[0].word, marks[0].text)
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
		n.news(ctx, until)
		if y := until.Year(); y > produced.Year() {
			n.soFar(ctx, date(y, 1, 1))
		}
		produced = until
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
	if !n.caughtUp(ctx, events) {
		return nil
	}
	n.summary(ctx, events)
	if o.Told != nil {
		o.Told(n.url)
	}
	<-ctx.Done()
	return nil
}

// clock is the time of the story: days since it began, with their fraction.
type clock float64

// next is the midnight before which everything has happened one step later.
func (c *clock) next(speed float64) time.Time {
	days := storyEnds.Sub(storyBegins).Hours() / 24
	*c = min(*c+clock(days/float64(storyLength/step)*speed), clock(days))
	return storyBegins.AddDate(0, 0, int(*c))
}
