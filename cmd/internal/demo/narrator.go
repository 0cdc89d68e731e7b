package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"
)

// narrator prints what happens, in the time of the story.
type narrator struct {
	out   io.Writer
	url   string // of the endpoints
	known map[string]told
}

// told is what was last said of a finding.
type told struct{ severity, state string }

// finding is what the narrator reads of one at the API.
type finding struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	Severity  string `json:"severity"`
	State     string `json:"state"`
	Partner   string `json:"partner"`
	Feature   string `json:"feature"`
	Program   string `json:"program"`
	Events    uint64 `json:"events"`
	Attempts  uint64 `json:"attempts"`
	Days      uint64 `json:"days"`
	People    uint64 `json:"people"`
	Exact     bool   `json:"people_exact"`
	LastEvent struct {
		Time time.Time `json:"time"`
	} `json:"last_event"`
}

func (n *narrator) welcome(speed float64) {
	fmt.Fprintf(n.out, `sunsetwatch demo: partner access from %s to %s, told in about %s.
Ten partners, an embedded broker, no other server. Most access is lawful.

`, storyBegins.Format(time.DateOnly), storyEnds.Format(time.DateOnly), (time.Duration(float64(storyLength) / speed)).Round(time.Second))
}

func (n *narrator) say(at time.Time, text string) {
	fmt.Fprintf(n.out, "%s  %s\n", at.Format(time.DateOnly), text)
}

// news prints what became of findings since it last looked.
func (n *narrator) news(ctx context.Context, now time.Time) {
	if n.known == nil {
		n.known = map[string]told{}
	}
	for _, f := range n.findings(ctx) {
		was, known := n.known[f.ID]
		is := told{f.Severity, f.State}
		n.known[f.ID] = is
		switch {
		case !known:
			n.say(now, fmt.Sprintf("  FINDING %s (%s): %s %s%s, %s about %s", f.Kind, f.Severity, f.Partner, f.Feature, ofProgram(f), count(f.Events, "access", "accesses"), people(f)))
		case was.severity != is.severity:
			n.say(now, fmt.Sprintf("  %s %s is %s now: %s about %s", f.Partner, f.Feature, strings.ToUpper(f.Severity), count(f.Events, "access", "accesses"), people(f)))
		case was.state != is.state:
			n.say(now, fmt.Sprintf("  %s %s is %s: %s on %s about %s, the last on %s", f.Partner, f.Feature, f.State,
				count(f.Events, "access", "accesses"), count(f.Days, "day", "days"), people(f), f.LastEvent.Time.Format(time.DateOnly)))
		}
	}
}

// findings are none where the API does not answer yet.
func (n *narrator) findings(ctx context.Context) []finding {
	var answer struct{ Findings []finding }
	if !n.get(ctx, "/api/v1/findings?limit=1000", &answer) {
		return nil
	}
	return answer.Findings
}

func (n *narrator) get(ctx context.Context, path string, into any) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url+path, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(into) == nil
}

// caughtUp waits until everything produced is judged, and says what there is to
// look at.
func (n *narrator) caughtUp(ctx context.Context, events int) {
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		var status struct {
			Topics []struct {
				Read uint64 `json:"events_read"`
			} `json:"topics"`
		}
		if n.get(ctx, "/api/v1/status", &status) && len(status.Topics) == 1 && status.Topics[0].Read >= uint64(events) {
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
	n.news(ctx, storyEnds)
	fmt.Fprintf(n.out, "\nThe story is told: %d events. What was found:\n\n", events)
	w := tabwriter.NewWriter(n.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SEVERITY\tPARTNER\tFEATURE\tKIND\tSTATE\tACCESSES\tDAYS\tPEOPLE")
	for _, f := range n.findings(ctx) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", f.Severity, f.Partner, f.Feature, f.Kind, f.State, f.Events, f.Days, people(f))
	}
	w.Flush()
	fmt.Fprintf(n.out, `
Look at it:
  curl -s %[1]s/metrics | grep sunsetwatch_finding_open
  curl -s '%[1]s/api/v1/findings?partner=netflix'
  curl -s %[1]s/api/v1/status
  %[1]s/   in a browser

Serving until Ctrl-C.
`, n.url)
}

func ofProgram(f finding) string {
	if f.Program == "" {
		return ""
	}
	return " (program " + f.Program + ")"
}

func people(f finding) string {
	s := count(f.People, "person", "people")
	if !f.Exact {
		s = "~" + s
	}
	return s
}

func count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
