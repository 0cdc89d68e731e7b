package daemon

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sunsetwatch/consumer"
	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/document"
)

// environment is a lookup over pairs NAME=value.
func environment(pairs ...string) func(string) (string, bool) {
	all := map[string]string{}
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		all[name] = value
	}
	return func(name string) (string, bool) {
		v, ok := all[name]
		return v, ok
	}
}

const least = `
kafka:
  brokers: [localhost:9092]
  topics: [partner-access]
registrations: [registrations/]
`

func load(t *testing.T, text string, env ...string) *Config {
	t.Helper()
	c, problems := LoadConfig("conf/sunsetwatch.yml", []byte(text), environment(env...))
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", problems)
	}
	c.Codec = nil // compared by the tests of codec
	return c
}

func TestLoadConfigDefaults(t *testing.T) {
	want := &Config{
		Kafka: KafkaConfig{
			Brokers: []string{"localhost:9092"},
			Topics:  []string{"partner-access"},
			Group:   "sunsetwatch",
		},
		Registrations: []string{"conf/registrations"},
		Hold:          15 * time.Minute,
		StateDir:      "conf/state",
		SaveEvery:     10 * time.Second,
	}
	if diff := cmp.Diff(want, load(t, least)); diff != "" {
		t.Error(diff)
	}
	nothing := "\nevents:\nfindings:\nstate: {}\nsubjects:\nrules:\n"
	if diff := cmp.Diff(want, load(t, least+nothing)); diff != "" {
		t.Errorf("with empty sections: %s", diff)
	}
}

func TestLoadConfigWhole(t *testing.T) {
	got := load(t, `
kafka:
  brokers: ["${HOST}:9092", "[::1]:9093"]
  topics: [access.a, "access.${STAGE}"]
  group: watch-${STAGE}
  start: 2015-07-01T00:00:00+02:00
  on_gap: stop
  tls:
  sasl: ~
events:
  fields:
    time:      eventTime
    principal: userIdentity.arn | userIdentity.principalId
    operation: {path: readOnly, values: {"true": read, false: write}, default: other}
    outcome:   {path: errorCode, present: error, absent: served}
    subject:   header:x-user
    feature:   "=$${x}"
    records:   {const: 1}
  explode: Records
  time_format: unix_ms
registrations: [registrations/, /etc/partners.yml, ../more]
rules: "../${STAGE}/rules.yml"
findings: {hold: "${HOLD}"}
state: {dir: /var/lib/sunsetwatch/, save_every: 1s}
subjects: {key_file: keys/subject.key}
`, "HOST=kafka", "STAGE=prod", "HOLD=1m30s")
	want := &Config{
		Kafka: KafkaConfig{
			Brokers: []string{"kafka:9092", "[::1]:9093"},
			Topics:  []string{"access.a", "access.prod"},
			Group:   "watch-prod",
			Start:   consumer.Start{Time: time.Date(2015, 6, 30, 22, 0, 0, 0, time.UTC)},
			OnGap:   consumer.Stop,
		},
		Events: codec.Mapping{
			Fields: map[string]codec.Rule{
				"time":      {Path: "eventTime"},
				"principal": {Path: "userIdentity.arn | userIdentity.principalId"},
				"operation": {Path: "readOnly", Values: map[string]string{"true": "read", "false": "write"}, Default: "other"},
				"outcome":   {Path: "errorCode", Present: "error", Absent: "served"},
				"subject":   {Path: "header:x-user"},
				"feature":   {Path: "=${x}"},
				"records":   {Const: "1"},
			},
			Explode:    "Records",
			TimeFormat: "unix_ms",
		},
		Registrations:  []string{"conf/registrations", "/etc/partners.yml", "more"},
		Rules:          "prod/rules.yml",
		Hold:           90 * time.Second,
		StateDir:       "/var/lib/sunsetwatch",
		SaveEvery:      time.Second,
		SubjectKeyFile: "conf/keys/subject.key",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadConfigStart(t *testing.T) {
	for word, want := range map[string]consumer.Start{
		"earliest":             {},
		"latest":               {Latest: true},
		"2018-12-19T09:00:00Z": {Time: time.Date(2018, 12, 19, 9, 0, 0, 0, time.UTC)},
	} {
		c := load(t, strings.Replace(least, "topics:", "start: "+word+"\n  topics:", 1))
		if c.Kafka.Start != want {
			t.Errorf("%s: %v", word, c.Kafka.Start)
		}
	}
}

// TestLoadConfigProblems: every line with a comment `# at COLUMN: MESSAGE` has
// exactly that problem, and no other line has any.
func TestLoadConfigProblems(t *testing.T) {
	tests := map[string]string{
		"everything at once": `
kafka:
  brokers: [localhost, "h:0", "h:65536", ":9092", "h:9092", "h:9092"]  # at 13: localhost is no broker address: write HOST:PORT, like kafka-1.example:9092
  topics: ["a b"]   # at 12: "a b" is no topic name
  topic: [x]        # at 3: unknown key topic
  group: ""         # at 10: group is empty
  start: yesterday  # at 10: start must be earliest, latest or an instant
  on_gap: skip      # at 11: on_gap is skip: write continue or stop
  tls: {ca_file: x} # at 3: tls is not supported yet: leave it out
  sasl: {user: x}   # at 3: sasl is not supported yet: leave it out
rules: ""           # at 8: rules is empty: write a path
registrations: []   # at 16: registrations is empty: list at least one
findings: {hold: 0} # at 18: hold must be more than 0
state:
  dir: ""           # at 8: dir is empty: write a path
  save_every: 999ms # at 15: save_every must be at least 1s
  keep: 3           # at 3: unknown key keep
subjects: {file: x} # at 12: unknown key file
evnets: {}          # at 1: unknown key evnets: did you mean events?
`,
		"variables": `
kafka:
  brokers: ["${HOST}:9092"]       # at 13: environment variable HOST is not set
  topics: ["${EMPTY}", "x${", y]  # at 12: "" is no topic name
  group: ${1}                     # at 10: ${ begins no variable: write ${NAME}
registrations: ["${EMPTY}"]       # at 17: registrations is empty: write a path
state: {save_every: "${DIR}"}     # at 21: save_every "somewhere" is not a duration
`,
		"wrong types": `
kafka:
  brokers: localhost:9092  # at 12: brokers must be a list
  topics: {a: b}           # at 11: topics must be a list
  start: [latest]          # at 10: start must be text
registrations: [true, [x]] # at 17: registrations must be text
rules: [rules.yml]         # at 8: rules must be text, not a list
findings: 15m              # at 11: findings must be a mapping
state: {dir: [x], save_every: {a: b}} # at 14: dir must be text
`,
		"events": `
kafka: {brokers: ["h:1"], topics: [t]}
registrations: [r]
events:
  fields:
    principle: app       # at 5: events.fields.principle: unknown field (did you mean "principal"?)
    time:                # at 5: time is empty: write a path
    outcome: {path: a, presnt: error} # at 24: unknown key presnt: did you mean present?
    operation: {values: {a: [b]}} # at 29: a must be text
    feature: "${F}"      # at 14: environment variable F is not set
  time_format: unixx     # at 16: unix
  explodes: a            # at 3: unknown key explodes: did you mean explode?
`,
		"missing": `
events: {}  # at 1: kafka is missing
`,
		"missing in kafka": `
kafka:
  group: x       # at 3: brokers is missing
registrations: [x]
`,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			c, problems := LoadConfig("sunsetwatch.yml", []byte(text), environment("EMPTY=", "DIR=somewhere"))
			if c != nil {
				t.Fatal("taken")
			}
			reported := map[int][]document.Problem{}
			for _, p := range problems {
				reported[p.Line] = append(reported[p.Line], p)
			}
			for i, line := range strings.Split(text, "\n") {
				_, want, expected := strings.Cut(line, "# at ")
				got := reported[i+1]
				if !expected {
					if len(got) > 0 {
						t.Errorf("line %d:\n%s", i+1, document.Problems(got))
					}
					continue
				}
				column, message, _ := strings.Cut(want, ": ")
				found := false
				for _, p := range got {
					found = found || strings.Contains(p.Message, message) && strings.TrimSpace(column) == strconv.Itoa(p.Column)
				}
				if !found {
					t.Errorf("line %d: want column %s: %s\ngot\n%s", i+1, column, message, document.Problems(got))
				}
			}
		})
	}
}

