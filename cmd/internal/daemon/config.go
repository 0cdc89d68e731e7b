package daemon

import (
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"sunsetwatch/consumer"
	"sunsetwatch/consumer/codec"
	"sunsetwatch/detector/exporter"
	"sunsetwatch/rules/document"
)

// Config is the configuration of run, complete: defaults are filled in, and
// paths are absolute or relative to the working directory.
type Config struct {
	Kafka KafkaConfig
	// Events says where the fields of an event are found; the zero Mapping is
	// the native format. Codec is the same, compiled.
	Events codec.Mapping
	Codec  *codec.Compiled
	// Registrations are files and directories, at least one.
	Registrations []string
	// Rules is the rule file; empty: none, every kind has its defaults.
	Rules string
	// Hold is how long a finding stays shown after it opens, relapses or rises;
	// more than 0, by default 15 minutes.
	Hold time.Duration
	// StateDir is the directory of the saved state; by default `state` beside
	// the configuration file.
	StateDir string
	// SaveEvery is the time between two saves; at least a second, by default 10.
	SaveEvery time.Duration
	// SubjectKeyFile holds the key that hashes people; empty: one is made in
	// the state directory.
	SubjectKeyFile string
}

// files are the files and directories of c that are read at a start and at each
// reload.
func (c *Config) files() []string {
	if c.Rules == "" {
		return c.Registrations
	}
	return append(slices.Clone(c.Registrations), c.Rules)
}

// KafkaConfig is the section kafka.
type KafkaConfig struct {
	Brokers []string // HOST:PORT, at least one
	Topics  []string // at least one, none twice
	Group   string   // takes positions as a hint for lag tools; by default sunsetwatch
	// Start and OnGap say where reading begins without a saved position, and
	// what to do when retention passed it; by default earliest and continue.
	Start consumer.Start
	OnGap consumer.OnGap
}

const (
	defaultGroup     = "sunsetwatch"
	defaultStateDir  = "state"
	defaultSaveEvery = 10 * time.Second
	leastSaveEvery   = time.Second
)

// LoadConfig reads the configuration file of that path, whose content is data.
// ${NAME} in any text is replaced by what env says of NAME; $${ stands for ${.
// Relative paths in it are relative to its directory. Problems are all that was
// found, each with its place; where one of them is an error, the Config is nil.
func LoadConfig(path string, data []byte, env func(name string) (value string, ok bool)) (*Config, document.Problems) {
	d := document.Parse(path, data)
	r := configReader{env: env, dir: filepath.Dir(path)}
	c := r.config(d.Root())
	problems := d.Problems()
	if problems.Errors() > 0 {
		return nil, problems
	}
	return c, problems
}

// configReader walks the document; what is wrong, the document collects.
type configReader struct {
	env func(string) (string, bool)
	dir string // of the configuration file
}

func (r *configReader) config(m *document.Mapping) *Config {
	c := &Config{
		Hold:      exporter.DefaultHold,
		StateDir:  filepath.Join(r.dir, defaultStateDir),
		SaveEvery: defaultSaveEvery,
	}
	c.Kafka = r.kafka(m.Mapping("kafka", document.Required))
	c.Events, c.Codec = r.events(m.Value("events"))
	c.Registrations = r.texts(m.Value("registrations", document.Required), "registrations", func(v document.Value, s string) string {
		return r.path(v, s)
	})
	if v := m.Value("rules"); v.Given() {
		if s, ok := r.text(v); ok {
			c.Rules = r.path(v, s)
		}
	}

	findings := m.Mapping("findings")
	if d, ok := r.duration(findings.Value("hold")); ok {
		c.Hold = d
		if d <= 0 {
			findings.Value("hold").Errorf("hold must be more than 0: a finding that ends at once would be missed by a scrape")
		}
	}
	findings.Done()

	state := m.Mapping("state")
	if v := state.Value("dir"); v.Given() {
		if s, ok := r.text(v); ok {
			c.StateDir = r.path(v, s)
		}
	}
	if d, ok := r.duration(state.Value("save_every")); ok {
		c.SaveEvery = d
		if d < leastSaveEvery {
			state.Value("save_every").Errorf("save_every must be at least %s", document.FormatDuration(leastSaveEvery))
		}
	}
	state.Done()

	subjects := m.Mapping("subjects")
	if v := subjects.Value("key_file"); v.Given() {
		if s, ok := r.text(v); ok {
			c.SubjectKeyFile = r.path(v, s)
		}
	}
	subjects.Done()
	m.Done()
	return c
}

