package components

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// A Broker is one Apache Kafka node that is broker and controller in one. Its
// data and its port outlive Stop and Kill, until the test ends.
type Broker struct {
	Addr string // host:port of the plaintext listener, on loopback

	jars    string
	process *process
}

// Kafka starts a broker and returns when it answers. settings are lines of
// server.properties ("key=value") that override the defaults of this package:
// topics are not created by use, internal topics have one replica, and a group
// is balanced without delay.
func Kafka(t testing.TB, settings ...string) *Broker {
	t.Helper()
	libs := filepath.Join(cache(t), kafka, "libs")
	_, err := exec.LookPath("java")
	if _, statErr := os.Stat(libs); err != nil || statErr != nil {
		err = fetch(t, kafka)
	}
	want(t, kafka, err)

	dir := t.TempDir()
	ports := freePorts(t, 2)
	broker := &Broker{Addr: fmt.Sprintf("127.0.0.1:%d", ports[0]), jars: filepath.Join(libs, "*")}
	properties := filepath.Join(dir, "server.properties")
	writeFiles(t, dir, map[string]string{
		"server.properties": serverProperties(dir, broker.Addr, ports[1], settings),
	})
	format := broker.java("kafka.tools.StorageTool", "format", "-t", "c3Vuc2V0d2F0Y2gtMDEyMw", "-c", properties)
	if output, err := format.CombinedOutput(); err != nil {
		t.Fatalf("format the storage of Kafka: %v\n%s", err, output)
	}
	broker.process = newProcess(t, kafka, dir,
		func() *exec.Cmd {
			return broker.javaWith([]string{"-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"}, "kafka.Kafka", properties)
		},
		broker.answers)
	broker.process.start()
	return broker
}

// Start starts a stopped or killed broker again, with its data and on its port.
func (b *Broker) Start() { b.process.t.Helper(); b.process.start() }

// Stop ends the broker as an operator would, and returns when it is down.
func (b *Broker) Stop() { b.process.t.Helper(); b.process.signal(syscall.SIGTERM) }

// Kill ends the broker with SIGKILL, and returns when it is down.
func (b *Broker) Kill() { b.process.t.Helper(); b.process.signal(syscall.SIGKILL) }

// Tool returns the command of one of Kafka's Java tools, such as
// "org.apache.kafka.tools.ConsoleProducer". The caller runs it.
func (b *Broker) Tool(class string, arguments ...string) *exec.Cmd {
	return b.java(class, arguments...)
}

func (b *Broker) java(class string, arguments ...string) *exec.Cmd {
	return b.javaWith([]string{"-Xmx256m"}, class, arguments...)
}

func (b *Broker) javaWith(options []string, class string, arguments ...string) *exec.Cmd {
	all := append([]string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", b.jars}, options...)
	cmd := exec.Command("java", append(append(all, class), arguments...)...)
	cmd.SysProcAttr = ownGroup()
	return cmd
}

// answers tells whether the broker is registered and leads the cluster.
func (b *Broker) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	transport := &kafkago.Transport{DialTimeout: time.Second}
	defer transport.CloseIdleConnections()
	client := &kafkago.Client{Addr: kafkago.TCP(b.Addr), Transport: transport}
	metadata, err := client.Metadata(ctx, &kafkago.MetadataRequest{})
	if err != nil {
		return err
	}
	if len(metadata.Brokers) == 0 || metadata.Controller.Host == "" {
		return errors.New("the broker is not registered yet")
	}
	return nil
}

func serverProperties(dir, addr string, controllerPort int, settings []string) string {
	lines := []string{
		"process.roles=broker,controller",
		"node.id=1",
		fmt.Sprintf("controller.quorum.voters=1@127.0.0.1:%d", controllerPort),
		"controller.listener.names=CONTROLLER",
		fmt.Sprintf("listeners=PLAINTEXT://%s,CONTROLLER://127.0.0.1:%d", addr, controllerPort),
		"advertised.listeners=PLAINTEXT://" + addr,
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs=" + filepath.Join(dir, "data"),
		"auto.create.topics.enable=false",
		"offsets.topic.replication.factor=1",
		"offsets.topic.num.partitions=1",
		"transaction.state.log.replication.factor=1",
		"transaction.state.log.min.isr=1",
		"transaction.state.log.num.partitions=1",
		"share.coordinator.state.topic.replication.factor=1",
		"share.coordinator.state.topic.min.isr=1",
		"group.initial.rebalance.delay.ms=0",
	}
	return strings.Join(append(lines, settings...), "\n") + "\n"
}
