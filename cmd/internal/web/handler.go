package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sunsetwatch/detector/exporter"
	"sunsetwatch/rules"
)

// Options of a handler.
type Options struct {
	Logger   *slog.Logger        // required
	Gatherer prometheus.Gatherer // of /metrics; required
	// Missing names what is not ready yet ("registrations are not loaded");
	// empty: ready.
	Missing func() []string
	// Reload loads the registrations anew; nil: they are not reloaded. It is
	// only called where Lifecycle is set (--web.enable-lifecycle).
	Reload    func(context.Context) error
	Lifecycle bool
	// Restored is whether Findings and Status have something to tell; nil: they
	// have. Until then the API refuses: no finding yet is not none.
	Restored func() bool
	// Findings are all that are kept, in any order; they are not changed.
	Findings func() []*rules.Finding
	// Labels are the partner and feature labels under which a finding is shown
	// in metrics, so that links made of labels find it; nil: its own names.
	Labels func(*rules.Finding) (partner, feature string)
	Status func() Status
	// External is the URL under which others reach this server
	// (--web.external-url); nil: none. Paths are served with and without its
	// path in front, so that a proxy may strip it or not.
	External *url.URL
	Build    exporter.Build
}

// maxBody caps the body of a request; nothing here reads one.
const maxBody = 64 << 10

// NewHandler is the handler of all paths.
func NewHandler(o Options) (http.Handler, error) {
	h := &handler{Options: o}
	if h.Labels == nil {
		h.Labels = func(f *rules.Finding) (string, string) { return f.Partner, f.Feature }
	}
	landing, err := h.landingPage()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Gatherer, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelError),
		// One broken series must not take the alerts of all others away.
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 16,
	}))
	mux.HandleFunc("GET /-/healthy", h.healthy)
	mux.HandleFunc("GET /-/ready", h.ready)
	mux.HandleFunc("POST /-/reload", h.reload)
	mux.HandleFunc("PUT /-/reload", h.reload)
	mux.HandleFunc("/api/", h.api)
	mux.Handle("GET /{$}", landing)
	return h.outer(mux), nil
}

type handler struct{ Options }

// outer is what holds for every request.
func (h *handler) outer(next http.Handler) http.Handler {
	prefix := h.prefix()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if rest, under := strings.CutPrefix(r.URL.Path, prefix); prefix != "" && under && (rest == "" || rest[0] == '/') {
			http.StripPrefix(prefix, withSlash(next)).ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// withSlash makes the empty path, left of a stripped prefix, the root.
func withSlash(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "" {
			r.URL.Path = "/"
		}
		next.ServeHTTP(w, r)
	})
}

// prefix is the path of the external URL, without a slash at its end.
func (h *handler) prefix() string {
	if h.External == nil {
		return ""
	}
	return strings.TrimRight(h.External.Path, "/")
}

func (h *handler) healthy(w http.ResponseWriter, _ *http.Request) {
	text(w, http.StatusOK, "sunsetwatch is healthy.\n")
}

func (h *handler) ready(w http.ResponseWriter, _ *http.Request) {
	if missing := h.missing(); len(missing) > 0 {
		text(w, http.StatusServiceUnavailable, "sunsetwatch is not ready:\n- "+strings.Join(missing, "\n- ")+"\n")
		return
	}
	text(w, http.StatusOK, "sunsetwatch is ready.\n")
}

func (h *handler) missing() []string {
	if h.Missing == nil {
		return nil
	}
	return h.Missing()
}

func (h *handler) reload(w http.ResponseWriter, r *http.Request) {
	if !h.Lifecycle || h.Reload == nil {
		text(w, http.StatusForbidden, "reload over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP\n")
		return
	}
	if err := h.Reload(r.Context()); err != nil {
		text(w, http.StatusInternalServerError, fmt.Sprintf("reload refused, what was loaded before is kept:\n%v\n", err))
		return
	}
	text(w, http.StatusOK, "reloaded\n")
}

func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	// A client that went away is no error of ours.
	_, _ = io.WriteString(w, body)
}

// ParseExternalURL reads --web.external-url; empty: nil.
func ParseExternalURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("external URL: %w", err)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, fmt.Errorf("external URL %q: want http://HOST[:PORT][/PATH], or the same with https", s)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, errors.New("external URL: user, query and fragment are not allowed")
	}
	return u, nil
}

// FindingsURL is where the findings of these labels are listed: the finding_url
// of an alert. A nil external gives a path.
func FindingsURL(external *url.URL, kind, partner, feature string) string {
	base := ""
	if external != nil {
		base = strings.TrimRight(external.String(), "/")
	}
	return fmt.Sprintf("%s/api/v1/findings?kind=%s&partner=%s&feature=%s",
		base, url.QueryEscape(kind), url.QueryEscape(partner), url.QueryEscape(feature))
}
