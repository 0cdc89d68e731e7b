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
	// Notice is how long before its end an exception is told that still
	// suppresses the page of a finding.
	Notice time.Duration
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
		Notice:        7 * 24 * time.Hour,
		RejectedRatio: 0.01,
		ShrunkRatio:   0.8,
	}
}

// A findingAlert is the alert of one kind.
type findingAlert struct {
	Alert, Kind, Summary, Description string
	// Event is what a finding of the kind consists of; of accesses the number and
	// the people are told too. Empty: of nothing that happened.
	Event string
}

const (
	byAccess  = "access"
	byAttempt = "attempt"
	byProbe   = "probe"
	byAbsence = ""
)

// Severities are left to the label: a rule file may change them.
func findingAlerts() []findingAlert {
	const (
		partner = `{{ $labels.partner }}`
		feature = `{{ $labels.feature }}`
		got     = partner + " has got data for the feature " + feature
		whoever = `{{ if eq $labels.partner "_unregistered" }}a principal that belongs to no partner{{ else }}` + partner + `{{ end }}`
		Whoever = `{{ if eq $labels.partner "_unregistered" }}A principal that belongs to no partner{{ else }}` + partner + `{{ end }}`
		program = `{{ with $labels.program }} of the program {{ . }}{{ end }}`
	)
	return []findingAlert{
		{
			"SunsetwatchAccessAfterSunset", "access_after_sunset",
			partner + " still gets data of " + feature + " after its sunset",
			got + program + ", whose sunset is over.",
			byAccess,
		},
		{
			"SunsetwatchAttemptsAfterSunset", "attempts_after_sunset",
			partner + " still calls " + feature + " after its sunset, and is refused",
			partner + " goes on calling the feature " + feature + program + ", whose sunset is over." +
				" Every call was denied or failed: it got no data.",
			byAttempt,
		},
		{
			"SunsetwatchNoRegistration", "no_registration",
			partner + " gets data of " + feature + " without a registration",
			Whoever + " has got data for the feature " + feature + ", and nothing is registered that allows it.",
			byAccess,
		},
		{
			"SunsetwatchAccessBeforeStart", "before_start",
			partner + " got data of " + feature + " before its start",
			got + " before the registration allows it.",
			byAccess,
		},
		{
			"SunsetwatchAccessDuringPause", "access_during_pause",
			partner + " got data of " + feature + " during a pause",
			got + " while it was paused: the brownout did not stop it.",
			byAccess,
		},
		{
			"SunsetwatchOperationOverreach", "operation_overreach",
			partner + " uses " + feature + " by an operation that it was not granted",
			partner + " has used the feature " + feature + " by an operation that its terms do not grant.",
			byAccess,
		},
		{
			"SunsetwatchScopeOverreach", "scope_overreach",
			partner + " gets data of " + feature + " in a scope that it was not granted",
			got + " in a scope that its terms do not grant.",
			byAccess,
		},
		{
			"SunsetwatchScopeRetired", "scope_retired",
			partner + " still gets the retired scope {{ $labels.detail }} of " + feature,
			got + " in the scope {{ $labels.detail }}, which is retired for everybody.",
			byAccess,
		},
		{
			"SunsetwatchMissingConsent", "missing_consent",
			partner + " gets data of " + feature + " about people who did not consent",
			got + " without the consent that its terms require.",
			byAccess,
		},
		{
			"SunsetwatchThirdPartySubject", "third_party_subject",
			partner + " gets data of " + feature + " about people who did not authorise it",
			got + " about others than the person who authorised the call, and its terms allow own data only.",
			byAccess,
		},
		{
			"SunsetwatchIndicatorMissing", "indicator_missing",
			partner + " gets data of " + feature + " with the indicator hidden",
			got + " with the indicator hidden that its terms require.",
			byAccess,
		},
		{
			"SunsetwatchInboundUndeclared", "inbound_undeclared",
			partner + " feeds data into " + feature + ", undeclared",
			partner + " has fed data into the feature " + feature + ", which its terms do not declare.",
			byAccess,
		},
		{
			"SunsetwatchRetainedCapability", "retained_capability",
			partner + " could still get data of " + feature,
			"A probe says that " + whoever + " still has the capability for the feature " + feature + program +
				", and nothing allows it. No access was counted.",
			byProbe,
		},
		{
			"SunsetwatchDormantGrant", "dormant_grant",
			partner + " does not use " + feature,
			"The registration of " + partner + " for the feature " + feature + " is active, and no access was counted for long.",
			byAbsence,
		},
	}
}

// A programAlert is the alert of a program for one severity: that of its most
// severe part.
type programAlert struct {
	Severity string
	No       string // a pattern of the severities that no part has; empty: of none
}

func programAlerts() []programAlert {
	return []programAlert{
		{Severity: "critical"},
		{Severity: "warning", No: "critical"},
		{Severity: "info", No: "warning|critical"},
	}
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
		"Behind": r.Behind, "Recent": r.Recent, "Memory": r.Memory, "Notice": r.Notice,
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
