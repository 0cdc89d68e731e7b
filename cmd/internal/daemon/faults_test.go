package daemon

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/zap"
)

const faultsYAML = `version: 1
partners:
  - {name: netflix, owner: o@example.com, team: t, principals: [app-netflix-web]}
registrations:
  - {partner: netflix, feature: msg.recommend, sunset: 2015-07-01T00:00:00Z}
`

// Kafka down at start: not ready, retrying, healthy; then it comes, and all is
// read.
func TestKafkaDownAtStart(t *testing.T) {
	w := newWorld(t, 2, faultsYAML)
	// The cluster goes, and its port stays free for the one that comes.
	_, port, err := net.SplitHostPort(w.cluster.ListenAddrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	w.cluster.Close()
	r := w.start("state")
	r.until("a sign that Kafka is waited for", func() bool { return w.logged.FilterLevelExact(warnLevel).Len() > 0 })
	if body, status := r.get("/-/ready"); status != http.StatusServiceUnavailable || !strings.Contains(body, lackPartitions+": ") || !strings.Contains(body, "connection refused") {
		t.Errorf("/-/ready answers %d %s", status, body)
	}
	if _, status := r.get("/-/healthy"); status != http.StatusOK {
		t.Errorf("/-/healthy answers %d", status)
	}
	n, _ := strconv.Atoi(port)
	w.cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(n), kfake.SeedTopics(2, testTopic))
	if err != nil {
		t.Fatal(err)
	}
	events := netflix("2015-06-25", "2015-07-05")
	w.produce(events...)
	r.counted(len(events))
	if f := r.finding(""); f.Events != 20 {
		t.Errorf("%d events after the sunset, want 20", f.Events)
	}
}

// A bad set is refused whole; what was judged stays.
func TestBadReload(t *testing.T) {
	w := newWorld(t, 2, faultsYAML)
	r := w.run("state")
	events := netflix("2015-06-25", "2015-07-05")
	w.produce(events...)
	r.counted(len(events))
	w.register(strings.Replace(faultsYAML, "2015-07-01T00:00:00Z", "2015-07-01", 1))
	resp, err := http.Post(r.url+"/-/reload", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("a bad reload answers %d", resp.StatusCode)
	}
	if body, _ := r.get("/metrics"); !strings.Contains(body, "sunsetwatch_config_last_reload_successful 0\n") {
		t.Error("sunsetwatch_config_last_reload_successful is not 0")
	}
	if w.logged.FilterMessageSnippet("refused, the old ones stay").FilterField(zap.String("cause", "a request")).Len() != 1 {
		t.Error("the refusal is not logged")
	}
	if f := r.finding(""); f.Events != 20 {
		t.Errorf("%d events after the sunset, want 20", f.Events)
	}
	// The files are watched: mending them is enough.
	w.register(strings.Replace(faultsYAML, "2015-07-01", "2015-07-02", 1))
	r.until("the mended set is judged", func() bool { return r.finding("").Events == 16 })
	if body, _ := r.get("/metrics"); !strings.Contains(body, "sunsetwatch_config_last_reload_successful 1\n") {
		t.Error("sunsetwatch_config_last_reload_successful is not 1")
	}
}

