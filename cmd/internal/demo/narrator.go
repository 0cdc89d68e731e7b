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
	out    io.Writer
	url    string // of the endpoints
	client http.Client
	known  map[string]told // by id of the finding
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
	Days      uint64 `json:"days"`
	People    uint64 `json:"people"`
	Exact     bool   `json:"people_exact"`
	LastEvent struct {
		Time time.Time `json:"time"`
	} `json:"last_event"`
}

func newNarrator(out io.Writer, url string) *narrator {
	return &narrator{out: out, url: url, client: http.Client{Transport: &http.Transport{}}, known: map[string]told{}}
}

func (n *narrator) close() { n.client.CloseIdleConnections() }

func (n *narrator) welcome(speed float64) {
	takes := "a minute"
	if speed != 1 {
		takes = fmt.Sprintf("%.3g s", storyLength.Seconds()/speed)
	}
	fmt.Fprintf(n.out, `Six years of partner access, %s to %s, in about %s. Ten partners call
an API, and features that they call it for are shut down. Most access is lawful.
Which is not? The broker is embedded; what watches is what "sunsetwatch run" is.

While it goes on:  %s/api/v1/findings  and  %[4]s/metrics

`, storyBegins.Format(time.DateOnly), storyEnds.Format(time.DateOnly), takes, n.url)
}

func (n *narrator) say(at time.Time, word, text string) {
	fmt.Fprintf(n.out, "%s  %-8s %s\n", at.Format(time.DateOnly), word, text)
}

// news says what became of findings since it last looked.
func (n *narrator) news(ctx context.Context, now time.Time) {
	for _, f := range n.findings(ctx) {
		was, known := n.known[f.ID]
		is := told{f.Severity, f.State}
		n.known[f.ID] = is
		switch {
		case !known:
			n.say(now, "FINDING", fmt.Sprintf("%s, %s: %s%s, %s so far, %s", f.Kind, f.Severity, f.name(), f.ofProgram(), f.accesses(), f.people()))
		case was.severity != is.severity:
			n.say(now, strings.ToUpper(f.Severity), fmt.Sprintf("%s: %s so far, %s", f.name(), f.accesses(), f.people()))
		case was.state != is.state:
			n.say(now, f.State, fmt.Sprintf("%s: the last access was on %s; %s on %s, %s", f.name(),
				f.LastEvent.Time.Format(time.DateOnly), f.accesses(), count(f.Days, "day", "days"), f.people()))
		}
	}
}

// soFar says at the turn of a year what has come together, and about how many
// people the largest finding is: people are never added up over findings,
// since they may be the same ones.
func (n *narrator) soFar(ctx context.Context, at time.Time) {
	var accesses uint64
	var largest finding
	findings := n.findings(ctx)
	for _, f := range findings {
		accesses += f.Events
		if f.People > largest.People {
			largest = f
		}
	}
	if accesses == 0 {
		return
	}
	n.say(at, "so far", fmt.Sprintf("%s too many in %s; %s alone: %s", count(accesses, "access", "accesses"),
		count(uint64(len(findings)), "finding", "findings"), largest.name(), largest.people()))
}

// caughtUp waits until so many events are judged and shown; false where ctx is
// done first.
func (n *narrator) caughtUp(ctx context.Context, events int) bool {
	tick := time.NewTicker(step)
	defer tick.Stop()
	// The last events may have been read between a judgement and its save; the
	// save after that one has them judged, and by the next it is shown.
	var last time.Time
	for saves := 0; saves < 3; {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
		var status struct {
			State struct {
				LastSave time.Time `json:"last_save_at"`
			} `json:"state"`
			Topics []struct {
				Read uint64 `json:"events_read"`
			} `json:"topics"`
		}
		if n.get(ctx, "/api/v1/status", &status) && len(status.Topics) == 1 && status.Topics[0].Read >= uint64(events) &&
			status.State.LastSave.After(last) {
			last = status.State.LastSave
			saves++
		}
	}
	return true
}

// summary says what was found and what there is to look at.
func (n *narrator) summary(ctx context.Context, events int) {
	n.news(ctx, storyEnds)
	fmt.Fprintf(n.out, "\nThe story is told: %s events. What was found, most severe first:\n\n", number(uint64(events)))
	w := tabwriter.NewWriter(n.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SEVERITY\tPARTNER\tFEATURE\tKIND\tSTATE\tACCESSES\tDAYS\tPEOPLE")
	for _, f := range n.findings(ctx) {
		about := ""
		if !f.Exact {
			about = "about "
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%8s\t%5s\t%s%s\n", f.Severity, f.Partner, f.Feature, f.Kind, f.State,
			number(f.Events), number(f.Days), about, number(f.People))
	}
	w.Flush()
	fmt.Fprintf(n.out, `
The other four partners did nothing wrong. Look at it:

  curl -s %[1]s/metrics | grep ^sunsetwatch_finding_open
  curl -s '%[1]s/api/v1/findings?partner=netflix'
  curl -s %[1]s/api/v1/status
  %[1]s/   in a browser

Serving until Ctrl-C.
`, n.url)
}

// findings are none where the API does not answer.
func (n *narrator) findings(ctx context.Context) []finding {
	var answer struct{ Findings []finding }
	n.get(ctx, "/api/v1/findings?limit=1000", &answer)
	return answer.Findings
}

// get reports whether the API answered: it does not before it is up and when
// everything stops, and neither is news.
func (n *narrator) get(ctx context.Context, path string, into any) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url+path, nil)
	if err != nil {
		return false
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(into) == nil
}

func (f *finding) name() string { return f.Partner + " " + f.Feature }

func (f *finding) ofProgram() string {
	if f.Program == "" {
		return ""
	}
	return " (program " + f.Program + ")"
}

func (f *finding) accesses() string { return count(f.Events, "access", "accesses") }

func (f *finding) people() string {
	s := count(f.People, "person", "people")
	if !f.Exact {
		return "about " + s
	}
	return s
}

func count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// number is n with a comma between thousands.
func number(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
