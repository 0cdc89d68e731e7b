package web

import (
	"html"
	"net/http"

	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// landingPage is what a person sees first. Its links carry the path of the
// external URL.
func (h *handler) landingPage() (http.Handler, error) {
	page, err := toolkit.NewLandingPage(toolkit.LandingConfig{
		RoutePrefix: html.EscapeString(h.prefix()) + "/",
		Name:        "sunsetwatch",
		Description: "Which partner is still pulling data of a feature that was shut down",
		Version:     html.EscapeString(h.Build.Version),
		Profiling:   "false",
		Links: []toolkit.LandingLinks{
			{Address: "api/v1/findings?state=open", Text: "Open findings", Description: "what is wrong now, most severe first (JSON)"},
			{Address: "api/v1/findings", Text: "Findings", Description: "all that are kept; filter by kind, partner, feature, state, severity"},
			{Address: "api/v1/status", Text: "Status", Description: "build, registrations, partitions and how far they are judged, saves"},
			{Address: "metrics", Text: "Metrics", Description: "for Prometheus"},
			{Address: "-/healthy", Text: "Healthy", Description: "the process answers"},
			{Address: "-/ready", Text: "Ready", Description: "registrations loaded, state restored, partitions found"},
		},
	})
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The page compares the path with its own prefix, which outer has
		// stripped.
		r = r.Clone(r.Context())
		r.URL.Path = html.EscapeString(h.prefix()) + "/"
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		page.ServeHTTP(w, r)
	}), nil
}