// Rules and registrations are taken together, or neither, and both are watched.
func TestBadRules(t *testing.T) {
	w := newWorld(t, 1, faultsYAML)
	w.withRules = true
	const ended = "version: 1\nexceptions:\n  - {kind: access_after_sunset, partner: netflix, feature: msg.recommend, from: 2015-07-01T00:00:00Z, until: 2015-08-01T00:00:00Z, approved_by: dpo, reason: x}\n"
	w.rule(ended)
	r := w.run("state")
	if w.logged.FilterMessageSnippet("the exception ended 2015-08-01T00:00:00Z").Len() == 0 {
		t.Error("a warning of the rule file is not logged")
	}
	w.produce(netflix("2015-06-25", "2015-07-05")...)
	r.until("the finding", func() bool { return len(r.findings("")) == 1 && r.finding("").Events == 20 })

	// Registrations that are sound alone are refused with rules that are not.
	w.rule(strings.Replace(ended, "netflix", "netflx", 1))
	w.register(strings.Replace(faultsYAML, "2015-07-01", "2015-07-02", 1))
	resp, err := http.Post(r.url+"/-/reload", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusInternalServerError || !strings.Contains(string(body), "rules.yml:3:42: error: unknown partner netflx: did you mean netflix?") {
		t.Errorf("bad rules answer %d %s", resp.StatusCode, body)
	}
	if f := r.finding(""); f.Events != 20 {
		t.Errorf("%d events after the sunset, want 20", f.Events)
	}
	// The rule file is watched: mending it is enough.
	w.rule(ended)
	r.until("the mended rules are taken, and the registrations with them", func() bool { return r.finding("").Events == 16 })
}

// What was read is kept, for the detector.
func TestReadRegistrationsWithRules(t *testing.T) {
	dir := t.TempDir()
	config := &Config{Registrations: []string{filepath.Join(dir, "registrations.yml")}, Rules: filepath.Join(dir, "rules.yml")}
	for name, text := range map[string]string{"registrations.yml": faultsYAML, "rules.yml": "version: 1\nkinds: {before_start: {enabled: false}}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := &instance{Options: Options{Now: time.Now, Log: zap.NewNop()}, config: *config}
	if paths := d.paths(); !slices.Equal(paths, []string{config.Registrations[0], config.Rules}) {
		t.Errorf("watched: %q", paths)
	}
	snapshot, set, err := d.readRegistrations(config)
	if err != nil || snapshot.Partner("netflix") == nil || !set.Setting("before_start").Disabled {
		t.Errorf("rules %+v, %v", set, err)
	}
	config.Rules = filepath.Join(dir, "none.yml")
	if _, _, err := d.readRegistrations(config); err == nil || !strings.HasPrefix(err.Error(), "registrations and rules of the configuration: ") {
		t.Errorf("a rule file that is not there: %v", err)
	}
	config.Rules = ""
	if _, set, err := d.readRegistrations(config); err != nil || set != nil {
		t.Errorf("without a rule file: %+v, %v", set, err)
	}
	if keys := untilRestart(config, &Config{Rules: "rules.yml"}); keys != nil {
		t.Errorf("another rule file takes a restart: %q", keys)
	}
	if keys := untilRestart(config, &Config{Kafka: KafkaConfig{Group: "g"}, Hold: time.Hour}); !slices.Equal(keys, []string{"kafka", "findings.hold"}) {
		t.Errorf("until a restart: %q", keys)
	}
}

// An empty state is refused while the group has committed positions.
func TestEmptyStateIsRefused(t *testing.T) {
	w := newWorld(t, 2, faultsYAML)
	events := netflix("2015-06-25", "2015-07-05")
	w.produce(events...)
	r := w.run("state")
	r.counted(len(events))
	r.until("positions are committed", func() bool {
		for _, p := range w.committed("state") {
			if p > 0 {
				return true
			}
		}
		return false
	})
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(w.dir, "state")); err != nil {
		t.Fatal(err)
	}
	// Whatever restarts it is refused as well.
	for range 2 {
		r = w.start("state")
		r.until("the refusal", func() bool { return len(r.done) > 0 })
		var bad *BadConfig
		if err := r.wait(); !errors.As(err, &bad) || !strings.Contains(err.Error(), "--state.accept-empty") {
			t.Fatalf("an empty state gives %v", err)
		}
	}
	w.acceptEmpty = true
	r = w.run("state")
	r.counted(len(events))
}

// So is the state of another instance, which holds nothing of the topics.
func TestStateOfOtherTopicsIsRefused(t *testing.T) {
	w := newWorld(t, 1, faultsYAML)
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(w.broker), Transport: transport}
	if _, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: "other", NumPartitions: 1, ReplicationFactor: 1}}}); err != nil {
		t.Fatal(err)
	}
	w.topic = "other"
	r := w.run("state")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	w.topic = ""
	// Positions of nobody are a change of topics, and fine.
	r = w.run("state")
	r.until("positions are committed", func() bool { return len(w.committed("state")) > 0 })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	// As if another instance had read this topic for the group.
	if err := os.RemoveAll(filepath.Join(w.dir, "state")); err != nil {
		t.Fatal(err)
	}
	w.topic, w.acceptEmpty = "other", true
	r = w.run("state")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	w.topic, w.acceptEmpty = "", false
	r = w.start("state")
	r.until("the refusal", func() bool { return len(r.done) > 0 })
	var bad *BadConfig
	if err := r.wait(); !errors.As(err, &bad) || !strings.Contains(err.Error(), "holds nothing of these topics, but of other") {
		t.Fatalf("the state of other topics gives %v", err)
	}
}

