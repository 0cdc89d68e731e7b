package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"
)

// ServeOptions are how to serve.
type ServeOptions struct {
	Handler http.Handler
	Logger  *slog.Logger
	// ConfigFile says TLS and basic authentication, as every exporter of the
	// Prometheus project does (--web.config.file); empty: neither.
	ConfigFile string
	// Grace is how long requests under way may last after ctx is done; 0: 5 s.
	Grace time.Duration
}

// Listen opens the addresses, each HOST:PORT; an error opens none.
func Listen(addresses []string) ([]net.Listener, error) {
	var all []net.Listener
	for _, a := range addresses {
		l, err := net.Listen("tcp", a)
		if err != nil {
			for _, l := range all {
				l.Close()
			}
			if word := (*net.AddrError)(nil); errors.As(err, &word) {
				return nil, fmt.Errorf("--web.listen-address %q: %w; write HOST:PORT, such as 127.0.0.1:9469", a, err)
			}
			return nil, fmt.Errorf("web: %w; choose another --web.listen-address", err)
		}
		all = append(all, l)
	}
	if len(all) == 0 {
		return nil, errors.New("web: no address to listen on; give --web.listen-address")
	}
	return all, nil
}

// Validate reads the file of --web.config.file, and the certificates that it
// names; no file is fine.
func Validate(configFile string) error {
	if err := toolkit.Validate(configFile); err != nil {
		return fmt.Errorf("--web.config.file %s: %w", configFile, err)
	}
	return nil
}

// Serve answers on the listeners, which it closes, until ctx is done and the
// requests under way have ended or Grace has passed. It returns nil after ctx is
// done, else why it cannot serve.
func Serve(ctx context.Context, listeners []net.Listener, o ServeOptions) error {
	if err := Validate(o.ConfigFile); err != nil {
		for _, l := range listeners {
			l.Close()
		}
		return err
	}
	if o.Grace == 0 {
		o.Grace = 5 * time.Second
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, l := range listeners {
		// The toolkit wraps the handler of the server that it serves, so that
		// each listener needs its own.
		server := newServer(o)
		group.Go(func() error {
			err := toolkit.Serve(l, server, &toolkit.FlagConfig{WebConfigFile: &o.ConfigFile}, o.Logger)
			l.Close()
			if errors.Is(err, http.ErrServerClosed) {
				return nil
			}
			return fmt.Errorf("web: serving on %s: %w", l.Addr(), err)
		})
		group.Go(func() error {
			<-ctx.Done()
			limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Grace)
			defer cancel()
			if err := server.Shutdown(limit); err != nil {
				o.Logger.Warn("requests were cut off at the stop", "address", l.Addr().String(), "err", err)
				server.Close()
			}
			return nil
		})
	}
	return group.Wait()
}

func newServer(o ServeOptions) *http.Server {
	return &http.Server{
		Handler:           o.Handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn),
	}
}
