package deploy

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"
	"time"
)

//go:embed prometheus/rules.yml.tmpl
var rulesTemplate string

// Rules are the parameters of the alert rules. Durations are rendered in whole
// milliseconds. DefaultRules gives the values that are shipped; the end-to-end
// test renders shorter ones.
type Rules struct {
	// Job is the scrape job of sunsetwatch in prometheus.yml.
	Job string
	// ExternalURL is where people reach sunsetwatch; without a slash at its end.
	ExternalURL string
	// RunbookURL is where people reach deploy/runbook.md.
	RunbookURL string

	// Window is how long a finding counts as open after its last sample that
	// said so. It bridges scrape gaps and restarts.
	Window time.Duration
	// KeepFiring is how long a finding's alert goes on after that, so that a
	// gap longer than Window does not resolve a page and send it again.
	KeepFiring time.Duration
	// For is how long sunsetwatch must have been blind before it says so.
	For time.Duration
	// Behind is how far a partition with unread records may be judged behind
	// the clock.
	Behind time.Duration
	// Recent is how far back a failure or a loss still counts.
	Recent time.Duration
	// Memory is how far back the greatest known number of lost records is
	// looked up, so that records lost while nobody scraped are seen.
	Memory time.Duration
	// RejectedRatio is the part of the events that may be rejected, 0 to 1.
	RejectedRatio float64
	// ShrunkRatio is the part of the registrations that must remain, 0 to 1.
	ShrunkRatio float64
}

// DefaultRules returns the parameters of deploy/prometheus/sunsetwatch.rules.yml.
func DefaultRules() Rules {
	return Rules{
		Job:           "sunsetwatch",
		ExternalURL:   "http://localhost:9469",
		RunbookURL:    "https://example.com/sunsetwatch/runbook.md",
		Window:        5 * time.Minute,
		KeepFiring:    15 * time.Minute,
		For:           5 * time.Minute,
		Behind:        15 * time.Minute,
		Recent:        time.Hour,
		Memory:        24 * time.Hour,
		RejectedRatio: 0.01,
		ShrunkRatio:   0.8,
	}
}

// A findingAlert is the alert of one kind.
type findingAlert struct {
	Alert, Kind, Summary, Description string
}

func findingAlerts() []findingAlert {
	return []findingAlert{
		{
			Alert:   "SunsetwatchAccessAfterSunset",
			Kind:    "access_after_sunset",
			Summary: "{{ $labels.partner }} still gets data of {{ $labels.feature }} after its sunset",
			Description: "{{ $labels.partner }} has got data for the feature {{ $labels.feature }}" +
				"{{ with $labels.program }} of the program {{ . }}{{ end }}, whose sunset is over" +
				"{{ if eq $labels.severity \"critical\" }}, and its grace too{{ end }}.",
		},
		{
			Alert:   "SunsetwatchNoRegistration",
			Kind:    "no_registration",
			Summary: "{{ $labels.partner }} gets data of {{ $labels.feature }} without a registration",
			Description: "{{ if eq $labels.partner \"_unregistered\" }}A principal that belongs to no partner" +
				"{{ else }}{{ $labels.partner }}{{ end }} has got data for the feature {{ $labels.feature }}," +
				" and nothing is registered that allows it.",
		},
		{
			Alert:   "SunsetwatchAccessBeforeStart",
			Kind:    "before_start",
			Summary: "{{ $labels.partner }} got data of {{ $labels.feature }} before its start",
			Description: "{{ $labels.partner }} has got data for the feature {{ $labels.feature }}" +
				" before the registration allows it.",
		},
	}
}

// A programAlert is the alert of a program for one severity: that of its most
// severe part.
type programAlert struct {
	Severity string
	Operator string // how the set of programs with a critical part is applied
}

func programAlerts() []programAlert {
	return []programAlert{{"critical", "and"}, {"warning", "unless"}}
}

// Render returns a rule file that Prometheus 2.42 and later load. It fails when a
// text would not be one plain YAML string, or a duration is not positive.
func (r Rules) Render() ([]byte, error) {
	for name, text := range map[string]string{"Job": r.Job, "ExternalURL": r.ExternalURL, "RunbookURL": r.RunbookURL} {
		if text == "" || strings.ContainsAny(text, "\"'\\{}\n") || strings.HasSuffix(text, "/") {
			return nil, fmt.Errorf("rules: %s %q is empty, ends in a slash, or has a quote, a brace, a backslash or a line break", name, text)
		}
	}
	for name, d := range map[string]time.Duration{
		"Window": r.Window, "KeepFiring": r.KeepFiring, "For": r.For,
		"Behind": r.Behind, "Recent": r.Recent, "Memory": r.Memory,
	} {
		if d < time.Millisecond {
			return nil, fmt.Errorf("rules: %s is %v, and must be at least 1ms", name, d)
		}
	}
	parsed, err := template.New("rules").Delims("<<", ">>").Option("missingkey=error").
		Funcs(template.FuncMap{"duration": promDuration, "seconds": time.Duration.Seconds, "lower": strings.ToLower}).
		Parse(rulesTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, struct {
		Rules
		Findings []findingAlert
		Programs []programAlert
	}{r, findingAlerts(), programAlerts()})
	if err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// promDuration writes a duration as Prometheus does: the greatest unit that
// divides it.
func promDuration(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d%unit.length == 0 {
			return fmt.Sprintf("%d%s", d/unit.length, unit.name)
		}
	}
	return fmt.Sprintf("%dms", d.Milliseconds())
}