// A damaged state is set aside, and the copy of the last clean stop is used.
func TestDamagedState(t *testing.T) {
	w := newWorld(t, 2, faultsYAML)
	events := netflix("2015-06-25", "2015-07-05")
	w.produce(events...)
	r := w.run("state")
	r.counted(len(events))
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(w.dir, "state", "state.db")
	b, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(b); i += 512 {
		b[i] ^= 0xff
	}
	if err := os.WriteFile(db, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r = w.run("state")
	r.counted(len(events))
	if f := r.finding(""); f.Events != 20 {
		t.Errorf("%d events after the sunset, want 20", f.Events)
	}
	if body, _ := r.get("/api/v1/status"); !strings.Contains(body, "damaged") {
		t.Errorf("the status does not say that the state was damaged: %s", body)
	}
}

// What a person mends in a file or on the command line is told before the state is
// taken, and is exit code 2.
func TestBadOptions(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"registrations.yml": faultsYAML, "web.yml": "tls_server_config: {cert_file: none.crt, key_file: none.key}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		listen, web, key string
		bad              bool
		want             string
	}{
		{listen: "nonsense", bad: true, want: `--web.listen-address "nonsense": listen tcp: address nonsense: missing port in address; write HOST:PORT, such as 127.0.0.1:9469`},
		{listen: "127.0.0.1:99999", bad: true, want: "invalid port"},
		{listen: taken.Addr().String(), want: "address already in use; choose another --web.listen-address"},
		{web: "web.yml", bad: true, want: "web.yml: failed to read cert_file"},
		{web: "none.yml", bad: true, want: "none.yml: no such file"},
		{key: "none.key", bad: true, want: "none.key: no such file or directory: put the key there, or leave subjects.key_file out"},
	} {
		config := &Config{Registrations: []string{filepath.Join(dir, "registrations.yml")}, StateDir: filepath.Join(dir, "state")}
		o := Options{Config: config, Listen: []string{"127.0.0.1:0"}, Log: zap.NewNop(), Now: time.Now}
		if c.listen != "" {
			o.Listen = []string{c.listen}
		}
		if c.web != "" {
			o.WebConfigFile = filepath.Join(dir, c.web)
		}
		if c.key != "" {
			config.SubjectKeyFile = filepath.Join(dir, c.key)
		}
		err := Run(t.Context(), o)
		var bad *BadConfig
		if err == nil || errors.As(err, &bad) != c.bad || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v gives %T %v", c, err, err)
		}
		if _, err := os.Stat(config.StateDir); err == nil {
			t.Errorf("%+v: the state was taken", c)
		}
	}
}

// A subject key that is lost is not replaced, so that the right one can be put back.
func TestLostSubjectKey(t *testing.T) {
	dir := t.TempDir()
	if _, err := ownKey(dir); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "subject.key")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "state.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ownKey(dir); err == nil || !strings.Contains(err.Error(), "put it back") {
		t.Errorf("without the key of the state: %v", err)
	}
	if _, err := os.Stat(key); err == nil {
		t.Error("a new key stands in the place of the lost one")
	}
}

// Topics that are not read any more hold findings back; that is said at the start.
func TestLeftTopics(t *testing.T) {
	w := newWorld(t, 1, faultsYAML)
	r := w.run("state")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	const said = "topics that are not read any more"
	r = w.run("state")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if w.logged.FilterMessageSnippet(said).Len() != 0 {
		t.Error("a topic that is read is said to be left")
	}
	w.topic = "renamed"
	w.start("state")
	if w.logged.FilterMessageSnippet(said).FilterField(zap.Strings("topics", []string{testTopic})).Len() != 1 {
		t.Error("a topic that is left is not said to be")
	}
}

// While the state is restored the process says that it lives and what it waits for,
// and claims nothing about findings.
func TestAnswersBeforeTheStateIsRestored(t *testing.T) {
	w := newWorld(t, 1, faultsYAML)
	key := filepath.Join(w.dir, "slow.key") // is read as soon as somebody writes it
	if err := syscall.Mkfifo(key, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &running{world: w, url: "http://" + l.Addr().String(), cancel: func() {}, done: make(chan error, 1)}
	l.Close()
	config := &Config{Registrations: []string{filepath.Join(w.dir, "registrations.yml")}, StateDir: filepath.Join(w.dir, "state"), SubjectKeyFile: key,
		Kafka: KafkaConfig{Brokers: []string{w.broker}, Topics: []string{testTopic}, Group: "g"}}
	go func() {
		r.done <- Run(t.Context(), Options{Config: config, Listen: []string{strings.TrimPrefix(r.url, "http://")}, Log: w.log, Now: time.Now})
	}()
	r.until("an answer", func() bool {
		resp, err := http.Get(r.url + "/-/healthy")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	r.until("the registrations", func() bool { body, _ := r.get("/-/ready"); return !strings.Contains(body, lackRegistrations) })
	if body, status := r.get("/-/ready"); status != http.StatusServiceUnavailable || !strings.Contains(body, lackState) || !strings.Contains(body, lackPartitions) {
		t.Errorf("/-/ready answers %d %s", status, body)
	}
	for _, path := range []string{"/api/v1/findings", "/api/v1/findings/x", "/api/v1/status"} {
		if body, status := r.get(path); status != http.StatusServiceUnavailable || !strings.Contains(body, "not restored yet") {
			t.Errorf("%s answers %d %s", path, status, body)
		}
	}
	body, status := r.get("/metrics")
	if status != http.StatusOK || !strings.Contains(body, "sunsetwatch_config_last_reload_successful 1\n") || strings.Contains(body, "sunsetwatch_finding_open{") {
		t.Errorf("/metrics answers %d %s", status, body)
	}
	f, err := os.OpenFile(key, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	var bad *BadConfig
	if err := <-r.done; !errors.As(err, &bad) || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("got %v", err)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://")); err == nil {
		t.Error("it listens on")
	}
}