// refuse reports a key of the contract that this version does not know how to
// follow: passing over it would be worse, because its author relies on it.
func refuse(v document.Value, hint string) {
	if v.Given() {
		v.KeyPlace().Errorf("%s is not supported yet: leave it out; %s", v.Label(), hint)
	}
}

func (r *configReader) kafka(m *document.Mapping) KafkaConfig {
	k := KafkaConfig{Group: defaultGroup}
	k.Brokers = r.texts(m.Value("brokers", document.Required), "brokers", func(v document.Value, s string) string {
		if !validBroker(s) {
			v.Errorf("%s is no broker address: write HOST:PORT, like kafka-1.example:9092", document.Show(s))
		}
		return s
	})
	k.Topics = r.texts(m.Value("topics", document.Required), "topics", func(v document.Value, s string) string {
		if !topicName.MatchString(s) || s == "." || s == ".." {
			v.Errorf("%s is no topic name: letters, digits, dots, dashes and underscores, at most 249", document.Show(s))
		}
		return s
	})
	if v := m.Value("group"); v.Given() {
		if s, ok := r.text(v); ok {
			k.Group = s
			if s == "" {
				v.Errorf("group is empty: leave it out for %s", defaultGroup)
			}
		}
	}
	if v := m.Value("start"); v.Given() {
		k.Start = r.start(v)
	}
	if v := m.Value("on_gap"); v.Given() {
		if s, ok := r.text(v); ok && k.OnGap.UnmarshalText([]byte(s)) != nil {
			v.Errorf("on_gap is %s: write continue or stop", document.Show(s))
		}
	}
	refuse(m.Value("tls"), "connections are plain")
	refuse(m.Value("sasl"), "connections are not authenticated")
	m.Done()
	return k
}

func (r *configReader) start(v document.Value) consumer.Start {
	s, ok := r.text(v)
	switch {
	case !ok, s == "earliest":
		return consumer.Start{}
	case s == "latest":
		return consumer.Start{Latest: true}
	}
	at, err := document.ParseInstant(s)
	if err != nil {
		v.Errorf("start must be earliest, latest or an instant: %v", err)
		return consumer.Start{}
	}
	return consumer.Start{Time: at.Time()}
}

// topicName is what Kafka takes as one.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func validBroker(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 1 && n <= 65535
}

// texts are the items of a list that must have some, and none twice; each is
// what item makes of it.
func (r *configReader) texts(v document.Value, key string, item func(v document.Value, s string) string) []string {
	var all []string
	items := 0
	v.Each(func(v document.Value) {
		items++
		s, ok := r.text(v)
		if !ok {
			return
		}
		if s = item(v, s); slices.Contains(all, s) {
			v.Errorf("%s is listed twice in %s", document.Show(s), key)
			return
		}
		all = append(all, s)
	})
	if v.IsList() && items == 0 {
		v.Errorf("%s is empty: list at least one", key)
	}
	return all
}

// path is s, relative to the directory of the configuration file.
func (r *configReader) path(v document.Value, s string) string {
	switch {
	case s == "":
		v.Errorf("%s is empty: write a path", v.Label())
		return ""
	case filepath.IsAbs(s):
		return filepath.Clean(s)
	}
	return filepath.Join(r.dir, s)
}

func (r *configReader) duration(v document.Value) (time.Duration, bool) {
	if !v.Given() {
		return 0, false
	}
	s, ok := r.text(v)
	if !ok {
		return 0, false
	}
	d, err := document.ParseDuration(s)
	if err != nil {
		v.Errorf("%s %v", v.Label(), err)
		return 0, false
	}
	return d, true
}

// text is a text with its variables replaced; false where it is absent or wrong.
func (r *configReader) text(v document.Value) (string, bool) {
	s, ok := v.Text()
	if !ok {
		return "", false
	}
	s, err := expand(s, r.env)
	if err != nil {
		v.Errorf("%s: %v", v.Label(), err)
		return "", false
	}
	return s, true
}