func TestLoadConfigShowsTheLineWithACaret(t *testing.T) {
	_, problems := LoadConfig("dir/sunsetwatch.yml", []byte("kafka:\n  brokers: [localhost]\n  topics: [t]\nregistrations: [r]\n"), environment())
	want := `dir/sunsetwatch.yml:2:13: error: localhost is no broker address: write HOST:PORT, like kafka-1.example:9092
    2 |   brokers: [localhost]
      |             ^
`
	if got := problems.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestExpand(t *testing.T) {
	env := environment("A=1", "B=${A}", "EMPTY=", "_x9=y")
	for in, want := range map[string]string{
		"":             "",
		"plain $A $$":  "plain $A $$",
		"${A}":         "1",
		"a${A}b${_x9}": "a1by",
		"${B}":         "${A}",
		"${EMPTY}":     "",
		"$${A}":        "${A}",
		"$$${A}":       "$${A}",
		"$${":          "${",
	} {
		if got, err := expand(in, env); got != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"${":        "begins no variable",
		"x${A":      "begins no variable",
		"${}":       "begins no variable",
		"${A-B}":    "begins no variable",
		"${C}":      "environment variable C is not set",
		"${C} ${D}": "environment variable C is not set",
	} {
		if _, err := expand(in, env); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
	}
}

func FuzzLoadConfig(f *testing.F) {
	f.Add([]byte(least))
	f.Add([]byte(least + "events: {fields: {time: a.b | c, operation: {path: x, values: {a: b}}}, explode: r}\nfindings: {hold: 1s}\n"))
	f.Add([]byte("kafka: {brokers: ['${A}'], start: '$${'}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, problems := LoadConfig("f.yml", data, environment("A=h:1"))
		if (c == nil) != (problems.Errors() > 0) {
			t.Fatalf("config %v with\n%s", c, problems)
		}
		if c == nil {
			return
		}
		if len(c.Kafka.Brokers) == 0 || len(c.Kafka.Topics) == 0 || len(c.Registrations) == 0 ||
			c.Kafka.Group == "" || c.StateDir == "" || c.Hold <= 0 || c.SaveEvery < time.Second || c.Codec == nil {
			t.Fatalf("incomplete: %+v", c)
		}
	})
}

// The shipped example loads as it is, and with its example of a mapping.
func TestTheExampleLoads(t *testing.T) {
	path := filepath.Join("..", "..", "..", "deploy", "sunsetwatch.example.yml")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, problems := LoadConfig(path, data, os.LookupEnv)
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", problems)
	}
	if len(c.Events.Fields) > 0 {
		t.Errorf("the example maps %v: native events would be rejected", c.Events.Fields)
	}
	c, problems = LoadConfig(path, bytes.ReplaceAll(data, []byte("#:"), nil), os.LookupEnv)
	if len(problems) > 0 {
		t.Fatalf("problems of the mapping:\n%s", problems)
	}
	if len(c.Events.Fields) < 8 || c.Events.Explode == "" {
		t.Errorf("the mapping is %+v", c.Events)
	}
}
